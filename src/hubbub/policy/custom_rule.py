"""Custom opinion rules: functions of the user, named by dotted paths."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hubbub.actions import NO_STANCE, SCALE, OpinionChanges
from hubbub.config.scenario import OpinionConfig
from hubbub.config.user_code import blamed_on, load_function
from hubbub.errors import ScenarioError
from hubbub.policy.choice_kernel import Shown
from hubbub.world import World

Floats = NDArray[np.float64]
Ids = NDArray[np.int32]
#: So much outside of [-1, 1] is taken for rounding.
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class SeenPosts:
    """m agents who each see one post on one topic: columns of length m.

    `opinion` is what agent `agents[i]` thinks of topic `topics[i]` now, `start` what it thought at
    the start, and `stance` what post `items[i]` says of it: float64, in [-1, 1]. `config` is the
    scenario's section `opinions`.
    """

    opinion: Floats
    stance: Floats
    start: Floats
    agents: Ids
    items: Ids
    topics: Ids
    world: World
    step: int
    config: OpinionConfig


class RuleFunction(Protocol):
    """A custom opinion rule, named in `opinions.model`: it moves opinions towards what is seen."""

    def __call__(self, seen: SeenPosts, /) -> Any:
        """Return the new opinions, m numbers in [-1, 1]."""


@dataclass(frozen=True, slots=True)
class CustomRule:
    """Moves opinions by a function of the user."""

    function: RuleFunction
    config: OpinionConfig
    place: str

    def changes(self, world: World, step: int, shown: Shown) -> OpinionChanges:
        """Return how opinions move, post by post in the order of the slates.

        Rounding, order and left-out posts are those of `opinion_rules.opinion_changes`.
        """
        opinions = world.agents["opinion"][shown.agents]  # a copy, which moves
        start = world.agents["opinion_start"]
        targets = world.targets(shown.items)
        topic, stance = world.items["topic"][targets], world.items["stance"][targets]
        heard = (topic >= 0) & (stance != NO_STANCE)
        counts = np.diff(shown.offsets)
        row = np.repeat(np.arange(len(shown.agents)), counts)
        place = np.arange(len(shown.items)) - np.repeat(shown.offsets[:-1], counts)
        for position in range(int(counts.max(initial=0))):
            at = np.flatnonzero(heard & (place == position))
            if not len(at):
                continue
            who, what = row[at], topic[at]
            seen = SeenPosts(
                opinion=opinions[who, what] / SCALE,
                stance=stance[at] / SCALE,
                start=start[shown.agents[who], what] / SCALE,
                agents=shown.agents[who],
                items=targets[at],
                topics=what.astype(np.int32),
                world=world,
                step=step,
                config=self.config,
            )
            opinions[who, what] = np.floor(self.asked(seen) * SCALE + 0.5)
        return _changed(world, shown, row[heard], topic[heard], opinions)

    def asked(self, seen: SeenPosts) -> Floats:
        """Return the function's new opinions; ScenarioError if they are none, float64[m]."""
        place = self.place
        with blamed_on(place, seen.step):
            new = np.asarray(self.function(seen))
        if new.shape != seen.opinion.shape or new.dtype.kind not in "fiu":
            raise ScenarioError(
                f"{place} must return one number for each of the {len(seen.opinion)} opinions; it "
                f"returned an array of {new.dtype} of shape {new.shape}"
            )
        wrong = np.flatnonzero(~(np.abs(new) <= 1 + _ROUNDING))
        if len(wrong):
            at = int(wrong[0])
            raise ScenarioError(
                f"{place} moved the opinion {seen.opinion[at]:g} of agent {seen.agents[at]} to "
                f"{new[at]:g}: opinions must lie in [-1, 1]"
            )
        return np.asarray(np.clip(new, -1.0, 1.0), np.float64)


def load_rule(config: OpinionConfig) -> CustomRule:
    """Return the rule that `config.model` names; ScenarioError if it cannot be imported."""
    function = load_function(config.model, "opinions.model")
    return CustomRule(function, config, f"opinions.model '{config.model}'")


def _changed(
    world: World, shown: Shown, row: NDArray[Any], topic: NDArray[Any], opinions: NDArray[np.int16]
) -> OpinionChanges:
    """Return the opinions that changed, each (agent, topic) once, in the order first seen."""
    pairs = row.astype(np.int64) * opinions.shape[1] + topic
    first = np.sort(np.unique(pairs, return_index=True)[1])
    row, topic = row[first], topic[first]
    agent, value = shown.agents[row], opinions[row, topic]
    moved = value != world.agents["opinion"][agent, topic]
    return OpinionChanges(agent[moved], topic[moved].astype(np.int16), value[moved])
