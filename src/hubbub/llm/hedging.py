"""Requests that are out much longer than most: they get a second copy where a slot is idle."""

from __future__ import annotations

from collections.abc import Hashable
from math import inf
from typing import Generic, TypeVar

from hubbub.llm.usage import Latencies

Job = TypeVar("Job", bound=Hashable)

#: Replies from which on it is known how long one takes.
_KNOWN = 32


class Hedging(Generic[Job]):
    """Knows which requests are out in one copy, and since when.

    One is late when it has been out for `times` as long as the median reply took; None for never.
    """

    def __init__(self, times: float | None, latencies: Latencies) -> None:
        self._times = times
        self._latencies = latencies
        self._since: dict[Job, float] = {}  # in the order in which they went out
        self._bound, self._until = inf, _KNOWN

    def out(self, job: Job, now: float) -> None:
        """Take note of a request that goes out."""
        if self._times is not None:
            self._since[job] = now

    def back(self, job: Job) -> None:
        """Forget one that came back, or has two copies out."""
        self._since.pop(job, None)

    def clear(self) -> None:
        """Forget all."""
        self._since.clear()

    def latest(self, now: float) -> tuple[Job | None, float]:
        """Return the request that has been out for longest if it is late, and else when it is."""
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
