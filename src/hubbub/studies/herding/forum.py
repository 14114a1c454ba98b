"""A forum in which everything starts with a score of +1, 0 or -1, assigned at random.

The mechanism is the platform's own: right after the step in which an item was written, before
anybody has seen it, one account that does nothing else likes it, dislikes it, or leaves it alone.
This is the treatment of Muchnik, Aral and Taylor 2013 (doi:10.1126/science.1240466).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hubbub.actions import Kind
from hubbub.config.load import apply_overrides, parse_scenario
from hubbub.config.scenario import Scenario
from hubbub.engine import Simulation
from hubbub.rng import Streams
from hubbub.studies.drivers import driver, run_on
from hubbub.world import World

Signs = NDArray[np.int8]

#: The action that gives an item its first point, by kind and sign.
_VOTES = {
    (Kind.post, 1): ("like_post", "post_id"),
    (Kind.post, -1): ("dislike_post", "post_id"),
    (Kind.comment, 1): ("like_comment", "comment_id"),
    (Kind.comment, -1): ("dislike_comment", "comment_id"),
}
_TREATED = (int(Kind.post), int(Kind.comment))
#: Agents driven by the statistical policy and by a language model (OASIS's herding: 36 profiles).
PEOPLE, PEOPLE_WITH_MODEL = 400, 36
_STEPS, _STEPS_WITH_MODEL = 60, 30


def forum_scenario(
    seed: int, model: str | None, changes: Mapping[str, Any], overrides: Mapping[str, Any]
) -> Scenario:
    """Return the scenario of the forum; its last agent gives the first points.

    `changes` are the arm's, `overrides` the user's; overrides come last, but before the agents'
    drivers. A post shows 32 comments, so a comment's score hardly decides whether it is seen. Votes
    are few per view, as the estimator of the strength of herding requires (votes.balance).
    """
    people = PEOPLE if model is None else PEOPLE_WITH_MODEL
    data: dict[str, Any] = {
        "name": "herding",
        "seed": seed,
        "steps": _STEPS if model is None else _STEPS_WITH_MODEL,
        "platform": {
            "preset": "reddit",
            "actions": ["create_post", "create_comment", "like_post", "dislike_post",
                        "like_comment", "dislike_comment", "do_nothing"],
        },
        "population": {
            "synthetic": {"agents": people, "core": 0, "posts_per_core": 0},
            "graph": {"kind": "none"},
        },
        "time": {
            "step_minutes": 10,
            "activity": {"kind": "constant", "rate": 0.85},
            "wake_on_notice": False,
        },
        "feed": {"comments": 32 if model is None else 4},
        "behaviour": {
            "base": {"create_post": -3.2, "create_comment": -6.0, "like_post": -5.3,
                     "dislike_post": -6.0, "like_comment": -5.3, "dislike_comment": -6.0},
        },
    }  # fmt: skip
    data = apply_overrides(apply_overrides(data, changes), overrides)
    synthetic = data["population"]["synthetic"]
    synthetic["agents"] += 1  # the account that gives the first points
    data["agents"] = [{"policy": "idle", "where": {"id": synthetic["agents"] - 1}}, driver(model)]
    return parse_scenario(data, "the study 'herding'")


def at_random(seed: int) -> Callable[[World, NDArray[np.int64]], Signs]:
    """Return the random assignment of +1, 0 or -1 to posts and comments, equally likely."""

    def draw(world: World, items: NDArray[np.int64]) -> Signs:
        lots = Streams(seed).at("study/treatment").scramble(items) % np.uint64(3)
        treated = np.isin(world.items["kind"][items], _TREATED)
        return np.where(treated, lots.astype(np.int64) - 1, 0).astype(np.int8)

    return draw


def run_treated(sim: Simulation, treat: Callable[[World, NDArray[np.int64]], Signs]) -> Signs:
    """Run the simulation to its end and return the treatment of each item, int8[items].

    `treat` gives the treatments of new items, by id. RunError if the budget for models runs out.
    """
    helper = len(sim.world.agents) - 1
    treated = np.empty(0, np.int8)
    while True:
        new = np.arange(len(treated), len(sim.world.items))
        signs = treat(sim.world, new)
        kinds = sim.world.items["kind"][new].tolist()
        for item, kind, sign in zip(new.tolist(), kinds, signs.tolist(), strict=True):
            if sign:
                action, argument = _VOTES[Kind(kind), sign]
                sim.act(helper, action, **{argument: item})
        treated = np.concatenate([treated, signs])
        if sim.t == sim.scenario.steps:
            return treated
        run_on(sim, 1)
