"""A simulator of whole societies on social platforms.

>>> import hubbub as hb
>>> sim = hb.Simulation(hb.Scenario(steps=2, population={"synthetic": {"agents": 50, "core": 2}}))
>>> sim.run()
2
>>> sim.close()

Names are loaded at their first use, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hubbub.actions import Action, ActionSpec
    from hubbub.config.scenario import Scenario
    from hubbub.engine import Ask, Hook, Outcome, Simulation, StepReport
    from hubbub.errors import HubbubError
    from hubbub.store import RunStore

__version__ = "0.1.0"

_HOMES = {
    "Action": "hubbub.actions",
    "ActionSpec": "hubbub.actions",
    "Ask": "hubbub.engine",
    "Hook": "hubbub.engine",
    "HubbubError": "hubbub.errors",
    "Outcome": "hubbub.engine",
    "RunStore": "hubbub.store",
    "Scenario": "hubbub.config.scenario",
    "Simulation": "hubbub.engine",
    "StepReport": "hubbub.engine",
}

__all__ = [
    "Action",
    "ActionSpec",
    "Ask",
    "Hook",
    "HubbubError",
    "Outcome",
    "RunStore",
    "Scenario",
    "Simulation",
    "StepReport",
    "__version__",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'hubbub' has no attribute '{name}'")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return __all__
