"""The step loop and the simulation as users hold it."""

from hubbub.engine.given_turns import Ask, Outcome
from hubbub.engine.simulation import Hook, Simulation
from hubbub.engine.society import StepReport

__all__ = ["Ask", "Hook", "Outcome", "Simulation", "StepReport"]
