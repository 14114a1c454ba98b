"""What all viewers of a step share, made once a step; and what one shard of viewers has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hubbub.feed.network_kernel import AUTHOR, ITEM, SCORE, TARGET, record, walk
from hubbub.feed.sources import CandidatePool, LivePosts
from hubbub.time import Clock
from hubbub.world import PairSet, World

#: Newest posts of each followee that are candidates.
PER_AUTHOR = 3


@dataclass(frozen=True, slots=True)
class Frame:
    """The candidates of a step and what is known of them. Many threads read it, none writes it.

    `first` is the oldest item that is shown; `records` int32[n, 3] are all items as the walk
    through the network reads them (empty where no feed needs it); `pool` holds the out-of-network
    candidates, with the shared part of their scores (float32[p]) and their vectors (float32[d, p],
    integers; or d = 0); `hidden` the pairs (viewer, author) that must not meet; `salt` the random
    word of the step.
    """

    step: int
    salt: int
    calendar: Clock
    first: int
    records: NDArray[np.int32]
    pool: CandidatePool
    pool_base: NDArray[np.float32]
    pool_vectors: NDArray[np.float32]
    hidden: PairSet


class NetworkCandidates(NamedTuple):
    """In-network candidates of k viewers: rows[ends[i]:ends[i+1]] are the i-th viewer's.

    rows int32[m, 4]: item as shown, target, the target's author, bits of the score (float32).
    """

    ends: NDArray[np.int64]
    rows: NDArray[np.int32]
    source: NDArray[np.uint8]

    @property
    def target(self) -> NDArray[np.int32]:
        """The posts the candidates stand for, int32[m]."""
        return self.rows[:, TARGET]

    @property
    def item(self) -> NDArray[np.int32]:
        """The candidates as they would be shown, int32[m]."""
        return self.rows[:, ITEM]

    @property
    def author(self) -> NDArray[np.int32]:
        """Who wrote the targets, int32[m]."""
        return self.rows[:, AUTHOR]

    def hide(self, hidden: NDArray[np.bool_]) -> None:
        """Hide these candidates, bool[m], from everyone."""
        self.rows[hidden, AUTHOR] = -1

    @property
    def scores(self) -> NDArray[np.float32]:
        """The scores once they are set, float32[m]."""
        return self.rows.view(np.float32)[:, SCORE]

    def live(self, world: World, frame: Frame) -> LivePosts:
        """Return the candidates as the scorers' shared part sees them."""
        return LivePosts(world, frame.step, frame.calendar, self.item, self.target)

    def score(self, scores: NDArray[np.float32]) -> None:
        """Set the scores, float32[m]."""
        self.rows.view(np.float32)[:, SCORE] = scores

    @classmethod
    def nobody(cls, k: int) -> NetworkCandidates:
        """Return no candidates for k viewers."""
        return cls(np.zeros(k + 1, np.int64), np.empty((0, 4), np.int32), np.empty(0, np.uint8))


class ItemFacts:
    """What a walk through the network needs of each item, side by side: one read, not five.

    These facts never change, so they are kept from step to step and only added to.
    """

    def __init__(self) -> None:
        self._world: World | None = None
        self._rows = np.empty((0, 3), np.int32)
        self._known = 0

    def of(self, world: World) -> NDArray[np.int32]:
        """Return the records of all items of this world, int32[n, 3]."""
        n = len(world.items)
        if self._world is not world or n < self._known:
            self._world, self._known = world, 0
        if n > len(self._rows):
            grown = np.empty((n + n // 2, 3), np.int32)
            grown[: self._known] = self._rows[: self._known]
            self._rows = grown
        items = world.items
        links = items["ref"], items["author"], items["previous"]
        record(self._known, items["kind"], *links, self._rows)
        self._known = n
        return self._rows[:n]


def find_network(
    world: World, frame: Frame, agents: NDArray[np.int32], *, proof: bool
) -> NetworkCandidates:
    """Return the newest posts of each viewer's followees; with `proof` also what they answered."""
    if not len(frame.records):
        return NetworkCandidates.nobody(len(agents))
    offsets, followees = world.sets["follow"].rows(agents)
    last = world.agents["last_item"]
    return NetworkCandidates(
        *walk(agents, offsets, followees, last, frame.first, frame.records, PER_AUTHOR, proof)
    )


def hidden_pairs(world: World) -> PairSet:
    """Return the pairs (viewer, author) of a mute, or of a block in either direction."""
    muted = world.sets["mute"]
    blocks = world.sets.get("block")
    if blocks is None or not len(blocks):
        return muted
    left, right = blocks.columns()
    back = np.sort((right.astype(np.int64) << np.int64(32)) | left)
    return PairSet(np.unique(np.concatenate([muted.keys(), blocks.keys(), back])))
