"""The feed as a pipeline of small objects: candidates, filters, selector.

These define what a slate is, and `Feed.explain` answers from them. For whole societies
`hubbub.feed.fill_kernel.fill` does the same faster; tests hold the two to one result.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hubbub.feed.frame import Frame, NetworkCandidates
from hubbub.world import World

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Candidates:
    """Pairs of a viewer (agent id) and an item it might be shown, as columns of one length."""

    viewer: NDArray[np.int32]
    item: NDArray[np.int32]
    target: NDArray[np.int32]
    author: NDArray[np.int32]
    source: NDArray[np.uint8]
    score: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.item)

    def take(self, rows: NDArray[np.int64] | Mask) -> Candidates:
        """Return some of the candidates."""
        return replace(self, **{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    def join(self, other: Candidates) -> Candidates:
        """Return these candidates and then the others."""
        both = {n.name: (getattr(self, n.name), getattr(other, n.name)) for n in fields(self)}
        return replace(self, **{name: np.concatenate(pair) for name, pair in both.items()})

    def best_first(self, score: NDArray[np.float32]) -> NDArray[np.int64]:
        """Return the order by viewer, then score, then the newest first."""
        return np.lexsort((-self.item.astype(np.int64), -score, self.viewer))


def candidates(
    world: World,
    frame: Frame,
    agents: NDArray[np.int32],
    network: NetworkCandidates,
    pool_scores: NDArray[np.float32],
    pool_source: NDArray[np.uint8],
) -> Candidates:
    """Return the candidates of k viewers from network and pool.

    `pool_scores` are float32[k, p], float32[1, p] if all viewers agree, or float32[1, 0].
    """
    k, p = len(agents), pool_scores.shape[1]
    pool = frame.pool.item[:p]
    items = np.concatenate([network.item, np.tile(pool, k)])
    targets = world.targets(items)
    scores = np.broadcast_to(pool_scores, (k, p)).ravel()
    return Candidates(
        viewer=np.concatenate([np.repeat(agents, np.diff(network.ends)), np.repeat(agents, p)]),
        item=items,
        target=targets,
        author=np.asarray(world.items["author"][targets], np.int32),
        source=np.concatenate([network.source, np.tile(pool_source[:p], k)]),
        score=np.concatenate([network.scores, scores]),
    )


class Filter(Protocol):
    """Says which candidates a viewer must not be shown, and why."""

    @property
    def reason(self) -> str:
        """The reason, in one word."""
        ...

    def removes(self, world: World, c: Candidates) -> Mask:
        """Return bool[m]."""
        ...


@dataclass(frozen=True, slots=True)
class OwnFilter:
    """The viewer wrote it."""

    reason: str = "own"

    def removes(self, world: World, c: Candidates) -> Mask:
        """Return where the viewer is the author."""
        return np.asarray(c.author == c.viewer)


@dataclass(frozen=True, slots=True)
class SeenFilter:
    """The viewer was shown it lately."""

    reason: str = "seen"

    def removes(self, world: World, c: Candidates) -> Mask:
        """Return where the target is among the last posts shown."""
        seen = world.agents["seen"][c.viewer] == c.target[:, None]
        return np.asarray(seen.any(axis=1))


@dataclass(frozen=True, slots=True)
class MutedFilter:
    """The viewer muted (blocked, was blocked by) its author, or the one who reposted it."""

    pairs: str
    reason: str
    mutual: bool = False

    def removes(self, world: World, c: Candidates) -> Mask:
        """Return where the pair of viewer and author, or reposter, is in the set."""
        result = np.zeros(len(c), np.bool_)
        found = world.sets.get(self.pairs)
        if found is not None:
            for other in (c.author, np.asarray(world.items["author"][c.item])):
                result |= found.contains(c.viewer, other)
                if self.mutual:
                    result |= found.contains(other, c.viewer)
        return result


@dataclass(frozen=True, slots=True)
class ModeratedFilter:
    """It has too many reports to be shown."""

    threshold: int | None
    reason: str = "moderated"

    def removes(self, world: World, c: Candidates) -> Mask:
        """Return where the target has that many reports."""
        if self.threshold is None:
            return np.zeros(len(c), np.bool_)
        return np.asarray(world.items["reports"][c.target] >= self.threshold)


def filters(hide_reported: int | None) -> tuple[Filter, ...]:
    """Return the filters in the order in which they give their reasons."""
    return (
        OwnFilter(),
        SeenFilter(),
        MutedFilter("mute", "muted"),
        MutedFilter("block", "blocked", mutual=True),
        ModeratedFilter(hide_reported),
    )


def split(filter_: Filter, world: World, c: Candidates) -> tuple[Candidates, Candidates]:
    """Return the candidates that a filter keeps, and those it removes."""
    gone = filter_.removes(world, c)
    return c.take(~gone), c.take(gone)


def split_duplicates(c: Candidates, shown: Candidates) -> tuple[Candidates, Candidates]:
    """Return the best candidate of each viewer and target that is not shown yet, and the rest."""
    order = c.best_first(c.score)
    pairs = (c.viewer.astype(np.int64) << np.int64(32) | c.target)[order]
    first = np.zeros(len(c), np.bool_)
    first[order[np.unique(pairs, return_index=True)[1]]] = True
    before = shown.viewer.astype(np.int64) << np.int64(32) | shown.target
    first[order[np.isin(pairs, before)]] = False
    return c.take(first), c.take(~first)


def select(
    c: Candidates, shown: Candidates, slots: dict[int, int], decay: NDArray[np.float32]
) -> tuple[Candidates, Candidates]:
    """Return the candidates that get a slot, best first, and those outranked.

    `slots` are the slots of each viewer; `shown` is already on its slate. The j-th further post of
    one author counts decay[j] of its score, if that is positive.
    """
    order = c.best_first(c.score)
    before: dict[tuple[int, int], int] = {}
    for pair in zip(shown.viewer.tolist(), shown.author.tolist(), strict=True):
        before[pair] = before.get(pair, 0) + 1
    weighed = c.score.copy()
    for row in order:
        pair = int(c.viewer[row]), int(c.author[row])
        j = before.get(pair, 0)
        before[pair] = j + 1
        if weighed[row] > 0:
            weighed[row] *= decay[min(j, len(decay) - 1)]
    chosen: list[int] = []
    left = dict(slots)
    for row in c.best_first(weighed):
        viewer = int(c.viewer[row])
        if left.get(viewer, 0) > 0:
            left[viewer] -= 1
            chosen.append(int(row))
    rest = np.ones(len(c), np.bool_)
    rest[chosen] = False
    return c.take(np.array(chosen, np.int64)), c.take(rest)
