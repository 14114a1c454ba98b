"""The compiled loop that fills slates.

It does what the objects of `hubbub.feed.pipeline` define, one viewer at a time in a few kilobytes,
where columns of all candidates of all viewers would take hundreds of megabytes. Tests hold both to
the same result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hubbub.feed.network_kernel import AUTHOR, ITEM, SCORE, TARGET, longest
from hubbub.world import Slate

if TYPE_CHECKING:
    from hubbub.feed.frame import NetworkCandidates

_NONE, _POSITION = np.int64(-(2**63)), np.int64(2**32 - 1)
#: Keys in a block of a tournament. A viewer's network has about 20 candidates, the pool hundreds:
#: the longer a block, the fewer blocks there are, and the wider the instructions can be.
_NEAR_BLOCK, _FAR_BLOCK = 16, 128

Ids = NDArray[np.int32]


class PoolScores(NamedTuple):
    """What all viewers may be shown: p posts (ascending), each by an author, from a source.

    `bits` int32[k, p] are those of the scores (float32) for each viewer; [1, p] if all agree.
    """

    item: Ids
    author: Ids
    source: NDArray[np.uint8]
    bits: Ids


class Barred(NamedTuple):
    """What k viewers must not be shown.

    The i-th must not see the posts seen[i] (int32[k, s]), nor anything by
    authors[ends[i]:ends[i+1]]. `by` int32[n] is the author of each item.
    """

    seen: Ids
    ends: NDArray[np.int64]
    authors: Ids
    by: Ids


class Slots(NamedTuple):
    """The slates of k viewers while they are filled: the first used[i] of `width` slots are taken.

    All int32[k, width] except `source` uint8[k, width] and `used` int32[k].
    """

    item: Ids
    target: Ids
    author: Ids
    bits: Ids
    source: NDArray[np.uint8]
    used: Ids

    @classmethod
    def empty(cls, k: int, width: int) -> Self:
        """Return empty slots."""
        item, target, author, bits = (np.zeros((k, width), np.int32) for _ in range(4))
        source, used = np.zeros((k, width), np.uint8), np.zeros(k, np.int32)
        return cls(item, target, author, bits, source, used)

    def slate(self, agents: Ids) -> Slate:
        """Return what they hold, as these agents' slate."""
        shown = np.arange(self.item.shape[1]) < self.used[:, None]
        offsets = np.zeros(len(agents) + 1, np.int64)
        np.cumsum(self.used, out=offsets[1:])
        scores = self.bits.view(np.float32)[shown]
        return Slate(agents, offsets, self.item[shown], scores, self.source[shown])


@njit(cache=True, nogil=True)
def _ordered(bits: Any) -> Any:
    """Return an integer that orders the bits of scores, int32."""
    return bits ^ ((bits >> 31) & np.int32(0x7FFFFFFF))


@njit(cache=True, nogil=True)
def _key(bits: Any, item: Any) -> Any:
    """Return an integer that orders candidates by score, then the newest first."""
    return (np.int64(_ordered(bits)) << 32) | np.int64(item)


# The functions below take whole arrays and the number of a row: a slice made in a loop would count
# references, which costs more than the work itself.


@njit(cache=True, nogil=True)
def _known(values: Any, row: Any, n: Any, value: Any) -> Any:
    """Return whether `value` is among the first n of a row. No early exit: this vectorises."""
    found = 0
    for j in range(n):
        found |= values[row, j] == value
    return found != 0


@njit(cache=True, nogil=True)
def _times(values: Any, row: Any, n: Any, value: Any) -> Any:
    """Return how often `value` is among the first n of a row."""
    found = 0
    for j in range(n):
        found += values[row, j] == value
    return found


@njit(cache=True, nogil=True)
def _between(values: Any, first: Any, last: Any, value: Any) -> Any:
    """Return whether `value` is among values[first:last]."""
    found = 0
    for j in range(last - first):
        found |= values[first + j] == value
    return found != 0


# Two tournaments: keys stand in blocks, and the best of each block is known, so when a key is taken
# out only its own block is searched again. The size of a block is a compile-time constant. _NONE
# stands for no key.


@njit(cache=True, nogil=True)
def _renew_near(keys: Any, b: Any, tops: Any, places: Any) -> None:
    """Find the highest key of a block and its position; of equals, the last."""
    top, at = _NONE, 0
    for j in range(_NEAR_BLOCK):
        better = keys[b, j] >= top
        top = keys[b, j] if better else top
        at = j if better else at
    tops[b], places[b] = top, b * _NEAR_BLOCK + at


@njit(cache=True, nogil=True)
def _crown_near(keys: Any, n: Any, tops: Any, places: Any) -> Any:
    """Find the best of each block of the first n keys; return the number of blocks."""
    blocks = (n + _NEAR_BLOCK - 1) // _NEAR_BLOCK
    for j in range(n, blocks * _NEAR_BLOCK):
        keys[j // _NEAR_BLOCK, j % _NEAR_BLOCK] = _NONE
    for b in range(blocks):
        _renew_near(keys, b, tops, places)
    return blocks


@njit(cache=True, nogil=True)
def _leader_near(tops: Any, places: Any, blocks: Any) -> Any:
    """Return the position of the highest key, of equals the last; -1 if none is left."""
    top, at = _NONE, -1
    for b in range(blocks):
        better = (tops[b] >= top) & (tops[b] > _NONE)
        top = tops[b] if better else top
        at = places[b] if better else at
    return at


@njit(cache=True, nogil=True)
def _renew_far(keys: Any, b: Any, tops: Any) -> None:
    """Find the highest key of a block, which holds its own position: a few instructions."""
    top = _NONE
    for j in range(_FAR_BLOCK):
        top = max(top, keys[b, j])
    tops[b] = top


@njit(cache=True, nogil=True)
def _crown_far(keys: Any, n: Any, tops: Any) -> Any:
    """Find the best of each block of the first n keys; return the number of blocks."""
    blocks = (n + _FAR_BLOCK - 1) // _FAR_BLOCK
    for j in range(n, blocks * _FAR_BLOCK):
        keys[j // _FAR_BLOCK, j % _FAR_BLOCK] = _NONE
    for b in range(blocks):
        _renew_far(keys, b, tops)
    return blocks


@njit(cache=True, nogil=True)
def _top_far(tops: Any, blocks: Any) -> Any:
    """Return the highest key that is left."""
    top = _NONE
    for b in range(blocks):
        top = max(top, tops[b])
    return top


@njit(cache=True, nogil=True)
def _place(best: Any, who: Any, filled: Any, want: Any, key: Any, at: Any) -> Any:
    """Insert a candidate among the best `want` in order; return how many there are."""
    if filled == want:
        if key <= best[want - 1]:
            return filled
        filled -= 1
    j = filled
    while j > 0 and best[j - 1] < key:
        best[j], who[j] = best[j - 1], who[j - 1]
        j -= 1
    best[j], who[j] = key, at
    return filled + 1


@njit(cache=True, nogil=True)
def _enter_near(rows: Any, first: Any, n: Any, keys: Any) -> None:
    """Write the keys of n candidates of the network, from the last to the first.

    Of equal keys the last one leads, which is then the first candidate.
    """
    for j in range(n):
        row = first + n - 1 - j
        keys[j] = _key(rows[row, SCORE], rows[row, ITEM])


@njit(cache=True, nogil=True)
def _enter_far(bits: Any, row: Any, keys: Any) -> None:
    """Write the keys of the pool, which hold positions: its items ascend, so the newest leads."""
    for j in range(bits.shape[1]):
        keys[j] = _key(bits[row, j], j)


@njit(cache=True, nogil=True)
def _hand_out(
    chosen: Any, filled: Any, network: NetworkCandidates, pool: PoolScores, places: Slots
) -> None:
    """Write the chosen candidates (int32[k, w], the first filled[i] count) to their slots."""
    ends, rows, row_source = network
    pool_item, pool_author, pool_source, pool_bits = pool
    out_item, out_target, out_author, out_bits, out_source, count = places
    for v in range(len(filled)):
        near = ends[v + 1] - ends[v]
        mine = v if pool_bits.shape[0] > 1 else 0
        for j in range(filled[v]):
            at, to = chosen[v, j], count[v] + j
            if at < near:
                at += ends[v]
                out_item[v, to], out_target[v, to] = rows[at, ITEM], rows[at, TARGET]
                out_author[v, to], out_bits[v, to] = rows[at, AUTHOR], rows[at, SCORE]
                out_source[v, to] = row_source[at]
            else:
                at -= near
                out_item[v, to] = out_target[v, to] = pool_item[at]
                out_author[v, to], out_bits[v, to] = pool_author[at], pool_bits[mine, at]
                out_source[v, to] = pool_source[at]
        count[v] += filled[v]


@njit(cache=True, nogil=True)
def fill(  # noqa: C901 - in one piece: calls with arrays would count references
    viewers: Ids,
    slots: Ids,
    network: NetworkCandidates,
    pool: PoolScores,
    barred: Barred,
    decay: NDArray[np.float32],
    places: Slots,
) -> None:
    """Give `slots[i]` more slots of viewers[i] to the best candidates that may be shown.

    `decay` are powers of the factor for further posts of one author.

    A slate needs the best few of hundreds, and most of these get a slot at once. So candidates are
    not sorted: two tournaments (the viewer's network and the pool) yield them in order of score,
    and each is checked only when its turn comes. It ends when the next one could not win even as
    its author's first.
    """
    ends, rows, _ = network  # taken out of their tuples once: in the loop it would count references
    pool_item, pool_author, _, pool_bits = pool
    seen, hidden_ends, hidden, by = barred
    _, out_target, out_author, _, _, count = places
    room = longest(ends) // _NEAR_BLOCK + 1, len(pool_item) // _FAR_BLOCK + 1
    near_keys = np.empty((room[0], _NEAR_BLOCK), np.int64)
    near_tops, near_places = np.empty(room[0], np.int64), np.empty(room[0], np.int64)
    far_keys, far_tops = np.empty((room[1], _FAR_BLOCK), np.int64), np.empty(room[1], np.int64)
    near_flat, far_flat = near_keys.ravel(), far_keys.ravel()  # the same, in one dimension
    taken_target = np.empty((1, out_target.shape[1] + near_keys.size + far_keys.size), np.int32)
    taken_author = np.empty_like(taken_target)
    best = np.empty(out_target.shape[1] + 1, np.int64)
    who = np.empty(out_target.shape[1] + 1, np.int32)
    chosen = np.empty((len(viewers), len(who)), np.int32)
    found = np.zeros(len(viewers), np.int32)
    score = np.empty(1, np.float32)
    score_bits = score.view(np.int32)
    for v in range(len(viewers)):
        viewer, want, shown = viewers[v], slots[v], count[v]
        if want == 0:
            continue
        start, near = ends[v], ends[v + 1] - ends[v]
        mine = v if pool_bits.shape[0] > 1 else 0
        _enter_near(rows, start, near, near_flat)
        _enter_far(pool_bits, mine, far_flat)
        near_blocks = _crown_near(near_keys, near, near_tops, near_places)
        far_blocks = _crown_far(far_keys, len(pool_item), far_tops)
        close = _leader_near(near_tops, near_places, near_blocks)
        far = _top_far(far_tops, far_blocks)
        for j in range(shown):
            taken_target[0, j], taken_author[0, j] = out_target[v, j], out_author[v, j]
        taken, filled = shown, 0
        while True:
            key = near_flat[close] if close >= 0 else _NONE
            at = far & _POSITION
            pooled = far > _NONE and (far & ~_POSITION | pool_item[at]) > key
            if pooled:
                key = far & ~_POSITION | pool_item[at]
            if key <= (best[want - 1] if filled == want else _NONE):
                break
            if pooled:
                item = target = pool_item[at]
                author, score_bits[0] = pool_author[at], pool_bits[mine, at]
                far_flat[at] = _NONE
                _renew_far(far_keys, at // _FAR_BLOCK, far_tops)
                far = _top_far(far_tops, far_blocks)
                at += near
            else:
                at = near - 1 - close
                item, target = rows[start + at, ITEM], rows[start + at, TARGET]
                author, score_bits[0] = rows[start + at, AUTHOR], rows[start + at, SCORE]
                near_flat[close] = _NONE
                _renew_near(near_keys, close // _NEAR_BLOCK, near_tops, near_places)
                close = _leader_near(near_tops, near_places, near_blocks)
            if (
                author < 0
                or author == viewer
                or _known(seen, v, seen.shape[1], target)
                or _known(taken_target, 0, taken, target)
                or _between(hidden, hidden_ends[v], hidden_ends[v + 1], author)
                or (len(hidden) and _between(hidden, hidden_ends[v], hidden_ends[v + 1], by[item]))
            ):
                continue
            before = _times(taken_author, 0, taken, author)
            taken_target[0, taken], taken_author[0, taken] = target, author
            taken += 1
            if score[0] > 0:
                score[0] *= decay[min(before, len(decay) - 1)]
            filled = _place(best, who, filled, want, _key(score_bits[0], item), at)
        found[v] = filled
        for j in range(filled):
            chosen[v, j] = who[j]
    _hand_out(chosen, found, network, pool, places)
