"""What all checks have in common: naming the author's object, and noticing forbidden things."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np

from hubbub.config.user_code import load_own
from hubbub.errors import HubbubError

#: Threads that call a function at once.
_THREADS = 4

Fingerprint = Callable[[], dict[str, bytes]]


def found_at(thing: Any, place: str) -> tuple[Any, str]:
    """Return an author's object, and the name by which a message speaks of it.

    `thing` is the object or its dotted path. AssertionError if the path leads nowhere.
    """
    if isinstance(thing, str):
        with failing(thing, ""):
            return load_own(thing, place), thing
    named = thing if hasattr(thing, "__qualname__") else type(thing)
    return thing, f"{named.__module__}:{named.__qualname__}"


@contextmanager
def failing(name: str, where: str) -> Iterator[None]:
    """Turn any error of the author's object into an AssertionError of one sentence."""
    suffix = f" ({where})" if where else ""
    try:
        yield
    except AssertionError:
        raise
    except HubbubError as error:
        raise AssertionError(f"{error}{suffix}") from error
    except Exception as error:
        what = f"{type(error).__name__}: {error}"
        raise AssertionError(f"{name} raised {what}{suffix}") from error


@contextmanager
def watched(name: str, where: str, fingerprint: Fingerprint | None = None) -> Iterator[None]:
    """Raise an AssertionError if what is done inside changes something, or draws global numbers."""
    before = {} if fingerprint is None else fingerprint()
    lots = _global_numbers()
    with failing(name, where):
        yield
    if _global_numbers() != lots:
        raise AssertionError(
            f"{name} uses the global random numbers of `random` or `numpy.random`, so a run "
            "with it cannot be repeated"
        )
    after = {} if fingerprint is None else fingerprint()
    changed = next((part for part in before if before[part] != after[part]), None)
    if changed is not None:
        raise AssertionError(f"{name} changed {changed} ({where}); it must only read")


def same_again(name: str, where: str, results: Sequence[Any]) -> None:
    """Raise an AssertionError if results of the same call differ."""
    if any(not equal(results[0], other) for other in results[1:]):
        raise AssertionError(
            f"{name} returned different results for the same call ({where}): its result must "
            "depend on its arguments alone"
        )


def at_once(name: str, where: str, calls: Sequence[tuple[Callable[[], Any], Any]]) -> None:
    """Raise an AssertionError if a call has another result than expected beside other threads."""
    with failing(name, where), ThreadPoolExecutor(_THREADS) as threads:
        futures = [(threads.submit(call), expected) for call, expected in calls]
        results = [(future.result(), expected) for future, expected in futures]
    if any(not equal(got, expected) for got, expected in results):
        raise AssertionError(
            f"{name} returned another result when several threads called it at once ({where}): "
            "it must not keep values between calls without a lock"
        )


def equal(left: Any, right: Any) -> bool:
    """Return whether two results are equal: arrays, or tuples, lists and dicts of them."""
    if isinstance(left, np.ndarray) or isinstance(right, np.ndarray):
        left, right = np.asarray(left), np.asarray(right)
        same_type = left.dtype == right.dtype
        return same_type and np.array_equal(left, right, equal_nan=left.dtype.kind == "f")
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(equal(left[k], right[k]) for k in left)
    if isinstance(left, tuple | list):
        return len(left) == len(right) and all(map(equal, left, right))
    return bool(left == right)


def _global_numbers() -> tuple[Any, ...]:
    kind, keys, *rest = np.random.get_state()  # noqa: NPY002 - to notice its use
    return random.getstate(), kind, np.asarray(keys).tobytes(), *rest
