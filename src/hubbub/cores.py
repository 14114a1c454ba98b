"""How many cores there are for this process."""

from __future__ import annotations

import os
import sys


def usable_cores() -> int:
    """Return the number of cores that this process may use: its affinity, where there is one."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
