"""How far opinions are apart, and whether tied agents think alike.

Opinions are floats, in a run from -1 (against) to 1 (for). An undefined measure, such as the
bimodality of three values, is NaN.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from hubbub.analysis.network import FollowHistory
from hubbub.errors import RunError
from hubbub.store import RunStore, Table
from hubbub.store.read.codes import topic_names

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Polarization:
    """The opinions of all agents on a topic at one moment.

    `mean` and `mean_extremity` (mean distance to 0), `variance` (of the population), `bimodality`,
    `dispersion` (Esteban and Ray), and over the ties `assortativity` and `cross_cutting` (the
    share of ties between for and against). See the functions of this module.
    """

    mean: float
    mean_extremity: float
    variance: float
    bimodality: float
    dispersion: float
    assortativity: float
    cross_cutting: float


def mean_extremity(opinions: ArrayLike, neutral: float = 0.0) -> float:
    """Return the mean distance of the opinions to the neutral point."""
    x = _floats(opinions)
    return float(np.abs(x - neutral).mean()) if len(x) else math.nan


def variance(opinions: ArrayLike) -> float:
    """Return the mean squared distance to the mean; n divides, not n - 1, as this is everyone.

    For opinions in [-1, 1] it lies between 0 and 1; 1 means two camps of equal size at the ends.
    """
    x = _floats(opinions)
    return float(x.var()) if len(x) else math.nan


def bimodality(values: ArrayLike) -> float:
    """Return the bimodality coefficient of at least four values that are not all the same.

    b = (g1^2 + 1) / (g2 + 3 (n - 1)^2 / ((n - 2) (n - 3))), g1 the skewness and g2 the excess
    kurtosis, both corrected for the size of the sample (SAS/STAT user's guide, CLUSTER procedure;
    Pfister et al. 2013, doi:10.3389/fpsyg.2013.00700). In large samples it is about 1/3 for a
    normal distribution, 5/9 for a uniform one and 1 for two points; more than 5/9 suggests two
    peaks, or one and a long tail on one side. Two camps of ten agents in total give 0.57, of fifty
    0.90.
    """
    x = _floats(values)
    n = len(x)
    if n < 4 or not np.ptp(x) > 0:
        return math.nan
    away = x - x.mean()
    m2, m3, m4 = ((away**k).mean() for k in (2, 3, 4))
    skewness = m3 / m2**1.5 * math.sqrt(n * (n - 1)) / (n - 2)
    kurtosis = (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * (m4 / m2**2 - 3) + 6)
    return float((skewness**2 + 1) / (kurtosis + 3 * (n - 1) ** 2 / ((n - 2) * (n - 3))))


def esteban_ray(values: ArrayLike, alpha: float = 1.0, bins: int = 21) -> float:
    """Return the polarization of Esteban and Ray 1994 (doi:10.2307/2951734, theorem 1).

    P = sum over i, j of p_i^(1 + alpha) p_j |y_i - y_j|, over groups i with the share p_i of the
    values: the `bins` equal parts of [-1, 1] and their centres y_i. `alpha` in (0, 1.6] is how
    strongly people identify with their group. 0 for a single group; the most, 2^-alpha
    (1 - 1 / bins), for two of equal size at the ends. ValueError for values outside [-1, 1].
    """
    x = _floats(values)
    if not len(x):
        return math.nan
    if np.abs(x).max() > 1:
        raise ValueError("values must lie in [-1, 1]")
    count, edges = np.histogram(x, bins=bins, range=(-1.0, 1.0))
    share = count / len(x)
    centre = (edges[1:] + edges[:-1]) / 2
    apart = np.abs(centre[:, None] - centre[None, :])
    return float(share ** (1 + alpha) @ apart @ share)


def opinion_assortativity(opinions: ArrayLike, left: ArrayLike, right: ArrayLike) -> float:
    """Return how alike the opinions at the two ends of ties are, in [-1, 1].

    `opinions` float[n]; tie k goes from agent left[k] to right[k]. This is Pearson's correlation of
    the opinions at the ends (Newman 2003, doi:10.1103/PhysRevE.67.026126, equation 21, directed
    ties). For undirected ties give each in both directions. NaN if one of the ends is all the same.
    """
    x = _floats(opinions)
    a, b = x[np.asarray(left, np.int64)], x[np.asarray(right, np.int64)]
    if not len(a) or not np.ptp(a) > 0 or not np.ptp(b) > 0:
        return math.nan
    a, b = a - a.mean(), b - b.mean()
    return float((a @ b) / math.sqrt((a @ a) * (b @ b)))


def opposed_share(one: ArrayLike, other: ArrayLike, neutral: float = 0.0) -> float:
    """Return the share of pairs whose opinions lie on different sides of the neutral point.

    `one` and `other` float[m] are the opinions of the two. Pairs with a neutral (or NaN) opinion do
    not count; NaN if there are no others.
    """
    sides = np.sign(_floats(one) - neutral) * np.sign(_floats(other) - neutral)
    taken = np.abs(sides) > 0
    return float((sides[taken] < 0).mean()) if taken.any() else math.nan


def cross_cutting(opinions: ArrayLike, left: ArrayLike, right: ArrayLike) -> float:
    """Return the share of ties between those who are for and those who are against, in [0, 1].

    `opinions` float[n]; tie k goes from agent left[k] to right[k]. See `opposed_share`.
    """
    x = _floats(opinions)
    return opposed_share(x[np.asarray(left, np.int64)], x[np.asarray(right, np.int64)])


def polarization(opinions: ArrayLike, left: ArrayLike, right: ArrayLike) -> Polarization:
    """Return all figures for opinions float[n] in [-1, 1] and ties left[k] -> right[k]."""
    x = _floats(opinions)
    return Polarization(
        mean=float(x.mean()) if len(x) else math.nan,
        mean_extremity=mean_extremity(x),
        variance=variance(x),
        bimodality=bimodality(x),
        dispersion=esteban_ray(x),
        assortativity=opinion_assortativity(x, left, right),
        cross_cutting=cross_cutting(x, left, right),
    )


def polarization_of_run(
    store: RunStore, topic: str | None = None, steps: Iterable[int] | None = None
) -> Table:
    """Return a row per step: `step` and the fields of Polarization; NaN becomes null.

    `topic` is one of the scenario's, the first by default; `steps` are all whole steps by default.
    Ties are who follows whom at that step. RunError for a run without opinions or that topic.
    """
    column = topic_column(store, topic)
    wanted = list(range(store.steps + 1) if steps is None else steps)
    rows, history = [], FollowHistory(store)
    for step, opinions in zip(wanted, store.opinions_over(wanted), strict=True):
        if not len(opinions):
            raise RunError("this run has no opinions: no agents, or a world without them")
        found = polarization(opinions[:, column], *history.at(step))
        rows.append({"step": step, **asdict(found)})
    names = ("step", *Polarization.__dataclass_fields__)
    types = [pa.int32()] + [pa.float64()] * (len(names) - 1)
    columns = [
        pa.array([row[n] for row in rows], t, from_pandas=True)
        for n, t in zip(names, types, strict=True)
    ]
    return Table(pa.table(columns, names=list(names)))


def topic_column(store: RunStore, topic: str | None = None) -> int:
    """Return the column of a topic in `RunStore.opinions_at`, 0 for None; RunError if unknown."""
    names = topic_names(store)
    if topic is None and names:
        return 0
    if topic not in names:
        raise RunError(f"no topic {topic!r} in this run. It has: {', '.join(names) or 'none'}")
    return names.index(topic)


def _floats(values: ArrayLike) -> Floats:
    return np.asarray(values, np.float64)
