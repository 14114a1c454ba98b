"""The result of a step, and the report on it."""

from __future__ import annotations

from dataclasses import dataclass, field

from hubbub.actions import Reason
from hubbub.engine.stopwatch import Stopwatch
from hubbub.store.completions import CompletionRow
from hubbub.world import Events, Slate


@dataclass(frozen=True, slots=True)
class StepReport:
    """One finished step, for hooks: numbers of agents and actions, seconds by stage.

    `cpu` is the processor time in seconds, by stage, of the thread that ran the step. The step used
    `calls` of language models, of which `unanswered` got no reply; they cost `cost`.
    """

    step: int
    active: int
    accepted: int
    refused: int
    seconds: dict[str, float]
    cpu: dict[str, float] = field(default_factory=dict)
    calls: int = 0
    unanswered: int = 0
    cost: float = 0.0


@dataclass(slots=True)
class Step:
    """The result of a step, before it is committed."""

    events: Events
    slate: Slate
    completions: list[CompletionRow]
    watch: Stopwatch

    def report(self, step: int) -> StepReport:
        """Return the numbers of this step."""
        accepted = int((self.events.reason == Reason.ok).sum())
        rows = self.completions
        return StepReport(
            step,
            len(self.slate.agents),
            accepted,
            len(self.events) - accepted,
            self.watch.seconds,
            self.watch.cpu,
            calls=len(rows),
            unanswered=sum(row.completion.text is None for row in rows),
            cost=sum(row.cost for row in rows if not row.completion.recorded),
        )
