"""Cheap random numbers that depend on nothing but what they are keyed by."""

from __future__ import annotations

import math
from hashlib import blake2b

_MASK = 2**64 - 1
_TO_UNIT = 2.0**-53


class Dice:
    """SplitMix64 (Steele, Lea and Flood 2014), started from a hash of `parts`.

    Dice of the same parts fall the same on every machine. Setting one up costs about 1 µs, which
    is why a model server takes them and not `hubbub.rng`.
    """

    __slots__ = ("_state",)

    def __init__(self, *parts: bytes | int) -> None:
        h = blake2b(digest_size=8)
        for part in parts:
            data = part if isinstance(part, bytes) else b"%d" % part
            h.update(b"%d:" % len(data))
            h.update(data)
        self._state = int.from_bytes(h.digest(), "little")

    def word(self) -> int:
        """Return a number below 2**64."""
        self._state = z = (self._state + 0x9E3779B97F4A7C15) & _MASK
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
        return z ^ (z >> 31)

    def below(self, n: int) -> int:
        """Return a number in [0, n). `n` is at least 1; above 2**64 only part of it is reached."""
        return self.word() % n

    def unit(self) -> float:
        """Return a number in [0, 1)."""
        return (self.word() >> 11) * _TO_UNIT

    def normal(self) -> float:
        """Return a standard normal deviate by Box-Muller."""
        radius = math.sqrt(-2.0 * math.log1p(-self.unit()))
        return radius * math.cos(2.0 * math.pi * self.unit())
