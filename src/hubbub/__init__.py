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
    from hubbub.config.scenario import Scenario
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
    from hubbub.rng import Stream, Streams
    from hubbub.store import RunStore, Table, export_run
    from hubbub.world import World

__version__ = "0.2.0"

_HOMES = {
    "Action": "hubbub.actions",
    "ActionError": "hubbub.errors",
    "ActionSpec": "hubbub.actions",
    "Ask": "hubbub.engine",
    "BudgetSpent": "hubbub.engine",
    "DataError": "hubbub.errors",
    "Hook": "hubbub.engine",
    "HubbubError": "hubbub.errors",
    "MissingExtraError": "hubbub.errors",
    "ModelError": "hubbub.errors",
    "Outcome": "hubbub.engine",
    "RunError": "hubbub.errors",
    "RunStore": "hubbub.store",
    "Scenario": "hubbub.config.scenario",
    "ScenarioError": "hubbub.errors",
    "Simulation": "hubbub.engine",
    "StepReport": "hubbub.engine",
    "StoreError": "hubbub.errors",
    "Stream": "hubbub.rng",
    "Streams": "hubbub.rng",
    "Table": "hubbub.store",
    "World": "hubbub.world",
    "export_run": "hubbub.store",
}

__all__ = [
    "Action",
    "ActionError",
    "ActionSpec",
    "Ask",
    "BudgetSpent",
    "DataError",
    "Hook",
    "HubbubError",
    "MissingExtraError",
    "ModelError",
    "Outcome",
    "RunError",
    "RunStore",
    "Scenario",
    "ScenarioError",
    "Simulation",
    "StepReport",
    "StoreError",
    "Stream",
    "Streams",
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
