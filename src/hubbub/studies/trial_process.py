"""What a process that runs trials does first.

No numerical library is imported here: those read the number of their threads as they are loaded.
"""

from __future__ import annotations

import os
import signal
from multiprocessing import parent_process
from threading import Thread

#: Variables by which numerical libraries are told the number of their threads.
_THREADS = (
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "RAYON_NUM_THREADS",
)


def begin(folder: str) -> None:
    """Work in the folder of the process that started this one, with one thread, and end with it.

    Ctrl-C is left to that process.
    """
    os.chdir(folder)
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()


def threads() -> int | None:
    """Return the number of threads for a simulation in this process; None is its default."""
    return None if parent_process() is None else 1


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)  # it was killed; nobody waits for this process any more
