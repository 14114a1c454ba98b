"""Comparisons other than of means: distributions, shares, and trends over ordered arms.

Each gives an `Estimate` that `hubbub.studies.statistics.judge` takes along with those of means.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import nan, sqrt

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from hubbub.analysis.survey_tables import wilson
from hubbub.rng import Stream, Streams
from hubbub.studies.resampling import (
    RESAMPLES,
    UNTESTED,
    Floats,
    Tails,
    blocks,
    shuffled,
    tails,
)
from hubbub.studies.statistics import Estimate

#: Resamples of distributions, which are larger than samples of replicates.
DRAWS = 2_000


def ks_distance(a: Floats, b: Floats, *, seed: int, bound: float | None = None) -> Estimate:
    """Return the Kolmogorov-Smirnov distance of two samples, the widest gap of their shares.

    Without `bound`, the p-value is that of the permutation test that both samples come from one
    distribution ("greater" or "different": they do not). With `bound`, the distance is tested
    against that number, as in the hypothesis "less" than 0.2. The interval covers the true distance
    in at least 95 %: it reaches as far from the distance found as the widest error of the gap,
    whose distribution the bootstrap gives (Bickel and Freedman 1981, doi:10.1214/aos/1176345637,
    section 4). Percentiles of resampled distances would be biased upwards. Values that are not
    finite are left out.
    """
    a, b = a[np.isfinite(a)], b[np.isfinite(b)]
    what, n = "Kolmogorov-Smirnov distance", (len(a), len(b))
    if min(n) < 2:
        return _untested(what, n, "fewer than 2 values")
    streams = Streams(seed)
    edges, places = np.unique(np.concatenate([a, b]), return_inverse=True)
    width, of_a, of_b = len(edges), places[: len(a)], places[len(a) :]
    gap = _gap(_counts(of_a[None, :], width), _counts(of_b[None, :], width))
    value = float(np.abs(gap).max())
    at_a, at_b = streams.at("KS bootstrap of a"), streams.at("KS bootstrap of b")
    errors = []
    for rows in blocks(2 * len(places), DRAWS):
        drawn = _resampled(of_a, rows, width, at_a), _resampled(of_b, rows, width, at_b)
        errors.append(_widest(_gap(*drawn), gap))
    null = np.concatenate(errors)
    error = float(np.quantile(null, 0.95))
    low, high = max(0.0, value - error), min(1.0, value + error)
    if bound is not None:
        above, below = (tails(d, null, exact=False).greater for d in (value - bound, bound - value))
        p = Tails(above, below, min(above, below))
        return Estimate(what, value, low, high, p, f"bootstrap ({DRAWS:,} resamples)", n, bound)
    null = _permuted_distances(places, len(a), width, streams.at("KS permutations"))
    above = tails(value, null, exact=False).greater
    name = f"permutation test ({DRAWS:,} resamples)"
    return Estimate(what, value, low, high, Tails(above, 1.0, above), name, n)


def _counts(places: NDArray[np.int64], width: int) -> Floats:
    """Return how often each position occurs in each row: int64[rows, n] to float64[rows, width]."""
    rows = len(places)
    flat = (places + np.arange(rows)[:, None] * width).ravel()
    return np.bincount(flat, minlength=rows * width).reshape(rows, width).astype(np.float64)


def _resampled(places: NDArray[np.int64], rows: int, width: int, stream: Stream) -> Floats:
    n = len(places)
    return _counts(places[stream.integers(n, rows * n).reshape(rows, n)], width)


def _gap(a: Floats, b: Floats) -> Floats:
    """Return the gap of the cumulative shares of two tables of counts, float64[rows, width]."""
    result: Floats = np.cumsum(a, axis=1) / a[0].sum() - np.cumsum(b, axis=1) / b[0].sum()
    return result


def _widest(gap: Floats, about: Floats | float = 0.0) -> Floats:
    """Return the largest distance of each row from a gap, float64[rows]."""
    result: Floats = np.abs(gap - about).max(axis=1)
    return result


def _permuted_distances(places: NDArray[np.int64], n: int, width: int, stream: Stream) -> Floats:
    total = _counts(places[None, :], width)
    parts = []
    for rows in blocks(2 * len(places), DRAWS):
        picked = _counts(places[shuffled(len(places), rows, stream)[:, :n]], width)
        parts.append(_widest(_gap(picked, total - picked)))
    return np.concatenate(parts)


def qq(a: Floats, b: Floats, quantiles: Sequence[float] | None = None) -> pa.Table:
    """Return the quantiles of two samples side by side: columns quantile, a, b.

    By default the 1st to the 99th percentile; linear between the values (Hyndman and Fan's type 7).
    """
    levels = np.arange(1, 100) / 100 if quantiles is None else np.asarray(quantiles, np.float64)
    return pa.table({"quantile": levels, "a": np.quantile(a, levels), "b": np.quantile(b, levels)})


def trend(arms: Sequence[Floats], *, seed: int) -> Estimate:
    """Return Spearman's rank correlation of a measure with the order of the arms.

    `arms` are the values of each arm's replicates, in the arms' order. p is that of a permutation
    of all replicates over the arms; the interval is that of a bootstrap within each arm. For a
    trend of spread, pass the distances to each arm's median without the smallest (as in the test of
    Brown and Forsythe 1974, doi:10.1080/01621459.1974.10482955, and that of Hines and Hines 2000).
    `n` are the replicates of the last and of the first arm. Not tested where no arm has two values,
    since there would be no interval.
    """
    what, n = "Spearman's rank correlation", (len(arms[-1]), len(arms[0]))
    order = np.repeat(np.arange(len(arms)), [len(arm) for arm in arms])
    pooled = np.concatenate(list(arms))
    few = len(pooled) < 4 or max(map(len, arms)) < 2
    if few or len(np.unique(order)) < 2 or len(np.unique(pooled)) < 2:
        return _untested(what, n, "too few replicates, one arm, or no difference at all")
    streams = Streams(seed)
    edges, places = np.unique(pooled, return_inverse=True)
    x = _midranks(order[None, :], len(arms))
    y = _midranks(places[None, :], len(edges))
    value = float(_correlation(x, y)[0])
    permutations, bootstrap = streams.at("trend permutations"), streams.at("trend bootstrap")
    null, drawn = [], []
    for rows in blocks(2 * len(pooled)):
        null.append(_correlation(x, y[0][shuffled(len(pooled), rows, permutations)]))
        picks = _within(order, rows, bootstrap)
        drawn.append(_correlation(x, _midranks(places[picks], len(edges))))
    p = tails(value, np.concatenate(null), exact=False)
    low, high = (float(q) for q in np.quantile(np.concatenate(drawn), [0.025, 0.975]))
    name = f"permutation test ({RESAMPLES:,} resamples)"
    return Estimate(what, value, low, high, p, name, n)


def _within(order: NDArray[np.int64], rows: int, stream: Stream) -> NDArray[np.int64]:
    """Return positions drawn within each arm, int64[rows, n]; `order` is sorted."""
    start = np.searchsorted(order, order)
    size = np.bincount(order)[order]
    result: NDArray[np.int64] = start + (stream.uniform(rows, len(order)) * size).astype(np.int64)
    return result


def _midranks(places: NDArray[np.int64], width: int) -> Floats:
    """Return the ranks within each row, ties sharing their mean: float64[rows, n]."""
    counts = _counts(places, width)
    ranks = np.cumsum(counts, axis=1) - (counts - 1) / 2
    result: Floats = np.take_along_axis(ranks, places, axis=1)
    return result


def _correlation(x: Floats, y: Floats) -> Floats:
    """Return Pearson's correlation of rows; 0 where a row does not vary."""
    x, y = x - x.mean(axis=1, keepdims=True), y - y.mean(axis=1, keepdims=True)
    scale = np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))
    result: Floats = (x * y).sum(axis=1) / np.where(scale > 0, scale, 1.0)
    return result


def proportion_difference(a: tuple[int, int], b: tuple[int, int]) -> Estimate:
    """Compare two shares of independent cases, each given as (count, total).

    The interval is Newcombe's from Wilson scores (1998, doi:10.1002/(SICI)1097-0258(19980430)
    17:8<873::AID-SIM779>3.0.CO;2-I, method 10); p is Fisher's exact test. Cases of one replicate
    are not independent: compare the replicates' shares as means instead.
    """
    what, n = "difference of proportions", (a[1], b[1])
    if min(n) < 1:
        return _untested(what, n, "no cases")
    share_a, share_b = a[0] / a[1], b[0] / b[1]
    (low_a, high_a), (low_b, high_b) = wilson(*a), wilson(*b)
    value = share_a - share_b
    low = value - sqrt((share_a - low_a) ** 2 + (high_b - share_b) ** 2)
    high = value + sqrt((high_a - share_a) ** 2 + (share_b - low_b) ** 2)
    return Estimate(what, value, low, high, _fisher(a, b), "Fisher's exact test", n)


def _fisher(a: tuple[int, int], b: tuple[int, int]) -> Tails:
    """Return p over all tables of the same margins; two-sided, over those no likelier."""
    (k, n), (other, m) = a, b
    hits = k + other
    first, last = max(0, hits - m), min(n, hits)
    i = np.arange(first, last, dtype=np.float64)
    steps = np.log((n - i) * (hits - i)) - np.log((i + 1) * (m - hits + i + 1))
    logs = np.concatenate([[0.0], np.cumsum(steps)])
    chances = np.exp(logs - logs.max())
    chances /= chances.sum()
    here = k - first
    alike = chances <= chances[here] * (1 + 1e-9)
    ways = chances[here:].sum(), chances[: here + 1].sum(), chances[alike].sum()
    return Tails(*(min(1.0, float(p)) for p in ways))


def _untested(what: str, n: tuple[int, int], reason: str) -> Estimate:
    return Estimate(what, nan, nan, nan, UNTESTED, f"not tested: {reason}", n)
