"""A simulator of whole societies on social platforms.

>>> import hubbub as hb
>>> sim = hb.Simulation(hb.Scenario(steps=2, population={"synthetic": {"agents": 50, "core": 2}}))
>>> sim.run()
2
>>> sim.close()

The public names are those in `__all__` here and in `hubbub.actions`, `hubbub.policy`,
`hubbub.feed`, `hubbub.studies` and `hubbub.testing` (docs/python.md). They load at their first
use, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hubbub.actions import Action, ActionSpec
    from hubbub.config.models import ModelConfig
    from hubbub.config.prompts import SurveyConfig
    from hubbub.config.scenario import (
        AgentGroup,
        BehaviourConfig,
        GraphConfig,
        OpinionConfig,
        Scenario,
    )
    from hubbub.embed import Encoder
    from hubbub.engine import Ask, BudgetSpent, Hook, Outcome, Simulation, StepReport
    from hubbub.errors import (
        ActionError,
        DataError,
        HubbubError,
        MissingExtraError,
        ModelError,
        RunError,
        ScenarioError,
        StoreError,
    )
    from hubbub.llm.usage import EndpointUsage, ModelUsage
    from hubbub.platform import Platform
    from hubbub.population.custom_graph import GraphFunction
    from hubbub.population.people import People
    from hubbub.rng import Stream, Streams
    from hubbub.store import ModelSpending, RunStore, Spent, Table, export_run
    from hubbub.world import PairSet, World
    from hubbub.world.world import AgentRow, ItemRow

__version__ = "0.2.0"

_HOMES = {
    "Action": "hubbub.actions",
    "ActionError": "hubbub.errors",
    "ActionSpec": "hubbub.actions",
    "AgentGroup": "hubbub.config.scenario",
    "AgentRow": "hubbub.world.world",
    "Ask": "hubbub.engine",
    "BehaviourConfig": "hubbub.config.scenario",
    "BudgetSpent": "hubbub.engine",
    "DataError": "hubbub.errors",
    "Encoder": "hubbub.embed",
    "EndpointUsage": "hubbub.llm.usage",
    "GraphConfig": "hubbub.config.scenario",
    "GraphFunction": "hubbub.population.custom_graph",
    "Hook": "hubbub.engine",
    "HubbubError": "hubbub.errors",
    "ItemRow": "hubbub.world.world",
    "MissingExtraError": "hubbub.errors",
    "ModelConfig": "hubbub.config.models",
    "ModelError": "hubbub.errors",
    "ModelSpending": "hubbub.store",
    "ModelUsage": "hubbub.llm.usage",
    "OpinionConfig": "hubbub.config.scenario",
    "Outcome": "hubbub.engine",
    "PairSet": "hubbub.world",
    "People": "hubbub.population.people",
    "Platform": "hubbub.platform",
    "RunError": "hubbub.errors",
    "RunStore": "hubbub.store",
    "Scenario": "hubbub.config.scenario",
    "ScenarioError": "hubbub.errors",
    "Simulation": "hubbub.engine",
    "Spent": "hubbub.store",
    "StepReport": "hubbub.engine",
    "StoreError": "hubbub.errors",
    "Stream": "hubbub.rng",
    "Streams": "hubbub.rng",
    "SurveyConfig": "hubbub.config.prompts",
    "Table": "hubbub.store",
    "World": "hubbub.world",
    "export_run": "hubbub.store",
}

__all__ = [
    "Action",
    "ActionError",
    "ActionSpec",
    "AgentGroup",
    "AgentRow",
    "Ask",
    "BehaviourConfig",
    "BudgetSpent",
    "DataError",
    "Encoder",
    "EndpointUsage",
    "GraphConfig",
    "GraphFunction",
    "Hook",
    "HubbubError",
    "ItemRow",
    "MissingExtraError",
    "ModelConfig",
    "ModelError",
    "ModelSpending",
    "ModelUsage",
    "OpinionConfig",
    "Outcome",
    "PairSet",
    "People",
    "Platform",
    "RunError",
    "RunStore",
    "Scenario",
    "ScenarioError",
    "Simulation",
    "Spent",
    "StepReport",
    "StoreError",
    "Stream",
    "Streams",
    "SurveyConfig",
    "Table",
    "World",
    "__version__",
    "export_run",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'hubbub' has no attribute '{name}'")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return __all__
