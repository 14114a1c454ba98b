"""The society that talks about Helen's dilemma: who is in it, who follows whom, what is asked.

The dilemma is the kind of item of the choice dilemmas questionnaire (Kogan and Wallach, Risk
Taking, 1964): a safe way and a risky one with a greater prize. Helen's is that of the experiment on
group polarization in OASIS (arXiv 2411.11581), in our own words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hubbub.actions import SCALE
from hubbub.config.load import apply_overrides, parse_scenario
from hubbub.config.scenario import Scenario, SyntheticConfig
from hubbub.embed import make_encoder
from hubbub.errors import ScenarioError
from hubbub.population.initial_opinions import initial_opinions
from hubbub.population.synthetic import generate
from hubbub.rng import Stream, Streams
from hubbub.studies.drivers import driver

#: As many agents as in OASIS's experiment, and the override that names another number.
AGENTS, NUMBER = 196, "population.synthetic.agents"
#: Whom each agent follows: so many others, if there are so many.
FOLLOWING = 12
#: The share of agents, those nearest in opinion, among whom a homophilous tie is drawn.
NEAR = 0.25
#: Steps between two questionnaires, and steps in all.
EVERY, STEPS = 10, 80

TOPIC = "taking the risk of a great novel"
DILEMMA = (
    "Helen is a successful author of thrillers who lives well by them. She has an idea for a novel "
    "that could be a great work. If it succeeds, it will make her name; if it fails, years of work "
    "and her income are lost. Should she risk the great novel, or keep to the safe income?"
)
#: What agents driven by models believe at the start, by the fifth of [-1, 1] their opinion is in.
LEANINGS = (
    "You are sure that nobody should give up a safe income for a dream.",
    "You think that people should rather keep what is safe.",
    "You see as much in safety as in risk.",
    "You think that people should rather dare something.",
    "You are sure that a great chance is worth any risk.",
)
QUESTIONS = [
    {
        "name": "advice",
        "ask": f"{DILEMMA} What would you advise Helen? Answer in one or two sentences.",
        "kind": "text",
    },
    {
        "name": "risk",
        "ask": "How strongly are you for the risky novel? 0: keep the safe income by all means; "
        "10: risk the novel by all means.",
        "kind": "choice",  # endpoints keep to listed options, but not all to the limits of a number
        "options": [str(number) for number in range(11)],
    },
]


def dilemma_scenario(
    seed: int, homophily: float, model: str | None, overrides: Mapping[str, Any]
) -> Scenario:
    """Return the scenario of a society in which a share `homophily` of ties is among like-minded.

    With `model` the agents are driven by it and asked every EVERY steps. `overrides` come last; the
    one called NUMBER is that of the agents.
    """
    streams, rest = Streams(seed), dict(overrides)
    agents = rest.pop(NUMBER, AGENTS)
    if type(agents) is not int or agents < 2:
        raise ScenarioError(f"{NUMBER}: must be a whole number from 2, not {agents!r}")
    opinions = initial_opinions(streams.at("population/opinion"), agents, 1)[:, 0] / SCALE
    data: dict[str, Any] = {
        "name": "polarization",
        "seed": seed,
        "steps": STEPS,
        "topics": [TOPIC],
        "platform": {
            "preset": "x",
            "actions": ["create_post", "repost", "quote_post", "like_post", "create_comment",
                        "do_nothing"],
        },
        "population": {
            "records": _records(streams, opinions, homophily),
            "graph": {"kind": "file"},
        },
        "time": {"activity": {"kind": "constant", "rate": 0.3}},
        "behaviour": {"base": {"create_post": -1.5}},
        "events": [
            {"step": 1, "act": "create_post", "by": 0, "args": {"content": DILEMMA}},
        ],
    }  # fmt: skip
    if model is not None:
        data["agents"] = [driver(model)]
        survey = {"name": "helen", "questions": QUESTIONS, "every": EVERY, "steps": [0]}
        data["surveys"] = [survey]
    return parse_scenario(apply_overrides(data, rest), "the study 'polarization'")


def ties(opinions: NDArray[np.float64], homophily: float, stream: Stream) -> list[list[int]]:
    """Return whom each agent follows: FOLLOWING distinct others (or all), ids ascending.

    Each is drawn, with the chance `homophily`, among the share NEAR of agents whose opinion is
    nearest to one's own, and otherwise among all.
    """
    n = len(opinions)
    count = min(FOLLOWING, n - 1)
    near = max(count, round(NEAR * n))
    following = []
    for i in range(n):
        distance = np.abs(opinions - opinions[i])
        distance[i] = np.inf
        nearest = np.argsort(distance, kind="stable")[:near]
        others = np.delete(np.arange(n), i)
        close = int((stream.uniform(count) < homophily).sum())
        alike = nearest[stream.permutation(near)[:close]]
        rest = np.setdiff1d(others, alike)
        anyone = rest[stream.permutation(len(rest))[: count - close]]
        following.append(sorted(np.concatenate([alike, anyone]).tolist()))
    return following


def _records(
    streams: Streams, opinions: NDArray[np.float64], homophily: float
) -> list[dict[str, Any]]:
    """Return the profiles: generated people, what they believe at the start, whom they follow."""
    config = SyntheticConfig(agents=len(opinions), core=0, posts_per_core=0)
    people = generate(config, [TOPIC], make_encoder("hashing", 64), streams)
    kept = ["user_name", "name", "age", "gender", "country", "profession", "mbti"]
    profiles = people.profiles.select(kept).to_pylist()
    following = ties(opinions, homophily, streams.at("study/ties"))
    fifth = np.minimum(((opinions + 1.0) * 2.5).astype(np.int64), len(LEANINGS) - 1).tolist()
    return [
        {**p, "bio": str(p["profession"]), "persona": LEANINGS[k], "following": followees}
        for p, k, followees in zip(profiles, fifth, following, strict=True)
    ]
