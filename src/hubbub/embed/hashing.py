"""Hashed bags of words: for any language, without a model; similar only if words are shared."""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

_WORD = re.compile(r"\w+")


class HashingEncoder:
    """Signed feature hashing (Weinberger et al. 2009) of lower-cased words."""

    def __init__(self, dims: int) -> None:
        self.dims = dims
        self._slots: dict[str, tuple[int, int]] = {}

    def encode(self, texts: Sequence[str]) -> NDArray[np.int8]:
        """Return int8[len(texts), dims], unit length 127; a text without words gives zeros."""
        counts = np.zeros((len(texts), self.dims), np.int64)
        for row, text in enumerate(texts):
            for word in _WORD.findall(text.lower()):
                slot, sign = self._slot(word)
                counts[row, slot] += sign
        return quantise(counts)

    def _slot(self, word: str) -> tuple[int, int]:
        found = self._slots.get(word)
        if found is None:
            number = int.from_bytes(blake2b(word.encode(), digest_size=8).digest(), "little")
            found = self._slots[word] = (number % self.dims, 1 if number >> 63 else -1)
        return found


def quantise(sums: NDArray[Any]) -> NDArray[np.int8]:
    """Scale vectors of whole numbers ([n, d]) to length 127 and round.

    Exact on every machine, as the squares of a vector add up to less than 2**53.
    """
    whole = sums.astype(np.float64)
    scale = 127.0 / np.maximum(np.sqrt(np.einsum("ij,ij->i", whole, whole)), 1.0)
    whole *= scale[:, None]
    vectors: NDArray[np.int8] = np.rint(whole, out=whole).astype(np.int8)
    return vectors
