"""The language models of a simulation: opened when needed, closed at the end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hubbub.config.scenario import Scenario
from hubbub.engine.models.budget import Budget
from hubbub.engine.models.inference import Inference, Replies
from hubbub.engine.models.turns import ModelTurns, Waiting
from hubbub.mind.memory import Memory
from hubbub.store import RunStore
from hubbub.world import World

if TYPE_CHECKING:
    from hubbub.llm.usage import ModelUsage


class ModelSession:
    """The open models that agents and surveys of a scenario name, and the budget they share."""

    def __init__(self, replies: Replies, base: Path, waiting: Waiting | None) -> None:
        self._replies, self._base = replies, base
        self._waiting = waiting
        self._inference: Inference | None = None
        self._budget: Budget | None = None

    def lack(self, scenario: Scenario, also: str | None = None) -> bool:
        """Return whether a model that agents or surveys name, or `also`, is not open."""
        there = frozenset[str]() if self._inference is None else self._inference.names
        return not _named(scenario, also) <= there

    def open(self, scenario: Scenario, also: str | None = None) -> None:
        """Open the models that are needed, closing all others; ModelError if one cannot be used."""
        self.close()
        named = _named(scenario, also)
        self._inference = Inference(scenario, named, self._replies, self._base)

    def model_turns(
        self, scenario: Scenario, world: World, store: RunStore | None
    ) -> ModelTurns | None:
        """Return the turns of the agents whom models drive in a world; None without models.

        `store` is the store of the run, if the run has begun.
        """
        if self._inference is None:
            return None
        if self._budget is None:
            self._budget = Budget(scenario.budget, scenario.models)
        self._budget.renew(store.spent() if store is not None else (0, 0, 0.0))
        memory = Memory(world.table, step_minutes=scenario.time.step_minutes)
        inferencer = self._inference.inferencer(store)
        return ModelTurns(world, memory, inferencer, self._budget, self._waiting)

    def usage(self) -> dict[str, ModelUsage]:
        """Return the usage of each model and its endpoints, by name."""
        return {} if self._inference is None else self._inference.usage()

    def close(self) -> None:
        """Close all models."""
        inference, self._inference = self._inference, None
        if inference is not None:
            inference.close()


def _named(scenario: Scenario, also: str | None) -> frozenset[str]:
    named = [group.model for group in scenario.agents]
    named += [survey.model for survey in scenario.surveys]
    return frozenset(name for name in (*named, also) if name is not None)
