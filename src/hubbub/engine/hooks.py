"""Following a run: hooks, which the simulation calls as it goes on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hubbub.engine.step import StepReport


class Hook:
    """Follows a run. Every method does nothing; override those you need.

    Hooks given to a Simulation follow everything it does; those given to `run` follow that run.
    They are called in order, in the thread of the run. An error in a hook ends the run. A hook must
    not change the simulation; it may call `Simulation.stop`.
    """

    def began(self, step: int, last: int) -> None:
        """React when `run` begins, at step `step`, to go on to step `last`."""

    def waiting(self, decided: int, asked: int) -> None:
        """React while a step, of `run` or `Simulation.step`, waits for language models.

        Of the `asked` turns of the step, `decided` are done.
        """

    def stepped(self, report: StepReport) -> None:
        """React after each step, of `run` or `Simulation.step`.

        Its commit may still be under way; reading from `Simulation.store` waits for it.
        """

    def ended(self, step: int, paused: str | None, error: BaseException | None) -> None:
        """React when `run` ends, at the whole step `step`, in any case.

        `paused` says why a run ended early because of its budget; `error` is what cut it off.
        """


class Hooks(Hook):
    """Several hooks as one, called in order."""

    def __init__(self, hooks: Iterable[Hook] = ()) -> None:
        self.hooks = list(hooks)
        for hook in self.hooks:
            if not isinstance(hook, Hook):
                raise TypeError(f"{hook!r} is not a hook: derive its class from hubbub.Hook")

    def began(self, step: int, last: int) -> None:
        """Call all hooks."""
        for hook in self.hooks:
            hook.began(step, last)

    def waiting(self, decided: int, asked: int) -> None:
        """Call all hooks."""
        for hook in self.hooks:
            hook.waiting(decided, asked)

    def stepped(self, report: StepReport) -> None:
        """Call all hooks."""
        for hook in self.hooks:
            hook.stepped(report)

    def ended(self, step: int, paused: str | None, error: BaseException | None) -> None:
        """Call all hooks."""
        for hook in self.hooks:
            hook.ended(step, paused, error)
