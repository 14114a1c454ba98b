"""Hypotheses judged: hand-computed cases, scipy's figures, and error rates over many nulls."""

import dataclasses
from math import isnan, nan

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from hubbub.report.tables import number
from hubbub.rng import Streams
from hubbub.studies import resampling
from hubbub.studies.statistics import (
    Contrast,
    Hypothesis,
    compare,
    contrast,
    estimates,
    judge,
)
from hubbub.studies.trials import VALUES
from hubbub.studies.verdicts import sentence, sentences


def table(**arms):
    """Return values of measure `score`; seeds are the replicate's number."""
    rows = [
        {"arm": arm, "replicate": i, "seed": i, "measure": "score", "value": value}
        for arm, values in arms.items()
        for i, value in enumerate(values)
    ]
    return pa.Table.from_pylist(rows, schema=VALUES)


def normal(n, mean=0.0, seed=0, spread=1.0):
    return np.random.default_rng(seed).normal(mean, spread, n)


def higher(**changes):
    return dataclasses.replace(Hypothesis("A is higher", "score", "a", "b", "greater"), **changes)


def only(values, hypothesis):
    (finding,) = compare(values, [hypothesis], seed=3)
    return finding


# --- the tests themselves ---------------------------------------------------------------------


def test_an_exact_permutation_test_counts_all_orders_by_hand():
    p, exact = resampling.permutation_test(
        np.array([4.0, 5.0, 6.0]), np.array([1.0, 2.0, 3.0]), Streams(0).at("x")
    )
    assert exact
    assert p.greater == pytest.approx(1 / 20)
    assert p.less == 1.0
    assert p.different == pytest.approx(2 / 20)


def test_an_exact_sign_flip_test_counts_all_signs_by_hand():
    p, exact = resampling.sign_flip_test(np.array([1.0, 2.0, 3.0, -1.0]), Streams(0).at("x"))
    assert exact
    # Of the 16 sums 7, 5, 5 are at least the observed 5; so are ties by other signs: 3 of 16.
    assert p.greater == pytest.approx(3 / 16)


@pytest.mark.parametrize("sizes", [(6, 5), (12, 15)])
def test_permutation_agrees_with_scipy(sizes):
    a, b = normal(sizes[0], 0.7, 1), normal(sizes[1], 0.0, 2)
    p, exact = resampling.permutation_test(a, b, Streams(5).at("x"))
    for name, ours in (("greater", p.greater), ("less", p.less), ("two-sided", p.different)):
        theirs = stats.permutation_test(
            (a, b), lambda x, y: x.mean() - y.mean(), alternative=name, n_resamples=9999, rng=1
        ).pvalue
        assert ours == pytest.approx(theirs, abs=1e-12 if exact else 0.02)


@pytest.mark.parametrize("n", [9, 20])
def test_sign_flips_agree_with_scipy(n):
    d = normal(n, 0.4, 4)
    p, exact = resampling.sign_flip_test(d, Streams(5).at("x"))
    theirs = stats.permutation_test(
        (d,), np.mean, permutation_type="samples", alternative="greater", n_resamples=9999, rng=1
    ).pvalue
    assert p.greater == pytest.approx(theirs, abs=1e-12 if exact else 0.015)


def test_random_p_values_are_never_zero():
    p, exact = resampling.permutation_test(normal(30, 50), normal(30), Streams(0).at("x"))
    assert not exact
    assert p.greater == pytest.approx(1 / 10_001)


def test_the_studentised_bootstrap_is_near_welch_for_normal_data():
    a, b = normal(25, 0.5, 1), normal(40, 0.0, 2, spread=2.0)
    p = resampling.bootstrap_test([a, b], 0.0, [Streams(0).at("a"), Streams(0).at("b")])
    assert p.greater == pytest.approx(
        stats.ttest_ind(a, b, equal_var=False, alternative="greater").pvalue, abs=0.02
    )


def test_intervals_of_normal_data_are_near_welchs():
    a, b = normal(8, 0.5, 1), normal(12, 0.0, 2)
    e = contrast(a, b, Contrast(), Streams(0))
    welch = stats.ttest_ind(a, b, equal_var=False).confidence_interval()
    width = welch.high - welch.low
    assert e.low == pytest.approx(welch.low, abs=0.08 * width)
    assert e.high == pytest.approx(welch.high, abs=0.08 * width)


def test_intervals_of_many_values_are_near_scipys_bootstrap():
    a, b = np.exp(normal(300, 0.5, 1)), np.exp(normal(400, 0.0, 2))
    e = contrast(a, b, Contrast(quantity="ratio of means"), Streams(0))
    theirs = stats.bootstrap(
        (a, b), lambda x, y, axis: x.mean(axis) / y.mean(axis), method="percentile", rng=1
    ).confidence_interval
    assert e.value == pytest.approx(a.mean() / b.mean())
    assert (e.low, e.high) == pytest.approx((theirs.low, theirs.high), rel=0.02)


def test_hedges_g_by_hand():
    # Means 3 and 1, pooled variance 1, df 4: d = 2, corrected by 1 - 3/15.
    assert resampling.hedges_g(np.array([2.0, 3.0, 4.0]), np.array([0.0, 1.0, 2.0])) == (
        pytest.approx(1.6)
    )
    assert resampling.hedges_g(np.array([2.0, 2.0]), np.array([1.0, 1.0])) is None


def test_holm_by_hand():
    assert resampling.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    corrected = resampling.holm([0.01, nan])
    assert corrected[0] == pytest.approx(0.02)
    assert isnan(corrected[1])
    assert resampling.holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_raises_p_and_keeps_their_order(p):
    corrected = resampling.holm(p)
    assert all(c >= q and c <= 1 for c, q in zip(corrected, p, strict=True))
    order = np.argsort(p, kind="stable")
    assert (np.diff(np.array(corrected)[order]) >= 0).all()


# --- compare ----------------------------------------------------------------------------------


def test_a_clear_effect_is_supported_and_its_contrary_opposite():
    values = table(a=normal(12, 3, 1), b=normal(12, 0, 2))
    up = only(values, higher())
    assert up.verdict == "supported"
    assert up.low < 3 < up.high
    assert up.n == (12, 12)
    assert up.effect > 1
    assert only(values, higher(direction="less")).verdict == "opposite"
    assert only(values, higher(direction="different")).verdict == "supported"


def test_no_effect_is_not_found():
    finding = only(table(a=normal(12, 0, 1), b=normal(12, 0, 2)), higher())
    assert finding.verdict == "not found"
    assert finding.low < 0 < finding.high


def test_pairs_are_those_of_one_replicate_and_seed():
    noise = normal(10, 0, 1, spread=10.0)
    values = table(a=noise + 1 + normal(10, 0, 2, spread=0.1), b=noise)
    paired = only(values, higher(test="paired"))
    assert paired.verdict == "supported"
    assert paired.test == "paired sign-flip test (exact)"
    assert paired.p == pytest.approx(1 / 1024)
    assert only(values, higher()).verdict == "not found"
    shuffled = values.take(np.random.default_rng(0).permutation(len(values)))
    assert only(shuffled, higher(test="paired")) == paired
    apart = values.set_column(2, "seed", pa.array(range(len(values)), pa.int64()))
    assert only(apart, higher(test="paired")).test.startswith("permutation test")


def test_rows_of_one_replicate_are_averaged_first():
    once = table(a=normal(6, 1, 1), b=normal(6, 0, 2))
    often, single = only(pa.concat_tables([once] * 50), higher()), only(once, higher())
    assert often.n == (6, 6)
    assert (often.estimate, often.low, often.p) == pytest.approx(
        (single.estimate, single.low, single.p)
    )


def test_an_arm_against_a_number():
    values = table(a=normal(20, 1, 1))
    finding = only(values, higher(against=0.0))
    assert finding.verdict == "supported"
    assert (finding.against, finding.n) == ("0", (20, 0))
    assert finding.estimate == pytest.approx(normal(20, 1, 1).mean())
    assert only(values, higher(against=1, direction="different")).verdict == "not found"
    assert only(values, higher(against=0.0, test="bootstrap")).verdict == "supported"
    # The sizes of a ratio are of the number too.
    assert only(
        table(a=[1.3, 1.35, 1.3]), higher(against=1.0, quantity="ratio of means")
    ).estimate == pytest.approx(3.95 / 3)


def test_a_ratio_of_means_of_scores():
    values = table(a=normal(30, 12.5, 1), b=normal(30, 10, 2))
    finding = only(values, higher(quantity="ratio of means"))
    assert finding.low < 1.25 < finding.high
    assert finding.verdict == "supported"
    paired = only(values, higher(quantity="ratio of means", test="paired"))
    assert paired.low < 1.25 < paired.high
    impossible = only(table(a=[1.0, -2.0], b=[1.0, 1.0]), higher(quantity="ratio of means"))
    assert isnan(impossible.p)
    zeros = only(table(a=[1.0, 2.0], b=[0.0, 1.0]), higher(quantity="ratio of means"))
    assert np.isfinite(zeros.high)


def test_agreement_must_be_shown():
    close = table(a=normal(30, 0, 1, 0.1), b=normal(30, 0, 2, 0.1))
    same = higher(direction="same", margin=0.2)
    assert only(close, same).verdict == "supported"
    assert only(close, dataclasses.replace(same, margin=0.01)).verdict == "not found"
    assert only(table(a=normal(30, 2), b=normal(30, 0, 2)), same).verdict == "opposite"
    few = table(a=[0.0, 1.0, -1.0], b=[0.1, 1.0, -1.0])
    assert only(few, same).verdict == "not found"
    ratio = higher(direction="same", margin=0.1, quantity="ratio of means")
    assert only(table(a=normal(30, 50), b=normal(30, 50, 2)), ratio).verdict == "supported"
    with pytest.raises(ValueError, match="margin"):
        higher(direction="same")
    with pytest.raises(ValueError, match="margin"):
        higher(margin=0.1)


@pytest.mark.parametrize(
    ("values", "why"),
    [
        (table(), "no replicate has this measure (is its name right?)"),
        (table(a=[1.0], b=[1.0, 2.0]), "fewer than 2 replicates"),
        (table(a=[nan, nan, 1.0], b=[1.0, 2.0]), "fewer than 2 replicates"),
        (table(a=[1.0, 2.0], c=[1.0, 2.0]), "no replicate has this measure (is its name right?)"),
    ],
)
def test_too_few_replicates_are_said(values, why):
    finding = only(values, higher())
    assert finding.test == f"not tested: {why}"
    assert finding.verdict == "not tested"
    assert all(isnan(v) for v in (finding.p, finding.corrected, finding.estimate, finding.low))
    assert f"could not be tested: {why}" in sentence(finding)


def test_constant_values_do_not_crash():
    for test in ("permutation", "paired", "bootstrap"):
        equal = only(table(a=[1.0] * 9, b=[1.0] * 9), higher(test=test))
        assert (equal.low, equal.high, equal.verdict, equal.effect) == (0, 0, "not found", None)
        apart = only(table(a=[2.0] * 9, b=[1.0] * 9), higher(test=test))
        assert (apart.low, apart.high, apart.verdict) == (1, 1, "supported")


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=6),
    st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=6),
    st.sampled_from(["permutation", "paired", "bootstrap"]),
)
def test_any_values_give_sound_figures(a, b, test):
    finding = only(table(a=a, b=b), higher(test=test))
    assert finding.low <= finding.estimate + 1e-6
    assert finding.high >= finding.estimate - 1e-6
    assert 0 < finding.p <= finding.corrected <= 1
    back = only(table(a=a, b=b), higher(arm="b", against="a", direction="less"))
    assert back.estimate == pytest.approx(-only(table(a=a, b=b), higher()).estimate)
    assert sentence(finding)


def test_a_seed_gives_the_same_findings_whatever_else_is_asked():
    values = table(a=normal(20, 0.5, 1), b=normal(20, 0, 2))
    asked = [higher(), higher(direction="different"), higher(test="paired")]
    several = compare(values, asked, seed=1)
    assert several == compare(values, asked, seed=1)
    alone = compare(values, asked[2:], seed=1)[0]
    assert dataclasses.replace(several[2], corrected=alone.corrected) == alone


def test_correction_can_take_a_verdict_away():
    a, b = normal(20, 0.6, 1), normal(20, 0, 2)
    values = table(a=a, b=b, c=normal(20, 0, 3), d=normal(20, 0, 4))
    alone = only(values, higher())
    assert alone.verdict == "supported"
    assert alone.p == alone.corrected
    others = [higher(arm="c", against="d", test="paired")] * 40
    among = compare(values, [higher(), *others], seed=3)[0]
    assert among.p == alone.p
    assert among.corrected > 0.05
    assert among.verdict == "not found"
    assert "Not certain enough for the number of tests" in sentence(among, tests=41)
    assert judge(estimates(values, [higher()], seed=3)) == [alone]


def test_nulls_are_claimed_and_truths_covered_as_often_as_promised():
    claims, covered, runs = 0, 0, 500
    random = np.random.default_rng(11)
    for i in range(runs):
        a, b = random.exponential(1.0, 5), random.exponential(1.0, 5)
        e = contrast(a, b, Contrast(), Streams(i))
        claims += judge([(higher(direction="different"), e)])[0].verdict == "supported"
        covered += e.low <= 0 <= e.high
    # 500 x 5 % = 25, standard deviation 4.9; the interval must agree, so claims are fewer.
    assert claims <= 35
    assert 0.92 <= covered / runs <= 0.99


def test_fifty_equal_hypotheses_are_corrected_for_fifty_tests():
    values = table(a=normal(20, 0.5, 1), b=normal(20, 0, 2))
    findings = compare(values, [higher()] * 50, seed=1)
    assert len({f.p for f in findings}) == 1
    assert {f.corrected for f in findings} == {min(1.0, 50 * findings[0].p)}


# --- sentences --------------------------------------------------------------------------------


def finding_of(**changes):
    base = only(table(a=normal(12, 3, 1), b=normal(12, 0, 2)), higher(text="Treated posts end up."))
    return dataclasses.replace(base, **changes)


def test_sentences_of_what_was_found():
    found = finding_of(
        measure="final_score", arm="up", against="control", estimate=0.4, low=0.2, high=0.61234,
        p=0.001, corrected=0.003,
    )  # fmt: skip
    assert sentence(found, tests=5) == (
        "Treated posts end up. Supported: final score in up was higher than in control, difference "
        "0.4 (95 % interval 0.2 to 0.612; p = 0.003 after Holm's correction for 5 tests)."
    )
    assert "; p = 0.001)" in sentence(found)
    less = dataclasses.replace(found, estimate=-0.4, low=-0.6, high=-0.2, verdict="opposite")
    assert (
        "The opposite was found: final score in up was lower than in control, difference -0.4 ("
        in (sentence(less))
    )
    assert sentences([found, found])[0].endswith("for 2 tests).")
    ratio = dataclasses.replace(found, what="ratio of means", estimate=1.25)
    assert "final score in up was 1.25 times that in control" in sentence(ratio)


def test_sentences_of_what_was_not_found():
    null = finding_of(estimate=0.1, low=-0.2, high=0.4, verdict="not found")
    assert "No difference was found: " in sentence(null)
    assert sentence(null).endswith("; a difference of more than 0.4 is unlikely.")
    ratio = dataclasses.replace(null, what="ratio of means", estimate=1.0, low=0.9, high=1.2)
    assert sentence(ratio).endswith("; a ratio below 0.9 or above 1.2 is unlikely.")
    agreement = dataclasses.replace(null, test="two one-sided tests, permutation test (exact)")
    assert "It was not shown that they agree" in sentence(agreement)
    against = dataclasses.replace(null, against="0.5", n=(12, 0))
    assert "was higher than 0.5, difference 0.1" in sentence(against)


@pytest.mark.parametrize(
    ("value", "text"), [(0.12345, "0.123"), (12345.6, "12346"), (-1.0, "-1"), (2e-5, "2e-05")]
)
def test_numbers(value, text):
    assert number(value) == text
