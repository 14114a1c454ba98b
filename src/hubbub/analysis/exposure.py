"""Who was shown whose posts: attention, diversity, the other side, and repeated exposures.

An exposure is a position on a slate: an agent was shown a post, itself or through a repost. Nobody
knows whether it was read; in a simulation, agents decide on what they are shown.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from hubbub.actions import Kind
from hubbub.analysis.inequality import gini, top_share
from hubbub.analysis.polarization import opposed_share, topic_column
from hubbub.store import RunStore, Table
from hubbub.store.read import agents, items, slates

Ids = NDArray[np.int32]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Exposures:
    """Who was shown what: int32[m] each, in the order of steps, agents and positions.

    In `step`, agent `viewer` was shown `item` (a repost where it came through one). `post` is the
    post itself and `author` its author; `sharer` is the author of `item`.
    """

    step: Ids
    viewer: Ids
    item: Ids
    post: Ids
    author: Ids
    sharer: Ids

    def __len__(self) -> int:
        return len(self.viewer)


@dataclass(frozen=True, slots=True)
class Attention:
    """The distribution of exposures over all agents as authors.

    `exposures` is their number; `gini` and `top_1_percent` measure their inequality (see
    hubbub.analysis.inequality); `authors_per_viewer` is the mean over agents with exposures of the
    effective number of authors (see `diversity`); `cross_cutting` is the share of exposures across
    the neutral point of an opinion, NaN without opinions.
    """

    exposures: int
    gini: float
    top_1_percent: float
    authors_per_viewer: float
    cross_cutting: float


def exposures(store: RunStore, first: int = 1, last: int | None = None) -> Exposures:
    """Return the exposures of the steps `first` to `last` (the last whole one, if None)."""
    last = store.steps if last is None else last
    empty = np.empty(0, np.int32)
    columns: list[tuple[Ids, Ids, Ids]] = [(empty, empty, empty)]
    for step, slate in slates.between(store, first, last):
        viewer = np.repeat(slate.agents, np.diff(slate.offsets))
        columns.append((np.full(len(viewer), step, np.int32), viewer, slate.items))
    steps, viewer, item = (np.concatenate(c) for c in zip(*columns, strict=True))
    kind, by, ref = items.columns(store, ("kind", "author", "ref"))
    own = np.arange(len(kind), dtype=np.int32)
    original = np.where((kind == Kind.repost) & (ref >= 0), ref, own)
    post = original[item]
    return Exposures(steps, viewer, item, post, by[post], by[item])


def attention(authors: ArrayLike, n: int) -> Ints:
    """Return how often each of n authors was shown, int64[n]; `authors` int[m] by exposure."""
    return np.bincount(np.asarray(authors, np.int64), minlength=n)


def diversity(viewers: ArrayLike, shown: ArrayLike, n: int) -> Floats:
    """Return the effective number of different things each of n agents was shown, float64[n].

    Each pair of `viewers` and `shown` int[m] is an exposure: an agent, and what it saw (its author,
    its topic, ...; values below 0 do not count). exp(- sum p ln p) over the shares p of what the
    agent saw, the Hill number of order 1; its logarithm is the entropy in nats. NaN for agents
    without exposures.
    """
    viewer, what = np.asarray(viewers, np.int64), np.asarray(shown, np.int64)
    known = what >= 0
    if not known.all():
        viewer, what = viewer[known], what[known]
    things = int(what.max(initial=0)) + 1
    pairs, count = _counted(viewer * things + what, n * things)
    who = pairs // things
    total = np.bincount(who, count, minlength=n)
    share = count / total[who]
    entropy = np.bincount(who, -share * np.log(share), minlength=n)
    return np.where(total > 0, np.exp(entropy), np.nan)


def cross_cutting_exposure(
    opinions: ArrayLike, viewers: ArrayLike, authors: ArrayLike, neutral: float = 0.0
) -> float:
    """Return the share of exposures to authors on the other side, in [0, 1].

    `opinions` float[agents]; exposures in which one of the two is neutral do not count, NaN if
    there are no others (compare Bakshy et al. 2015, doi:10.1126/science.aaa1160).
    """
    side = np.asarray(opinions, np.float64)
    return opposed_share(side[np.asarray(viewers)], side[np.asarray(authors)], neutral)


def repost_by_exposure(
    exposed: tuple[ArrayLike, ArrayLike, ArrayLike],
    reposted: tuple[ArrayLike, ArrayLike, ArrayLike],
    most: int = 20,
) -> Table:
    """Return the probability of a repost after the k-th exposure: k, exposed, reposted, share.

    Both arguments are columns (step, agent, post). For k = 1 to `most`, `exposed` is the number of
    (agent, post) pairs with a k-th exposure before any repost, `reposted` how many of them were
    reposted after it and before the next, `share` the ratio p(k) = I(k) / E(k) (Romero, Meeder and
    Kleinberg 2011, doi:10.1145/1963405.1963503, section 3); null where nobody had k exposures.
    Exposures of one step count as one, and a repost comes after the exposure of its step. Exposures
    after the repost do not count, nor do reposts without exposure.
    """
    pair, step, reposts = _first_of_step(exposed, reposted)
    began = np.flatnonzero(np.diff(pair, prepend=-1))
    length = np.diff(np.append(began, len(pair)))
    repost = _step_of(pair[began], *reposts)
    before = step <= np.repeat(repost, length)
    seen = np.add.reduceat(before, began, dtype=np.int64) if len(began) else np.zeros(0, np.int64)
    reached = np.bincount(np.minimum(seen, most), minlength=most + 1)
    moved = np.bincount(seen[(repost < _NEVER) & (seen <= most)], minlength=most + 1)[1:]
    at_risk = np.cumsum(reached[::-1])[::-1][1:]
    share = moved / np.maximum(at_risk, 1)
    return Table(
        {
            "k": pa.array(np.arange(1, most + 1)),
            "exposed": pa.array(at_risk),
            "reposted": pa.array(moved),
            "share": pa.array(share, mask=at_risk == 0),
        }
    )


def repost_by_exposure_of_run(store: RunStore, most: int = 20) -> Table:
    """Return `repost_by_exposure` for all posts of a run and the reposts of those shown them."""
    seen = exposures(store)
    shown = (seen.step, seen.viewer, seen.post)
    return repost_by_exposure(shown, items.reposts(store), most)


def attention_of_run(store: RunStore, topic: str | None = None) -> Attention:
    """Return the distribution of attention in a run, with the opinions on a topic at its end.

    `topic` is one of the scenario's, the first by default; RunError for an unknown one.
    """
    seen = exposures(store)
    n = agents.count(store)
    counts = attention(seen.author, n)
    effective = diversity(seen.viewer, seen.author, n)
    effective = effective[~np.isnan(effective)]
    opinions = store.opinions_at()
    side = opinions[:, topic_column(store, topic)] if opinions.size else np.zeros(n)
    return Attention(
        exposures=len(seen),
        gini=gini(counts),
        top_1_percent=top_share(counts, 0.01),
        authors_per_viewer=float(effective.mean()) if len(effective) else float("nan"),
        cross_cutting=cross_cutting_exposure(side, seen.viewer, seen.author),
    )


#: The step of a repost that never came.
_NEVER = np.iinfo(np.int64).max


def _first_of_step(
    exposed: tuple[ArrayLike, ArrayLike, ArrayLike],
    reposted: tuple[ArrayLike, ArrayLike, ArrayLike],
) -> tuple[Ints, Ints, tuple[Ints, Ints]]:
    """Return the exposures as (pair, step), sorted, one per step; and the reposts as (pair, step).

    A pair is one number for an agent and a post. Everything is sorted as one number, three times as
    fast as by columns.
    """
    step, agent, post = (np.asarray(c, np.int64) for c in exposed)
    at, who, what = (np.asarray(c, np.int64) for c in reposted)
    posts, steps = (
        int(max(a.max(initial=0), b.max(initial=0))) + 1 for a, b in ((post, what), (step, at))
    )
    if (int(agent.max(initial=0)) + 1) * posts * steps >= 2**63:
        raise ValueError("agents x posts x steps is more than 2^63: number the posts from 0")
    key = np.sort((agent * posts + post) * steps + step)
    key = key[np.diff(key, prepend=-1) > 0]
    pair = key // steps
    return pair, key - pair * steps, (who * posts + what, at)


def _step_of(pairs: Ints, reposted: Ints, steps: Ints) -> Ints:
    """Return the step of the first repost of each of the sorted pairs, or _NEVER."""
    first = np.full(len(pairs), _NEVER)
    place = np.searchsorted(pairs, reposted)
    known = np.flatnonzero(place < len(pairs))
    known = known[pairs[place[known]] == reposted[known]]
    np.minimum.at(first, place[known], steps[known])
    return first


def _counted(keys: Ints, bound: int) -> tuple[Ints, Ints]:
    """Return the different keys in [0, bound) and how often each occurs."""
    if bound <= 4 * len(keys):
        count = np.bincount(keys, minlength=1)
        found = np.flatnonzero(count)
        return found, count[found]
    return np.unique(keys, return_counts=True)
