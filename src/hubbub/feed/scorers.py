"""Scorers: the value of a candidate to a viewer. No score depends on the other candidates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hubbub.feed import formulas
from hubbub.feed.frame import Frame, NetworkCandidates
from hubbub.feed.network_kernel import similarities
from hubbub.feed.sources import LivePosts, Source
from hubbub.world import SOURCES, World

#: The calling thread does matrix products of up to this many multiplications. For larger ones BLAS
#: wakes threads of its own, which get in the way of those that rank other shards.
_SMALL_PRODUCT = 2**19

Floats = NDArray[np.float32]
Ids = NDArray[np.int32]


class Scorer(Protocol):
    """Scores candidates: a part that all viewers share, and what the viewer adds to it."""

    @property
    def compares_texts(self) -> bool:
        """Whether the vectors of the pool are needed."""
        ...

    def base(self, live: LivePosts) -> Floats:
        """Return the part of the score that all viewers share, float32[m]."""
        ...

    def network(
        self, world: World, frame: Frame, agents: Ids, network: NetworkCandidates
    ) -> Floats:
        """Return the scores of in-network candidates, float32[m]."""
        ...

    def pool(self, world: World, frame: Frame, agents: Ids) -> Floats:
        """Return the scores of the pool, float32[k, p], or float32[1, p] where all agree."""
        ...


@dataclass(frozen=True, slots=True)
class SameForAll:
    """The number by which a source chooses: time, likes, or the hot score."""

    source: Source
    compares_texts: bool = False

    def base(self, live: LivePosts) -> Floats:
        """Return the source's own score."""
        return self.source.score(live)

    def network(
        self, world: World, frame: Frame, agents: Ids, network: NetworkCandidates
    ) -> Floats:
        """Return the base, float32[m]."""
        return self.base(network.live(world, frame))

    def pool(self, world: World, frame: Frame, agents: Ids) -> Floats:
        """Return the base, float32[1, p]."""
        return frame.pool_base[None, :]


@dataclass(frozen=True, slots=True)
class ByInterest:
    """OASIS's formula for TwHIN: R * F * S, S the cosine of the post and the viewer's taste."""

    source: Source
    compares_texts: bool = True

    def base(self, live: LivePosts) -> Floats:
        """Return R * F."""
        return self.source.score(live)

    def network(
        self, world: World, frame: Frame, agents: Ids, network: NetworkCandidates
    ) -> Floats:
        """Return R * F * S, float32[m]."""
        scores = _network_dots(world, agents, network)
        scores *= self.base(network.live(world, frame)) / formulas.UNIT
        return scores

    def pool(self, world: World, frame: Frame, agents: Ids) -> Floats:
        """Return R * F * S, float32[k, p]."""
        scores = _pool_dots(world, frame, agents)
        scores *= frame.pool_base / formulas.UNIT
        return scores


@dataclass(frozen=True, slots=True)
class ByWorth:
    """X's pipeline in spirit: engagement * recency * relevance, less out of network.

    Relevance is (1 + S) / 2, S the cosine of the post and the viewer's taste. A post from outside
    the viewer's network counts X_OUT_OF_NETWORK of it, unless a followee answered it.
    """

    compares_texts: bool = True

    def base(self, live: LivePosts) -> Floats:
        """Return engagement * recency."""
        counts = {n: live.of_targets(n) for n in formulas.X_WEIGHTS if n in live.world.items}
        return formulas.x_worth(counts, live.age(), live.calendar.step_minutes)

    def network(
        self, world: World, frame: Frame, agents: Ids, network: NetworkCandidates
    ) -> Floats:
        """Return the scores of posts by, and answered by, followees, float32[m]."""
        scores = _network_dots(world, agents, network)
        scores += formulas.UNIT
        scores *= self.base(network.live(world, frame)) / (2 * formulas.UNIT)
        return scores

    def pool(self, world: World, frame: Frame, agents: Ids) -> Floats:
        """Return the scores of posts from outside, float32[k, p]."""
        scores = _pool_dots(world, frame, agents)
        scores += formulas.UNIT
        scores *= frame.pool_base * (formulas.X_OUT_OF_NETWORK / (2 * formulas.UNIT))
        return scores


@dataclass(frozen=True, slots=True)
class RandomScorer:
    """A random number per viewer, post and step."""

    compares_texts: bool = False

    def base(self, live: LivePosts) -> Floats:
        """Return zeros."""
        return np.zeros(len(live.items), np.float32)

    def network(
        self, world: World, frame: Frame, agents: Ids, network: NetworkCandidates
    ) -> Floats:
        """Return numbers in [0, 1), float32[m]."""
        viewers = np.repeat(agents, np.diff(network.ends))
        return formulas.unit_interval(formulas.mixed(frame.salt, viewers, network.target))

    def pool(self, world: World, frame: Frame, agents: Ids) -> Floats:
        """Return numbers in [0, 1), float32[k, p]."""
        words = formulas.mixed(frame.salt, agents[:, None], frame.pool.item[None, :])
        return formulas.unit_interval(words)


def _network_dots(world: World, agents: Ids, network: NetworkCandidates) -> Floats:
    texts = world.items["text"][network.target]
    taste, vectors = world.agents["taste"], world.texts.vectors
    dots: Floats = similarities(agents, network.ends, texts, taste, vectors)
    return dots


def _pool_dots(world: World, frame: Frame, agents: Ids) -> Floats:
    """Return the dot products of tastes and pool posts: integers, so exact in any order."""
    taste = world.agents["taste"][agents].astype(np.float32)
    dots = np.empty((len(agents), len(frame.pool)), np.float32)
    rows = max(1, _SMALL_PRODUCT // max(frame.pool_vectors.size, 1))
    for i in range(0, len(agents), rows):
        np.matmul(taste[i : i + rows], frame.pool_vectors, out=dots[i : i + rows])
    return dots


def codes_of(name: str, count: int) -> NDArray[Any]:
    """Return the code of one source `count` times, uint8."""
    return np.full(count, SOURCES.index(name), np.uint8)
