"""A set of (int32, int32) pairs as sorted int64 keys: every relation and reaction is one.

A sorted key array is a compressed sparse row matrix: the partners of one left id are one slice.
Large sets change a little each step, so the set is a large sorted base, a small sorted list of
added keys and one of removed keys, which are merged into the base when they have grown.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hubbub.world.kernels import among, beginnings, held, merged, partners_of, without

Keys = NDArray[np.int64]
_LOW = np.int64(0xFFFFFFFF)
_SMALL = 4096  # changes up to this many, or a 16th of the base, wait for the next merge


def keys_of(left: NDArray[Any], right: NDArray[Any]) -> Keys:
    """Return left << 32 | right. Both must be at least 0."""
    return (left.astype(np.int64) << np.int64(32)) | right.astype(np.int64)


def columns_of(keys: Keys) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the left and the right ids of keys."""
    return (keys >> np.int64(32)).astype(np.int32), (keys & _LOW).astype(np.int32)


class PairSet:
    """A set of pairs of ids, such as (follower, followee). Only events change those of a world."""

    def __init__(self, keys: Keys | None = None, *, merged: bool = False) -> None:
        """Start from these keys, which must be sorted and distinct; see `merged`."""
        self.merged = merged
        self._base: Keys = np.empty(0, np.int64) if keys is None else keys
        self._added: Keys = np.empty(0, np.int64)
        self._removed: Keys = np.empty(0, np.int64)
        self._offsets: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self._base) + len(self._added) - len(self._removed)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PairSet) and np.array_equal(self.keys(), other.keys())

    __hash__ = None  # type: ignore[assignment]

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        extra = 0 if self._offsets is None else self._offsets.nbytes
        return self._base.nbytes + self._added.nbytes + self._removed.nbytes + extra

    def waiting(self) -> tuple[Keys, Keys]:
        """Return the keys added and removed since the last merge, sorted.

        Unless the set is `merged`, these are all changes since it got its first keys.
        """
        return self._added, self._removed

    def keys(self) -> Keys:
        """Return all keys, sorted. Do not write to the array. Reading changes nothing."""
        base = without(self._base, self._removed) if len(self._removed) else self._base
        return merged(base, self._added) if len(self._added) else base

    def columns(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Return all pairs as two columns (left, right), sorted."""
        return columns_of(self.keys())

    def contains(self, left: NDArray[Any], right: NDArray[Any]) -> NDArray[np.bool_]:
        """Return which of the pairs are in the set, bool[m]. Negative ids never are."""
        left, right = np.asarray(left, np.int32), np.asarray(right, np.int32)
        return held(left, right, self._starts(), self._base, self._added, self._removed)  # type: ignore[no-any-return]

    def add(self, left: NDArray[Any], right: NDArray[Any]) -> NDArray[np.bool_]:
        """Insert the pairs, which must be distinct; return which were new."""
        return self._change(left, right, present=True)

    def remove(self, left: NDArray[Any], right: NDArray[Any]) -> NDArray[np.bool_]:
        """Remove the pairs, which must be distinct; return which were there."""
        return self._change(left, right, present=False)

    def _change(
        self, left: NDArray[Any], right: NDArray[Any], *, present: bool
    ) -> NDArray[np.bool_]:
        effective: NDArray[np.bool_] = self.contains(left, right) != present
        keys = np.sort(keys_of(left, right)[effective])
        in_base = among(keys, self._starts(), self._base)
        if present:  # a removed base key comes back; anything else joins the added
            self._removed = without(self._removed, keys[in_base])
            self._added = merged(self._added, keys[~in_base])
        else:
            self._added = without(self._added, keys[~in_base])
            self._removed = merged(self._removed, keys[in_base])
        if len(self._added) + len(self._removed) > max(_SMALL, len(self._base) // 16):
            self._base, self.merged = self.keys(), True
            self._added = self._removed = np.empty(0, np.int64)
            self._offsets = None
        return effective

    def partners(self, left: int) -> NDArray[np.int32]:
        """Return all partners of one left id, sorted, int32[d]."""
        return self.rows(np.array([left]))[1]

    def rows(self, left: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Return the partners of several left ids as (offsets int64[k+1], partners int32[m]).

        Partners of left[i] are partners[offsets[i]:offsets[i+1]], sorted.
        """
        left = np.asarray(left, np.int64)
        return partners_of(left, self._starts(), self._base, self._added, self._removed)  # type: ignore[no-any-return]

    def _starts(self) -> NDArray[np.int64]:
        """Return where the partners of each left id begin in the base, and its end, int64[n+1]."""
        if self._offsets is None:
            self._offsets = beginnings(self._base)
        return self._offsets
