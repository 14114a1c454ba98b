"""All texts of a run: each distinct text is kept and encoded once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from sys import getsizeof

import numpy as np
from numpy.typing import NDArray

from hubbub.embed import Encoder
from hubbub.world.columns import Columns

#: Only this many characters from the beginning of a text make its vector.
ENCODED = 10_000
#: A text is about a topic if the cosine of their vectors is at least this.
TOPIC_COSINE = 0.25
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class TextPool:
    """Distinct texts with their vectors (int8[d]), nearest topic, and length in characters."""

    def __init__(self, encoder: Encoder, topics: Sequence[str]) -> None:
        self.encoder = encoder
        self._ids: dict[str, int] = {}
        self._texts: list[str] = []
        self._topics = encoder.encode(list(topics)).astype(np.int32)
        self._table = Columns(
            {
                "vector": (np.int8, encoder.dims),
                "topic": np.int16,
                "at": np.bool_,
                "length": np.int32,
            }
        )

    def __len__(self) -> int:
        return len(self._texts)

    def __getitem__(self, text_id: int) -> str:
        return self._texts[text_id] if text_id >= 0 else ""

    @property
    def vectors(self) -> NDArray[np.int8]:
        """Vectors by text id, int8[n, d]."""
        return self._table["vector"]

    @property
    def topic(self) -> NDArray[np.int16]:
        """Nearest topic by text id, -1 where none is near, int16[n]."""
        return self._table["topic"]

    @property
    def length(self) -> NDArray[np.int32]:
        """Length in characters by text id, 0 for nothing but white space, int32[n]."""
        return self._table["length"]

    @property
    def has_mention(self) -> NDArray[np.bool_]:
        """Which texts contain an @, bool[n]."""
        return self._table["at"]

    @property
    def topic_vectors(self) -> NDArray[np.int32]:
        """Vectors of the scenario's topics, int32[K, d]."""
        return self._topics

    @property
    def nbytes(self) -> int:
        """Bytes of the texts, their index and their vectors."""
        words = sum(map(getsizeof, self._texts)) + getsizeof(self._texts) + getsizeof(self._ids)
        return words + self._table.nbytes

    def since(self, first: int) -> list[str]:
        """Return the texts with ids from `first` on."""
        return self._texts[first:]

    def intern(self, texts: Sequence[str]) -> NDArray[np.int32]:
        """Return the ids of these texts, int32[m]; new ones are encoded in one batch.

        Half a surrogate pair, which some models emit and no file can hold, becomes U+FFFD.
        """
        ids = np.empty(len(texts), np.int32)
        first = len(self._texts)
        for i, given in enumerate(texts):
            known = self._ids.get(given)
            if known is None:
                text = _LONE_SURROGATE.sub("\ufffd", given)
                known = self._ids.setdefault(text, len(self._texts))
                if known == len(self._texts):
                    self._texts.append(text)
            ids[i] = known
        if len(self._texts) > first:
            vectors = self.encoder.encode([t[:ENCODED] for t in self._texts[first:]])
            self._table.extend(
                len(vectors),
                vector=vectors,
                topic=self.nearest_topic(vectors),
                at=["@" in t for t in self._texts[first:]],
                length=[len(t) if t.strip() else 0 for t in self._texts[first:]],
            )
        return ids

    def nearest_topic(self, vectors: NDArray[np.int8]) -> NDArray[np.int16]:
        """Return the nearest topic of each vector, int16[n], -1 where none is near."""
        dots = vectors.astype(np.int32) @ self._topics.T
        best = dots.argmax(axis=1)
        near = dots.max(axis=1) >= TOPIC_COSINE * 127 * 127
        return np.where(near, best, -1).astype(np.int16)
