"""The simulated calendar: steps and the times they stand for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any


class Clock:
    """Steps of `step_minutes` simulated minutes; step 1 begins at `start` (UTC).

    >>> clock = Clock(datetime(2024, 1, 1, 8, 0), 3.0)
    >>> clock.at(21).isoformat(), clock.hour(21), clock.minute_of(21)
    ('2024-01-01T09:00:00', 9, 60.0)
    """

    __slots__ = ("_epochs", "start", "step_minutes")

    def __init__(self, start: datetime, step_minutes: float) -> None:
        """Start at `start`: UTC where it names no time zone, else converted to UTC."""
        self.start = start if start.tzinfo is None else start.astimezone(UTC).replace(tzinfo=None)
        self.step_minutes = step_minutes
        self._epochs: dict[int, float] = {}  # feeds ask for those of all ages in every step

    def minute_of(self, step: int) -> float:
        """Return the simulated minutes from the start to the start of this step."""
        return (step - 1) * self.step_minutes

    def at(self, step: int) -> datetime:
        """Return when this step begins (UTC, without a zone); step 0 lies before the start."""
        return self.start + timedelta(minutes=self.minute_of(step))

    def epoch(self, step: int) -> float:
        """Return when this step begins, in seconds since 1970."""
        if step not in self._epochs:
            self._epochs[step] = self.at(step).replace(tzinfo=UTC).timestamp()
        return self._epochs[step]

    def hour(self, step: int) -> int:
        """Return the UTC hour, 0 to 23, in which this step begins."""
        return self.at(step).hour


def steps_as_times(scenario: Mapping[str, Any]) -> Callable[[int], datetime]:
    """Return the function from a step to the time when it begins (UTC, without a zone).

    `scenario` is a scenario as a mapping, as a run keeps it. What existed before step 1 has step 0.
    """
    time = scenario.get("time", {})
    start = datetime.fromisoformat(time.get("start", "2024-01-01T08:00:00"))
    return Clock(start, float(time.get("step_minutes", 3.0))).at
