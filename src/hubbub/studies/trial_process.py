"""What a process does first that runs trials.

This module imports no numerical library: those read the number of threads while they load.
"""

from __future__ import annotations

import os
import signal
from multiprocessing import parent_process
from threading import Thread

#: Variables that tell numerical libraries how many threads to use.
_THREADS = (
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "RAYON_NUM_THREADS",
)


def begin(folder: str) -> None:
    """Work in the folder of the parent process, with one thread, and end when the parent ends.

    Ctrl-C is for the parent to handle.
    """
    os.chdir(folder)
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()


def threads() -> int | None:
    """Return the number of threads for a simulation in this process; None means its default."""
    return None if parent_process() is None else 1


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)  # it was killed; nobody waits for this process any more
