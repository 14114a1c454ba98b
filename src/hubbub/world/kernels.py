"""The compiled loops of the world: partners of many ids, moving tastes, what was seen.

Each does in one pass, without the interpreter, what numpy would do in about ten.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from hubbub.actions import Kind

_REPOST = int(Kind.repost)


@njit(cache=True, nogil=True)
def _first_at_least(keys: Any, key: Any) -> Any:
    """Return the position of the first of the sorted keys that is at least `key`."""
    low, high = 0, len(keys)
    while low < high:
        middle = (low + high) // 2
        if keys[middle] < key:
            low = middle + 1
        else:
            high = middle
    return low


@njit(cache=True, nogil=True)
def _has(keys: Any, low: Any, high: Any, key: Any) -> Any:
    """Return whether `key` is among the sorted keys[low:high]."""
    found = False
    while low < high:
        middle = (low + high) // 2
        if keys[middle] < key:
            low = middle + 1
        else:
            found |= keys[middle] == key
            high = middle
    return found


@njit(cache=True, nogil=True)
def beginnings(keys: Any) -> Any:
    """Return where the partners of each left id begin in sorted keys, and the end, int64[n+1]."""
    size = (keys[-1] >> 32) + 1 if len(keys) else 0
    starts = np.empty(size + 1, np.int64)
    row = 0
    for i in range(len(keys)):
        while row <= keys[i] >> 32:
            starts[row] = i
            row += 1
    starts[size] = len(keys)
    return starts


@njit(cache=True, nogil=True)
def among(keys: Any, starts: Any, base: Any) -> Any:
    """Return which keys are in the base, whose `beginnings` are `starts`, bool[m]."""
    found, last = np.empty(len(keys), np.bool_), len(starts) - 1
    for i in range(len(keys)):
        at = min(keys[i] >> 32, last)
        found[i] = _has(base, starts[at], starts[min(at + 1, last)], keys[i])
    return found


@njit(cache=True, nogil=True)
def held(left: Any, right: Any, starts: Any, base: Any, added: Any, removed: Any) -> Any:
    """Return which pairs are in the base or added, and not removed, bool[m]; negative ids never."""
    found, last = np.empty(len(left), np.bool_), len(starts) - 1
    for i in range(len(left)):
        key = (np.int64(left[i]) << 32) | np.int64(right[i])
        if left[i] < 0 or right[i] < 0:
            found[i] = False
            continue
        at = min(left[i], last)
        if _has(base, starts[at], starts[min(at + 1, last)], key):
            found[i] = not _has(removed, 0, len(removed), key)
        else:
            found[i] = _has(added, 0, len(added), key)
    return found


@njit(cache=True, nogil=True)
def merged(keys: Any, new: Any) -> Any:
    """Return two sorted arrays of keys, which have none in common, as one."""
    both, to, i = np.empty(len(keys) + len(new), np.int64), 0, 0
    for j in range(len(new)):
        while i < len(keys) and keys[i] < new[j]:
            both[to] = keys[i]
            i += 1
            to += 1
        both[to] = new[j]
        to += 1
    both[to:] = keys[i:]
    return both


@njit(cache=True, nogil=True)
def without(keys: Any, gone: Any) -> Any:
    """Return the sorted keys that are not among `gone`, sorted."""
    rest, to, j = np.empty(len(keys), np.int64), 0, 0
    for i in range(len(keys)):
        while j < len(gone) and gone[j] < keys[i]:
            j += 1
        if j == len(gone) or gone[j] != keys[i]:
            rest[to] = keys[i]
            to += 1
    return rest[:to].copy()


@njit(cache=True, nogil=True)
def partners_of(left: Any, starts: Any, base: Any, added: Any, removed: Any) -> Any:
    """Return (offsets int64[k+1], partners int32[m]) of these left ids.

    Keys are left << 32 | right, sorted: those of `base` and `added` without those of `removed`.
    Those of id i in the base begin at starts[i]; ids beyond its end have none.
    """
    last = len(starts) - 1
    offsets = np.zeros(len(left) + 1, np.int64)
    for i in range(len(left)):
        at, row = min(left[i], last), left[i] << 32
        count = starts[min(at + 1, last)] - starts[at]
        if len(added):
            count += _first_at_least(added, row + (1 << 32)) - _first_at_least(added, row)
        if len(removed):
            count -= _first_at_least(removed, row + (1 << 32)) - _first_at_least(removed, row)
        offsets[i + 1] = offsets[i] + count
    partners = np.empty(offsets[-1], np.int32)
    for i in range(len(left)):
        at, row, to = min(left[i], last), left[i] << 32, offsets[i]
        new = _first_at_least(added, row) if len(added) else 0
        gone = _first_at_least(removed, row) if len(removed) else 0
        for j in range(starts[at], starts[min(at + 1, last)]):
            key = base[j]
            if gone < len(removed) and removed[gone] == key:
                gone += 1
                continue
            while new < len(added) and added[new] < key:
                partners[to] = added[new] & 0xFFFFFFFF
                new += 1
                to += 1
            partners[to] = key & 0xFFFFFFFF
            to += 1
        while to < offsets[i + 1]:
            partners[to] = added[new] & 0xFFFFFFFF
            new += 1
            to += 1
    return offsets, partners


@njit(cache=True, nogil=True)
def move_tastes(
    agents: Any, texts: Any, vectors: Any, interest: Any, step: Any, back: Any, taste: Any
) -> None:
    """Move taste[agents[i]] (int8[d]) towards vectors[texts[i]], and back to interest[agents[i]].

    `step` and `back` are shares of the way, float32. Results have length 127, rounded. Squares of
    small integers: their sum is exact, whatever its order. A text of -1 moves nothing.
    """
    new = np.empty(taste.shape[1], np.float32)
    for i in range(len(agents)):
        if texts[i] < 0:
            continue
        mine, home, to = taste[agents[i]], interest[agents[i]], vectors[texts[i]]
        square = np.int32(0)
        for d in range(len(new)):
            old = np.float32(mine[d])
            moved = old + step * (np.float32(to[d]) - old)
            moved += back * (np.float32(home[d]) - old)
            new[d] = np.rint(moved)
            square += np.int32(new[d]) * np.int32(new[d])
        length = max(np.sqrt(np.float32(square)), np.float32(1))
        scale = np.float32(127) / length
        for d in range(len(new)):
            mine[d] = np.int8(np.rint(new[d] * scale))


@njit(cache=True, nogil=True)
def remember_shown(
    agents: Any, offsets: Any, items: Any, kind: Any, ref: Any, seen: Any, count: Any
) -> None:
    """Write the posts behind the shown items into the agents' rings `seen` (int32[n, s]).

    agents[i] was shown items[offsets[i]:offsets[i+1]]; `count` int32[n] are all ever shown.
    """
    size = seen.shape[1]
    for i in range(len(agents)):
        agent = agents[i]
        for j in range(offsets[i], offsets[i + 1]):
            item = items[j]
            seen[agent, count[agent] % size] = ref[item] if kind[item] == _REPOST else item
            count[agent] += 1
