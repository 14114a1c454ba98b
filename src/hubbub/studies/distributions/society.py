"""A generated society in which many posts spread: the cascades of study 1(b).

A few accounts with large audiences post. The others see in order of time what the accounts they
follow posted or reposted, and repost some of it by the statistical policy. Two things make cascades
so different in size: heavy-tailed audiences, and the appeal of a post, which is the same for all
who see it: how near its words are to what people are interested in. Attention fades as a post gets
older, and nobody is shown a post twice. Goel, Anderson, Hofman and Watts 2016
(doi:10.1287/mnsc.2015.2158) find that simple contagion on a heavy-tailed graph makes broadcasts and
chains side by side, as on Twitter. That few accounts post follows Wu, Hofman, Mason and Watts 2011
(doi:10.1145/1963405.1963504): half of what is read there comes from 20,000 accounts.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import log
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import Field

from hubbub.analysis.growth import growth_of_items
from hubbub.config.load import apply_overrides, parse_scenario
from hubbub.config.scenario import Scenario
from hubbub.config.section import Section
from hubbub.embed import Encoder, make_encoder
from hubbub.engine import Simulation
from hubbub.errors import ScenarioError
from hubbub.rng import Stream, Streams
from hubbub.studies.trial_process import threads

Floats = NDArray[np.float64]

TRUE, FALSE = "true", "false"
MEASURES = ("scale", "depth", "max_breadth", "virality")
#: The topic that everyone is interested in.
TOPIC = "News"
#: Steps (hours) in which a post can be seen; nobody posts in the last of them.
WINDOW = 60
#: Weight of similarity, in log-odds, and the similarity of a post of mean appeal.
SIMILARITY, MEAN = 10.0, 0.5
#: Words far from the topic: the more of them a text has, the less similar it is.
_WORDS = (
    "apple", "bridge", "candle", "desert", "engine", "forest", "garden", "harbour", "island",
    "jacket", "kitchen", "lemon", "mirror", "needle", "orange", "pencil", "quilt", "river",
    "saddle", "tunnel", "umbrella", "violin", "window", "yard",
)  # fmt: skip
#: Accounts that post, and the log-odds that an old post of mean appeal is reposted.
AUTHORS, REPOST = 30, -4.55
_CANDIDATES, _MOST_TOPIC, _MOST_WORDS = 4_000, 6, 10


class Posts(Section):
    """The posts of a society: their number, and how they differ in appeal (log-odds of a repost).

    `spread` was fitted (see `_scenario`). That false posts are passed on more is built in:
    Vosoughi, Roy and Aral 2018 (doi:10.1126/science.aap9559) found falsehoods 70 % more likely to
    be retweeted than the truth, all else equal.
    """

    count: int = Field(500, ge=1, description="Posts of a run.")
    spread: float = Field(0.7, ge=0, le=1.5, description="Standard deviation of their appeal.")
    false_odds: float = Field(
        1.7, gt=0.05, lt=20, description="How many times the odds of a repost false ones have."
    )


def simulate(posts: Posts, seed: int, overrides: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Run a society in which these posts spread; return a row per post.

    Columns: post, truth, followers (of the author, at the start), scale, depth, max_breadth and
    virality (hubbub.analysis.growth). `overrides` change the scenario, by dotted name. Truth is
    assigned at random, so it is related to an author's audience only by chance.
    """
    scenario = society(posts, seed, overrides)
    with Simulation(scenario, threads=threads()) as sim:
        sim.reset()
        followers = sim.world.agents["followers"].copy()
        sim.run()
        items = sim.store.items()
    found = growth_of_items(items, [scenario.steps])
    author = items["agent"].to_numpy()[np.searchsorted(items["id"].to_numpy(), found.cascade)]
    measures = {name: getattr(found, name)[:, 0] for name in MEASURES}
    head = {"post": np.arange(posts.count), "truth": np.where(_false(posts, seed), FALSE, TRUE)}
    table: list[dict[str, Any]] = pa.table(
        {**head, "followers": followers[author], **measures}
    ).to_pylist()
    return table


def society(posts: Posts, seed: int, overrides: Mapping[str, Any]) -> Scenario:
    """Return the scenario in which these posts are written at the start of their steps."""
    data = apply_overrides(_scenario(seed), overrides)
    plain = parse_scenario(data, "the study 'distributions'")
    streams, people = Streams(seed), plain.population.synthetic
    authors = min(people.core, people.agents) if people else 0
    if authors < 1 or plain.steps <= WINDOW:
        raise ScenarioError(
            "the posts need core users to write them (population.synthetic.core) and more than "
            f"{WINDOW} steps to spread in, not {authors} and {plain.steps}"
        )
    step = 1 + np.sort(streams.at("posts/step").integers(plain.steps - WINDOW, posts.count))
    by = streams.at("posts/author").integers(authors, posts.count)
    encoder = make_encoder(plain.encoder.kind, plain.encoder.dims)
    texts = _texts(_appeal(posts, seed), encoder, streams.at("posts/words"))
    data["events"] = [
        {"step": s, "act": "create_post", "by": a, "args": {"content": text}}
        for s, a, text in zip(step.tolist(), by.tolist(), texts, strict=True)
    ]
    return parse_scenario(data, "the study 'distributions'")


def _false(posts: Posts, seed: int) -> NDArray[np.bool_]:
    """Return which half of the posts is false, bool[posts]."""
    return Streams(seed).at("posts/truth").permutation(posts.count) < posts.count // 2


def _appeal(posts: Posts, seed: int) -> Floats:
    """Return the appeal of the posts in log-odds, around 0; float64[posts]."""
    between = log(posts.false_odds) * np.where(_false(posts, seed), 0.5, -0.5)
    appeal: Floats = posts.spread * Streams(seed).at("posts/appeal").normal(posts.count) + between
    return appeal


def _texts(appeal: Floats, encoder: Encoder, stream: Stream) -> list[str]:
    """Return the text of each post: of many random ones, that nearest to the wanted appeal.

    The appeal of a text is SIMILARITY times its similarity to TOPIC above MEAN.
    """
    topical = 1 + stream.integers(_MOST_TOPIC, _CANDIDATES)
    others = stream.integers(_MOST_WORDS + 1, _CANDIDATES)
    words = stream.integers(len(_WORDS), _CANDIDATES * _MOST_WORDS).reshape(_CANDIDATES, -1)
    texts = [
        " ".join([TOPIC] * k + [_WORDS[w] for w in row[:n]])
        for k, n, row in zip(topical.tolist(), others.tolist(), words.tolist(), strict=True)
    ]
    similarity = encoder.encode(texts).astype(np.int64) @ encoder.encode([TOPIC])[0] / 127**2
    order = np.argsort(similarity, kind="stable")
    wanted = MEAN + appeal / SIMILARITY
    after = np.clip(np.searchsorted(similarity[order], wanted), 1, _CANDIDATES - 1)
    below, above = similarity[order[after - 1]], similarity[order[after]]
    nearest = np.where(wanted - below < above - wanted, after - 1, after)
    return [texts[i] for i in order[nearest].tolist()]


def _scenario(seed: int) -> dict[str, Any]:
    """Return the society as plain values, without its posts.

    These were fitted to one half of Twitter15's cascades (hubbub.studies.distributions.real), by
    random search for the smallest Kolmogorov-Smirnov distances and the right upper tails: the ties
    (core_follow, mean_following, exponent), the odds of a repost (REPOST), how they fall with a
    post's age (recency, half_life), and Posts.spread. For reciprocity and AUTHORS a few values were
    tried. A weight of the audience (standing) did not help, and is 0.
    """
    return {
        "name": "distributions",
        "seed": seed,
        "steps": 240,
        "topics": [TOPIC],
        "platform": {"actions": ["create_post", "repost"]},
        "population": {
            "synthetic": {
                "agents": 100_000, "core": AUTHORS, "posts_per_core": 0, "topics_per_agent": [1, 1],
            },
            "graph": {
                "kind": "topic", "homophily": 0.0, "core_follow": 0.011, "mean_following": 5.2,
                "exponent": 2.06, "reciprocity": 0.1,
            },
        },
        "time": {
            "step_minutes": 60,
            "activity": {"kind": "constant", "core_rate": 0.1, "rate": 0.1},
            "wake_on_notice": False,
        },
        "feed": {"preset": "chronological", "comments": 0, "window": WINDOW},
        "agents": [{"policy": "idle", "where": {"core": True}}, {"policy": "statistical"}],
        "behaviour": {
            "base": {"repost": REPOST - SIMILARITY * MEAN, "create_post": -40.0},
            "similarity": SIMILARITY, "recency": 3.0, "half_life": 4.0, "standing": 0.0,
            "social_proof": 0.0, "herding": 0.0, "in_network": 0.0, "agreement": 0.0,
            "contrarian_share": 0.0,
        },
        "opinions": {"model": "none"},
        "store": {"slates": False},
    }  # fmt: skip
