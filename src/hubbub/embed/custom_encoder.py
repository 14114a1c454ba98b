"""Custom encoders: classes of the user, named by dotted paths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hubbub.config.user_code import blamed_on, load_own, takes_argument
from hubbub.errors import ScenarioError

#: Length of a vector of an encoder: 127 stands for 1.0.
LENGTH = 127
MOST_DIMS = 4096


class CustomEncoder:
    """A custom encoder whose vectors are checked, and brought to int8 if they are floats."""

    def __init__(self, encoder: Any, place: str) -> None:
        """Wrap an object with `dims` and `encode(texts)`; ScenarioError if it lacks one."""
        dims = getattr(encoder, "dims", None)
        whole = isinstance(dims, int | np.integer) and not isinstance(dims, bool)
        if dims is None or not whole or not 1 <= dims <= MOST_DIMS:
            raise ScenarioError(
                f"{place}: the encoder's `dims` must be a whole number from 1 to {MOST_DIMS}, "
                f"not {dims!r}"
            )
        if not callable(getattr(encoder, "encode", None)):
            raise ScenarioError(f"{place}: the encoder has no method encode(texts)")
        self.dims = int(dims)
        self._encoder, self._place = encoder, place

    def encode(self, texts: Sequence[str]) -> NDArray[np.int8]:
        """Return int8[len(texts), dims]; ScenarioError if the encoder returns no such vectors."""
        if not len(texts):
            return np.empty((0, self.dims), np.int8)
        with blamed_on(self._place):
            vectors = np.asarray(self._encoder.encode(list(texts)))
        if vectors.shape != (len(texts), self.dims):
            raise ScenarioError(
                f"{self._place}: encode must return one row per text, of shape "
                f"{(len(texts), self.dims)}; it returned an array of shape {vectors.shape}"
            )
        if vectors.dtype == np.int8:
            self._check_lengths(vectors, texts)
            return vectors
        if vectors.dtype.kind != "f":
            raise ScenarioError(
                f"{self._place}: encode must return int8 (vectors of length {LENGTH}) or floats "
                f"(of any length), not {vectors.dtype}"
            )
        wide = vectors.astype(np.float64)
        lengths = np.sqrt((wide * wide).sum(axis=1))
        if not np.isfinite(lengths).all():
            text = texts[int(np.flatnonzero(~np.isfinite(lengths))[0])]
            raise ScenarioError(f"{self._place}: the vector of {text[:40]!r} is not finite")
        scale = np.divide(LENGTH, lengths, out=np.zeros_like(lengths), where=lengths > 0)
        return np.asarray(np.rint(wide * scale[:, None]), np.int8)

    def _check_lengths(self, vectors: NDArray[np.int8], texts: Sequence[str]) -> None:
        wide = vectors.astype(np.int32)
        lengths = np.sqrt((wide * wide).sum(axis=1))
        rounding = 0.5 * self.dims**0.5 + 1  # each number is off by half at most
        wrong = np.flatnonzero((lengths > 0) & (np.abs(lengths - LENGTH) > rounding))
        if len(wrong):
            row = int(wrong[0])
            raise ScenarioError(
                f"{self._place}: the vector of {texts[row][:40]!r} has length {lengths[row]:.1f}; "
                f"int8 vectors must have length {LENGTH}, or be all 0 (floats are scaled for you)"
            )


def load_encoder(path: str, dims: int) -> CustomEncoder:
    """Return the encoder of the class 'module:Class', made with `dims` if it takes an argument."""
    return encoder_of(load_own(path, "encoder.kind"), f"encoder.kind '{path}'", dims)


def encoder_of(factory: Any, place: str, dims: int) -> CustomEncoder:
    """Return the encoder that a class or function makes; ScenarioError if it makes none."""
    if not callable(factory):
        raise ScenarioError(f"{place} is not a class")
    with blamed_on(place):
        encoder = factory(dims) if takes_argument(factory) else factory()
    return CustomEncoder(encoder, place)
