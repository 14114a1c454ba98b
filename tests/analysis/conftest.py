"""A small run with everything in it that the measures read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hubbub.config import parse_scenario
from hubbub.engine import Simulation

LIVELY = {
    "name": "lively",
    "seed": 11,
    "steps": 15,
    "platform": {"preset": "x", "actions": "all"},
    "population": {"synthetic": {"agents": 120, "core": 8, "posts_per_core": 3}},
    "time": {
        "start": "2024-01-01T20:00:00",
        "step_minutes": 30,
        "activity": {"kind": "constant", "rate": 0.5, "core_rate": 0.5},
    },
    "behaviour": {
        "base": {"repost": -1.0, "like_post": -1.0, "follow": -2.0, "unfollow": -2.0},
    },
    "encoder": {"kind": "hashing"},
}


@pytest.fixture(scope="session")
def lively() -> Iterator[Simulation]:
    """Return a finished run: posts, reposts, new and ended follows, opinions that move."""
    with Simulation(parse_scenario(LIVELY)) as sim:
        sim.run()
        yield sim
