"""The interface of encoders, and choosing one by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Encoder(Protocol):
    """Turns texts into unit vectors, quantised to int8 (127 stands for 1.0)."""

    @property
    def dims(self) -> int:
        """Numbers per vector."""
        ...

    def encode(self, texts: Sequence[str]) -> NDArray[np.int8]:
        """Return int8[len(texts), dims]; the vector of a text depends only on the text."""
        ...


def make_encoder(kind: str, dims: int) -> Encoder:
    """Return the encoder called `wordllama` or `hashing`, or the custom one 'module:Class'.

    ScenarioError for a custom encoder that cannot be made.
    """
    if ":" in kind:
        from hubbub.embed.custom_encoder import load_encoder

        return load_encoder(kind, dims)
    if kind == "hashing":
        from hubbub.embed.hashing import HashingEncoder

        return HashingEncoder(dims)
    from hubbub.embed.wordllama import WordLlamaEncoder

    return WordLlamaEncoder(dims)
