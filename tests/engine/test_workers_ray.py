"""Workers on a Ray cluster of this machine."""

from __future__ import annotations

import builtins
import os
import socket

import pytest

import hubbub as hb
from engine.model_scenarios import over_http
from engine.scenarios import small
from engine.worker_policies import FATAL, bustling
from hubbub.engine import society
from hubbub.engine.workers.on_ray import _Answer
from hubbub.engine.workers.pool import Died
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
def test_a_cpu_that_is_taken_is_done_without(fatal, monkeypatch):
    import ray

    monkeypatch.setattr(society, "SHARD", 16)
    with hb.Simulation(bustling(), threads=1) as sim:
        sim.run()
        digest = sim.digest()

    class Busy:  # in here, so that it travels whole
        def there(self):
            return True

    busy = ray.remote(num_cpus=1)(Busy).remote()
    ray.get(busy.there.remote())
    try:
        with hb.Simulation(bustling(), workers="ray") as sim:
            sim.run()
            assert sim.digest() == digest
            assert len(sim._workers.members) == 1
    finally:
        ray.kill(busy)


@pytest.mark.parametrize("name", ["OutOfMemoryError", "NodeDiedError", "ActorUnschedulableError"])
def test_whatever_ends_an_actor_is_a_death(name):
    ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'hubbub[ray]'")

    class Ended:
        exceptions = ray.exceptions

        def get(self, answer):
            raise getattr(ray.exceptions, name)("Memory was low.\n\tpid: 7")

    with pytest.raises(Died, match=r"Ray worker 2 ended: .*Memory was low$"):
        _Answer(Ended(), None, "Ray worker 2").result()


@pytest.mark.parametrize(("mode", "words"), [(None, "it is not set"), ("disabled", "it is dis")])
def test_a_cluster_that_asks_for_a_token(monkeypatch, mode, words):
    ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'hubbub[ray]'")

    def refuse(*_, **__):
        raise ConnectionError("Failed to connect to Ray cluster")

    monkeypatch.setattr(ray, "init", refuse)
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.delenv("RAY_AUTH_MODE", raising=False)
    if mode:
        monkeypatch.setenv("RAY_AUTH_MODE", mode)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(RunError, match=f"Failed to connect.*RAY_AUTH_MODE=token .{words}"):
            hb.Simulation(small(), workers=f"ray:127.0.0.1:{port}")


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_errors_and_models_on_ray(fatal):
    wrong = small(agents=[{"policy": "engine.worker_policies:Wrong"}])
    with (
        hb.Simulation(wrong, workers="ray") as sim,
        pytest.raises(KeyError, match="no such mood") as error,
    ):
        sim.run()
    assert "agents.0.policy" in error.value.__notes__[0]
    with ModelServer(ValidModel(1)) as server:
        scenario = over_http(server, turns={"staleness": 1})
        digests = []
        for options in ({"threads": 1}, {"workers": "ray"}):
            with hb.Simulation(scenario, **options) as sim:
                sim.run()
                digests.append(sim.digest())
    assert digests[0] == digests[1]


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_a_cluster_that_is_not_there(monkeypatch):
    ray = pytest.importorskip("ray")
    if ray.is_initialized():
        ray.shutdown()
    with pytest.raises(RunError, match=r"no Ray cluster can be used at 127\.0\.0\.1:1") as error:
        hb.Simulation(small(), workers="ray:127.0.0.1:1")
    assert "token" not in str(error.value)
