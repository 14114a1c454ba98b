"""Distributions, shares and trends compared; against scipy and published figures."""

from math import isnan

import numpy as np
import pytest
from scipy import stats

from hubbub.studies.distribution_tests import ks_distance, proportion_difference, qq, trend
from hubbub.studies.statistics import Hypothesis, judge
from hubbub.studies.verdicts import sentence


def sample(n, mean=0.0, seed=0):
    return np.random.default_rng(seed).normal(mean, 1, n)


def test_ks_distance_is_scipys_with_and_without_ties():
    for a, b in ((sample(80), sample(60, 0.5, 1)), (sample(50).round(), sample(90, 1, 1).round())):
        e = ks_distance(a, b, seed=1)
        theirs = stats.ks_2samp(a, b)
        assert e.value == pytest.approx(theirs.statistic)
        assert e.low <= e.value <= e.high
        if len(np.unique(a)) > 20:
            assert e.p.greater == pytest.approx(theirs.pvalue, abs=0.02)


def test_ks_distance_by_hand():
    e = ks_distance(np.array([1.0, 2.0, 3.0, np.nan]), np.array([2.0, 3.0, 4.0]), seed=1)
    assert e.value == pytest.approx(1 / 3)
    assert e.n == (3, 3)


def test_ks_intervals_hold_the_true_distance():
    true = 2 * stats.norm.cdf(0.5) - 1
    held = sum(
        e.low <= true <= e.high
        for e in (
            ks_distance(sample(50, 0, 2 * i), sample(50, 1, 2 * i + 1), seed=i) for i in range(30)
        )
    )
    assert held >= 27


def test_ks_against_a_bound():
    close = Hypothesis("The distributions are close.", "size", "simulated", "real", "less")
    near = ks_distance(sample(900), sample(900, 0.05, 1), seed=1, bound=0.2)
    far = ks_distance(sample(900), sample(900, 1, 1), seed=1, bound=0.2)
    few = ks_distance(sample(9), sample(9, 0.05, 1), seed=1, bound=0.2)
    verdicts = [judge([(close, e)])[0].verdict for e in (near, far, few)]
    assert verdicts == ["supported", "opposite", "not found"]
    said = sentence(judge([(close, near)])[0])
    assert "Kolmogorov-Smirnov distance of size, simulated against real, was 0.0" in said


def test_too_few_values_are_said():
    assert isnan(ks_distance(sample(1), sample(9), seed=1).value)
    assert trend([sample(1), sample(1)], seed=1).test.startswith("not tested")
    assert trend([sample(1, i) for i in range(6)], seed=1).test.startswith("not tested")
    assert proportion_difference((0, 0), (1, 2)).test == "not tested: no cases"


def test_qq_is_numpys_quantiles():
    table = qq(sample(50), sample(70, 1, 1), [0.1, 0.5])
    assert table.column_names == ["quantile", "a", "b"]
    assert table["b"].to_pylist() == pytest.approx(np.quantile(sample(70, 1, 1), [0.1, 0.5]))
    assert len(qq(sample(50), sample(70))) == 99


def test_a_trend_is_spearmans():
    arms = [sample(8, i * 0.4, i).round(1) for i in range(4)]
    e = trend(arms, seed=1)
    theirs = stats.spearmanr(np.repeat(range(4), 8), np.concatenate(arms), alternative="greater")
    assert e.value == pytest.approx(theirs.statistic)
    assert e.p.greater == pytest.approx(theirs.pvalue, abs=0.01)
    assert e.low < e.value < e.high
    assert e.n == (8, 8)


def test_a_trend_is_rarely_claimed_where_there_is_none():
    rising = Hypothesis("It grows.", "score", "100,000", "100", "greater")
    claims = sum(
        judge([(rising, trend([sample(6, 0, 10 * i + k) for k in range(4)], seed=i))])[0].verdict
        == "supported"
        for i in range(40)
    )
    assert claims <= 5


def test_proportions_are_newcombes_example_and_fishers_test():
    # Newcombe 1998, table II, contrast (a): 56/70 - 48/80, method 10.
    e = proportion_difference((56, 70), (48, 80))
    assert (e.low, e.high) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    tables = [[56, 14], [48, 32]]
    for name, ours in (("two-sided", e.p.different), ("greater", e.p.greater), ("less", e.p.less)):
        assert ours == pytest.approx(stats.fisher_exact(tables, alternative=name).pvalue)
    empty = proportion_difference((0, 10), (0, 10))
    assert (empty.value, empty.p.different) == (0.0, 1.0)
    assert empty.high == pytest.approx(0.2775, abs=5e-5)
