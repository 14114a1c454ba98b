"""Inequality: by hand, against scipy, and what must hold for any amounts."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from hubbub.analysis.inequality import entropy, gini, hill_number, lorenz, top_share

amounts = st.lists(st.integers(0, 1000), min_size=1, max_size=50).filter(any)


def test_gini_by_hand() -> None:
    assert gini([1, 1, 1, 1]) == 0
    assert gini([0, 0, 0, 8]) == 0.75
    assert gini([1, 3]) == 0.25
    assert math.isnan(gini([]))
    assert math.isnan(gini([0, 0]))
    with pytest.raises(ValueError, match="at least 0"):
        gini([1, -1])


@settings(deadline=None)
@given(amounts)
def test_gini_is_half_the_relative_mean_difference(x: list[int]) -> None:
    a = np.array(x, float)
    difference = np.abs(a[:, None] - a[None, :]).mean()
    assert gini(x) == pytest.approx(difference / (2 * a.mean()), abs=1e-12)


@settings(deadline=None)
@given(amounts)
def test_gini_is_the_area_at_the_lorenz_curve(x: list[int]) -> None:
    curve = lorenz(x)
    area = np.trapezoid(curve["amount"], curve["holders"])
    assert gini(x) == pytest.approx(1 - 2 * area, abs=1e-12)


def test_top_shares_by_hand() -> None:
    assert top_share([5, 1, 3, 1], 0.25) == 0.5
    assert top_share([5, 1, 3, 1], 0.26) == 0.8
    assert top_share([5, 1, 3, 1], 1) == 1
    assert top_share(np.ones(100), 0.07) == pytest.approx(0.07)
    assert top_share([1, 9], 0.01) == 0.9  # never fewer than one
    assert math.isnan(top_share([0], 0.5))
    for share in (0, 1.1, -1):
        with pytest.raises(ValueError, match="share"):
            top_share([1], share)


def test_lorenz_by_hand() -> None:
    assert lorenz([3, 1]).to_pydict() == {"holders": [0, 0.5, 1], "amount": [0, 0.25, 1]}


@settings(deadline=None)
@given(amounts, st.floats(0, 5) | st.floats(1 - 1e-6, 1 + 1e-6))
def test_hill_numbers_lie_between_one_and_all_and_fall_with_their_order(
    x: list[int], order: float
) -> None:
    have = sum(a > 0 for a in x)
    assert hill_number(x, 0) == pytest.approx(have)
    assert 1 - 1e-9 <= hill_number(x, order) <= have + 1e-9
    assert hill_number(x, order) >= hill_number(x, order + 1) - 1e-9
    assert hill_number(x, 1 + 1e-12) == pytest.approx(hill_number(x, 1))
    assert hill_number(x, 5000) == pytest.approx(hill_number(x, math.inf), rel=2e-3)
    assert hill_number(x, math.inf) == pytest.approx(sum(x) / max(x))
    assert entropy(x) == pytest.approx(stats.entropy(x), abs=1e-12)
    assert hill_number(x, 1) == pytest.approx(math.exp(stats.entropy(x)))
    assert hill_number(x, 2) == pytest.approx(sum(x) ** 2 / sum(a * a for a in x))


def test_hill_number_of_equals_is_their_number() -> None:
    for order in (0, 0.5, 1, 2, 7, math.inf):
        assert hill_number([3, 3, 3, 0], order) == pytest.approx(3)
    assert math.isnan(hill_number([]))
    assert math.isnan(entropy([0]))
    assert entropy([4]) == 0
    with pytest.raises(ValueError, match="order"):
        hill_number([1], -1)
