"""Activity curves: from figures, from timestamps, by chronotype."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from hubbub.config.scenario import ActivityConfig
from hubbub.errors import DataError, ScenarioError
from hubbub.population.activity_curves import CHRONOTYPE_SHARES, DAY, build_curves
from hubbub.rng import Streams

DATA = Path(__file__).parents[3] / "shared" / "data" / "hourly_activity"


def build(n, base=Path(), source="synthetic", offsets=None, frequencies=None, **config):
    return build_curves(
        ActivityConfig(**config),
        utc_offset_minutes=np.zeros(n, np.int64) if offsets is None else np.array(offsets),
        chronotype_stream=Streams(1).at("chronotype"),
        core=np.arange(n) < 1,
        frequencies=frequencies,
        user_names=[f"user_{i}" for i in range(n)],
        kind_of_source=source,
        base=base,
    )


def test_constant_and_rates():
    curves, curve, rate = build(3, source="records", core_rate=0.5, rate=0.25)
    assert curves.tolist() == [[1.0] * 24]
    assert curve.tolist() == [0, 0, 0]
    assert rate.tolist() == [0.5, 0.25, 0.25]
    assert (curves.dtype, curve.dtype, rate.dtype) == (np.float32, np.int32, np.float32)


def test_chronotypes_have_their_shares_and_peaks():
    curves, curve, _ = build(20_000)
    assert curves.shape == (3, 24)
    shares = np.bincount(curve) / 20_000
    np.testing.assert_allclose(shares, CHRONOTYPE_SHARES, atol=0.015)
    np.testing.assert_allclose(curves[1], DAY, atol=1e-6)
    assert curves.argmin(axis=1).tolist() == [2, 4, 6]
    assert curves.max(axis=1).tolist() == [1.0, 1.0, 1.0]


def test_time_zones_shift_the_day():
    curves, curve, _ = build(400, offsets=[0] * 200 + [-300] * 100 + [330] * 100)
    assert len(curves) == 9
    new_york, utc, delhi = curves[1], curves[4], curves[7]
    np.testing.assert_allclose(new_york, np.roll(utc, 5), atol=1e-6)
    assert delhi[0] == pytest.approx((DAY[5] + DAY[6]) / 2, abs=1e-6)
    assert set(curve[:200]) == {3, 4, 5}
    assert set(curve[200:300]) == {0, 1, 2}


def test_figures_are_normalised_by_hour():
    figures = np.zeros((3, 24), np.float32)
    figures[0, 8], figures[1, 8], figures[2, 9] = 10, 40, 7
    curves, curve, _ = build(3, source="file", frequencies=figures)
    own = curves[curve]
    assert own[:, 8].tolist() == [0.25, 1.0, 0.0]
    assert own[:, 9].tolist() == [0.0, 0.0, 1.0]
    assert own[:, 10].tolist() == [0.0, 0.0, 0.0]


def test_oasis_figures_of_a_hundred_mean_the_rate_itself():
    curves, curve, rate = build(4, source="file", frequencies=np.full((4, 24), 100, np.float32))
    assert curves.tolist() == [[1.0] * 24]
    assert curve.tolist() == [0] * 4
    assert rate[0] == np.float32(0.1)


def test_an_agent_without_figures_has_the_mean():
    figures = np.full((4, 24), 30, np.float32)
    figures[1], figures[2] = 90, np.nan
    curves, curve, _ = build(4, source="file", frequencies=figures)
    np.testing.assert_allclose(curves[curve][:, 0], [1 / 3, 1, 50 / 90, 1 / 3], atol=1e-6)


@pytest.mark.parametrize("wrong", [-1.0, np.nan])
def test_wrong_figures_are_named(wrong):
    figures = np.full((3, 24), 5, np.float32)
    figures[1, 4] = wrong
    with pytest.raises(DataError, match="agent 1 must be 24 figures"):
        build(3, source="file", frequencies=figures)


def test_figures_that_are_not_there():
    with pytest.raises(ScenarioError, match="no hourly figures"):
        build(3, source="file", kind="file")


def test_timestamps(tmp_path):
    rows = ["user_0,2024-05-01T13:45:00Z"] * 30 + ["user_1,2024-05-01T15:10:00+02:00"] * 10
    rows += ["user_1,1714521600", "somebody_else,2024-05-01T03:00:00"]  # 00:00 UTC
    (tmp_path / "times.csv").write_text("user_name,time\n" + "\n".join(rows), encoding="utf-8")
    curves, curve, _ = build(3, tmp_path, kind="timestamps", path="times.csv")
    own = curves[curve]
    assert own[0, 13] == 1.0
    assert 0.3 < own[1, 13] < 0.4
    assert own[0, 12] > 0  # neighbouring hours share in it
    assert own[1, 0] == 1.0
    assert 0 < own[2, 13] < 0.1  # unknown habits: a little of everybody's
    assert own[:, 6].tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("user_name,time\nuser_0,yesterday\n", r"line 2, column time: 'yesterday'"),
        ("user_name,time\nuser_0,nan\n", r"line 2, column time: 'nan'"),
        ("user_name,when\nuser_0,1\n", "no column time"),
        ("user_name,time\nnobody,1\n", "no user_name in it"),
        ("", "no column time and no column user_name"),
    ],
)
def test_bad_timestamps_are_named(tmp_path, text, message):
    (tmp_path / "times.csv").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        build(2, tmp_path, kind="timestamps", path="times.csv")


def test_timestamps_that_cannot_be_read(tmp_path):
    with pytest.raises(ScenarioError, match=r"time\.activity\.path"):
        build(2, kind="timestamps")
    with pytest.raises(DataError, match="cannot be read"):
        build(2, tmp_path, kind="timestamps", path="none.csv")
    (tmp_path / "latin.csv").write_bytes(b"user_name,time\nJos\xe9,1\n")
    with pytest.raises(DataError, match="not UTF-8"):
        build(2, tmp_path, kind="timestamps", path="latin.csv")


@pytest.mark.skipif(not DATA.exists(), reason="../shared/data/hourly_activity is not here")
def test_the_day_is_derived_from_the_data():
    """The mixture of time zones and chronotypes gives back the first two harmonics."""
    with (DATA / "twitter_hour_of_day_utc.csv").open(encoding="utf-8") as file:
        counts = np.array([float(r["retweets_delay_over_24h"]) for r in csv.DictReader(file)])
    zones = {-5: 0.47, -6: 0.29, -7: 0.07, -8: 0.17}
    expected = np.zeros(24)
    for k in range(-2, 3):
        mixture = sum(w * np.exp(2j * np.pi * k * (z + 8 / 12) / 24) for z, w in zones.items())
        mixture *= 0.6 + 0.4 * np.cos(2 * np.pi * k * 2 / 24)
        share = (np.fft.fft(counts)[k] / mixture) * np.exp(2j * np.pi * k * np.arange(24) / 24)
        expected += share.real
    np.testing.assert_allclose(DAY, expected / expected.max(), atol=0.001)
