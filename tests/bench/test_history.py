"""The benches of long runs, and of a few language models among many, on tiny runs."""

from __future__ import annotations

import pytest

from hubbub.bench.history import bench_history
from hubbub.bench.mixed import SECONDS, bench_mixed


def test_early_and_late_steps() -> None:
    found = bench_history(agents=300, active=0.2, steps=16)
    assert found.growth == pytest.approx(found.late_us_per_turn / found.early_us_per_turn)
    assert found.early_us_per_turn > 0
    assert set(found.early_ms_per_step) == set(found.late_ms_per_step)
    assert min(found.early_mb, found.late_mb) > 50
    assert found.digest == bench_history(agents=300, active=0.2, steps=16).digest


def test_models_among_many() -> None:
    found = bench_mixed(agents=400, models=100, active=0.2, steps=2)
    assert 10 < found.calls < 80
    assert found.turns > found.calls
    assert found.models_seconds == pytest.approx(found.calls * SECONDS, rel=0.5)
    assert found.engine_share == pytest.approx(1 - found.models_seconds / found.seconds)
    assert 0 < found.waiting_share < 1
    assert found.replies_per_second == 50
    assert {"prompts", "replies", "total"} <= set(found.ms_per_step)
