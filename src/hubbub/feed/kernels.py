"""The compiled loops of the feed: walking the network, and filling slates.

They do what the objects of `hubbub.feed.pipeline` say, one viewer at a time in a few kilobytes,
where columns of all candidates of all viewers would take hundreds of megabytes. Tests hold
both to the same result.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from hubbub.actions import Kind
from hubbub.world import SOURCES

#: Columns of candidates, and of records of items. SCORE holds the bits of a float32.
ITEM, TARGET, AUTHOR, SCORE = 0, 1, 2, 3
EARLIER = 0  # in a record, in place of ITEM

_REPOST, _COMMENT = int(Kind.repost), int(Kind.comment)
_IN_NETWORK, _PROOF = SOURCES.index("in_network"), SOURCES.index("social_proof")
_NONE, _POSITION = np.int64(-(2**63)), np.int64(2**32 - 1)
#: Keys in a block of a tournament: of the network's candidates, and of the pool's.
_NEAR_BLOCK, _FAR_BLOCK = 16, 128


@njit(cache=True, nogil=True)
def record(start: Any, kind: Any, ref: Any, author: Any, previous: Any, records: Any) -> None:
    """Write what a walk needs of the items from `start` on to records, int32[n, 3].

    A row is (the author's post before, the target, the target's author). A comment has the target
    -2 - post, and the post's author.
    """
    for i in range(start, len(kind)):
        row, before, target = records[i], previous[i], i
        if before >= 0 and kind[before] == _COMMENT:
            before = records[before, EARLIER]
        if kind[i] == _REPOST or kind[i] == _COMMENT:
            target = ref[i]
        row[EARLIER] = before
        row[TARGET] = -2 - target if kind[i] == _COMMENT else target
        row[AUTHOR] = author[target]


@njit(cache=True, nogil=True)
def _longest(ends: Any) -> Any:
    """Return the length of the longest of the stretches that end there."""
    longest = 0
    for j in range(len(ends) - 1):
        longest = max(longest, ends[j + 1] - ends[j])
    return longest


@njit(cache=True, nogil=True)
def _heads(viewer: Any, followees: Any, last_item: Any, first: Any, heads: Any) -> Any:
    """Write the last item of each followee, if it lives; return how many do."""
    alive = 0
    for followee in followees:
        head = last_item[followee]
        if head >= first and followee != viewer:
            heads[alive] = head
            alive += 1
    return alive


@njit(cache=True, nogil=True)
def walk(
    viewers: Any,
    offsets: Any,
    followees: Any,
    last_item: Any,
    first: Any,
    records: Any,
    per_author: Any,
    proof: Any,
) -> Any:
    """Return each viewer's in-network candidates: (ends int64[k+1], rows int32[m, 4], source).

    Of each followee the `per_author` newest live posts; with `proof`, also the post that the
    followee commented on, if that was the last thing it did. Nothing from before `first` lives.
    Rows: item, target, the target's author, and room for a score.
    """
    limit = len(followees) * (per_author + 1 if proof else per_author)
    rows = np.empty((limit, 4), np.int32)
    source = np.empty(limit, np.uint8)
    ends = np.zeros(len(viewers) + 1, np.int64)
    heads = np.empty(_longest(offsets), np.int32)
    comments = np.empty(len(heads), np.int32)
    m = 0
    for v in range(len(viewers)):
        theirs = followees[offsets[v] : offsets[v + 1]]
        alive, said = _heads(viewers[v], theirs, last_item, first, heads), 0
        # all followees one level at a time: the reads of a level do not wait for each other
        for level in range(per_author + 1):
            reading, alive = alive, 0
            for j in range(reading):
                item = heads[j]
                after, target = records[item, EARLIER], records[item, TARGET]
                if level > 0:
                    rows[m, ITEM], rows[m, TARGET] = item, target
                    rows[m, AUTHOR], source[m] = records[item, AUTHOR], _IN_NETWORK
                    m += 1
                elif target >= 0:
                    after = item
                else:
                    comments[said] = item
                    said += 1
                if after >= first:
                    heads[alive] = after
                    alive += 1
        for j in range(said if proof else 0):
            post = -2 - records[comments[j], TARGET]
            if post >= first:
                rows[m, ITEM], rows[m, TARGET] = post, post
                rows[m, AUTHOR], source[m] = records[comments[j], AUTHOR], _PROOF
                m += 1
        ends[v + 1] = m
    return ends, rows[:m], source[:m]


@njit(cache=True, nogil=True)
def similarities(viewers: Any, ends: Any, texts: Any, taste: Any, vectors: Any) -> Any:
    """Return the dot product of each candidate's text (-1 for none) and its viewer, float32[m]."""
    dots = np.zeros(len(texts), np.float32)
    for v in range(len(viewers)):
        mine = taste[viewers[v]]
        for j in range(ends[v], ends[v + 1]):
            if texts[j] >= 0:
                other = vectors[texts[j]]
                total = np.int32(0)
                for d in range(len(mine)):
                    total += np.int32(mine[d]) * np.int32(other[d])
                dots[j] = total
    return dots


@njit(cache=True, nogil=True)
def _ordered(bits: Any) -> Any:
    """Return an integer that orders the bits of scores, int32."""
    return bits ^ ((bits >> 31) & np.int32(0x7FFFFFFF))


@njit(cache=True, nogil=True)
def _key(bits: Any, item: Any) -> Any:
    """Return an integer that orders candidates by score, then the newest first."""
    return (np.int64(_ordered(bits)) << 32) | np.int64(item)


# What follows takes whole arrays and the number of a row: a slice made in a loop would count
# references, which costs more than what is done with it.


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


def _tournament(block: int) -> tuple[Any, Any, Any, Any]:  # noqa: C901 - five short functions
    """Return the rules (crown, top, leader, retire) of a tournament of keys int64[m, block].

    The highest key is found by the highest of each block (`tops`), and when it is taken out only
    its own block is looked through again. _NONE stands for no key. The size of a block is known
    when this is compiled, so that a loop over one is a few wide instructions.
    """

    @njit(cache=True, nogil=True)
    def highest(keys: Any, b: Any) -> Any:
        """Return the highest key of a block."""
        top = _NONE
        for j in range(block):
            top = max(top, keys[b, j])
        return top

    @njit(cache=True, nogil=True)
    def crown(keys: Any, n: Any, tops: Any) -> Any:
        """Write the highest of each block of the first n keys to `tops`; return the blocks."""
        blocks = (n + block - 1) // block
        for j in range(n, blocks * block):
            keys[j // block, j % block] = _NONE
        for b in range(blocks):
            tops[b] = highest(keys, b)
        return blocks

    @njit(cache=True, nogil=True)
    def top(tops: Any, blocks: Any) -> Any:
        """Return the highest key that is left."""
        key = _NONE
        for j in range(blocks):
            key = max(key, tops[j])
        return key

    @njit(cache=True, nogil=True)
    def leader(keys: Any, tops: Any, blocks: Any) -> Any:
        """Return the position of the highest key, of equal ones the last; -1 if none is left."""
        key, b, at = top(tops, blocks), 0, 0
        for j in range(blocks):  # no early exit anywhere: this vectorises, and counts no references
            b = j if tops[j] == key else b
        for j in range(block):
            at = j if keys[b, j] == key else at
        return b * block + at if key > _NONE else -1

    @njit(cache=True, nogil=True)
    def retire(keys: Any, tops: Any, at: Any) -> None:
        """Take a key out."""
        keys[at // block, at % block] = _NONE
        tops[at // block] = highest(keys, at // block)

    return crown, top, leader, retire


_crown_near, _, _leader_near, _retire_near = _tournament(_NEAR_BLOCK)
_crown_far, _top_far, _, _retire_far = _tournament(_FAR_BLOCK)


@njit(cache=True, nogil=True)
def _place(best: Any, who: Any, filled: Any, want: Any, key: Any, at: Any) -> Any:
    """Put a candidate where it belongs among the best `want`; return how many there are."""
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
    """Write the keys of n candidates of the network, from behind.

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
def _hand_out(chosen: Any, filled: Any, network: Any, pool: Any, slate: Any) -> None:
    """Write the chosen candidates (int32[k, w], the first filled[i] count) to the slates."""
    ends, rows, row_source = network
    pool_item, pool_author, pool_source, pool_bits = pool
    out_item, out_target, out_author, out_bits, out_source, count = slate
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
    viewers: Any, slots: Any, network: Any, pool: Any, filters: Any, decay: Any, slate: Any
) -> None:
    """Give `slots[i]` more places on the slate of viewers[i] to the best candidates that pass.

    network: (ends int64[k+1], rows int32[m, 4], source uint8[m]); pool: (item int32[p],
    ascending, author int32[p], source uint8[p], score bits int32[k or 1, p]); filters: (seen
    int32[k, s], hidden offsets int64[k+1], hidden authors int32[h], author of every item); decay:
    powers of the factor for further posts of one author, float32; slate, written to: (item,
    target, author, score bits, all int32[k, w], source uint8[k, w], count int32[k]).

    Candidates are taken in order of score, by two tournaments of blocks (network and pool), and
    filtered only when their turn comes; it ends when the next one could not win even as its
    author's first.
    """
    ends, rows, _ = network
    pool_item, pool_author, _, pool_bits = pool
    seen, hidden_ends, hidden, by = filters
    _, out_target, out_author, _, _, count = slate
    room = _longest(ends) // _NEAR_BLOCK + 1, len(pool_item) // _FAR_BLOCK + 1
    near_keys, near_tops = np.empty((room[0], _NEAR_BLOCK), np.int64), np.empty(room[0], np.int64)
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
        near_blocks = _crown_near(near_keys, near, near_tops)
        far_blocks = _crown_far(far_keys, len(pool_item), far_tops)
        close = _leader_near(near_keys, near_tops, near_blocks)
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
                _retire_far(far_keys, far_tops, at)
                far = _top_far(far_tops, far_blocks)
                at += near
            else:
                at = near - 1 - close
                item, target = rows[start + at, ITEM], rows[start + at, TARGET]
                author, score_bits[0] = rows[start + at, AUTHOR], rows[start + at, SCORE]
                _retire_near(near_keys, near_tops, close)
                close = _leader_near(near_keys, near_tops, near_blocks)
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
    _hand_out(chosen, found, network, pool, slate)
