"""Models whose requests go out from workers: the same run, and every turn accounted for."""

from __future__ import annotations

import os

import pytest

import hubbub as hb
from engine.model_scenarios import talkative
from engine.test_models_over_http import outcomes, turns_of_models
from engine.test_workers import Lost, Scarce
from engine.worker_policies import FATAL
from hubbub.config.models import ModelConfig
from hubbub.engine import simulation
from hubbub.engine.workers import pool as pool
from hubbub.engine.workers.remote_models import shared
from hubbub.errors import ModelError
from hubbub.testing import Faults, Latency, ModelServer, ScriptedModel, ValidModel

WHERE = {"urls": ["http://127.0.0.1:9/v1"]}


def over_http(server, **changes):
    limits = {"timeout_seconds": 5.0, "concurrency": 7}
    group = {"policy": "engine.worker_policies:Grumpy", "share": 0.5}
    data = {
        "models": {"small": {"urls": [server.url], "limits": limits}},
        "agents": [{"model": "small", "share": 0.5}, group, {"policy": "statistical"}],
        "prompt": {"reflect_every": 2},
    }
    return talkative(**data | changes)


def lived(scenario, **options):
    """Run to the end; return the digest, the turns of models, and the outcomes of all turns."""
    with hb.Simulation(scenario, **options) as sim:
        sim.run()
        return sim.digest(), turns_of_models(sim), outcomes(sim)


def test_the_same_digest_though_a_worker_dies_with_calls_out(tmp_path, monkeypatch):
    mood = {"name": "mood", "questions": [{"name": "m", "ask": "How are you?"}], "every": 2}
    changes = {"turns": {"staleness": 1}, "surveys": [{**mood, "remember": True}]}
    fatal = tmp_path / "fatal"
    monkeypatch.setenv(FATAL, str(fatal))
    with ModelServer(ValidModel(1), latency=Latency(0.02, 1.0)) as server:
        scenario = over_http(server, **changes)
        digest, turns, _ = lived(scenario, threads=1)
        fatal.write_text(str(os.getpid()))
        with hb.Simulation(scenario, workers="processes:2") as sim:
            sim.run()
            again, same, found = sim.digest(), turns_of_models(sim), outcomes(sim)
            usage, calls = sim.usage()["small"], sim.completions()
    assert usage.requests == usage.completions == calls.num_rows
    assert usage.prompt_tokens == sum(calls["prompt_tokens"].to_pylist())
    assert usage.p50 > 0.01
    assert not fatal.exists()
    assert again == digest
    assert turns == same
    assert len(turns) > 30
    assert turns <= found.keys()


def test_calls_of_a_worker_that_is_given_up_are_asked_by_the_others(monkeypatch):
    monkeypatch.setattr(pool, "_PATIENCE", 0.3)
    with ModelServer(ValidModel(1)) as server:
        scenario = over_http(server)
        digest, turns, _ = lived(scenario, threads=1)
        workers = pool.Crew(Scarce(2, size=2))
        monkeypatch.setattr(simulation, "open_workers", lambda *options: workers)
        with hb.Simulation(scenario) as sim:
            sim.run(1)
            workers.members[0].ask = lambda *question: Lost()
            sim.run()
            assert len(workers.members) == 1
            assert (sim.digest(), turns_of_models(sim)) == (digest, turns)
            usage = sim.usage()["small"]
            assert usage.requests == usage.completions == sim.completions().num_rows
            assert usage.endpoints[server.url].limit == 7


@pytest.mark.slow
def test_faults_are_borne_and_a_replay_with_workers_is_the_same(tmp_path):
    faults = Faults(errors=0.2, malformed=0.1, nonsense=0.05)
    with ModelServer(ValidModel(1), faults=faults) as server:
        scenario = over_http(server)
        with hb.Simulation(scenario, out=tmp_path / "run", workers="processes:2") as sim:
            sim.run()
            digest, usage = sim.digest(), sim.usage()["small"]
            assert turns_of_models(sim) <= outcomes(sim).keys()
            calls = sim.completions().num_rows
    assert usage.requests == calls
    assert usage.completions + sum(usage.failures.values()) == calls
    assert usage.endpoints[server.url].limit <= 7
    with hb.Simulation(scenario, replay=tmp_path / "run", workers="processes:1") as again:
        again.run()
        assert again.digest() == digest
    with hb.Simulation(scenario, replay=tmp_path / "run") as again:
        again.run()
        assert again.digest() == digest


def test_a_model_that_nobody_serves_ends_the_run_in_the_same_words(monkeypatch):
    limits = {"patience_seconds": 0, "attempts": 1}
    scenario = talkative(models={"small": {**WHERE, "limits": limits}})
    words = []
    for options in ({"threads": 1}, {"workers": "processes:1"}):
        with hb.Simulation(scenario, **options) as sim, pytest.raises(ModelError) as error:
            sim.run()
        words.append(str(error.value))
    assert words[0] == words[1]
    no_key = talkative(models={"small": {**WHERE, "key_env": "NO_SUCH_KEY"}})
    with pytest.raises(ModelError, match="NO_SUCH_KEY"):
        hb.Simulation(no_key, workers="processes:1").reset()


def test_stand_ins_of_this_process_and_budgets_are_kept_by_the_head():
    digests = []
    for options in ({"threads": 1}, {"workers": "processes:1"}):
        model = ScriptedModel([{"do": [{"action": "like_post", "id": 1}]}])
        scenario = talkative(budget={"requests": 40})
        with hb.Simulation(scenario, stand_ins={"small": model}, **options) as sim:
            sim.run()
            assert "budget of 40 requests" in sim.paused
            digests.append((sim.t, sim.digest(), len(model.requests)))
    assert digests[0] == digests[1]
    assert digests[0][0] > 0


@pytest.mark.parametrize("workers", [1, 3, 8])
def test_the_shares_of_all_workers_add_up_to_the_limits(workers):
    limits = {"concurrency": 7, "requests_per_minute": 100, "tokens_per_minute": 9001}
    model = ModelConfig(**WHERE, limits=limits)
    other = ModelConfig(**WHERE, limits={"concurrency": 20})
    parts = [shared({"a": model, "b": other}, i, workers) for i in range(workers)]
    shares = [part["a"].limits for part in parts if "a" in part]
    assert len(shares) == min(workers, 7)
    assert sum(s.concurrency for s in shares) == 7
    assert sum(part["b"].limits.concurrency for part in parts) == 20
    assert all(part["b"].limits.requests_per_minute is None for part in parts)
    assert sum(s.requests_per_minute for s in shares) == 100
    assert sum(s.tokens_per_minute for s in shares) == 9001
