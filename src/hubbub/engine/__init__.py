"""The step loop and the simulation as users hold it."""

from hubbub.engine.given_turns import Ask, Outcome
from hubbub.engine.hooks import Hook
from hubbub.engine.models.budget import BudgetSpent
from hubbub.engine.simulation import Simulation
from hubbub.engine.step import StepReport

__all__ = ["Ask", "BudgetSpent", "Hook", "Outcome", "Simulation", "StepReport"]
