"""Progress of a run, on standard error: standard output has results only."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Timer

from numba.core import event
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from hubbub.cli.screen import amount, console
from hubbub.engine import Hook, StepReport

#: Seconds over which the rate is measured, of silence at most, and before a wait is explained.
_WINDOW, _SILENCE, _PATIENCE = 3.0, 30.0, 0.5


class Rate:
    """Turns a second over the last seconds; the first step, which also starts things up, is out.

    `what` is counted, where that is something else than turns.
    """

    def __init__(self, what: str = "turns") -> None:
        self._what = what
        self._turns = -1
        self._marks: deque[tuple[float, int]] = deque()

    def add(self, turns: int, now: float) -> None:
        """Count the turns of a step that has just been finished."""
        self._turns = 0 if self._turns < 0 else self._turns + turns
        self._marks.append((now, self._turns))
        while len(self._marks) > 2 and now - self._marks[1][0] > _WINDOW:
            self._marks.popleft()

    def __str__(self) -> str:
        if len(self._marks) < 2:
            return ""
        (began, before), (now, turns) = self._marks[0], self._marks[-1]
        rate = (turns - before) / max(now - began, 1e-9)
        return f"{rate:,.{0 if rate >= 10 else 1}f} {self._what}/s"


class ModelWork:
    """What language models have done since the run went on: calls a second, cost, no replies."""

    def __init__(self) -> None:
        self._calls = self._unanswered = 0
        self._cost = 0.0
        self._rate = Rate("calls")

    def add(self, report: StepReport, now: float) -> None:
        """Count the calls of a step that has just been finished."""
        self._calls += report.calls
        self._unanswered += report.unanswered
        self._cost += report.cost
        self._rate.add(report.calls, now)

    def __str__(self) -> str:
        if not self._calls:
            return ""
        words = [str(self._rate) or f"{self._calls:,} calls"]
        if self._cost:
            words.append(f"cost {amount(self._cost)}")
        if self._unanswered:
            words.append(f"{self._unanswered:,} without reply")
        return ", ".join(words)


class RunProgress(Hook):
    """A hook that shows finished steps: a live bar in a terminal, else a few plain lines.

    `done` is the last finished step; a compilation on the way is mentioned once.
    """

    def __init__(self) -> None:
        self.done = self.first = self._last = 0
        self._open = ExitStack()
        self.screen: Console = console(error=True)
        self._rate, self._models = Rate(), ModelWork()
        self._bar: Progress | None = None
        self._overdue: Timer | None = None
        self._undecided = ""

    def say(self, text: str) -> None:
        """Print a line."""
        self.screen.print(text, soft_wrap=True)

    @contextmanager
    def busy(self, text: str) -> Iterator[None]:
        """Say what the program is doing if it takes long."""
        timer = Timer(_PATIENCE, self.say, [text])
        timer.daemon = True
        timer.start()
        try:
            with event.install_listener("numba:compile", _Compiling(self)):
                yield
        finally:
            timer.cancel()

    @contextmanager
    def showing(self, first: int, last: int) -> Iterator[None]:
        """Show the steps from after `first` up to `last`, where no `run` calls the hook."""
        self.began(first, last)
        try:
            yield
        finally:
            self.ended(self.done, None, None)

    def began(self, step: int, last: int) -> None:
        """Show the steps from after `step` up to `last`."""
        self.done = self.first = step
        self._last, self._every = last, max(1, -(-(last - step) // 10))
        self._said = time.monotonic()
        if self.screen.is_terminal:
            self._bar = Progress(
                TextColumn("{task.description}"),
                MofNCompleteColumn(),
                BarColumn(bar_width=None),
                TextColumn("{task.fields[awake]:>8,} awake {task.fields[rate]:>17}"),
                TextColumn("{task.fields[models]}"),
                TimeRemainingColumn(),
                console=self.screen,
                transient=True,
            )
            self._task = self._bar.add_task(
                "step", total=last, completed=step, awake=0, rate="", models=""
            )
            self._bar.start()
        self._open.enter_context(event.install_listener("numba:compile", _Compiling(self)))

    def ended(self, step: int, paused: str | None, error: BaseException | None) -> None:
        """Remove the bar."""
        self._answered()
        self._open.close()
        if self._bar:
            self._bar.stop()

    def waiting(self, decided: int, asked: int) -> None:
        """Show how many replies of language models a step is waiting for.

        Outside a terminal this is printed after a silence, however long the next reply takes.
        """
        self._undecided = f"waiting for {asked - decided:,} of {asked:,} replies"
        if self._bar:
            self._bar.update(self._task, models=self._undecided)
        elif self._overdue is None:
            self._expect()

    def _expect(self) -> None:
        self._overdue = Timer(_SILENCE, self._say_overdue)
        self._overdue.daemon = True
        self._overdue.start()

    def _say_overdue(self) -> None:
        if self._overdue is None:  # answered as the time ran out
            return
        self._said = time.monotonic()
        self.say(f"step {self.done + 1:,} of {self._last:,}: {self._undecided}")
        self._expect()

    def _answered(self) -> None:
        if self._overdue is not None:
            self._overdue.cancel()
            self._overdue = None

    def stopping(self) -> None:
        """Show that the step at hand is the last."""
        if self._bar:
            self._bar.update(self._task, description="stopping (Ctrl-C again: at once) after step")

    def stepped(self, report: StepReport) -> None:
        """Show a finished step."""
        now = time.monotonic()
        self.done = report.step
        self._rate.add(report.active, now)
        self._models.add(report, now)
        self._answered()
        models = str(self._models)
        if self._bar:
            self._bar.update(
                self._task,
                completed=report.step,
                awake=report.active,
                rate=str(self._rate),
                models=models,
            )
        elif (
            report.step == self._last
            or (report.step - self.first) % self._every == 0
            or now - self._said > _SILENCE
        ):
            self._said = now
            words = [f"{report.active:,} agents awake", str(self._rate), models]
            self.say(f"step {report.step:,} of {self._last:,}: {', '.join(filter(None, words))}")


class _Compiling(event.Listener):
    """Says once that functions are compiled; numba keeps them for the next run."""

    said = False

    def __init__(self, progress: RunProgress) -> None:
        self._progress = progress

    def on_start(self, event: object) -> None:
        if not _Compiling.said:
            _Compiling.said = True
            self._progress.say("compiling (first run only) ...")

    def on_end(self, event: object) -> None:
        pass
