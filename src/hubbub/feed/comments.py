"""The comments shown with each post."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hubbub.world import PairSet, Slate, World

#: Comments are chosen among this many of the newest ones on a post.
LOOK_BACK = 20


def top_comments(
    world: World, items: NDArray[Any], per_item: int, look_back: int = LOOK_BACK
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return the best comments of each shown item: (offsets int64[m+1], comment ids int32[c]).

    Best by likes - dislikes among the newest `look_back` comments on its target; of equals, the
    older comes first.
    """
    nothing = np.zeros(len(items) + 1, np.int64), np.empty(0, np.int32)
    if not len(items) or not per_item:
        return nothing
    targets = world.targets(items)
    items_ = world.items
    last, earlier = items_["last_comment"], items_["next_comment"]
    answered = np.flatnonzero(last[targets] >= 0)
    if not len(answered):
        return nothing
    distinct, which = np.unique(targets[answered], return_inverse=True)
    counts = items_["likes"], items_["dislikes"]
    found, count = best_comments(distinct, last, earlier, *counts, per_item, look_back)
    per_shown = np.zeros(len(items), np.int64)
    per_shown[answered] = count[which]
    offsets = np.append(0, np.cumsum(per_shown))
    used = np.arange(found.shape[1]) < count[:, None]
    return offsets, found[which][used[which]]


def shown_comments(
    world: World, slate: Slate, per_item: int, hidden: PairSet
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return the top comments of a slate's items, without those by authors hidden from its viewer.

    `hidden` are the pairs (viewer, author) of mutes and blocks; the form is that of `top_comments`.
    """
    if not len(hidden):
        return top_comments(world, slate.items, per_item)
    offsets, ids = top_comments(world, slate.items, LOOK_BACK)  # some of them may go
    item = np.repeat(np.arange(len(slate.items)), np.diff(offsets))
    viewer = slate.agents[slate.rows()[item]]
    keep = ~hidden.contains(viewer, world.items["author"][ids])
    kept_before = np.append(0, np.cumsum(keep))
    rank = kept_before[:-1] - kept_before[offsets[:-1]][item]
    keep &= rank < per_item
    return np.append(0, np.cumsum(keep))[offsets], ids[keep]


@njit(cache=True, nogil=True)
def best_comments(
    posts: Any, last: Any, earlier: Any, likes: Any, dislikes: Any, per_item: Any, look_back: Any
) -> Any:
    """Return the best comments of each post in order: (ids int32[m, per_item], count int64[m])."""
    found = np.full((len(posts), per_item), -1, np.int32)
    count = np.zeros(len(posts), np.int64)
    for i in range(len(posts)):
        comment, walked, n = last[posts[i]], 0, 0
        row = found[i]
        while comment >= 0 and walked < look_back:
            score = likes[comment] - dislikes[comment]
            j = min(n, per_item)
            # the walk goes from new to old, so an equal comment moves ahead of those before it
            while j > 0 and likes[row[j - 1]] - dislikes[row[j - 1]] <= score:
                if j < per_item:
                    row[j] = row[j - 1]
                j -= 1
            if j < per_item:
                row[j] = comment
                n = min(n + 1, per_item)
            comment = earlier[comment]
            walked += 1
        count[i] = n
    return found, count
