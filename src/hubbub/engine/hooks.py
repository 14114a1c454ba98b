"""Following a run: hooks, which the simulation tells how it goes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hubbub.engine.step import StepReport


class Hook:
    """Follows a run. Every method does nothing; override those you need.

    Give hooks to a Simulation, for all it does, or to `run`, for that run. A hook must not change
    the simulation, except that it may call `Simulation.stop`.
    """

    def began(self, step: int, last: int) -> None:
        """Follow the beginning of `run`, after step `step`; it shall end after step `last`."""

    def waiting(self, decided: int, asked: int) -> None:
        """Follow a wait for models: of `asked` turns of a step, `decided` have a reply."""

    def stepped(self, report: StepReport) -> None:
        """Follow a step. Its commit may still be under way: `Simulation.store` waits for it."""

    def ended(self, step: int, paused: str | None) -> None:
        """Follow the end of `run`, after step `step`; `paused` says why if it ended early."""


class Hooks(Hook):
    """Several hooks as one, told in order."""

    def __init__(self, hooks: Iterable[Hook] = ()) -> None:
        self.hooks = list(hooks)
        for hook in self.hooks:
            if not isinstance(hook, Hook):
                raise TypeError(f"{hook!r} is not a hook: derive its class from hubbub.Hook")

    def began(self, step: int, last: int) -> None:
        """Tell all hooks."""
        for hook in self.hooks:
            hook.began(step, last)

    def waiting(self, decided: int, asked: int) -> None:
        """Tell all hooks."""
        for hook in self.hooks:
            hook.waiting(decided, asked)

    def stepped(self, report: StepReport) -> None:
        """Tell all hooks."""
        for hook in self.hooks:
            hook.stepped(report)

    def ended(self, step: int, paused: str | None) -> None:
        """Tell all hooks."""
        for hook in self.hooks:
            hook.ended(step, paused)
