"""Polarization: by hand, against scipy and networkx, and over the steps of a run."""

from __future__ import annotations

import math

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from hubbub.analysis.polarization import (
    bimodality,
    cross_cutting,
    esteban_ray,
    mean_extremity,
    opinion_assortativity,
    opposed_share,
    polarization,
    polarization_of_run,
    variance,
)
from hubbub.engine import Simulation
from hubbub.errors import RunError
from hubbub.rng import Streams

opinions = hnp.arrays(np.float64, st.integers(4, 60), elements=st.floats(-1, 1, width=16))


def test_extremity_and_variance_by_hand() -> None:
    assert mean_extremity([-1, 0.5, 0, 0.5]) == 0.5
    assert mean_extremity([1, 3], neutral=3) == 1
    assert variance([-1, 1, 1, -1]) == 1
    assert math.isnan(mean_extremity([]))
    assert math.isnan(variance([]))


def test_bimodality_of_five_values_by_hand() -> None:
    # 0 0 0 0 1: skewness sqrt(5), excess kurtosis 5: (5 + 1) / (5 + 3 * 16 / 6) = 6 / 13
    assert bimodality([0, 0, 0, 0, 1]) == pytest.approx(6 / 13)


@settings(deadline=None)
@given(opinions)
def test_bimodality_is_that_of_scipys_moments(x: np.ndarray) -> None:
    if np.ptp(x) < 1e-3:
        return
    n = len(x)
    skewness, kurtosis = stats.skew(x, bias=False), stats.kurtosis(x, bias=False)
    expected = (skewness**2 + 1) / (kurtosis + 3 * (n - 1) ** 2 / ((n - 2) * (n - 3)))
    assert bimodality(x) == pytest.approx(expected)


def test_bimodality_of_known_shapes() -> None:
    stream = Streams(1).at("shapes")
    assert bimodality(stream.normal(100_000)) == pytest.approx(1 / 3, abs=0.01)
    assert bimodality(stream.uniform(100_000)) == pytest.approx(5 / 9, abs=0.01)
    assert bimodality(np.repeat([-1, 1], 5_000)) == pytest.approx(1, abs=0.01)
    assert bimodality(np.repeat([-1, 1], 5)) == pytest.approx(0.566, abs=0.001)
    assert bimodality(np.repeat([-1, 1], 25)) == pytest.approx(0.903, abs=0.001)


@pytest.mark.parametrize("values", [[], [1, 2, 3], [0.3] * 10])
def test_bimodality_that_is_not_defined(values: list[float]) -> None:
    assert math.isnan(bimodality(values))


def test_esteban_ray_by_hand() -> None:
    assert esteban_ray([0.2, 0.2, 0.2]) == 0
    # half at either end, whose cells have their centres 2 - 2 / 21 apart
    assert esteban_ray([-1, 1]) == pytest.approx(0.5 * (1 - 1 / 21))
    assert esteban_ray([-1, 1], alpha=1.6) == pytest.approx(2**-1.6 * (1 - 1 / 21))
    # shares 1/4, 3/4, two cells 1 apart: 1/16 * 3/4 + 9/16 * 1/4
    assert esteban_ray([-1, 1, 1, 1], bins=2) == pytest.approx(3 / 16)
    assert math.isnan(esteban_ray([]))
    with pytest.raises(ValueError, match=r"\[-1, 1\]"):
        esteban_ray([1.1])


@settings(deadline=None)
@given(opinions)
def test_nothing_is_more_polarized_than_two_camps_at_the_ends(x: np.ndarray) -> None:
    assert 0 <= esteban_ray(x) <= 0.5 * (1 - 1 / 21) + 1e-12


def test_assortativity_is_that_of_networkx() -> None:
    stream = Streams(3).at("ties")
    left, right = stream.integers(50, 400), stream.integers(50, 400)
    keys = np.unique(left * 50 + right)
    left, right = np.divmod(keys[keys // 50 != keys % 50], 50)
    x = np.round(stream.uniform(50) * 2 - 1, 3)
    x[right[:40]] = x[left[:40]]
    directed = nx.DiGraph(list(zip(left.tolist(), right.tolist(), strict=True)))
    nx.set_node_attributes(directed, dict(enumerate(x.tolist())), "opinion")
    expected = nx.numeric_assortativity_coefficient(directed, "opinion")
    assert opinion_assortativity(x, left, right) == pytest.approx(expected)
    both = nx.Graph(directed)
    pairs = np.array(both.edges)
    ends = np.concatenate([pairs, pairs[:, ::-1]])
    expected = nx.numeric_assortativity_coefficient(both, "opinion")
    assert opinion_assortativity(x, ends[:, 0], ends[:, 1]) == pytest.approx(expected)


def test_assortativity_at_its_ends() -> None:
    assert opinion_assortativity([-1, 1], [0, 1], [0, 1]) == pytest.approx(1)
    assert opinion_assortativity([-1, 1], [0, 1], [1, 0]) == pytest.approx(-1)
    assert math.isnan(opinion_assortativity([0.5, 0.5], [0, 1], [1, 0]))
    assert math.isnan(opinion_assortativity([0.5, 1], [], []))


def test_cross_cutting_ties_are_those_between_sides() -> None:
    x = [-0.5, 0.1, 0.9, 0.0]
    # for and against: 0-1 and 0-2; on one side: 1-2; agent 3 has no side
    assert cross_cutting(x, [0, 0, 1, 3, 3], [1, 2, 2, 0, 2]) == pytest.approx(2 / 3)
    assert math.isnan(cross_cutting(x, [3], [0]))
    assert opposed_share([2, 5, np.nan], [5, 6, 1], neutral=4) == 0.5


def test_all_figures_at_once() -> None:
    found = polarization([-1, -1, 1, 1], [0, 2, 0], [1, 3, 2])
    assert (found.mean, found.mean_extremity, found.variance) == (0, 1, 1)
    assert found.dispersion == pytest.approx(0.5 * (1 - 1 / 21))
    assert found.cross_cutting == pytest.approx(1 / 3)
    assert found.assortativity == pytest.approx(0.5)


def test_a_run_step_by_step(lively: Simulation) -> None:
    table = polarization_of_run(lively.store, steps=[0, 15])
    assert table["step"].to_pylist() == [0, 15]
    relations = lively.store.relations().to_pylist()
    follows = [(r["left"], r["right"]) for r in relations if r["kind"] == "follow"]
    now = lively.store.opinions_at()[:, 0]
    expected = polarization(now, *zip(*follows, strict=True))
    last = table.to_pylist()[1]
    assert last["mean_extremity"] == pytest.approx(expected.mean_extremity)
    assert last["assortativity"] == pytest.approx(expected.assortativity)
    assert last["cross_cutting"] == pytest.approx(expected.cross_cutting)
    assert polarization_of_run(lively.store).num_rows == 16
    topic = lively.scenario.topics[1]
    named = polarization_of_run(lively.store, topic, [0])
    assert named["mean"][0].as_py() == pytest.approx(lively.store.opinions_at(0)[:, 1].mean())


def test_a_topic_that_is_not_there(lively: Simulation) -> None:
    with pytest.raises(RunError, match="no topic 'chess'"):
        polarization_of_run(lively.store, "chess")
