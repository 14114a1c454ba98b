"""Hedging: requests that take much longer than most are sent a second time if a slot is idle."""

from __future__ import annotations

from collections.abc import Hashable
from math import inf
from typing import Generic, TypeVar

from hubbub.llm.usage import Latencies

Job = TypeVar("Job", bound=Hashable)

#: Number of replies that the median latency needs.
_KNOWN = 32


class Hedging(Generic[Job]):
    """Knows which requests are pending in one copy, and since when.

    A request is late when it has taken `times` times the median latency; None: never.
    """

    def __init__(self, times: float | None, latencies: Latencies) -> None:
        self._times = times
        self._latencies = latencies
        self._since: dict[Job, float] = {}  # in the order in which they went out
        self._bound, self._until = inf, _KNOWN

    def out(self, job: Job, now: float) -> None:
        """Add a request that was sent."""
        if self._times is not None:
            self._since[job] = now

    def back(self, job: Job) -> None:
        """Remove a request that was answered, or sent a second time."""
        self._since.pop(job, None)

    def clear(self) -> None:
        """Remove all requests."""
        self._since.clear()

    def latest(self, now: float) -> tuple[Job | None, float]:
        """Return the oldest pending request if it is late, and otherwise when it will be."""
        if not self._since:
            return None, inf
        job, since = next(iter(self._since.items()))
        at = since + self._late()
        return (job, now) if at <= now else (None, at)

    def _late(self) -> float:
        if self._times is not None and self._latencies.total >= self._until:
            self._bound = self._times * self._latencies.quantile(0.5)
            self._until = self._latencies.total * 5 // 4  # the median moves slowly
        return self._bound
