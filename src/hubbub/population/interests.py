"""Topics of interest as bits, and interests as vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hubbub.embed import Encoder
from hubbub.embed.hashing import quantise
from hubbub.rng import Stream
from hubbub.world.texts import TOPIC_COSINE

_ROWS = 1 << 16  # agents handled at a time, to bound memory
_NEAR = TOPIC_COSINE * 127 * 127
_MOST = 3  # topics read off a bio


def draw_topics(
    stream: Stream, agents: int, topics: int, fewest: int, most: int
) -> NDArray[np.uint64]:
    """Return topic bits, uint64[agents]: `fewest` to `most` topics each, all equally popular.

    Equal popularity is what OASIS's one-million-user file has. Floyd's sampling (Bentley & Floyd
    1987): the i-th of k draws is from the first K - k + i + 1 topics; a topic already there is
    replaced by the last of them.
    """
    most = min(most, topics)
    fewest = min(fewest, most)
    wanted = fewest + stream.integers(most - fewest + 1, agents)
    bits = np.zeros(agents, np.uint64)
    for i in range(most):
        last = topics - wanted + i
        pick = (stream.uniform(agents) * (last + 1)).astype(np.int64)
        taken = (bits >> pick.astype(np.uint64)) & np.uint64(1) == 1
        pick = np.where(taken, last, pick)
        bits |= np.where(i < wanted, np.uint64(1) << pick.astype(np.uint64), np.uint64(0))
    return bits


def member_matrix(bits: NDArray[np.uint64], topics: int) -> NDArray[np.bool_]:
    """Return the bits as a matrix, bool[n, topics]."""
    shifts = np.arange(topics, dtype=np.uint64)
    result: NDArray[np.bool_] = ((bits[:, None] >> shifts) & np.uint64(1)).astype(np.bool_)
    return result


def mixed_vectors(
    stream: Stream, bits: NDArray[np.uint64], topic_vectors: NDArray[np.int8]
) -> NDArray[np.int8]:
    """Return each agent's mix of the vectors of its topics, int8[n, d], length 127.

    Every topic counts 1 to 4 times, at random, so that people with the same topics still differ.
    Sums are whole numbers below 2**24, which float32 products give exactly.
    """
    topics = topic_vectors.astype(np.float32)
    result = np.empty((len(bits), topics.shape[1]), np.int8)
    for first in range(0, len(bits), _ROWS):
        mine = member_matrix(bits[first : first + _ROWS], len(topics))
        weights = 1 + stream.integers(4, mine.size).reshape(mine.shape)
        sums = (mine * weights).astype(np.float32) @ topics
        result[first : first + len(mine)] = quantise(sums)
    return result


class TopicFinder:
    """Finds the scenario's topics that the words of a profile mean."""

    def __init__(self, topics: Sequence[str], encoder: Encoder) -> None:
        self._encoder = encoder
        self._known = {t.casefold(): i for i, t in enumerate(topics)}
        self.vectors = encoder.encode(list(topics))

    def by_name(self, names: Sequence[str]) -> dict[str, int]:
        """Return the topic of each name: the same word in any case, else the nearest by meaning.

        Names far from every topic are left out.
        """
        found = {n: self._known[n.casefold()] for n in names if n.casefold() in self._known}
        unknown = [n for n in dict.fromkeys(names) if n not in found]
        if unknown:
            dots = self._dots(self._encoder.encode(unknown))
            near = dots.max(axis=1) >= _NEAR
            best = dots.argmax(axis=1)
            found |= {n: int(b) for n, b, ok in zip(unknown, best, near, strict=True) if ok}
        return found

    def by_vector(self, vectors: NDArray[np.int8]) -> NDArray[np.uint64]:
        """Return bits of up to three topics that are near to each vector, uint64[n]."""
        bits = np.zeros(len(vectors), np.uint64)
        for first in range(0, len(vectors), _ROWS):
            dots = self._dots(vectors[first : first + _ROWS])
            order = np.argsort(-dots, axis=1, kind="stable")[:, :_MOST]
            near = np.take_along_axis(dots, order, axis=1) >= _NEAR
            ones = np.where(near, np.uint64(1) << order.astype(np.uint64), np.uint64(0))
            bits[first : first + len(dots)] = np.bitwise_or.reduce(ones, axis=1)
        return bits

    def _dots(self, vectors: NDArray[np.int8]) -> NDArray[Any]:
        return vectors.astype(np.float32) @ self.vectors.astype(np.float32).T
