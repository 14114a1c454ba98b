"""What a first point does to later votes: rates, scores, and the strength of herding.

Votes of a step were cast on the scores at the end of the step before (the engine's frozen world),
so the displayed score of every vote is known exactly. (With turns.staleness, models may have seen
scores of a few steps earlier; then it is approximate.)
"""

from __future__ import annotations

from dataclasses import dataclass
from math import erfc, nan, sqrt
from statistics import NormalDist

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from hubbub.engine import Simulation
from hubbub.studies.resampling import Tails

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

#: The treatments by name.
TREATMENTS = {"up-treated": 1, "control": 0, "down-treated": -1}
_SIGN = {"like_post": 1, "like_comment": 1, "dislike_post": -1, "dislike_comment": -1}
#: The strengths of herding that are tried; an interval lies within them.
STRENGTHS = np.linspace(-4.0, 6.0, 101)
_Z = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True, slots=True)
class Forum:
    """A run with treated items. Items are rows; `treatment` is +1, 0 or -1.

    `created` int64[n] is the step, `page` int64[n] the post under which an item is seen (itself for
    posts). Agents' votes, sorted by item and step: `item`, `step`, `sign` (+1, -1), `change` of the
    score (2 where a vote took back the opposite one) and the `displayed` score, int64[v]. `views`
    are sorted keys page * stride + step, one per showing of a post.
    """

    treatment: Ints
    is_post: NDArray[np.bool_]
    created: Ints
    page: Ints
    item: Ints
    step: Ints
    sign: Ints
    change: Ints
    displayed: Ints
    views: Ints
    stride: int

    def organic(self) -> Ints:
        """Return the final scores without the treatment, int64[n]."""
        result = np.zeros(len(self.treatment), np.int64)
        np.add.at(result, self.item, self.change)
        return result

    def seen(self, until: Ints) -> Ints:
        """Return how often each item was shown after it was written, up to step until[i]."""
        start = np.searchsorted(self.views, self.page * self.stride + self.created, "right")
        end = np.searchsorted(self.views, self.page * self.stride + until, "right")
        number: Ints = np.maximum(end - start, 0)
        return number


def read_forum(sim: Simulation, treatment: NDArray[np.int8]) -> Forum:
    """Return the items, votes and views of a run."""
    items = sim.store.items()
    is_post = np.asarray(pc.equal(items["kind"], "post"))
    own = np.arange(len(is_post))
    page = np.where(is_post, own, _numbers(items["ref"]))
    votes = _votes(sim)
    stride = sim.scenario.steps + 2
    slates = sim.store.slates()
    views = np.sort(_numbers(slates["item"]) * stride + _numbers(slates["step"]))
    z = treatment.astype(np.int64)
    item, step, sign, change = votes
    displayed = z[item] + _before(item, step, change)
    created = _numbers(items["step"])
    return Forum(z, is_post, created, page, item, step, sign, change, displayed, views, stride)


def _votes(sim: Simulation) -> tuple[Ints, Ints, Ints, Ints]:
    """Return item, step, sign and change of score of agents' votes, by item and step."""
    events = sim.store.events()
    people = len(sim.world.agents) - 1
    names = pa.array(list(_SIGN))
    mine = pc.and_(pc.is_in(events["action"], value_set=names), pc.equal(events["reason"], "ok"))
    votes = events.filter(pc.and_(mine, pc.less(events["agent"], people)))
    sign = np.array([_SIGN[a] for a in votes["action"].to_pylist()], np.int64)
    agent, item, step = (_numbers(votes[c]) for c in ("agent", "target", "step"))
    pairs = np.lexsort((np.arange(len(item)), agent, item))
    again = np.zeros(len(item), np.bool_)
    again[1:] = (np.diff(item[pairs]) == 0) & (np.diff(agent[pairs]) == 0)
    change = sign.copy()
    change[pairs[again]] *= 2  # votes exclude each other: the second takes the first back
    order = np.lexsort((step, item))
    return item[order], step[order], sign[order], change[order]


def _before(item: Ints, step: Ints, change: Ints) -> Ints:
    """Return what votes of earlier steps changed in the item's score; votes by item and step."""
    total = np.append(0, np.cumsum(change))
    new_item = np.flatnonzero(np.diff(item, prepend=-1))
    new_step = np.flatnonzero((np.diff(item, prepend=-1) != 0) | (np.diff(step, prepend=-1) != 0))
    rows = np.arange(len(item))
    first = new_item[np.searchsorted(new_item, rows, "right") - 1] if len(rows) else rows
    now = new_step[np.searchsorted(new_step, rows, "right") - 1] if len(rows) else rows
    before: Ints = total[now] - total[first]
    return before


def treatment_means(forum: Forum, among: NDArray[np.bool_]) -> dict[str, float]:
    """Return the means over the items of `among`, by measure and treatment, as "score/control".

    `score`: mean final score without the treatment itself; `first_up`, `first_down`: first votes of
    that sign per view while nobody has voted, that is, while the displayed score is the treatment
    alone (votes of one step are cast on the same score, so all votes of the first step count);
    `views`: showings per item. Without items or views there is no value.
    """
    n, end = len(among), forum.stride
    first = np.full(n, end, np.int64)
    np.minimum.at(first, forum.item, forum.step)
    at_first = forum.step == first[forum.item]
    ups = np.bincount(forum.item[at_first & (forum.sign > 0)], minlength=n)
    downs = np.bincount(forum.item[at_first & (forum.sign < 0)], minlength=n)
    # keys of views are page * stride + step: the stride is larger than any step
    views = forum.seen(np.full(n, end - 1, np.int64))
    unvoted = forum.seen(np.minimum(first, end - 1))
    organic = forum.organic()
    result = {}
    for name, sign in TREATMENTS.items():
        mine = among & (forum.treatment == sign)
        result[f"score/{name}"] = _ratio(organic[mine].sum(), mine.sum())
        result[f"first_up/{name}"] = _ratio(ups[mine].sum(), unvoted[mine].sum())
        result[f"first_down/{name}"] = _ratio(downs[mine].sum(), unvoted[mine].sum())
        result[f"views/{name}"] = _ratio(views[mine].sum(), mine.sum())
    return {k: v for k, v in result.items() if v == v}


@dataclass(frozen=True, slots=True)
class Balance:
    """How much treated items differ once each strength is taken out, float64[len(STRENGTHS)].

    If h is the true strength, `imbalance` D(h) has mean 0 and variance `spread` V(h) under the
    random assignment. Both add up over independent runs.
    """

    imbalance: Floats
    spread: Floats


def balance(forum: Forum) -> Balance:
    """Return the estimating function of the strength of herding, by G-estimation.

    If a displayed score s multiplies the rate of up-votes by exp(h f(s)) and that of down-votes by
    exp(-h f(s)), f(s) = sign(s) log10(1 + |s|) (the statistical policy's `herding`), then votes
    weighted by exp(-h f) and exp(h f) behave as if no score were shown. So with g_i(h) = sum over
    up-votes exp(-h f) - sum over down-votes exp(h f) of item i and treatments z, D(h) = sum (z_i -
    mean z) g_i(h) is centred at 0 at the true h, because z was assigned at random and (in a feed
    blind to scores) items are shown alike. Its variance is that of a permutation, V = sum (z - mean
    z)^2 sum (g - mean g)^2 / (n - 1). Robins 1994 (doi:10.1080/03610929408831393) for G-estimation;
    Rosenbaum 2002, Observational Studies, section 2.4 for the permutation.

    At h = 0 this is the plain comparison of treated items, whatever the model. Votes are assumed to
    be few per view: the choice between options makes h smaller by about their share.
    """
    n = len(forum.treatment)
    z = forum.treatment - forum.treatment.mean() if n else np.empty(0)
    f = np.sign(forum.displayed) * np.log10(1.0 + np.abs(forum.displayed))
    imbalance, spread = np.zeros(len(STRENGTHS)), np.zeros(len(STRENGTHS))
    for k, h in enumerate(STRENGTHS.tolist() if n > 1 else []):
        weight = forum.sign * np.exp(-h * forum.sign * f)
        g = np.bincount(forum.item, weights=weight, minlength=n)
        imbalance[k] = z @ g
        spread[k] = (z @ z) * ((g - g.mean()) ** 2).sum() / (n - 1)
    return Balance(imbalance, spread)


@dataclass(frozen=True, slots=True)
class Strength:
    """The strength of herding: estimate, 95 % interval, and z of the test that there is none.

    The interval holds the strengths around the estimate that the same test does not reject, within
    STRENGTHS. NaN where there are too few votes.
    """

    value: float
    low: float
    high: float
    z: float


def strength(total: Balance) -> Strength:
    """Return the strength at which treated items no longer differ."""
    with np.errstate(divide="ignore", invalid="ignore"):
        z = total.imbalance / np.sqrt(total.spread)
    if not np.isfinite(z).all():
        return Strength(nan, nan, nan, nan)
    at_zero = float(np.interp(0.0, STRENGTHS, z))
    roots = _falls(z, 0.0)
    if not len(roots):
        return Strength(nan, float(STRENGTHS[0]), float(STRENGTHS[-1]), at_zero)
    value = float(roots[np.abs(roots).argmin()])
    lower, upper = _falls(z, _Z), _falls(z, -_Z)
    low = lower[lower <= value].max(initial=STRENGTHS[0])
    high = upper[upper >= value].min(initial=STRENGTHS[-1])
    return Strength(value, float(low), float(high), at_zero)


def two_sided(z: float) -> Tails:
    """Return the p-values of a statistic that is standard normal if there is no effect."""
    above, below = (0.5 * erfc(side * z / sqrt(2.0)) for side in (1, -1))
    return Tails(above, below, min(1.0, 2.0 * min(above, below)))


def _falls(z: Floats, level: float) -> Floats:
    """Return the strengths at which z falls through the level, interpolated linearly."""
    k = np.flatnonzero((z[:-1] >= level) & (z[1:] < level))
    strengths: Floats = STRENGTHS[k] + (z[k] - level) / (z[k] - z[k + 1]) * np.diff(STRENGTHS)[k]
    return strengths


def _ratio(part: float, whole: float) -> float:
    return float(part) / float(whole) if whole else nan


def _numbers(column: pa.ChunkedArray) -> Ints:
    return np.asarray(pc.fill_null(column, -1)).astype(np.int64)
