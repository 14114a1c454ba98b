"""Who is awake in a step."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hubbub.config.scenario import TimeConfig
from hubbub.rng import Stream, Streams
from hubbub.time.clock import Clock
from hubbub.world import World

#: Agents by blocks of this size have a random stream of their own.
SHARD = 65536
_LOW = np.uint64(0xFFFFFFFF)
_ONE = 2.0**32


def draw(
    world: World,
    step: int,
    clock: Clock,
    streams: Streams,
    config: TimeConfig,
    *,
    ahead: int = 0,
) -> NDArray[np.int32]:
    """Return the agents who are awake in this step, int32[k], ascending.

    Each agent is awake with P = rate * curve[hour]. Whoever was replied to or mentioned in the
    step before has another, independent chance `wake_rate` if the scenario says so. With `ahead`,
    the world is so many steps older than it would be when the step begins.
    """
    agents = world.agents
    now = np.ascontiguousarray(world.curves[:, clock.hour(step)], np.float32)
    curve, rate, noticed = agents["curve"], agents["rate"], agents["noticed"]
    parts = [np.empty(0, np.int64)]
    for first in range(0, len(agents), SHARD):
        rows = slice(first, min(first + SHARD, len(agents)))
        chance = now[curve[rows]] * rate[rows]
        if config.wake_on_notice:
            # one number decides both chances: P(either) = 1 - (1 - p)(1 - q)
            woken = np.flatnonzero(noticed[rows] == step - 1 - ahead)
            chance[woken] += np.float32(config.wake_rate) * (1 - chance[woken])
        numbers = _half_words(streams.at("activation", step, first // SHARD), len(chance))
        parts.append(first + np.flatnonzero(numbers < chance * np.float32(_ONE)))
    return np.concatenate(parts).astype(np.int32)


def _half_words(stream: Stream, n: int) -> NDArray[np.uint32]:
    """Return uniform integers below 2**32, uint32[n]: two from each word of the stream."""
    words = stream.words((n + 1) // 2)
    halves = np.empty((len(words), 2), np.uint32)
    halves[:, 0] = words & _LOW
    halves[:, 1] = words >> np.uint64(32)
    return halves.ravel()[:n]
