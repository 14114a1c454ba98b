"""The agents of studies: which model or policy drives them, and running them to the end."""

from __future__ import annotations

from hubbub.engine import Simulation
from hubbub.errors import RunError

#: The name in results of what drives agents when no model is named.
STATISTICAL = "statistical policy"


def driver(model: str | None) -> dict[str, str]:
    """Return the entry for a scenario's `agents` by which a model, or the policy, drives them.

    >>> driver(None)
    {'policy': 'statistical'}
    """
    return {"policy": "statistical"} if model is None else {"model": model}


def run_on(sim: Simulation, steps: int | None = None) -> None:
    """Run this many steps, or to the end; RunError if the run pauses, since it then has no outcome.

    A run pauses when the budget for models is spent.
    """
    sim.run(steps)
    if sim.paused is not None:
        raise RunError(f"it paused after step {sim.t:,} of {sim.scenario.steps:,}: {sim.paused}")
