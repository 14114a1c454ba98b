"""The benches of language models on tiny runs: the figures are sane, and replays agree."""

from __future__ import annotations

import os

import pytest

from hubbub.bench.endpoints import bench_faults, bench_tails
from hubbub.bench.models import bench_models
from hubbub.llm.weights import DEFAULT, cache_folder, find


def test_what_decisions_cost(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBBUB_CACHE", str(tmp_path))  # no weights: tokens are estimated
    found = bench_models(agents=8, steps=2, warmup=1)
    again = bench_models(agents=8, steps=2, warmup=1)
    assert (found.agents, found.steps) == (8, 2)
    assert found.decisions_per_second > 1
    stages = found.cpu_us_by_stage
    assert {"activation", "feed", "prompts", "replies", "apply", "commit", "http"} < set(stages)
    assert all(us >= 0 for us in stages.values())
    assert stages["prompts"] > 0
    assert sum(stages.values()) == pytest.approx(found.cpu_us_per_decision, rel=0.2)
    assert found.tokenizer == "an estimate by bytes"
    assert 300 < found.prompt_tokens_mean <= found.prompt_tokens_max < 1200
    assert 0.1 < found.rules_share < 0.6
    assert 20 < found.reply_tokens_mean <= found.reply_tokens_max < 70
    assert found.digest == again.digest


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="cores can't be chosen here")
def test_all_cores_are_usable_afterwards(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBBUB_CACHE", str(tmp_path))
    before = os.sched_getaffinity(0)
    found = bench_models(agents=8, steps=1, warmup=0)
    assert os.sched_getaffinity(0) == before
    assert found.own_cores == (len(before) > 1)


@pytest.mark.slow
def test_tokens_are_counted_by_the_local_model() -> None:
    pytest.importorskip("xllamacpp")
    if find(DEFAULT, cache=cache_folder()) is None:
        pytest.skip("the weights are not here")
    found = bench_models(agents=30, steps=2, warmup=5)
    assert found.tokenizer == DEFAULT
    assert 400 < found.prompt_tokens_mean <= 700
    assert 20 < found.reply_tokens_mean < 50


@pytest.mark.slow
def test_tails_keep_endpoints_busy_and_can_be_replayed() -> None:
    fresh, stale = (bench_tails(agents=40, steps=2, staleness=s) for s in (0, 1))
    for found in (fresh, stale):
        assert 0 < found.busy_share <= 1
        assert 0 < found.busy_share_client <= 1
        assert found.seconds_per_step > 0.1
        assert found.same_digest
    assert fresh.digest != stale.digest, "staleness changes what agents see"


@pytest.mark.slow
def test_faults_leave_no_turn_without_a_record() -> None:
    found = bench_faults(agents=40, steps=4)
    assert found.turns == 160
    assert found.unaccounted == 0
    assert found.decided + sum(found.undecided.values()) == found.turns
    assert set(found.undecided) <= {"no_reply", "invalid_reply"}
    assert found.decided > 140
    assert found.retries > 20
    assert {"ok", "errors", "hangs"} <= set(found.fates)
    assert found.same_digest
