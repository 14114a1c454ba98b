"""References, the pace of people, and its fit."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from hubbub.errors import DataError
from hubbub.rng import Streams
from hubbub.studies.cascade_files import MINUTES, Cascade, Ties, read_cascades
from hubbub.studies.propagation.baselines import errors, predictions
from hubbub.studies.propagation.example_cascades import made_cascades
from hubbub.studies.propagation.fit import fit, folds
from hubbub.studies.propagation.pace import Pace, gamma

DATA = os.environ.get("HUBBUB_DATA")
needs_data = pytest.mark.skipif(DATA is None, reason="HUBBUB_DATA names no folder of real data")


def star(name: str, minutes: list[float]) -> Cascade:
    n = len(minutes)
    parent = np.array([-1] + [0] * (n - 1))
    ties = Ties(name, datetime(2014, 1, 1, 12), parent, np.minimum(np.arange(n), 1))
    return Cascade(ties, "true", np.array(minutes))


def test_references_by_hand() -> None:
    # scales at 150 minutes: 3 of 3 users at once, and 2 of 4 after half of the time
    cascades = [star("a", [0, 1, 1]), star("b", [0, 75, 200, 300])]
    found = predictions(cascades)
    assert found["median curve"][0, 0, 0] == 1.0
    assert found["median curve"][0, 0, 1] == 2.0  # of 3 and 1
    assert found["median curve"][1, 0, -1] == 2.5
    shape = (1 / 3 + 1 / 2) / 2  # of the scale at 0 minutes
    f = (1.0 + 0.5) / 2
    assert found["f N g(t)"][0, 0, 0] == pytest.approx(f * 3 * shape)
    assert found["f M g(t)"][1, 0, -1] == pytest.approx(f * 4)
    assert found["floor"][1, 0, -1] == pytest.approx(2.0)
    share = (2 / 2 + 1 / 3) / 2  # breadth at 150 minutes, of the tree's
    assert found["f M g(t)"][1, 2, -1] == pytest.approx(share * 3)


def test_errors_by_hand() -> None:
    real = np.zeros((2, 3, 51))
    real[0] = 4.0
    found = errors(real + 1.0, real)
    assert found[0].tolist() == [0.25, 0.25, 0.25]
    assert np.isnan(found[1]).all()


@needs_data
def test_references_are_those_of_the_data() -> None:
    cascades = read_cascades(Path(str(DATA)) / "twitter15", only_oasis=True)
    assert len(cascades) == 134
    real = np.stack([c.curves() for c in cascades])
    found = {n: errors(p, real).mean(axis=0).round(2) for n, p in predictions(cascades).items()}
    assert found["median curve"].tolist() == [0.26, 0.26, 0.27]
    assert found["f N g(t)"].tolist() == [0.17, 0.29, 0.22]
    assert found["f M g(t)"].tolist() == [0.17, 0.21, 0.15]
    assert found["floor"].tolist() == [0.07, 0.12, 0.07]


@needs_data
def test_shipped_pace_is_the_one_fitted() -> None:
    cascades = read_cascades(Path(str(DATA)) / "twitter15", only_oasis=True)
    fitted, shipped = fit(cascades), Pace()
    assert fitted.shape == pytest.approx(shipped.shape, abs=0.001)
    assert np.allclose(fitted.weights, shipped.weights, atol=0.001)


@pytest.mark.parametrize("shape", [0.3, 0.62, 1.0, 2.5])
def test_gamma_has_the_right_distribution(shape: float) -> None:
    from scipy.stats import gamma as reference
    from scipy.stats import kstest

    drawn = gamma(shape, 20_000, Streams(3).at("x"))
    assert kstest(drawn, reference(shape).cdf).pvalue > 0.001
    assert np.array_equal(drawn, gamma(shape, 20_000, Streams(3).at("x")))


def test_rates_follow_ties_and_hour() -> None:
    ties = made_cascades()[0].ties
    flat = Pace(indirect=0.0, audience=0.0, crowd=0.0, day=(0.0, 0.0, 0.0, 0.0))
    base = flat.hourly_rates(ties, Streams(1).at("x"))
    assert (base == base[:, :1]).all()
    deep = flat.model_copy(update={"indirect": 1.0}).hourly_rates(ties, Streams(1).at("x"))
    assert np.allclose(deep / base, np.where(ties.depth >= 2, np.e, 1.0)[:, None])
    day = flat.model_copy(update={"day": (0.0, 0.5, 0.0, 0.0)}).hourly_rates(
        ties, Streams(1).at("x")
    )
    assert np.allclose(np.log(day / base)[0, 0], 0.5 * np.cos(np.pi / 24))


def test_a_known_pace_is_recovered() -> None:
    known = Pace(shape=0.9, minutes=20.0, indirect=0.5, audience=0.3, crowd=-0.4,
                 day=(0.2, -0.1, 0.1, 0.0))  # fmt: skip
    cascades = []
    for seed in range(4):
        for c in made_cascades(seed):
            stream = Streams(seed).at(f"times of {c.ties.name}")
            hour = int(c.ties.start.hour + c.ties.start.minute / 60 + 1.25) % 24
            rate = known.hourly_rates(c.ties, stream)[:, hour]
            wait = -np.log1p(-stream.uniform(len(rate))) / np.maximum(rate, 1e-12)
            minutes = 3.0 * np.ceil(wait / 3.0)
            minutes[0] = 0.0
            for row in range(1, len(rate)):
                minutes[row] += minutes[c.ties.parent[row]]
            cascades.append(Cascade(c.ties, c.label, minutes))
    found = fit(cascades)
    assert found.shape == pytest.approx(0.9, abs=0.08)
    assert found.minutes == pytest.approx(20.0, rel=0.1)
    assert np.allclose(found.weights[1:], known.weights[1:], atol=0.06)


def test_folds_are_equal_and_by_lot() -> None:
    fold = folds(134, 5, 1)
    assert sorted(np.bincount(fold).tolist()) == [26, 27, 27, 27, 27]
    assert np.array_equal(fold, folds(134, 5, 1))
    assert not np.array_equal(fold, folds(134, 5, 2))


def test_too_few_cascades_to_fit() -> None:
    with pytest.raises(DataError, match="too few"):
        fit([star("a", [0.0] + [1.0] * 20)])


def test_made_cascades_are_trees() -> None:
    for c in made_cascades(5):
        parent = c.ties.parent
        assert parent[0] == -1
        assert (parent[1:] < np.arange(1, len(parent))).all()
        assert (c.minutes[1:] >= c.minutes[parent[1:]]).all()
        assert c.curves().shape == (3, len(MINUTES))
