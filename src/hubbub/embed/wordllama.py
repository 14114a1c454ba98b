"""WordLlama: static English word vectors that ship inside the `wordllama` package. No network.

The package's own loader configures logging and pads texts to the longest of their batch, so this
module reads its two files directly.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from itertools import chain, count
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from tokenizers import Tokenizer

from hubbub.embed.hashing import quantise
from hubbub.errors import HubbubError

_WEIGHTS = "weights/l2_supercat_256.safetensors"
_TOKENIZER = "tokenizers/l2_supercat_tokenizer_config.json"
#: Fixed-point unit of the token table: weights are float16 in (-8.1, 8.1), so this fits int16.
_UNIT = 2048
#: Texts encoded at a time, and words cached, to limit memory.
_CHUNK, _WORDS = 8192, 100_000


class WordLlamaEncoder:
    """Sums of WordLlama's token vectors (l2_supercat_256), scaled to length 127.

    The vectors were trained so that their first 64 or 128 numbers can be used alone (Matryoshka). A
    text is read word by word (at white space) and token vectors are added as integers, so it has
    the same vector in any batch and on any machine. Words are cached, as texts repeat them: this is
    ten times faster than tokenizing each text. The model is loaded at the first use.
    """

    def __init__(self, dims: int) -> None:
        self.dims = dims
        self._rows: dict[str, int] = {}
        self._sums = np.zeros((0, dims), np.int32)

    def encode(self, texts: Sequence[str]) -> NDArray[np.int8]:
        """Return int8[len(texts), dims], unit length 127; an empty text gives zeros."""
        result = np.zeros((len(texts), self.dims), np.int8)
        for first in range(0, len(texts), _CHUNK):
            words = [text.split() for text in texts[first : first + _CHUNK]]
            counts = np.fromiter(map(len, words), np.int64, len(words))
            filled = np.flatnonzero(counts)
            if len(filled):
                rows = self._rows_of(list(chain.from_iterable(words)))
                starts = (np.cumsum(counts) - counts)[filled]
                sums = np.add.reduceat(self._sums[rows], starts, axis=0, dtype=np.int64)
                result[first + filled] = quantise(sums)
        return result

    def _rows_of(self, words: list[str]) -> list[int]:
        """Return the row of each word in the remembered sums, after adding the new words."""
        if len(self._rows) > _WORDS:
            self._rows, self._sums = {}, self._sums[:0]
        new = [word for word in dict.fromkeys(words) if word not in self._rows]
        if new:
            self._rows.update(zip(new, count(len(self._rows)), strict=False))
            self._sums = np.concatenate([self._sums, _token_sums(new, self.dims)])
        return [self._rows[word] for word in words]


def _token_sums(words: Sequence[str], dims: int) -> NDArray[np.int32]:
    """Return the sums of the words' token vectors, int32[n, dims], fixed-point."""
    readable = [w.encode("utf-8", "replace").decode() for w in words]  # no lone surrogates
    tokens = [e.ids for e in _tokenizer().encode_batch_fast(readable, add_special_tokens=False)]
    counts = np.fromiter(map(len, tokens), np.int64, len(tokens))
    flat = np.fromiter(chain.from_iterable(tokens), np.int64, int(counts.sum()))
    sums = np.zeros((len(words), dims), np.int32)
    filled = np.flatnonzero(counts)
    if len(filled):
        starts = (np.cumsum(counts) - counts)[filled]
        picked = _token_table(dims)[flat]
        sums[filled] = np.add.reduceat(picked, starts, axis=0, dtype=np.int32)
    return sums


def _file(name: str) -> str:
    spec = find_spec("wordllama")
    places = [] if spec is None else spec.submodule_search_locations or []
    for place in places:
        if (Path(place) / name).is_file():
            return str(Path(place) / name)
    raise HubbubError(
        f"the package 'wordllama' with its file {name} is missing: install it with  pip install "
        "wordllama  or put  encoder: {kind: hashing}  into the scenario"
    )


@cache
def _tokenizer() -> Tokenizer:
    tokenizer = Tokenizer.from_file(_file(_TOKENIZER))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


@cache
def _token_table(dims: int) -> NDArray[np.int16]:
    """Return the token vectors in units of 1/_UNIT, int16[tokens, dims]."""
    with safe_open(_file(_WEIGHTS), framework="np") as file:
        weights = file.get_tensor("embedding.weight")[:, :dims]
    table: NDArray[np.int16] = np.rint(weights.astype(np.float32) * _UNIT).astype(np.int16)
    return table
