"""The compiled loops through a viewer's network: what followees posted, and its score.

They do what columns of all candidates of all viewers would do, one viewer at a time.
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


@njit(cache=True, nogil=True)
def record(start: Any, kind: Any, ref: Any, author: Any, previous: Any, records: Any) -> None:
    """Write what a walk needs of the items from `start` on to records, int32[n, 3].

    A row is (the author's previous post, the target, the target's author). A comment has the target
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
def longest(ends: Any) -> Any:
    """Return the length of the longest of the ranges with these ends."""
    longest = 0
    for j in range(len(ends) - 1):
        longest = max(longest, ends[j + 1] - ends[j])
    return longest


@njit(cache=True, nogil=True)
def _heads(viewer: Any, followees: Any, last_item: Any, first: Any, heads: Any) -> Any:
    """Write the last item of each followee if it is live; return how many are."""
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

    These are the `per_author` newest live posts of each followee; with `proof`, also the post that
    the followee commented on, if that was its last item. Items before `first` are not live. Rows:
    item, target, the target's author, and room for a score.
    """
    limit = len(followees) * (per_author + 1 if proof else per_author)
    rows = np.empty((limit, 4), np.int32)
    source = np.empty(limit, np.uint8)
    ends = np.zeros(len(viewers) + 1, np.int64)
    heads = np.empty(longest(offsets), np.int32)
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
