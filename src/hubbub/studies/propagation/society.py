"""A society in which real cascades could have happened, run by the engine.

All cascades share one simulated day, in circles without ties between them. A circle holds the
cascade's known people, who follow whom they are known to follow, and bystanders with ties to them
and to each other. The root posts at its real time of day. The others are awake by their pace
(hubbub.studies.propagation.pace), in the hours of their cascade only. People known to have passed
the message on are interested in it, and hardly anybody else reposts it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import parquet

from hubbub.analysis.growth import growth_of_items
from hubbub.config.load import apply_overrides, parse_scenario
from hubbub.config.scenario import Scenario
from hubbub.engine import Simulation
from hubbub.rng import Streams
from hubbub.studies.cascade_files import STEP_MINUTES, STEPS, Ties, curves_of
from hubbub.studies.drivers import run_on
from hubbub.studies.lost_replies import turns_lost
from hubbub.studies.propagation.pace import Pace

#: Bystanders for each known person.
BYSTANDERS = 0.5
#: Background ties: how many agents each bystander follows, and how many bystanders each known
#: person follows.
FOLLOWING = 3
#: The behaviour of people to whom the message speaks: once they see it they almost surely repost
#: it, and hardly anything else. Its text is their interest, so that its similarity to it is 1.
SPOKEN_TO = {"base": {"repost": -4.0, "create_post": -6.0}, "similarity": 14.0}
#: The behaviour of people without a known repost: they should rarely repost it.
BYSTANDING = {"base": {"repost": -10.0}}
_DIGITS = 9
_DAY = datetime(2014, 1, 1)  # noqa: DTZ001 - simulated time is UTC without saying so


@dataclass(frozen=True, slots=True)
class Circle:
    """The people of one cascade, known and bystanders, by rows of the whole population.

    `following` are the rows each one follows; `awake` float64[n, 24] is the probability of being
    awake in a step of each hour.
    """

    ties: Ties
    following: list[list[int]]
    awake: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.following)


def simulate(
    ties: Sequence[Ties],
    paces: Sequence[Pace],
    seed: int,
    overrides: Mapping[str, Any] | None = None,
) -> NDArray[np.float64]:
    """Run one day of the cascades, each with its pace; return their curves, float64[c, 3, 51].

    The curves are scale, depth and maximum breadth of the reposts of the root's post at MINUTES.
    `overrides` change the scenario, by dotted name. The same arguments give the same curves.
    """
    streams = Streams(seed)
    circles: list[Circle] = []
    first = 0
    for known, pace in zip(ties, paces, strict=True):
        circles.append(_circle(known, pace, first, streams))
        first += len(circles[-1])
    with TemporaryDirectory(prefix="hubbub-cascades-") as folder:
        people = Path(folder) / "people.parquet"
        parquet.write_table(_people(circles), people)
        scenario = _scenario(ties, seed, {"file": str(people)}, overrides or {})
        with Simulation(scenario, threads=1) as sim:
            run_on(sim)
            turns_lost(sim)  # refuses a day on which no model's reply could be read
            items = sim.store.items()
    roots = np.cumsum([0, *map(len, circles)])[:-1]
    return _curves(items, roots)


def society(ties: Ties, pace: Pace, seed: int, overrides: Mapping[str, Any]) -> Scenario:
    """Return the scenario of a day of one cascade, including its people.

    Probabilities of being awake are rounded, so that they are the same on every machine.
    """
    circle = _circle(ties, pace, 0, Streams(seed))
    rounded = replace(circle, awake=circle.awake.round(_DIGITS))
    return _scenario([ties], seed, {"records": _people([rounded]).to_pylist()}, overrides)


def _curves(items: pa.Table, roots: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the curves of the only post of each of these agents, float64[c, 3, 51].

    A repost in the step of the post falls into its first three minutes, and counts from then on.
    """
    agent, item = items["agent"].to_numpy(), items["id"].to_numpy()
    posts = np.flatnonzero(np.isin(agent, roots))
    posts = posts[np.argsort(agent[posts])]
    found = growth_of_items(items, np.arange(STEPS + 1) - 1.0)
    curves: NDArray[np.float64] = curves_of(found)[np.searchsorted(found.cascade, item[posts])]
    curves[:, :, 0] = 1.0, 0.0, 0.0
    return curves


def _circle(ties: Ties, pace: Pace, first: int, streams: Streams) -> Circle:
    """Return the people of a cascade, known ones first, from row `first` on."""
    n, others = len(ties), ceil(BYSTANDERS * len(ties))
    stream = streams.at(f"cascade/{ties.name}")
    ends = first + n + stream.integers(others, n * FOLLOWING).reshape(n, FOLLOWING)
    above = (first + ties.parent).tolist()
    known = [[*row, followed] for row, followed in zip(ends.tolist(), above, strict=True)]
    known[0].pop()
    rest = first + stream.integers(n + others, others * FOLLOWING).reshape(others, FOLLOWING)
    rates = pace.hourly_rates(ties, stream)
    rates = np.concatenate([rates, rates[stream.integers(n, others)]])
    awake = -np.expm1(-STEP_MINUTES * rates)
    minute = ties.start.minute + STEP_MINUTES * (STEPS + 1)
    hours = ties.start.hour + np.arange(ceil(minute / 60))
    awake[:, np.setdiff1d(np.arange(24), hours % 24)] = 0.0  # nothing is compared then
    return Circle(ties, known + rest.tolist(), awake)


def _people(circles: Sequence[Circle]) -> pa.Table:
    """Return the profiles. The last agent does nothing: always awake, it sets the scale.

    (An agent's hourly figures count in proportion to the largest of all agents.)
    """
    names, bios, roles, following, awake = [], [], [], [], []
    for circle in circles:
        name, n = circle.ties.name, len(circle.ties)
        names += [f"{name}/{i}" for i in range(len(circle))]
        bios += [_message(circle.ties)] * n + [""] * (len(circle) - n)
        roles += ["root", *["known"] * (n - 1), *["bystander"] * (len(circle) - n)]
        following += circle.following
        awake.append(circle.awake)
    figures = np.concatenate([*awake, np.ones((1, 24))])
    return pa.table(
        {
            "user_name": [*names, "measure"],
            "bio": [*bios, ""],
            "role": [*roles, "measure"],
            "following": pa.array([*following, []], pa.list_(pa.int64())),
            "frequencies": pa.FixedSizeListArray.from_arrays(figures.ravel(), 24).cast(
                pa.list_(pa.float64())
            ),
        }
    )


def drivers(model: str | None = None) -> list[dict[str, Any]]:
    """Return what drives whom: a language model, if one is named, drives the known people."""
    known = {"policy": "statistical", "behaviour": SPOKEN_TO} if model is None else {"model": model}
    bystanders = {"policy": "statistical", "behaviour": BYSTANDING}
    return [
        {**known, "where": {"role": "known"}},
        {**bystanders, "where": {"role": "bystander"}},
    ]


def _scenario(
    ties: Sequence[Ties], seed: int, people: Mapping[str, Any], overrides: Mapping[str, Any]
) -> Scenario:
    """Return the day of these cascades; `people` says where the profiles are."""
    begins = [int((t.start.hour * 60 + t.start.minute) / STEP_MINUTES) for t in ties]
    first = min(begins)
    data = {
        "name": "cascades",
        "seed": seed,
        "steps": max(begins) - first + STEPS,
        "topics": ["Anything"],
        "platform": {"actions": ["create_post", "repost"]},
        "population": {**people, "graph": {"kind": "file"}},
        "time": {
            "start": (_DAY + timedelta(minutes=first * STEP_MINUTES)).isoformat(),
            "step_minutes": STEP_MINUTES,
            "activity": {"kind": "file", "rate": 1.0, "core_rate": 1.0},
            "wake_on_notice": False,
        },
        "feed": {"preset": "chronological", "comments": 0},
        "agents": drivers(),
        "opinions": {"model": "none"},
        "encoder": {"kind": "hashing"},
        "events": [
            {
                "step": begin - first + 1,
                "act": "create_post",
                "by": f"{t.name}/0",
                "args": {"content": _message(t)},
            }
            for begin, t in zip(begins, ties, strict=True)
        ],
        "store": {"slates": False},
    }
    return parse_scenario(apply_overrides(data, overrides), "the cascades' society")


def _message(ties: Ties) -> str:
    """Return a cascade's message, or a substitute where the data have no text."""
    return ties.text or f"message-{ties.name}"
