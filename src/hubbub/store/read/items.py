"""Items: posts, reposts, quotes, comments and messages, without loading all their texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hubbub.actions import Kind
from hubbub.store.run import RunStore


def count(store: RunStore) -> int:
    """Return how many items there are."""
    ((number,),) = store.database.rows("SELECT count(*) FROM item")
    return int(number)


def count_by_kind(store: RunStore) -> dict[str, int]:
    """Return how many items there are of each kind, by its name."""
    rows = store.database.rows(
        "SELECT k.name, count(*) FROM item i JOIN kind k ON k.code = i.kind GROUP BY i.kind"
    )
    return dict(rows)


def made_by_step(store: RunStore, kinds: Sequence[Kind]) -> NDArray[np.int64]:
    """Return how many items of these kinds were made in each step, int64[steps + 1]."""
    steps, marks = store.steps, ", ".join("?" * len(kinds))
    step, number = store.database.integers(
        f"SELECT step, count(*) FROM item WHERE kind IN ({marks}) AND step BETWEEN 0 AND ? "
        "GROUP BY step ORDER BY step",
        *map(int, kinds),
        steps,
    )
    made = np.zeros(steps + 1, np.int64)
    made[step] = number
    return made


def total_likes(store: RunStore) -> int:
    """Return the number of likes that stand at the end."""
    ((likes,),) = store.database.rows("SELECT coalesce(sum(likes), 0) FROM item")
    return int(likes)


def columns(store: RunStore, names: Sequence[str]) -> list[NDArray[np.int32]]:
    """Return columns of the table `item` for all items by id, int32[n] each."""
    return store.database.columns("item", names, "ORDER BY id")


def reposts(store: RunStore) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """Return the step, author and original post of each repost by id, int32[n] each."""
    step, author, post = store.database.columns(
        "item", ("step", "author", "ref"), "WHERE kind = ? AND ref >= 0 ORDER BY id", Kind.repost
    )
    return step, author, post


def row(store: RunStore, item: int) -> dict[str, Any] | None:
    """Return the columns of an item, None if there is no such item."""
    return store.database.row("item", item)


def text(store: RunStore, item: int) -> str:
    """Return the text of an item; of a repost, the text of its original post."""
    rows = store.database.rows(
        "SELECT t.content FROM item i LEFT JOIN item r ON r.id = i.ref JOIN text t "
        "ON t.id = CASE WHEN i.text >= 0 THEN i.text ELSE r.text END WHERE i.id = ?",
        item,
    )
    return str(rows[0][0]) if rows else ""


def likes(store: RunStore, item: int) -> int:
    """Return how many likes of an item stand at the end."""
    ((number,),) = store.database.rows("SELECT likes FROM item WHERE id = ?", item)
    return int(number)


def most_liked(store: RunStore, top: int) -> list[tuple[int, str, int, str]]:
    """Return (post, user name, likes, text) of the posts with most likes; none without any."""
    return store.database.rows(
        "SELECT id, user_name, likes, content FROM post WHERE likes > 0 AND kind <> 'repost' "
        "ORDER BY likes DESC, id LIMIT ?",
        top,
    )


def comments_on(store: RunStore, post: int) -> list[tuple[int, int, int, str, int]]:
    """Return (id, step, agent, text, likes) of the comments on a post, the oldest first."""
    return store.database.rows(
        "SELECT id, step, agent, content, likes FROM comment WHERE post = ? ORDER BY id", post
    )
