"""Where candidates come from: the sources of the pool that all viewers share.

A source picks some of the live posts once a step, by a number that depends on no viewer. What a
viewer's own network holds is found per viewer (`hubbub.feed.frame.NetworkCandidates`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hubbub.feed import formulas
from hubbub.time import Clock
from hubbub.world import SOURCES, World

_NOWHERE = 255
#: A bound is computed only if there are more posts than this many times the slots of the pool.
_FEW = 4
#: More than logarithms lose by rounding: what a bound leaves out is certainly worse.
_MARGIN = 0.01


@dataclass(frozen=True, slots=True)
class LivePosts:
    """Items young enough to be shown in a step, int32[m], and the posts they stand for.

    `targets` differ from `items` for reposts only: counts are the target's, the time is the item's.
    """

    world: World
    step: int
    calendar: Clock
    items: NDArray[np.int32]
    targets: NDArray[np.int32]

    def age(self) -> NDArray[np.int32]:
        """Return the ages in steps, int32[m]."""
        return np.asarray(self.step - self.world.items["step"][self.items], np.int32)

    def oldest(self) -> int:
        """Return the age of the first item, which is the oldest."""
        return self.step - int(self.world.items["step"][self.items[0]])

    def epochs(self) -> NDArray[np.float64]:
        """Return when the steps in which they were written began, in seconds since 1970."""
        ages, which = np.unique(self.age(), return_inverse=True)
        began = np.array([self.calendar.epoch(self.step - age) for age in ages.tolist()])
        return began[which]

    def take(self, rows: NDArray[Any]) -> LivePosts:
        """Return some of them."""
        return replace(self, items=self.items[rows], targets=self.targets[rows])

    def of_targets(self, name: str) -> NDArray[Any]:
        """Return a column of the posts they stand for."""
        return np.asarray(self.world.items[name][self.targets])


class Source(Protocol):
    """Scores live posts for a place in the pool."""

    @property
    def name(self) -> str:
        """Its name among hubbub.world.SOURCES."""
        ...

    def score(self, live: LivePosts) -> NDArray[np.float32]:
        """Return one number per live post, float32[m]."""
        ...


@dataclass(frozen=True, slots=True)
class Newest:
    """The latest posts. Score: the step they were written in."""

    name: str = "newest"

    def score(self, live: LivePosts) -> NDArray[np.float32]:
        """Return the steps, float32[m]."""
        return live.world.items["step"][live.items].astype(np.float32)


@dataclass(frozen=True, slots=True)
class Liked:
    """The most liked posts."""

    name: str = "trending"

    def score(self, live: LivePosts) -> NDArray[np.float32]:
        """Return the likes, float32[m]."""
        return live.of_targets("likes").astype(np.float32)


@dataclass(frozen=True, slots=True)
class Trending:
    """The posts with the highest hot score."""

    name: str = "trending"

    def score(self, live: LivePosts) -> NDArray[np.float32]:
        """Return Reddit's hot score, float32[m]."""
        likes, dislikes = live.of_targets("likes"), live.of_targets("dislikes")
        return formulas.hot(likes, dislikes, live.epochs())


@dataclass(frozen=True, slots=True)
class Interest:
    """The posts with the highest R * F, whatever they are about."""

    name: str = "interest"

    def score(self, live: LivePosts) -> NDArray[np.float32]:
        """Return recency times fame of OASIS's formula, float32[m]."""
        followers = live.world.agents["followers"][live.of_targets("author")]
        result: NDArray[np.float32] = formulas.recency(live.age()) * formulas.fame(followers)
        return result


@dataclass(frozen=True, slots=True)
class Random:
    """Any posts."""

    name: str = "random"

    def score(self, live: LivePosts) -> NDArray[np.float32]:
        """Return the same number for all, so that chance decides, float32[m]."""
        return np.zeros(len(live.items), np.float32)


@dataclass(frozen=True, slots=True)
class CandidatePool:
    """The out-of-network candidates of a step: item, author int32[p], source uint8[p]."""

    item: NDArray[np.int32]
    author: NDArray[np.int32]
    source: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.item)


def draw_pool(
    live: LivePosts, sources: tuple[tuple[Source, float], ...], size: int, salt: int
) -> CandidatePool:
    """Return at most `size` of the live posts: from each source, in order, its share of the slots.

    Chance (`salt`) decides between equals. A post that two sources name belongs to the first.
    """
    source, left = np.full(len(live.items), _NOWHERE, np.uint8), min(size, len(live.items))
    for i, (origin, share) in enumerate(sources):
        count = left if i == len(sources) - 1 else min(left, round(size * share))
        rows = contenders(origin, live, size)
        rows = rows[source[rows] == _NOWHERE]
        if count < len(rows):
            part = live.take(rows)
            rows = rows[_highest(origin.score(part), part.items, count, salt)]
        source[rows] = SOURCES.index(origin.name)
        left -= len(rows)
    rows = np.flatnonzero(source != _NOWHERE)
    items = live.items[rows]
    return CandidatePool(
        items, np.asarray(live.world.items["author"][items], np.int32), source[rows]
    )


def contenders(origin: Source, live: LivePosts, size: int) -> NDArray[np.int64]:
    """Return rows of live posts that include the `size` best of a source, and all their equals.

    The whole window of a long run holds millions of posts, most of which have no chance. So a few
    posts give a bound on the score of the last of the best, and the others are only compared with
    the followers or likes that a post of their age would need.
    """
    everyone = np.arange(len(live.items))
    if len(everyone) <= _FEW * size:
        return everyone
    match origin:
        case Interest():
            return _fresh_or_known(origin, live, size)
        case Trending():
            return _talked_about(origin, live, size)
        case _:
            return everyone


def _fresh_or_known(origin: Interest, live: LivePosts, size: int) -> NDArray[np.int64]:
    """Return the rows of posts with enough followers to score like the newest ones."""
    world, n = live.world, len(live.items)
    bound = _last_of_best(origin.score(live.take(np.arange(n - _FEW * size, n))), size)
    recency = formulas.recency(np.arange(live.oldest() + 1)).astype(np.float64)
    with np.errstate(divide="ignore", over="ignore"):  # an age at which nobody is known enough
        fame = bound / recency if bound > 0 else np.zeros(len(recency))
        fans = np.where(fame > 1 + _MARGIN, 1000.0 ** (fame - _MARGIN) - 2, 0)
    followers = world.agents["followers"]
    able = np.flatnonzero(fans <= followers.max())
    first = np.searchsorted(world.items["step"], np.int32(live.step - able[-1]))
    rows = np.arange(np.searchsorted(live.items, np.int32(first)), n)
    part = live.take(rows)
    needed = np.minimum(fans, 2.0**31 - 1).astype(np.int32)[part.age()]
    known: NDArray[np.bool_] = followers[part.of_targets("author")] >= needed
    return np.asarray(rows[known], np.int64)


def _talked_about(origin: Trending, live: LivePosts, size: int) -> NDArray[np.int64]:
    """Return the rows of posts with enough likes to score like the most liked ones."""
    items = live.world.items
    score = _difference(live.targets, items["likes"], items["dislikes"])
    liked = np.flatnonzero(score >= _nth_highest(score, size))[-size:]
    bound = _last_of_best(origin.score(live.take(liked)), size)
    rounding = 2 * float(np.spacing(np.float32(bound)))  # of times in seconds since 2005
    ends = (live.calendar.epoch(live.step), live.calendar.epoch(live.step - live.oldest()))
    time = formulas.hot_time(np.linspace(*ends, live.oldest() + 1))  # by age
    order = bound - time - rounding - _MARGIN
    likes = np.where(order > 0, np.floor(10.0 ** np.clip(order, 0, 9)), -(2.0**31))
    return _reaching(score, live.items, items["step"], live.step, likes.astype(np.int32))  # type: ignore[no-any-return]


def _nth_highest(values: NDArray[np.int32], n: int) -> int:
    """Return the n-th highest of whole numbers, of which there are more; few are large."""
    counts = np.bincount(np.maximum(values, 0))
    above = np.cumsum(counts[::-1])  # as high as this or higher
    place = len(counts) - 1 - int(np.searchsorted(above, n))
    return place if place > 0 else int(np.partition(values, len(values) - n)[len(values) - n])


@njit(cache=True, nogil=True)
def showable(kinds: Any, allowed: Any, first: Any) -> Any:
    """Return the items from `first` on whose kind is allowed (bool[256]), int32[m]."""
    found, m = np.empty(len(kinds) - first, np.int32), 0
    for item in range(first, len(kinds)):
        found[m] = item
        m += allowed[kinds[item]]
    return found[:m]


@njit(cache=True, nogil=True)
def _difference(rows: Any, left: Any, right: Any) -> Any:
    """Return left - right at these rows, int32[m]."""
    result = np.empty(len(rows), np.int32)
    for i in range(len(rows)):
        result[i] = left[rows[i]] - right[rows[i]]
    return result


@njit(cache=True, nogil=True)
def _reaching(score: Any, items: Any, born: Any, now: Any, needed: Any) -> Any:
    """Return the rows of items that reach the score needed at their age, int64[k]."""
    found, k = np.empty(len(items), np.int64), 0
    for i in range(len(items)):
        found[k] = i
        k += score[i] >= needed[now - born[items[i]]]
    return found[:k].copy()


def _last_of_best(scores: NDArray[np.float32], size: int) -> float:
    """Return the score of the last of the best `size`."""
    return float(np.partition(scores, len(scores) - size)[len(scores) - size])


def _highest(
    scores: NDArray[np.float32], ids: NDArray[np.int32], count: int, salt: int
) -> NDArray[np.int64]:
    """Return the positions of the highest scores; chance decides between equals."""
    bits = (scores + np.float32(0.0)).view(np.int32)  # one zero, not two
    order = (bits ^ ((bits >> 31) & 0x7FFFFFFF)).astype(np.int64) << np.int64(32)
    lots = formulas.mixed(salt, np.zeros(1), ids).astype(np.int64)
    cut = len(scores) - count
    return np.argpartition(order | lots, cut)[cut:] if count else np.empty(0, np.int64)
