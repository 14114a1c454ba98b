"""The context of a benchmark's figures: the machine, the versions, its memory."""

from __future__ import annotations

import os
import platform
import resource
import sqlite3
import sys
import threading
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from hubbub.cores import usable_cores

_CPUINFO = Path("/proc/cpuinfo")
_STATUS = Path("/proc/self/status")


@dataclass(frozen=True, slots=True)
class Machine:
    """Where something was measured.

    `cores` are those this process may use. `load` is the mean number of programs that wanted a core
    over the last minute: well above 0 before a measurement means that others were running.
    """

    processor: str
    cores: int
    memory_gb: float
    system: str
    load: float
    versions: dict[str, str]


def this_machine() -> Machine:
    """Return a description of this machine, and the versions that matter for the figures."""
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return Machine(
        processor=_processor(),
        cores=usable_cores(),
        memory_gb=round(pages * size / 2**30, 1),
        system=platform.platform(),
        load=round(os.getloadavg()[0], 2),
        versions={
            "hubbub": version("hubbub"),
            "python": platform.python_version(),
            "numpy": version("numpy"),
            "numba": version("numba"),
            "sqlite": sqlite3.sqlite_version,
        },
    )


def _processor() -> str:
    """Return the name of the processor, or the kind of machine if Linux names none."""
    if _CPUINFO.is_file():
        for line in _CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def peak() -> int:
    """Return the peak memory of this process in bytes."""
    if _STATUS.is_file():  # getrusage counts what the process had before it became this program
        for line in _STATUS.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def resident() -> int:
    """Return the current memory of this process in bytes; its peak if the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return peak()
    return pages * resource.getpagesize()


def thread_seconds(name: str) -> float:
    """Return the processor time of the threads of this name; 0 if the system does not say."""
    if not hasattr(time, "pthread_getcpuclockid"):
        return 0.0
    mine = [t.ident for t in threading.enumerate() if t.name.startswith(name) and t.ident]
    return sum(time.clock_gettime(time.pthread_getcpuclockid(ident)) for ident in mine)
