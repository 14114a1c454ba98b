"""What happened lately, for many agents at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hubbub.policy.notices import LOOK_BACK, NOTICES, recent_notices
from hubbub.world import World

notes = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=60)
fixtures = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def tell(world: World, recipient: int, actor: int, step: int) -> int:
    """Let an agent know of something, as events would."""
    previous = int(world.agents["last_note"][recipient])
    note = world.notes.extend(
        1, recipient=recipient, actor=actor, item=-1, step=step, previous=previous
    )
    world.agents["last_note"][recipient] = note
    return note


@fixtures
@given(notes, st.lists(st.integers(0, 40), min_size=4, max_size=4), st.sets(st.integers(0, 3)))
def test_agrees_with_walking(
    make_world: Callable[..., World],
    told: list[tuple[int, int]],
    awake: list[int],
    muted: set[int],
) -> None:
    world = make_world(4)
    for step, (recipient, actor) in enumerate(told):
        tell(world, recipient, actor, step)
    world.agents["last_awake"][:] = awake
    right = np.array(sorted(muted), np.int32)
    world.sets["mute"].add(np.zeros(len(right), np.int32), right)
    agents = np.array([3, 0, 1], np.int32)
    offsets, rows = recent_notices(world, agents)
    for i, agent in enumerate(agents.tolist()):
        expected = [
            n
            for n in reversed(range(len(told)))
            if told[n][0] == agent and n >= awake[agent] and (agent or told[n][1] not in muted)
        ]
        assert rows[offsets[i] : offsets[i + 1]].tolist() == expected[:NOTICES]


def test_a_flood_from_the_muted_is_given_up(make_world: Callable[..., World]) -> None:
    world = make_world(3)
    tell(world, 0, 1, 1)
    for _ in range(LOOK_BACK):
        tell(world, 0, 2, 1)
    world.sets["mute"].add(np.array([0]), np.array([2]))
    assert recent_notices(world, np.array([0]))[1].tolist() == []
