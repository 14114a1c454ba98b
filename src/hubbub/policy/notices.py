"""What happened to agents since they were last awake."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hubbub.world import World

#: Number of notices shown, the newest, and of an agent's newest ones that are searched for them.
NOTICES, LOOK_BACK = 10, 200


def recent_notices(
    world: World, agents: NDArray[Any]
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return the notes shown to each agent: (offsets int64[k+1], rows of world.notes, int32[m]).

    They tell what happened since the step in which the agent was last awake, newest first, except
    what agents did whom it mutes.
    """
    notes, mutes = world.notes, world.sets["mute"]
    note = world.agents["last_note"][agents]
    since = world.agents["last_awake"][agents]
    count = np.zeros(len(agents), np.int64)
    rows = np.arange(len(agents))
    found: list[tuple[NDArray[np.int64], NDArray[np.int32]]] = []
    for _ in range(LOOK_BACK):
        known = note >= 0
        rows, note = rows[known], note[known]
        fresh = (notes["step"][note] >= since[rows]) & (count[rows] < NOTICES)
        rows, note = rows[fresh], note[fresh]
        if not len(rows):
            break
        shown = ~mutes.contains(agents[rows], notes["actor"][note])
        found.append((rows[shown], note[shown]))
        count[rows[shown]] += 1
        note = notes["previous"][note]
    offsets = np.zeros(len(agents) + 1, np.int64)
    np.cumsum(count, out=offsets[1:])
    if not found:
        return offsets, np.empty(0, np.int32)
    order = np.argsort(np.concatenate([f[0] for f in found]), kind="stable")
    return offsets, np.concatenate([f[1] for f in found])[order]
