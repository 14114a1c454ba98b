"""Who is tied to whom: reciprocity, mixing of groups, clustering, degrees, and change over time.

Ties are two columns of agent ids: tie k goes from left[k] to right[k] (the follower and the one
followed). An undefined measure, such as the reciprocity of no ties, is NaN.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numba import njit
from numpy.typing import ArrayLike, NDArray

from hubbub.rng import Streams
from hubbub.store import RunStore, Table
from hubbub.store.read import agents, follows
from hubbub.world import keys_of

Ids = NDArray[np.int32]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Mixing:
    """How ties and groups are related. See the functions of the same names."""

    assortativity: float
    modularity: float
    ei_index: float


@dataclass(frozen=True, slots=True)
class GraphFigures:
    """A graph of n agents in figures. `mean_degree` is ties per agent."""

    agents: int
    ties: int
    mean_degree: float
    reciprocity: float
    clustering: float


@dataclass(frozen=True, slots=True)
class TieChange:
    """Ties between two steps: the numbers kept, made and ended.

    `jaccard` is kept / (kept + made + ended), 1 if nothing changed (Snijders et al. 2010,
    doi:10.1016/j.socnet.2009.02.004).
    """

    kept: int
    made: int
    ended: int
    jaccard: float


def reciprocity(left: ArrayLike, right: ArrayLike) -> float:
    """Return the share of ties that are returned (Wasserman and Faust 1994, chapter 13)."""
    a, b = _ends(left, right)
    if not len(a):
        return math.nan
    return _shared(keys_of(b, a), keys_of(a, b)) / len(a)


def group_assortativity(groups: ArrayLike, left: ArrayLike, right: ArrayLike) -> float:
    """Return how strongly ties stay within groups, at most 1.

    `groups` [n] are numbers or names. r = (sum e_ii - sum a_i b_i) / (1 - sum a_i b_i), e_ij the
    share of the ties from group i to j, a and b its sums (Newman 2003,
    doi:10.1103/PhysRevE.67.026126, equation 2). Chance gives 0; NaN if all ties are of one group.
    """
    within, expected = _within(groups, left, right)
    return (within - expected) / (1 - expected) if expected < 1 else math.nan


def modularity(groups: ArrayLike, left: ArrayLike, right: ArrayLike) -> float:
    """Return the modularity of the given groups [n], in [-0.5, 1).

    Q = 1/m sum over i, j of (A_ij - k_i^out k_j^in / m) for i and j of one group, m ties (Leicht
    and Newman 2008, doi:10.1103/PhysRevLett.100.118703, equation 2).
    """
    within, expected = _within(groups, left, right)
    return within - expected


def ei_index(groups: ArrayLike, left: ArrayLike, right: ArrayLike) -> float:
    """Return (E - I) / (E + I), E ties between and I ties within groups [n] of agents.

    -1: all within; 1: all between (Krackhardt and Stern 1988, doi:10.2307/2786835).
    """
    a, b = _ends(left, right)
    groups = np.asarray(groups)
    return 1.0 - 2.0 * float((groups[a] == groups[b]).mean()) if len(a) else math.nan


def mixing(groups: ArrayLike, left: ArrayLike, right: ArrayLike) -> Mixing:
    """Return how groups [n] and ties are related."""
    return Mixing(
        group_assortativity(groups, left, right),
        modularity(groups, left, right),
        ei_index(groups, left, right),
    )


def clustering(
    left: ArrayLike, right: ArrayLike, n: int, *, sample: int | None = None, seed: int = 0
) -> float:
    """Return the mean share of an agent's neighbours that are neighbours of one another.

    The local clustering coefficient of Watts and Strogatz 1998 (doi:10.1038/30918), ignoring
    direction, 0 for agents with fewer than two neighbours: the mean over `n` agents, or over a
    `sample` of them drawn without replacement by `seed`.
    """
    offsets, partners = neighbours(left, right, n)
    chosen = np.arange(n)
    if sample is not None and sample < n:
        chosen = Streams(seed).at("clustering").permutation(n)[:sample]
    if not len(chosen):
        return math.nan
    closed = _closed(chosen, offsets, partners)
    degree = np.diff(offsets)[chosen].astype(np.float64)
    return float((closed / np.maximum(degree * (degree - 1), 1)).mean())


def neighbours(left: ArrayLike, right: ArrayLike, n: int) -> tuple[Ints, Ids]:
    """Return everyone's neighbours in either direction, each once, without oneself.

    The neighbours of agent i are partners[offsets[i]:offsets[i+1]], sorted: int64[n+1], int32[m].
    """
    a, b = _ends(left, right)
    a, b = a[a != b], b[a != b]
    keys = np.sort(np.concatenate([keys_of(a, b), keys_of(b, a)]))
    keys = keys[np.diff(keys, prepend=-1) > 0]  # far faster than np.unique's hashing
    offsets = np.searchsorted(keys, np.arange(n + 1, dtype=np.int64) << np.int64(32))
    return offsets, _columns(keys)[1]


def ccdf(values: ArrayLike) -> Table:
    """Return for each value that occurs the share of values that are at least as large.

    Columns `value` and `share`, ascending by value; for degrees, see `degrees`.
    """
    found, count = np.unique(np.asarray(values), return_counts=True)
    share = np.cumsum(count[::-1])[::-1] / max(int(count.sum()), 1)
    return Table({"value": pa.array(found), "share": pa.array(share, pa.float64())})


def degrees(ends: ArrayLike, n: int) -> Ints:
    """Return how many ties each of n agents has, int64[n]: in-degrees for `right` ends."""
    return np.bincount(np.asarray(ends, np.int64), minlength=n)


def tie_change(
    before: tuple[ArrayLike, ArrayLike], after: tuple[ArrayLike, ArrayLike]
) -> TieChange:
    """Return the change of the ties (left, right) since `before`; each occurs once."""
    old, new = keys_of(*_ends(*before)), keys_of(*_ends(*after))
    kept = _shared(old, new)
    ended, made = len(old) - kept, len(new) - kept
    total = kept + made + ended
    return TieChange(kept, made, ended, kept / total if total else math.nan)


class FollowHistory:
    """Who followed whom after each step of a run, computed once from its events."""

    def __init__(self, store: RunStore) -> None:
        start, changes = follows.start_and_changes(store)
        self._start = keys_of(*start)
        self._step, self._sign = changes.step, changes.sign  # in the order of events
        self._keys = keys_of(changes.left, changes.right)

    def at(self, step: int) -> tuple[Ids, Ids]:
        """Return (follower, followed), int32[m] each, after a step; -1 is the start."""
        early = np.flatnonzero(self._step <= step)[::-1]
        touched, last = np.unique(self._keys[early], return_index=True)
        stands = self._sign[early][last] > 0
        there = touched[_member(touched, self._start)]
        start = np.delete(self._start, np.searchsorted(self._start, there))
        return _columns(np.concatenate([start, touched[stands]]))


def follows_at(store: RunStore, step: int | None = None) -> tuple[Ids, Ids]:
    """Return who follows whom after a step (the last, if None): (follower, followed), int32[m].

    For many steps, `FollowHistory` reads the run only once.
    """
    return FollowHistory(store).at(store.steps if step is None else step)


def network_of_run(
    store: RunStore, step: int | None = None, *, sample: int | None = 10_000, seed: int = 0
) -> GraphFigures:
    """Return the follow graph after a step in figures; clustering from a sample of agents."""
    step = store.steps if step is None else step
    n = agents.count(store, step)
    left, right = follows_at(store, step)
    return GraphFigures(
        agents=n,
        ties=len(left),
        mean_degree=len(left) / n if n else math.nan,
        reciprocity=reciprocity(left, right),
        clustering=clustering(left, right, n, sample=sample, seed=seed),
    )


def mixing_of_run(store: RunStore, groups: ArrayLike, step: int | None = None) -> Mixing:
    """Return how groups [agents] and follows are related after a step."""
    return mixing(groups, *follows_at(store, step))


def _ends(left: ArrayLike, right: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    return np.asarray(left, np.int64), np.asarray(right, np.int64)


def _shared(keys: Ints, others: Ints) -> int:
    """Return how many of the keys are among the others."""
    return int(_member(np.sort(keys), np.sort(others)).sum())


def _member(keys: Ints, others: Ints) -> NDArray[np.bool_]:
    """Return which of the keys are among the others, which are sorted."""
    if not len(others):
        return np.zeros(len(keys), np.bool_)
    at = np.minimum(np.searchsorted(others, keys), len(others) - 1)
    found: NDArray[np.bool_] = others[at] == keys
    return found


def _columns(keys: Ints) -> tuple[Ids, Ids]:
    """Return the two ids of each key of `keys_of`."""
    return (keys >> np.int64(32)).astype(np.int32), (keys & np.int64(0xFFFFFFFF)).astype(np.int32)


def _within(groups: ArrayLike, left: ArrayLike, right: ArrayLike) -> tuple[float, float]:
    """Return the share of ties within groups, and what chance gives: sum of a_i b_i."""
    a, b = _ends(left, right)
    if not len(a):
        return math.nan, math.nan
    names, group = np.unique(np.asarray(groups), return_inverse=True)
    out = np.bincount(group[a], minlength=len(names))
    into = np.bincount(group[b], minlength=len(names))
    within = int((group[a] == group[b]).sum())  # whole numbers: the order of groups does not matter
    return within / len(a), int(out @ into) / len(a) ** 2


@njit(cache=True, nogil=True)
def _closed(chosen: Ints, offsets: Ints, partners: Ids) -> Floats:
    """Return how many ordered pairs of an agent's neighbours are neighbours, float64[k]."""
    found = np.zeros(len(chosen))
    mark = np.full(len(offsets) - 1, -1)
    for i in range(len(chosen)):
        first, end = offsets[chosen[i]], offsets[chosen[i] + 1]
        for k in range(first, end):
            mark[partners[k]] = i
        for k in range(first, end):
            other = partners[k]
            for j in range(offsets[other], offsets[other + 1]):
                if mark[partners[j]] == i:
                    found[i] += 1
    return found
