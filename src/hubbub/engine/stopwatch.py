"""How long the stages of a step take."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray


class Stopwatch:
    """Seconds by stage, to report to users; no result depends on them.

    `seconds` are wall-clock time, `cpu` is processor time of the calling thread.
    """

    def __init__(self) -> None:
        self._last = time.perf_counter(), time.thread_time()
        self.seconds: dict[str, float] = {}
        self.cpu: dict[str, float] = {}

    def lap(self, *stages: str, weights: NDArray[np.float64] | None = None) -> None:
        """Book the time since the last lap to these stages, shared by their weights."""
        now = time.perf_counter(), time.thread_time()
        share = np.ones(len(stages)) if weights is None or not weights.sum() else weights
        for stage, part in zip(stages, share / share.sum(), strict=True):
            for book, end, begin in zip((self.seconds, self.cpu), now, self._last, strict=True):
                book[stage] = book.get(stage, 0.0) + float((end - begin) * part)
        self._last = now
