"""How cascades grow: scale, depth, maximum breadth and structural virality at given times.

The definitions are those of Vosoughi, Roy and Aral 2018 (doi:10.1126/science.aap9559, supplementary
materials), at time t over the members that had joined by then (time <= t):

- scale: their number, including the root;
- depth: the largest distance of one of them to the root (0 while the root is alone);
- max_breadth: the most of them at one distance of at least 1 (0 while the root is alone);
- virality: the mean distance of two of them, measured along the whole tree (Goel et al. 2016,
  doi:10.1287/mnsc.2015.2158, equation 1; 0 for a single member).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numba import njit
from numpy.typing import ArrayLike, NDArray

from hubbub.analysis.cascades import forest
from hubbub.analysis.summary import items_light
from hubbub.store import RunStore, Table

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Growth:
    """The curves of c cascades at p times.

    `cascade` [c] is the name of a cascade (see the function that made it), `at` float64[p] are the
    times since its root, `scale`, `depth` and `max_breadth` int32[c, p], `virality` float64[c, p].
    """

    cascade: NDArray[Any]
    at: Floats
    scale: NDArray[np.int32]
    depth: NDArray[np.int32]
    max_breadth: NDArray[np.int32]
    virality: Floats

    def table(self) -> Table:
        """Return a row per cascade and time: cascade, at, and the four measures."""
        measures = ("scale", "depth", "max_breadth", "virality")
        columns = {n: pa.array(getattr(self, n).ravel()) for n in measures}
        cascade = np.repeat(self.cascade, len(self.at))
        at = np.tile(self.at, len(self.cascade))
        return Table({"cascade": pa.array(cascade), "at": pa.array(at), **columns})


@dataclass(frozen=True, slots=True)
class Trees:
    """Trees of n members in all: member i hangs on `parent[i]` (a row; -1 for a root).

    `parent` int64[n]; `time` float64[n] since the root joined; `cascade` [n] is the name of the
    tree, `member` [n] of the member.
    """

    cascade: NDArray[Any]
    member: NDArray[Any]
    parent: Ints
    time: Floats


def growth(parent: ArrayLike, time: ArrayLike, at: ArrayLike) -> Growth:
    """Return the growth of trees given by rows; the row of its root names a cascade.

    `parent` int[n] is the row that a row hangs on, -1 for a root; `time` float[n] says when it
    joined, in any unit, on the clock of its root; `at` float[p] are the times wanted, ascending. A
    member may join before the one it hangs on (as in real data): it counts from its own time. The
    work is the sum of all depths. ValueError for a circle, or for times that do not ascend.
    """
    parent = np.asarray(parent, np.int64)
    time = np.asarray(time, np.float64)
    at = np.atleast_1d(np.asarray(at, np.float64))
    if (np.diff(at) < 0).any():
        raise ValueError("the times wanted must ascend")
    root, depth = roots_and_depths(parent)
    order = np.lexsort((time, root))
    roots = np.flatnonzero(parent < 0)
    bounds = np.searchsorted(root[order], np.append(roots, len(parent)))
    whole = np.zeros((3, len(roots), len(at)), np.int32)
    virality = np.zeros((len(roots), len(at)))
    _grow(order, bounds, parent, depth, time, at, whole, virality)
    return Growth(roots, at, whole[0], whole[1], whole[2], virality)


def growth_of_trees(trees: Trees, at: ArrayLike) -> Growth:
    """Return the growth of trees (see `trees_of_edges`), sorted by their names."""
    found = growth(trees.parent, trees.time, at)
    return _named(found, trees.cascade[found.cascade])


def growth_of_items(items: Table, at: ArrayLike) -> Growth:
    """Return the growth of the cascades in a table of items, named by the ids of their posts.

    Columns as of `RunStore.items()` (see hubbub.analysis.cascades.forest); a cascade is an original
    or quote with its reposts. `at` are steps since the post.
    """
    trees = forest(items)
    inside = np.flatnonzero(trees.root >= 0)
    row = np.full(len(trees.root), -1)
    row[inside] = np.arange(len(inside))
    above = trees.parent[inside]
    step = items.column("step").to_numpy().astype(np.float64)
    age = step[inside] - step[trees.root[inside]]
    found = growth(np.where(above >= 0, row[above], -1), age, at)
    posts = inside[found.cascade]
    return _named(
        found, items.column("id").to_numpy()[posts] if "id" in items.schema.names else posts
    )


def growth_of_run(store: RunStore, at: ArrayLike) -> Growth:
    """Return the growth of all cascades of a run, at these numbers of steps after each post."""
    return growth_of_items(items_light(store), at)


def trees_of_edges(
    cascade: ArrayLike, child: ArrayLike, parent: ArrayLike, time: ArrayLike
) -> Trees:
    """Return the trees of a table of edges; the rows of a cascade may be anywhere in it.

    `child` joined `parent` in tree `cascade` at `time` (float, since the root); names are integers
    or strings. A root is a parent that is nobody's child; it joined at time 0. The children come
    first, in the order of the edges, then the roots, by cascade. ValueError for a child with two
    parents or a tree with two roots.
    """
    names, tree = np.unique(np.asarray(cascade), return_inverse=True)
    who, codes = np.unique(np.concatenate([child, parent]), return_inverse=True)
    n = len(tree)
    key = tree * np.int64(len(who)) + codes[:n]
    above = tree * np.int64(len(who)) + codes[n:]
    roots = np.setdiff1d(above, key)
    members = np.concatenate([key, roots])
    order = np.argsort(members, kind="stable")
    at, tops = np.divmod(members, max(len(who), 1))
    twice = order[1:][np.diff(members[order]) == 0]
    if len(twice):
        of, name = str(who[tops[twice[0]]]), str(names[at[twice[0]]])
        raise ValueError(f"{of} has two parents in {name}; edges must form trees")
    twice = n + 1 + np.flatnonzero(np.diff(at[n:]) == 0)
    if len(twice):
        name = str(names[at[twice[0]]])
        raise ValueError(f"the tree {name} has two roots: give each tree its own name")
    rows = order[np.searchsorted(members[order], above)]
    parents = np.concatenate([rows, np.full(len(roots), -1)])
    times = np.concatenate([np.asarray(time, np.float64), np.zeros(len(roots))])
    return Trees(names[at], who[tops], parents, times)


def without(trees: Trees, dropped: NDArray[np.bool_]) -> Trees:
    """Return the trees without some members; their children move to the nearest remaining ancestor.

    `dropped` bool[n]. This makes a tree of reposts and replies one of reposts. ValueError if a root
    is dropped.
    """
    if (dropped & (trees.parent < 0)).any():
        raise ValueError("the root of a tree can't be left out")
    parent = trees.parent.copy()
    hanging = np.flatnonzero((parent >= 0) & dropped[parent])
    while len(hanging):
        parent[hanging] = parent[parent[hanging]]
        hanging = hanging[dropped[parent[hanging]]]
    kept = np.flatnonzero(~dropped)
    row = np.full(len(parent), -1)
    row[kept] = np.arange(len(kept))
    above = parent[kept]
    return Trees(
        trees.cascade[kept],
        trees.member[kept],
        np.where(above >= 0, row[above], -1),
        trees.time[kept],
    )


def roots_and_depths(parent: Ints) -> tuple[Ints, Ints]:
    """Return the root of every row and its distance to it, int64[n] each, by doubling steps.

    `parent` int64[n] are rows, -1 for roots. ValueError if rows hang on one another in a circle.
    """
    n = len(parent)
    root = np.where(parent >= 0, parent, np.arange(n))
    depth = (parent >= 0).astype(np.int64)
    moving = np.flatnonzero(depth)
    for _ in range(n.bit_length() + 1):
        if not len(moving):
            break
        above = root[moving]
        further, added = root[above], depth[above]
        depth[moving] += added
        root[moving] = further
        moving = moving[further != above]
    if (parent[root] >= 0).any():
        raise ValueError("members of a cascade hang on one another in a circle")
    return root, depth


def _named(found: Growth, names: NDArray[Any]) -> Growth:
    measures = (found.scale, found.depth, found.max_breadth, found.virality)
    return Growth(names, found.at, *measures)


@njit(cache=True, nogil=True)
def _grow(
    order: Ints,
    bounds: Ints,
    parent: Ints,
    depth: Ints,
    time: Floats,
    at: Floats,
    whole: NDArray[np.int32],
    virality: Floats,
) -> None:
    """Fill in the curves, one member after the other in the order of time.

    Of n members the edge above a member lies between the s of them that are below it and the other
    n - s, so the distances of all pairs add up to n * sum(s) - sum(s * s), where sum(s) is the sum
    of the depths. A new member adds 1 to each s on its way up.
    """
    level = np.zeros(len(order), np.int64)  # of a cascade: members by depth, from its first place
    below = np.zeros(len(order), np.int64)
    for c in range(len(bounds) - 1):
        i = bounds[c]
        deepest = broadest = depths = squares = 0
        for p in range(len(at)):
            while i < bounds[c + 1] and time[order[i]] <= at[p]:
                v = order[i]
                i += 1
                d = depth[v]
                depths += d
                deepest = max(deepest, d)
                if d > 0:
                    level[bounds[c] + d] += 1
                    broadest = max(broadest, level[bounds[c] + d])
                while parent[v] >= 0:
                    squares += 2 * below[v] + 1
                    below[v] += 1
                    v = parent[v]
            n = i - bounds[c]
            whole[0, c, p] = n
            whole[1, c, p] = deepest
            whole[2, c, p] = broadest
            if n > 1:
                virality[c, p] = 2.0 * (n * depths - squares) / (n * (n - 1.0))
