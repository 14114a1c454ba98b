"""Workers on a Ray cluster of this machine."""

from __future__ import annotations

import builtins
import os

import pytest

import hubbub as hb
from engine.scenarios import small
from engine.test_workers_models import lived as lived_with_models
from engine.test_workers_models import over_http
from engine.workers_own import FATAL, bustling
from hubbub.engine import society
from hubbub.errors import MissingExtraError, RunError
from hubbub.testing import ModelServer, ValidModel


def test_without_ray_the_error_names_the_extra(monkeypatch):
    real = builtins.__import__

    def without(name, *args, **options):
        if name == "ray":
            raise ModuleNotFoundError(name="ray")
        return real(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r"hubbub\[ray\]"):
        hb.Simulation(small(), workers="ray")


@pytest.fixture(scope="module")
def fatal(tmp_path_factory):
    """Start a cluster whose workers may be told to die by this file."""
    ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'hubbub[ray]'")
    file = tmp_path_factory.mktemp("ray") / "fatal"
    os.environ[FATAL] = str(file)
    ray.init(num_cpus=2, include_dashboard=False, logging_level="ERROR")
    yield file
    ray.shutdown()
    del os.environ[FATAL]


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_the_same_digest_on_ray_though_a_worker_is_killed(fatal, monkeypatch):
    monkeypatch.setattr(society, "SHARD", 16)
    with hb.Simulation(bustling(), threads=1) as sim:
        sim.run()
        digest = sim.digest()
    for kill in (False, True):
        if kill:
            fatal.write_text(str(os.getpid()))
        with hb.Simulation(bustling(), workers="ray") as sim:
            sim.run()
            assert sim.digest() == digest
    assert not fatal.exists()


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_errors_and_models_on_ray(fatal):
    wrong = small(agents=[{"policy": "engine.workers_own:Wrong"}])
    with (
        hb.Simulation(wrong, workers="ray") as sim,
        pytest.raises(KeyError, match="no such mood") as error,
    ):
        sim.run()
    assert "agents.0.policy" in error.value.__notes__[0]
    with ModelServer(ValidModel(1)) as server:
        scenario = over_http(server, turns={"staleness": 1})
        digest, turns, _ = lived_with_models(scenario, threads=1)
        again, same, found = lived_with_models(scenario, workers="ray")
    assert again == digest
    assert turns == same
    assert turns <= found.keys()


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_a_cluster_that_is_not_there(monkeypatch):
    ray = pytest.importorskip("ray")
    if ray.is_initialized():
        ray.shutdown()
    with pytest.raises(RunError, match=r"no Ray cluster can be used at 127\.0\.0\.1:1"):
        hb.Simulation(small(), workers="ray:127.0.0.1:1")
