"""True against false cascades: their sizes, and their shapes before and after matching by size.

Larger cascades are deeper. So where false ones are larger, they are also deeper; the question is
whether they are deeper at equal size (Juul and Ugander 2021, doi:10.1073/pnas.2100786118).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import log, nan

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from hubbub.rng import Stream, Streams
from hubbub.studies.distributions.distances import REAL, SIMULATED, large
from hubbub.studies.distributions.society import FALSE, MEASURES, TRUE
from hubbub.studies.resampling import RESAMPLES, UNTESTED, Tails, bootstrap_means, tails
from hubbub.studies.statistics import Contrast, Estimate, Hypothesis, Test, contrast
from hubbub.studies.trials import Results

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Partners differ in size by at most this factor.
CALIPER = 1.05
#: Most of a difference has vanished if less than this share of it is left.
MOST_LEFT = 0.5
SIZE = "doublings of scale"
_SEED, _FEWEST = 15, 10


@dataclass(frozen=True, slots=True)
class Shape:
    """A measure of the shape of cascades.

    `margin` is the largest difference that counts as none: a fifth of the standard deviation over
    Twitter15's cascades, which is a small effect (Cohen 1988, Statistical Power Analysis for the
    Behavioral Sciences, section 2.2).
    """

    name: str
    words: str
    margin: float


SHAPES = (
    Shape("depth", "depth", 0.31),
    Shape("breadth per user", "maximum breadth per user", 0.033),
    Shape("virality", "structural virality", 0.105),
)


@dataclass(frozen=True, slots=True)
class Sides:
    """The false and the true cascades of an arm: SIZE, MEASURES and SHAPES, float64[n] each.

    `false_row` and `true_row` are the rows of the pairs of equal size.
    """

    false: Mapping[str, Floats]
    true: Mapping[str, Floats]
    false_row: Ints
    true_row: Ints

    def difference(self, name: str, *, equal: bool, margin: float | None = None) -> Estimate:
        """Return the difference of means, false - true, of all or of pairs of equal size."""
        test: Test = "paired" if equal else "permutation"
        return contrast(*self.samples(name, equal=equal), Contrast(test, margin=margin), _streams())

    def samples(self, name: str, *, equal: bool) -> tuple[Floats, Floats]:
        """Return a measure of the false and of the true ones, of all or of pairs."""
        if not equal:
            return self.false[name], self.true[name]
        return self.false[name][self.false_row], self.true[name][self.true_row]


def labelled_arms(results: Results) -> list[str]:
    """Return the arms whose cascades are labelled true or false."""
    return [SIMULATED, REAL] if "labelled" in results.tables else [SIMULATED]


def sides(results: Results, arm: str) -> Sides:
    """Return the false and the true cascades of an arm, and the pairs of equal size."""
    table = large(results) if arm == SIMULATED else results.tables["labelled"]
    false, true = (_measured(table.filter(pc.equal(table["truth"], x))) for x in (FALSE, TRUE))
    pairs = matched(false["scale"], true["scale"], _streams().at(f"pairs/{arm}"))
    return Sides(false, true, *pairs)


def matched(a: Floats, b: Floats, stream: Stream) -> tuple[Ints, Ints]:
    """Return pairs of equal size as rows of `a` and of `b`; sizes are above 0.

    In random order, each of `a` takes the free one of `b` that is nearest in log size, if it is
    within CALIPER. (Juul and Ugander match exactly; of a thousand cascades, only a few can be
    matched so.)
    """
    of_a, of_b = np.log(a), np.log(b)
    free = np.ones(len(b), np.bool_)
    pairs = []
    for i in stream.permutation(len(a)).tolist() if len(b) else []:
        apart = np.where(free, np.abs(of_b - of_a[i]), np.inf)
        nearest = int(apart.argmin())
        if apart[nearest] <= log(CALIPER):
            free[nearest] = False
            pairs.append((i, nearest))
    rows = np.array(pairs, np.int64).reshape(-1, 2)
    return rows[:, 0], rows[:, 1]


def predictions(arm: str) -> list[Hypothesis]:
    """Return the predictions on sizes, and on shapes at equal size.

    For shapes: most of the difference vanishes, and next to none is left. For real cascades only
    the second is tested: their sizes depend on how they were collected.
    """
    of = f"false ({arm})", f"true ({arm})"
    larger = Hypothesis(f"False cascades are larger than true ones ({arm}).", SIZE, *of, "greater")
    most = [
        Hypothesis(
            f"Most of the difference in {shape.words} between false and true cascades vanishes at "
            f"equal size ({arm}).",
            shape.name, of[0], MOST_LEFT, "less", "bootstrap",
        )
        for shape in SHAPES
    ]  # fmt: skip
    same = [
        Hypothesis(
            f"At equal size false and true cascades have the same {shape.words}, to within "
            f"{shape.margin:g} ({arm}).",
            shape.name, *of, "same", "paired", margin=shape.margin,
        )
        for shape in SHAPES
    ]  # fmt: skip
    return same if arm == REAL else [larger, *most, *same]


def truth(results: Results) -> list[tuple[Hypothesis, Estimate]]:
    """Return the predictions of all labelled arms with their estimates."""
    return [
        (predicted, _estimate(found, predicted))
        for arm in labelled_arms(results)
        for found in [sides(results, arm)]
        for predicted in predictions(arm)
    ]


def _estimate(found: Sides, predicted: Hypothesis) -> Estimate:
    if predicted.test == "bootstrap":
        return share_left(found, predicted.measure)
    equal = predicted.test == "paired"
    return found.difference(predicted.measure, equal=equal, margin=predicted.margin)


def share_left(found: Sides, name: str) -> Estimate:
    """Return the share of the difference in a measure that is left in pairs of equal size.

    The interval is that of the percentile bootstrap, p the share of resamples above MOST_LEFT.
    Pairs are resampled whole, not matched again. Not tested if there is no difference to begin
    with.
    """
    what, n = "share of the difference left at equal size", (len(found.false_row), 0)
    before, after = (found.difference(name, equal=equal) for equal in (False, True))
    if n[0] < _FEWEST or not (before.low > 0 or before.high < 0):
        why = "not tested: all of them taken together do not differ, or pairs are too few"
        return Estimate(what, nan, nan, nan, UNTESTED, why, n, MOST_LEFT)
    of_pairs = np.subtract(*found.samples(name, equal=True))
    drawn_after, false, true = (
        bootstrap_means(sample[:, None], _streams().at("share left", i))[:, 0]
        for i, sample in enumerate((of_pairs, *found.samples(name, equal=False)))
    )
    drawn = drawn_after / (false - true)
    low, high = (float(q) for q in np.quantile(drawn, [0.025, 0.975]))
    above, below = (tails(0.0, sign * (drawn - MOST_LEFT), exact=False).less for sign in (1, -1))
    p, test = (
        Tails(above, below, min(1.0, 2 * min(above, below))),
        f"bootstrap ({RESAMPLES:,} resamples)",
    )
    return Estimate(what, after.value / before.value, low, high, p, test, n, MOST_LEFT)


def truth_differences(results: Results, arm: str) -> pa.Table:
    """Return the differences, false - true, in standard deviations, before and after matching.

    Columns arm (the measure and what is compared), mean, low, high, as
    `hubbub.report.figures.dots` draws them; cascades (of each truth, the smaller number); spread
    (one standard deviation; 0 stands for 1) and margin, both in the measure's unit.
    """
    found = sides(results, arm)
    rows = []
    for name, margin in {SIZE: None, **{shape.name: shape.margin for shape in SHAPES}}.items():
        values = np.concatenate([found.false[name], found.true[name]])
        spread = float(values.std()) if len(values) > 1 else 0.0
        for words, equal in (("all", False), ("of equal size", True)):
            e = found.difference(name, equal=equal)
            mean, low, high = (x / (spread or 1.0) for x in (e.value, e.low, e.high))
            rows.append(
                {"arm": f"{name}, {words}", "mean": mean, "low": low, "high": high,
                 "cascades": min(e.n), "spread": spread, "margin": margin}
            )  # fmt: skip
    return pa.Table.from_pylist(rows)


def _measured(table: pa.Table) -> dict[str, Floats]:
    values = {m: table[m].to_numpy().astype(np.float64) for m in MEASURES}
    values[SIZE] = np.log2(values["scale"])
    values["breadth per user"] = values["max_breadth"] / values["scale"]
    return values


def _streams() -> Streams:
    return Streams(_SEED)
