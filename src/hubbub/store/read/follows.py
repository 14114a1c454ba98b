"""Who followed whom: at the start, and all changes since."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hubbub.store.ledger import Changes, Ledger
from hubbub.store.run import RunStore


def start_and_changes(
    store: RunStore,
) -> tuple[tuple[NDArray[np.int32], NDArray[np.int32]], Changes]:
    """Return the follow graph before step 1 as (follower, followed), sorted, and what changed."""
    with store.snapshot():
        ledger = Ledger(store.database, ["follow"])
        return ledger.follows, ledger.changes("follow")
