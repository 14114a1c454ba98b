"""The society that discusses Helen's dilemma: who is in it, who follows whom, what is asked.

The dilemma is of the kind in the choice dilemmas questionnaire (Kogan and Wallach, Risk Taking,
1964): a safe option and a risky one with a greater prize. Helen's is that of the experiment on
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

#: The number of agents, as in OASIS's experiment, and the override that changes it.
AGENTS, NUMBER = 196, "population.synthetic.agents"
#: The number of agents whom each agent follows, if there are enough.
FOLLOWING = 12
#: Homophilous ties are drawn among this share of agents, those nearest in opinion.
NEAR = 0.25
#: Steps between two questionnaires, and the number of steps.
EVERY, STEPS = 10, 80

TOPIC = "taking the risk of a great novel"
DILEMMA = (
    "Helen is a successful author of thrillers who lives well by them. She has an idea for a novel "
    "that could be a great work. If it succeeds, it will make her name; if it fails, years of work "
    "and her income are lost. Should she risk the great novel, or keep to the safe income?"
)
#: The initial beliefs of agents driven by models, by the fifth of [-1, 1] that holds their opinion.
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
    """Return the scenario of a society. A share `homophily` of ties joins agents of like opinion.

    With `model`, that model drives the agents and is asked every EVERY steps. `overrides` come
    last; NUMBER among them is the number of agents.
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

    With probability `homophily`, each is drawn among the share NEAR of agents nearest in opinion,
    otherwise among all.
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
    """Return the profiles: generated people, their initial beliefs, whom they follow."""
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
