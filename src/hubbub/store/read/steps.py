"""Whole steps of the run."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hubbub.store.run import RunStore


def active(store: RunStore) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the steps from 1 on and how many agents were awake in each, int64[steps] both."""
    step, awake = store.database.integers(
        "SELECT step, agents_active FROM step WHERE step > 0 ORDER BY step"
    )
    return step, awake
