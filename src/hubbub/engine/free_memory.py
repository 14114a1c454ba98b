"""Returning memory that making a population has left unused."""

from __future__ import annotations

import ctypes
import sys

import pyarrow as pa


def give_back() -> None:
    """Return freed memory to the operating system, where it offers a call for that.

    Making or reading a million profiles takes a gigabyte for a moment. Without this call, the C
    library and Arrow would keep most of it for the rest of the run.
    """
    pa.default_memory_pool().release_unused()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc has it, musl has not
        if trim is not None:
            trim(0)
