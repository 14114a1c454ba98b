"""Hypotheses about the arms of a study, and what its results say about them.

The unit is a replicate: the values of one arm, replicate and measure are averaged before anything
is compared. `compare` does everything; `judge` also takes other kinds of estimates (`trend`,
`ks_distance`, `proportion_difference` in `hubbub.studies.distribution_tests`) into the same
correction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, isnan, log, nan
from typing import Literal

import numpy as np
import pyarrow.compute as pc

from hubbub.rng import Streams
from hubbub.store import Table
from hubbub.studies.resampling import (
    RESAMPLES,
    UNTESTED,
    Floats,
    Tails,
    bootstrap_means,
    bootstrap_test,
    hedges_g,
    holm,
    interval,
    permutation_test,
    sign_flip_test,
)
from hubbub.studies.trials import Finding, Verdict

Direction = Literal["greater", "less", "different", "same"]
Test = Literal["permutation", "paired", "bootstrap"]
Quantity = Literal["difference of means", "ratio of means"]

#: A hypothesis is supported if its corrected p is at most this.
LEVEL = 0.05
#: Replaces a resampled mean of 0 under a logarithm.
_TINY = 1e-30
#: The largest logarithm that is turned back into a number.
_MOST = 700.0


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A prediction, written before the results are seen, about `measure` in `arm` and `against`.

    `text` states it for readers. `against` is another arm or a number. `test`: "permutation" of
    independent replicates; "paired" for replicates with the same number and seed in both arms (a
    sign-flip test; permutation if the arms share fewer than two); "bootstrap", studentised, where
    both spread and numbers of replicates differ (with few and skewed values it claims too much).
    Against a number, the first two flip signs.

    Direction "same" predicts a difference within +-`margin` (for a ratio: a factor of at most 1 +
    `margin`). It is supported by showing equivalence, never by finding no difference.
    """

    text: str
    measure: str
    arm: str
    against: str | float
    direction: Direction = "different"
    test: Test = "permutation"
    quantity: Quantity = "difference of means"
    margin: float | None = None

    def __post_init__(self) -> None:
        if (self.direction == "same") != (self.margin is not None and self.margin > 0):
            raise ValueError("direction 'same', and no other, needs a margin above 0")


@dataclass(frozen=True, slots=True)
class Estimate:
    """A quantity with its 95 % interval and test; `null` is its value if there is no effect.

    NaN stands for what could not be estimated; `test` then says why. `effect` is Hedges' g.
    """

    what: str
    value: float
    low: float
    high: float
    p: Tails
    test: str
    n: tuple[int, int]
    null: float = 0.0
    effect: float | None = None


def compare(values: Table, hypotheses: Sequence[Hypothesis], *, seed: int) -> list[Finding]:
    """Return a finding for each hypothesis, in order, with p corrected for all of them.

    `values` has the columns of `Results.values`; values that are not finite are left out. Fewer
    than two replicates give a finding with NaN, the reason as its test, and the verdict "not
    tested".
    """
    return judge(estimates(values, hypotheses, seed=seed))


def estimates(
    values: Table, hypotheses: Sequence[Hypothesis], *, seed: int
) -> list[tuple[Hypothesis, Estimate]]:
    """Return each hypothesis with its estimate, for `judge`."""
    samples, streams = _samples(values), Streams(seed)
    return [(h, _estimate(samples, h, streams)) for h in hypotheses]


def judge(tested: Sequence[tuple[Hypothesis, Estimate]]) -> list[Finding]:
    """Return the verdicts over all tests of a study, with p corrected by Holm's method.

    "supported": the corrected p is at most 0.05 and the interval lies on the predicted side of no
    effect (direction "same": within the margin). "opposite": the same holds for the other side
    (direction "same": the interval lies outside the margin). Otherwise "not found".
    """
    corrected = holm([getattr(e.p, h.direction) for h, e in tested])
    reverse = holm([getattr(e.p, _REVERSE.get(h.direction, ""), nan) for h, e in tested])
    return [
        Finding(
            hypothesis=h.text, measure=h.measure, arm=h.arm, against=_name(h.against), what=e.what,
            estimate=e.value, low=e.low, high=e.high, effect=e.effect, test=e.test,
            p=getattr(e.p, h.direction), corrected=c, n=e.n, verdict=_verdict(h, e, c, r),
        )
        for (h, e), c, r in zip(tested, corrected, reverse, strict=True)
    ]  # fmt: skip


#: The direction that contradicts a prediction. A difference in either direction has no opposite.
_REVERSE = {"greater": "less", "less": "greater", "same": "different"}


def _verdict(h: Hypothesis, e: Estimate, corrected: float, reverse: float) -> Verdict:
    if isnan(corrected):
        return "not tested"
    lower, upper = _bounds(e.null, h)
    above, below = e.low > upper, e.high < lower
    inside = e.low > lower and e.high < upper
    predicted = {"greater": above, "less": below, "different": above or below, "same": inside}
    contrary = {"greater": below, "less": above, "different": False, "same": above or below}
    if predicted[h.direction] and corrected <= LEVEL:
        return "supported"
    return "opposite" if contrary[h.direction] and reverse <= LEVEL else "not found"


def _bounds(null: float, h: Hypothesis) -> tuple[float, float]:
    """Return the bounds between which there is no effect worth mentioning."""
    if h.margin is None:
        return null, null
    if h.quantity == "ratio of means":
        return null / (1 + h.margin), null * (1 + h.margin)
    return null - h.margin, null + h.margin


def _name(against: str | float) -> str:
    return against if isinstance(against, str) else f"{against:g}"


Samples = Mapping[tuple[str, str], Mapping[tuple[int, int], float]]


def _samples(values: Table) -> Samples:
    """Return the values by replicate and seed, in order, by measure and arm."""
    finite = values.filter(pc.is_finite(values["value"]))
    keys = ["measure", "arm", "replicate", "seed"]
    means = finite.group_by(keys, use_threads=False).aggregate([("value", "mean")])
    means = means.sort_by([(k, "ascending") for k in keys])
    result: dict[tuple[str, str], dict[tuple[int, int], float]] = {}
    columns = [means[name].to_pylist() for name in (*keys, "value_mean")]
    for measure, arm, replicate, seed, value in zip(*columns, strict=True):
        result.setdefault((measure, arm), {})[replicate, seed] = value
    return result


def _estimate(samples: Samples, h: Hypothesis, streams: Streams) -> Estimate:
    arm = samples.get((h.measure, h.arm), {})
    how = Contrast(h.test, h.quantity, h.margin)
    if not isinstance(h.against, str):
        return contrast(_array(arm.values()), float(h.against), how, streams)
    other = samples.get((h.measure, h.against), {})
    if h.test == "paired":
        shared = [key for key in arm if key in other]
        if len(shared) > 1:
            arm, other = {k: arm[k] for k in shared}, {k: other[k] for k in shared}
        else:
            how = Contrast("permutation", h.quantity, h.margin)
    return contrast(_array(arm.values()), _array(other.values()), how, streams)


def _array(values: Iterable[float]) -> Floats:
    return np.array(list(values), np.float64)


@dataclass(frozen=True, slots=True)
class Contrast:
    """How to compare two samples; the fields are those of `Hypothesis`."""

    test: Test = "permutation"
    quantity: Quantity = "difference of means"
    margin: float | None = None

    @property
    def ratio(self) -> bool:
        """Whether the quantity is the ratio of the means."""
        return self.quantity == "ratio of means"


def contrast(a: Floats, b: Floats | float, how: Contrast, streams: Streams) -> Estimate:
    """Compare the means of two samples, or of one sample and a number.

    For the test "paired" the samples have equal length and order. The interval of a ratio is that
    of its logarithm. Its test is that of the difference: both ask whether the means agree.
    """
    null, n = (1.0 if how.ratio else 0.0), (len(a), 0 if isinstance(b, float) else len(b))
    problem = _problem(a, b, how)
    if problem:
        return Estimate(how.quantity, nan, nan, nan, UNTESTED, f"not tested: {problem}", n, null)
    p, name = _test(a, b, how.test, streams)
    if how.margin is not None:
        p = p._replace(same=_equivalence(a, b, how, how.margin, streams))
        name = f"two one-sided tests, {name}"
    return Estimate(how.quantity, *_bounds_of(a, b, how, streams), p, name, n, null, hedges_g(a, b))


def _problem(a: Floats, b: Floats | float, how: Contrast) -> str:
    """Return why two samples cannot be compared, or an empty string."""
    against = np.array([b, b]) if isinstance(b, float) else b
    if not min(len(a), len(against)):
        return "no replicate has this measure (is its name right?)"
    if min(len(a), len(against)) < 2:
        return "fewer than 2 replicates"
    if how.test == "paired" and not isinstance(b, float) and len(a) != len(b):
        raise ValueError("paired samples must be of one length")
    if how.ratio and (min(a.min(), against.min()) < 0 or min(a.mean(), against.mean()) <= 0):
        return "a ratio needs values of at least 0 and means above 0"
    return ""


def _test(a: Floats, b: Floats | float, test: Test, streams: Streams) -> tuple[Tails, str]:
    paired = test == "paired" and not isinstance(b, float)
    if test == "bootstrap":
        at = [streams.at(f"bootstrap test of {side}") for side in ("arm", "against")]
        known = [a] if isinstance(b, float) else [a, b]
        shift = b if isinstance(b, float) else 0.0
        return bootstrap_test(known, shift, at), f"studentised bootstrap ({RESAMPLES:,} resamples)"
    if paired or isinstance(b, float):
        p, exact = sign_flip_test(a - b, streams.at("signs"))
        name = "paired sign-flip test" if paired else "sign-flip test"
    else:
        p, exact = permutation_test(a, b, streams.at("permutations"))
        name = "permutation test"
    return p, f"{name} ({'exact' if exact else f'{RESAMPLES:,} resamples'})"


def _equivalence(
    a: Floats, b: Floats | float, how: Contrast, margin: float, streams: Streams
) -> float:
    """Return p of the two one-sided tests that the means agree within the margin.

    Schuirmann 1987 (doi:10.1007/BF01068419): the larger of the two p-values.
    """
    if how.ratio:
        up, down = a * (1 + margin), a / (1 + margin)
    else:
        up, down = a + margin, a - margin
    above, below = _test(up, b, how.test, streams)[0], _test(down, b, how.test, streams)[0]
    return max(above.greater, below.less)


def _bounds_of(
    a: Floats, b: Floats | float, how: Contrast, streams: Streams
) -> tuple[float, float, float]:
    """Return the quantity and its interval; for a ratio, through its logarithm."""
    means = float(a.mean()), b if isinstance(b, float) else float(b.mean())
    drawn = _drawn_means(a, b, how.test, streams)
    if how.ratio:
        value, draws = log(means[0] / means[1]), np.diff(np.log(np.maximum(drawn, _TINY)), axis=0)
        slopes = 1 / means[0], 1 / means[1]
    else:
        value, draws, slopes = means[0] - means[1], np.diff(drawn, axis=0), (1.0, 1.0)
    influence = [slopes[0] * (a - means[0]) / len(a)]
    if not isinstance(b, float):
        of_b = -slopes[1] * (b - means[1]) / len(b)
        influence = [influence[0] + of_b] if how.test == "paired" else [*influence, of_b]
    low, high = interval(value, -draws[0], influence)
    return (exp(value), exp(low), exp(min(high, _MOST))) if how.ratio else (value, low, high)


def _drawn_means(a: Floats, b: Floats | float, test: Test, streams: Streams) -> Floats:
    """Return bootstrap means of both samples, float64[2, RESAMPLES]; a number stays as it is."""
    at_a, at_b = streams.at("bootstrap of arm"), streams.at("bootstrap of against")
    if isinstance(b, float):
        return np.stack([bootstrap_means(a[:, None], at_a)[:, 0], np.full(RESAMPLES, b)])
    if test == "paired":
        return bootstrap_means(np.stack([a, b], axis=1), at_a).T
    return np.concatenate(
        [bootstrap_means(a[:, None], at_a), bootstrap_means(b[:, None], at_b)], axis=1
    ).T
