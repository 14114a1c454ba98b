"""How often agents are expected to be awake: probabilities, summed over the steps of a run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hubbub.config.scenario import TimeConfig
from hubbub.errors import ScenarioError
from hubbub.estimate.prompt_sizes import sample
from hubbub.time import Clock
from hubbub.world import World

_HOURS = 24


@dataclass(frozen=True, slots=True)
class ExpectedActivity:
    """How often the agents of a group (`members`, int32[k]) are awake by their own activity.

    `turns` float64[k] are those of each in the whole run; `by_step` float64[steps] those of all in
    each step, from 1; `most` is their number if everyone had notices in every step.
    """

    members: NDArray[np.int32]
    turns: NDArray[np.float64]
    by_step: NDArray[np.float64]
    most: float

    @classmethod
    def of(
        cls, time: TimeConfig, world: World, members: NDArray[np.int32], hours: NDArray[np.int64]
    ) -> ExpectedActivity:
        """Sum the probabilities by which `time.draw` draws who is awake, over these hours."""
        curve, rate = world.agents["curve"][members], world.agents["rate"][members]
        woken = time.wake_rate if time.wake_on_notice else 0.0
        by_hour, turns, most = np.zeros(_HOURS), np.zeros(len(members)), 0.0
        for hour, count in enumerate(np.bincount(hours, minlength=_HOURS).tolist()):
            if count:
                chance = np.minimum(world.curves[curve, hour] * rate, 1.0).astype(np.float64)
                by_hour[hour] = chance.sum()
                most += count * float((chance + woken * (1 - chance)).sum())
                turns += count * chance
        return cls(members, turns, by_hour[hours], most)

    def panel(self) -> NDArray[np.int32]:
        """Return a sample of the members, ascending, more often those with more turns."""
        return self.members[sample(self.turns)]


def hours_of(clock: Clock, steps: int) -> NDArray[np.int64]:
    """Return the hour of day in which each step begins, int64[steps], step 1 first."""
    try:
        return np.array([clock.hour(t) for t in range(1, steps + 1)], np.int64)
    except OverflowError:
        raise ScenarioError(
            f"time: step {steps:,} would lie beyond the year 9999; take shorter steps or fewer"
        ) from None
