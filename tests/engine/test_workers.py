"""Workers in processes of their own: the same run, whoever works it out, and whoever dies of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import hubbub as hb
from engine.model_scenarios import over_http
from engine.scenarios import small
from engine.worker_policies import FATAL, bustling
from hubbub.engine import society
from hubbub.engine.workers import pool as pool
from hubbub.engine.workers.pool import Died, WorkerPool
from hubbub.engine.workers.worker import Worker
from hubbub.errors import ActionError, RunError
from hubbub.testing import ModelServer, ValidModel


@pytest.fixture(autouse=True)
def _small_shards(monkeypatch):
    monkeypatch.setattr(society, "SHARD", 16)


def between(sim):
    """Do things between two steps that workers must hear of."""
    sim.act(3, "create_post", content="Between two steps")
    sim.act(0, "configure", settings={"behaviour.actions_per_turn": 3})
    sim.act(0, "sign_up", user_name="late", name="Late")


def lived(scenario, **options):
    """Run to the end, with things said and done in between, and return the digest."""
    with hb.Simulation(scenario, **options) as sim:
        sim.run(3)
        between(sim)
        sim.step({7: hb.Action("create_post", content="Told to"), 8: hb.Ask()})
        sim.run()
        return sim.digest()


@pytest.fixture(scope="module")
def digest():
    """Return the digest of the society of these tests in one thread."""
    before, society.SHARD = society.SHARD, 16
    yield lived(bustling(), threads=1)
    society.SHARD = before


class Beside:
    """A transport whose only worker lives in this process, where a test can look at it."""

    size = 1

    def start(self):
        self.worker = Worker([], ".")
        return self

    def tell(self, to, *what, packed=None):
        if packed is None:  # as a worker: `to` is what it is told
            return self.worker.tell(to, *what)
        arrays = [bytearray(b) for b in packed.buffers]
        return self.worker.tell(*what, packed.frame, arrays)

    def ask(self, what, *args):
        return Answered(self.worker.ask(what, *args))

    def wait(self, tickets, timeout):
        return list(tickets)

    def end(self, workers):
        pass

    def close(self):
        pass


class Answered:
    def __init__(self, answer):
        self.answer = answer

    def result(self):
        return self.answer


class Absent(Beside):
    """A worker that never starts."""

    def start(self):
        return self

    def tell(self, *what):
        raise AssertionError("a worker that has not started was told something")

    def ask(self, *what):
        return object()


class Scarce(Beside):
    """A transport with room for three workers, of which only some start."""

    def __init__(self, there, size=3):
        self.there, self.size, self.ended = there, size, []

    def start(self):
        self.there -= 1
        return Beside().start() if self.there >= 0 else Absent()

    def tell(self, workers, what, *args, packed):
        for worker in workers:
            worker.tell([worker], what, *args, packed=packed)

    def wait(self, tickets, timeout):
        ready = [ticket for ticket in tickets if isinstance(ticket, Answered)]
        if not ready:
            assert timeout is not None, "it would wait for ever"
            time.sleep(timeout)
        return ready

    def end(self, workers):
        self.ended += workers


def test_workers_that_do_not_start_are_given_up(digest, monkeypatch, caplog):
    monkeypatch.setattr(pool, "_PATIENCE", 0.1)
    transport = Scarce(2)
    with hb.Simulation(bustling()) as sim:
        sim._workers = WorkerPool(transport)
        sim.run(3)
        between(sim)
        sim.step({7: hb.Action("create_post", content="Told to"), 8: hb.Ask()})
        sim.run()
        assert sim.digest() == digest
        assert len(sim._workers.members) == 2
        assert [type(worker) for worker in transport.ended] == [Absent]
    assert "a worker has not started within 0.1 seconds; the run goes on with 2" in caplog.text


def test_a_worker_whose_replacement_does_not_start_is_done_without(digest, monkeypatch):
    monkeypatch.setattr(pool, "_PATIENCE", 0.3)
    transport = Scarce(3)
    with hb.Simulation(bustling()) as sim:
        sim._workers = WorkerPool(transport)
        sim.run(3)
        between(sim)
        first = sim._workers.members[0]
        first.ask = lambda *question: Lost()
        sim.step({7: hb.Action("create_post", content="Told to"), 8: hb.Ask()})
        assert len(sim._workers.members) == 3  # its time is not over
        time.sleep(0.4)
        sim.run()
        assert sim.digest() == digest
        assert len(sim._workers.members) == 2


class Lost(Answered):
    def __init__(self):
        pass

    def result(self):
        raise Died("worker 1 was lost")


def test_no_worker_at_all_ends_the_run(monkeypatch):
    monkeypatch.setattr(pool, "_PATIENCE", 0.1)
    with hb.Simulation(bustling()) as sim:
        sim._workers = WorkerPool(Scarce(0))
        with pytest.raises(
            RunError, match=r"not started within 0\.1 seconds, and no other is left"
        ):
            sim.run()


def test_a_replica_is_the_drivers_world_to_the_bit(digest):
    transport = Beside()
    with hb.Simulation(bustling()) as sim:
        sim._workers = WorkerPool(transport)
        for t in range(1, 10):
            if t == 4:
                between(sim)
                sim.step({7: hb.Action("create_post", content="Told to"), 8: hb.Ask()})
            else:
                sim.step()
            same_world(transport.worker._replica._decider.world, sim.world)
        assert sim.digest() == digest
        assert len(sim.world.sets["mute"])
        assert sim.world.profiles.find("zoe") == 120


def same_world(one, two):
    assert (one.step, one.settings) == (two.step, two.settings)
    assert one.exclusive_reactions == two.exclusive_reactions
    assert one.texts.since(0) == two.texts.since(0)
    np.testing.assert_array_equal(one.texts.vectors, two.texts.vectors)
    assert one.profiles.table() == two.profiles.table()
    assert one.sets == two.sets
    for table in ("agents", "items", "groups", "products", "notes"):
        first, second = getattr(one, table), getattr(two, table)
        for name in first.names:
            np.testing.assert_array_equal(first[name], second[name], err_msg=f"{table}.{name}")


@pytest.mark.parametrize(
    "workers", ["threads:2", "processes:2", pytest.param("processes:3", marks=pytest.mark.slow)]
)
def test_the_same_digest_whoever_works_it_out(digest, workers):
    assert lived(bustling(), workers=workers) == digest


def test_a_worker_killed_in_the_middle_of_a_step_is_replaced(digest, tmp_path, monkeypatch):
    fatal = tmp_path / "fatal"
    fatal.write_text(str(os.getpid()))
    monkeypatch.setenv(FATAL, str(fatal))
    assert lived(bustling(), workers="processes:2") == digest
    assert not fatal.exists()


@pytest.mark.slow
def test_workers_killed_between_steps_are_replaced(digest):
    with hb.Simulation(bustling(), workers="processes:2") as sim:
        sim.run(3)
        for process in sim._workers.members:
            process.process.kill()
        between(sim)
        sim.step({7: hb.Action("create_post", content="Told to"), 8: hb.Ask()})
        sim.run()
        assert sim.digest() == digest


def test_errors_of_own_code_say_where_it_is_named():
    own = "engine.worker_policies:Wrong"
    with hb.Simulation(small(agents=[{"policy": own}]), workers="processes:1") as sim:
        with pytest.raises(KeyError, match="no such mood") as error:
            sim.run()
        assert f"agents.0.policy '{own}', in step 3" in error.value.__notes__[0]
        assert "in decide" in error.value.__notes__[1]  # the traceback of the worker
        assert sim.t == 2


@pytest.mark.slow
def test_workers_that_keep_dying_end_the_run_at_a_whole_step():
    doomed = small(agents=[{"policy": "engine.worker_policies:Doomed"}])
    with hb.Simulation(doomed, workers="processes:1") as sim:
        with pytest.raises(RunError, match=r"process \d+ ended with exit code 7; it was the third"):
            sim.run()
        assert sim.t == 2


@pytest.mark.slow
def test_all_of_many_workers_may_die_at_once():
    scenario = small(steps=3)
    with hb.Simulation(scenario, threads=1) as sim:
        sim.run()
        digest = sim.digest()
    with hb.Simulation(scenario, workers="processes:4") as sim:
        sim.run(1)
        for worker in sim._workers.members:
            worker.process.kill()
        sim.run()
        assert sim.digest() == digest


@pytest.mark.slow
def test_an_error_leaves_workers_with_the_world_of_before(digest):
    with hb.Simulation(bustling(), workers="processes:2") as sim:
        sim.run(3)
        between(sim)
        with pytest.raises(ActionError, match="no argument 'what'"):
            sim.step({7: hb.Action("create_post", what="Told to"), 8: hb.Ask()})
        sim.step({7: hb.Action("create_post", content="Told to"), 8: hb.Ask()})
        sim.run()
        assert sim.digest() == digest


@pytest.mark.slow
def test_an_interrupted_step_did_not_happen(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    scenario = small(steps=5, agents=[{"policy": "engine.worker_policies:Slow"}])
    with hb.Simulation(scenario, threads=16) as sim:
        sim.run()
        digest = sim.digest()

    def interrupt(number, frame):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with hb.Simulation(scenario, workers="processes:2") as sim:
            sim.run(2)
            signal.setitimer(signal.ITIMER_REAL, 0.2)
            with pytest.raises(KeyboardInterrupt):
                sim.run()
            done = sim.t
            sim.run()
            assert 2 <= done < 5
            assert sim.digest() == digest
    finally:
        signal.signal(signal.SIGALRM, before)


@pytest.mark.slow
def test_a_run_goes_on_with_other_workers(digest, tmp_path):
    with hb.Simulation(bustling(), out=tmp_path / "run", workers="processes:1") as sim:
        sim.run(3)
        between(sim)
    with hb.Simulation.resume(tmp_path / "run", workers="processes:2") as sim:
        sim.step({7: hb.Action("create_post", content="Told to"), 8: hb.Ask()})
    with hb.Simulation.resume(tmp_path / "run") as sim:
        sim.run()
        assert sim.digest() == digest


@pytest.mark.parametrize("spec", ["processes", "processes:0", "processes:two", "threads:-1"])
def test_a_number_of_workers_is_a_number(spec):
    with pytest.raises(RunError, match="give their number"):
        hb.Simulation(small(), workers=spec)


def test_workers_that_are_not_there():
    with pytest.raises(RunError, match="there are no workers 'gpu:3'"):
        hb.Simulation(small(), workers="gpu:3")
    with pytest.raises(RunError, match="not both"):
        hb.Simulation(small(), workers="processes:2", threads=2)


PROGRAM = """
import hubbub as hb
from engine.scenarios import small
with hb.Simulation(
    small(steps=1000, agents=[{"policy": "engine.worker_policies:Slow"}]), workers="processes:2"
) as sim:
    sim.run()
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_no_worker_outlives_the_head(tmp_path, number):
    tests = Path(__file__).parents[1]
    head = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tests)},
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    until = time.monotonic() + 60
    while not (workers := [int(f.name.partition("-")[2]) for f in tmp_path.glob("worker-*")]):
        assert head.poll() is None
        assert time.monotonic() < until
        time.sleep(0.05)
    assert head.pid not in workers
    if number == signal.SIGINT:
        os.killpg(head.pid, number)  # as a terminal does: the workers hear it, too
    else:
        head.kill()
    words = head.communicate(timeout=30)[1].decode()
    assert words.count("Traceback") == (number == signal.SIGINT)  # the head's own
    while any(_runs(pid) for pid in workers):
        assert time.monotonic() < until
        time.sleep(0.05)


def _runs(pid):
    """Return whether there is such a process, and not a mere remnant that nobody asked after."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, check=False)
    return state.stdout.strip() not in (b"",) and not state.stdout.strip().startswith(b"Z")


def test_models_are_asked_by_the_driver_and_the_digest_is_the_same_with_workers():
    digests = []
    with ModelServer(ValidModel(1)) as server:
        scenario = over_http(server, turns={"staleness": 1})
        for options in ({"threads": 1}, {"workers": "processes:2"}):
            with hb.Simulation(scenario, **options) as sim:
                sim.run()
                digests.append(sim.digest())
                usage, calls = sim.usage()["small"], sim.completions()
            assert usage.requests == usage.completions == calls.num_rows > 30
            assert usage.endpoints[server.url].served == calls.num_rows
    assert digests[0] == digests[1]
