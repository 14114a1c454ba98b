"""The societies of studies: who drives their agents, and running them without a break."""

from __future__ import annotations

from hubbub.engine import Simulation
from hubbub.errors import RunError

#: What drives agents where no model is named, as it is called in results.
STATISTICAL = "statistical policy"


def driver(model: str | None) -> dict[str, str]:
    """Return the entry of a scenario's `agents` by which a model, or else the policy, drives them.

    >>> driver(None)
    {'policy': 'statistical'}
    """
    return {"policy": "statistical"} if model is None else {"model": model}


def run_on(sim: Simulation, steps: int | None = None) -> None:
    """Run so many steps, or to the end; RunError if the run pauses before, as its outcome is none.

    A run pauses where the budget for models is spent.
    """
    sim.run(steps)
    if sim.paused is not None:
        raise RunError(f"it paused after step {sim.t:,} of {sim.scenario.steps:,}: {sim.paused}")
