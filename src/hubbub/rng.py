"""Random numbers that depend on nothing but their address.

Every stream is a Philox counter generator keyed by (seed, name, step, shard). Adding a subsystem,
a worker or a thread therefore moves nobody else's numbers. Only raw 64-bit words are taken from
NumPy, whose raw streams are guaranteed never to change (NEP 19); everything else is derived here.
"""

from __future__ import annotations

import math
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

_TO_UNIT = 2.0**-53


class Stream:
    """One random stream. Draws advance it; two streams of the same address are identical."""

    __slots__ = ("_bits",)

    def __init__(self, key: bytes) -> None:
        self._bits = np.random.Philox(key=int.from_bytes(key, "little"))

    def words(self, n: int) -> NDArray[np.uint64]:
        """Return `n` raw words, uint64[n]."""
        return np.asarray(self._bits.random_raw(n), dtype=np.uint64)

    def uniform(self, *shape: int) -> NDArray[np.float64]:
        """Return floats in [0, 1), float64 of the given shape."""
        n = int(np.prod(shape, dtype=np.int64))
        whole = (self.words(n) >> np.uint64(11)).astype(np.float64)
        return (whole * _TO_UNIT).reshape(shape)

    def below(self, chance: float, n: int) -> NDArray[np.bool_]:
        """Return which of `uniform(n)` are below the chance, bool[n], without making the floats."""
        limit = math.ceil(chance * 2.0**53) << 11
        if limit >= 2**64:
            self.words(n)
            return np.ones(n, np.bool_)
        result: NDArray[np.bool_] = self.words(n) < np.uint64(max(limit, 0))
        return result

    def integers(self, high: int, n: int) -> NDArray[np.int64]:
        """Return integers in [0, high), int64[n]. `high` is at least 1 and below 2**53."""
        if high < 1:
            raise ValueError("high must be at least 1")
        return (self.uniform(n) * high).astype(np.int64)

    def normal(self, n: int) -> NDArray[np.float64]:
        """Return standard normal deviates by Box-Muller, float64[n].

        They are rounded to six decimals, so that the last bit of a machine's logarithm and cosine
        does not matter.
        """
        u = self.uniform(2, n)
        radius = np.sqrt(-2.0 * np.log1p(-u[0]))
        result: NDArray[np.float64] = np.round(radius * np.cos(2.0 * np.pi * u[1]), 6)
        return result

    def permutation(self, n: int) -> NDArray[np.int64]:
        """Return a uniformly random order of 0..n-1, int64[n]."""
        return np.argsort(self.words(n), kind="stable")

    def scramble(self, ids: NDArray[Any]) -> NDArray[np.uint64]:
        """Return one word per id, uint64[m], that depends on the stream and the id alone.

        This is the finalizer of SplitMix64 (Steele, Lea, Flood 2014) over id + one raw word.
        """
        z = ids.astype(np.uint64) + self.words(1)[0]
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        result: NDArray[np.uint64] = z ^ (z >> np.uint64(31))
        return result

    def choice(self, weights: NDArray[np.float64], n: int) -> NDArray[np.int64]:
        """Return `n` indices drawn with replacement, index i with probability weights[i] / sum."""
        edges = np.cumsum(weights, dtype=np.float64)
        picks = np.searchsorted(edges, self.uniform(n) * edges[-1], side="right")
        result: NDArray[np.int64] = np.minimum(picks, len(weights) - 1).astype(np.int64)
        return result


class Streams:
    """All streams of one run.

    >>> a, b = Streams(7).at("feed", 3), Streams(7).at("feed", 3)
    >>> bool((a.words(4) == b.words(4)).all())
    True
    """

    __slots__ = ("seed",)

    def __init__(self, seed: int) -> None:
        self.seed = int(seed)

    def at(self, name: str, step: int = 0, shard: int = 0) -> Stream:
        """Return the stream of this address."""
        address = f"hubbub/1/{self.seed}/{name}/{step}/{shard}".encode()
        return Stream(blake2b(address, digest_size=16).digest())
