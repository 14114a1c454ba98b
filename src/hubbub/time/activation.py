"""Who is awake in a step."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hubbub.config.scenario import TimeConfig
from hubbub.rng import Streams
from hubbub.time.clock import Clock
from hubbub.world import World

#: Blocks of this many agents have a random stream of their own.
SHARD = 65536
_ONE = np.float32(2.0**32)


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

    Each agent is awake with probability rate * curve[hour]. Agents who were replied to or mentioned
    in the step before have another, independent chance `wake_rate` if the scenario says so. With
    `ahead`, the world is this many steps older than it will be when the step begins.
    """
    agents = world.agents
    now = np.ascontiguousarray(world.curves[:, clock.hour(step)], np.float32)
    curve, rate, noticed = agents["curve"], agents["rate"], agents["noticed"]
    wake, news = np.float32(config.wake_rate if config.wake_on_notice else 0), step - 1 - ahead
    awake, count = np.empty(len(agents), np.int32), 0
    for first in range(0, len(agents), SHARD):
        end = min(first + SHARD, len(agents))
        words = streams.at("activation", step, first // SHARD).words((end - first + 1) // 2)
        count = _add_awake(first, end, words, now, curve, rate, noticed, news, wake, awake, count)
    return awake[:count].copy()


@njit(cache=True, nogil=True)
def _add_awake(
    first: Any,
    end: Any,
    words: Any,
    now: Any,
    curve: Any,
    rate: Any,
    noticed: Any,
    news: Any,
    wake: Any,
    awake: Any,
    count: Any,
) -> Any:
    """Write those of the agents first, ..., end - 1 who are awake to awake[count:]; count on.

    Two agents share a word of the stream: the even one has its lower half.
    """
    for agent in range(first, end):
        chance = now[curve[agent]] * rate[agent]
        if noticed[agent] == news:  # one number decides both: P(either) = 1 - (1 - p)(1 - q)
            chance += wake * (np.float32(1) - chance)
        half = np.uint32(words[(agent - first) >> 1] >> np.uint64(32 * ((agent - first) & 1)))
        awake[count] = agent  # no branch: a processor would guess it wrong as often as one wakes
        count += np.float64(half) < np.float64(chance * _ONE)
    return count
