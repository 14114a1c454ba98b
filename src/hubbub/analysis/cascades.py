"""Cascades of reposts: size, depth, breadth and virality of the trees under the posts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from hubbub.actions import Kind
from hubbub.store import Table

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Forest:
    """The repost trees of n items; row i is the item in row i of the table.

    `root` int64[n] is the row of the post whose cascade an item belongs to (-1 for comments,
    messages and reposts of unknown posts), `parent` int64[n] the row through which it was seen (-1
    for roots and items outside any cascade), `depth` int64[n] the distance to the root (0 outside).
    """

    root: Ints
    parent: Ints
    depth: Ints


def forest(items: Table) -> Forest:
    """Return the repost trees of a table of items.

    Columns as of `RunStore.items()`: `kind` (names or codes of hubbub.actions.Kind), `ref` (what a
    repost reposts), `parent` (the item through which it was seen); ids in `id`, else row numbers.
    An original and a quote are roots. A repost hangs on the repost through which it was seen if
    that is one of the same post, else on the root.
    """
    kind, ref, via = _kinds(items), _rows(items, "ref"), _rows(items, "parent")
    n = len(kind)
    own = np.arange(n)
    is_root = (kind == Kind.post) | (kind == Kind.quote)
    is_repost = (kind == Kind.repost) & (ref >= 0)
    is_repost &= is_root[ref]
    root = np.where(is_root, own, np.where(is_repost, ref, -1))
    same = (via >= 0) & is_repost[via] & (ref[via] == ref)
    parent = np.where(is_repost, np.where(same, via, ref), -1)
    return Forest(root, parent, _depths(parent))


def cascades(items: Table) -> Table:
    """Return a row per original and quote: post, agent, step, size, depth, max_breadth, virality.

    `size` counts the reposts and the post itself; `depth` is the longest way from the post to a
    repost; `max_breadth` the most items at one distance (1 for a post without reposts);
    `virality` the structural virality of Goel et al. 2016 (doi:10.1287/mnsc.2015.2158), the mean
    distance of two items of the tree, 0 for a post without reposts. See `forest` for the columns.
    """
    trees = forest(items)
    n = len(trees.root)
    inside = np.flatnonzero(trees.root >= 0)
    root, depth = trees.root[inside], trees.depth[inside]
    size = np.bincount(root, minlength=n)
    deepest = np.zeros(n, np.int64)
    np.maximum.at(deepest, root, depth)
    breadth = np.zeros(n, np.int64)
    levels, counts = np.unique(root * (int(depth.max(initial=0)) + 1) + depth, return_counts=True)
    np.maximum.at(breadth, levels // (int(depth.max(initial=0)) + 1), counts)
    posts = np.flatnonzero(trees.root == np.arange(n))
    pairs = size[posts] * (size[posts] - 1)
    virality = 2.0 * _wiener(trees, size)[posts] / np.maximum(pairs, 1)
    ids = _column(items, "id") if "id" in items.column_names else np.arange(n)
    return Table(
        {
            "post": pa.array(ids[posts].astype(np.int32)),
            "agent": pa.array(_column(items, "agent")[posts].astype(np.int32)),
            "step": pa.array(_column(items, "step")[posts].astype(np.int32)),
            "size": pa.array(size[posts].astype(np.int32)),
            "depth": pa.array(deepest[posts].astype(np.int32)),
            "max_breadth": pa.array(breadth[posts].astype(np.int32)),
            "virality": pa.array(virality),
        }
    )


def _depths(parent: Ints) -> Ints:
    """Return the distance of every row to the top of its tree, by doubling the steps taken."""
    depth = (parent >= 0).astype(np.int64)
    above = np.where(parent >= 0, parent, np.arange(len(parent)))
    moving = np.flatnonzero(depth)
    while len(moving):
        jump = above[moving]
        moving_depth = depth[moving] + depth[jump]
        above[moving], moved = above[jump], above[jump] != jump
        depth[moving] = moving_depth
        moving = moving[moved]
    return depth


def _wiener(trees: Forest, size: Ints) -> NDArray[np.float64]:
    """Return the sum of distances over all pairs of each tree, by the row of its root.

    Every edge lies between the s items below it and the other n - s: it counts s * (n - s) times.
    """
    below = np.ones(len(size), np.int64)
    reposts = np.flatnonzero(trees.parent >= 0)
    order = reposts[np.argsort(-trees.depth[reposts], kind="stable")]
    edges = np.flatnonzero(np.diff(trees.depth[order])) + 1
    for level in np.split(order, edges) if len(order) else []:
        np.add.at(below, trees.parent[level], below[level])
    root = trees.root[reposts]
    total = np.zeros(len(size))
    np.add.at(total, root, below[reposts] * (size[root] - below[reposts]))
    return total


def _kinds(items: Table) -> NDArray[Any]:
    column = items.column("kind")
    if pa.types.is_dictionary(column.type):
        column = pc.cast(column, column.type.value_type)
    if pa.types.is_string(column.type):
        names = pa.array([k.name for k in Kind])
        return np.asarray(pc.fill_null(pc.index_in(column, names), -1))
    return np.asarray(column)


def _column(items: Table, name: str) -> NDArray[Any]:
    """Return a column of ids as numbers; null is -1."""
    column = items.column(name)
    return np.asarray(pc.fill_null(column, -1) if column.null_count else column)


def _rows(items: Table, name: str) -> Ints:
    """Return the rows of the ids in a column, int64[n]; -1 for none and for unknown ids."""
    wanted = _column(items, name).astype(np.int64)
    n = len(wanted)
    ids = _column(items, "id").astype(np.int64) if "id" in items.column_names else np.arange(n)
    if n == 0:
        return wanted
    order = np.argsort(ids, kind="stable")
    at = np.minimum(np.searchsorted(ids[order], wanted), n - 1)
    found = order[at]
    return np.where(ids[found] == wanted, found, -1)
