"""Commits that fail while the world has moved on: the run goes on from what is in its file."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import hubbub as hb
from engine.model_scenarios import talkative
from engine.scenarios import small
from hubbub.config.scenario import Scenario
from hubbub.engine import StepReport, simulation
from hubbub.engine.workers import Threads
from hubbub.errors import RunError, StoreError
from hubbub.testing import ValidModel

LOST = 3
MOOD = {"name": "mood", "questions": [{"name": "m", "ask": "How are you?"}], "every": 3}


class FullDisk(hb.Hook):
    """A hook that leaves no room for the commits of the steps from LOST on."""

    def __init__(self, sim: hb.Simulation) -> None:
        self.sim = sim

    def stepped(self, report: StepReport) -> None:
        if report.step == LOST - 1:
            fill(self.sim)


def fill(sim: hb.Simulation) -> None:
    """Leave no room on the disk."""
    pages = sim.store.database.rows("PRAGMA page_count")[0][0]
    sim.store.database.rows(f"PRAGMA max_page_count = {pages}")


def make_room(sim: hb.Simulation) -> None:
    """Free some of the disk."""
    assert sim._store is not None
    sim._store._database.rows("PRAGMA max_page_count = 1000000")


class Reading(hb.Hook):
    """A hook that reads the run after every step; `deaf`: and takes no notice of errors."""

    def __init__(self, sim: hb.Simulation, *, deaf: bool) -> None:
        self.sim, self.deaf = sim, deaf
        self.told: list[int] = []

    def stepped(self, report: StepReport) -> None:
        try:
            self.sim.events()
        except StoreError:
            self.told.append(report.step)
            if not self.deaf:
                raise


class Interrupting(hb.Hook):
    """A hook that interrupts the run after the step whose commit is lost."""

    def stepped(self, report: StepReport) -> None:
        if report.step == LOST:
            raise KeyboardInterrupt


def started(scenario: Scenario, folder: Path | None) -> hb.Simulation:
    models: dict[str, Any] = {"small": ValidModel(1)}
    return hb.Simulation(scenario, out=folder, stand_ins=models if scenario.models else None)


@pytest.fixture(scope="module")
def undisturbed() -> str:
    with hb.Simulation(small(steps=6)) as sim:
        sim.run()
        return sim.digest()


@pytest.fixture
def sim(tmp_path: Path) -> Iterator[hb.Simulation]:
    with started(small(steps=6), tmp_path / "run") as sim:
        yield sim


def goes_on(sim: hb.Simulation, digest: str) -> None:
    make_room(sim)
    assert sim.t == sim.store.steps == LOST - 1
    assert sim.run() == 6
    assert sim.digest() == digest


def test_run_says_so_and_goes_on_from_the_file(sim: hb.Simulation, undisturbed: str) -> None:
    with pytest.raises(StoreError, match="the disk is full"):
        sim.run(hooks=[FullDisk(sim)])
    goes_on(sim, undisturbed)


def test_a_hook_that_reads_ends_the_run(sim: hb.Simulation, undisturbed: str) -> None:
    reading = Reading(sim, deaf=False)
    with pytest.raises(StoreError, match="the disk is full"):
        sim.run(hooks=[FullDisk(sim), reading])
    assert reading.told == [LOST]
    goes_on(sim, undisturbed)


def test_a_hook_that_takes_no_notice_ends_it_as_well(sim: hb.Simulation, undisturbed: str) -> None:
    reading = Reading(sim, deaf=True)
    with pytest.raises(StoreError, match="step 3 could not be written"):
        sim.run(hooks=[FullDisk(sim), reading])
    assert reading.told == [LOST]
    goes_on(sim, undisturbed)


def test_looking_after_an_interrupt_says_so_once(sim: hb.Simulation, undisturbed: str) -> None:
    with pytest.raises(KeyboardInterrupt):
        sim.run(hooks=[FullDisk(sim), Interrupting()])
    with pytest.raises(StoreError, match="the disk is full"):
        sim.posts()
    assert sim.posts().num_rows > 0
    goes_on(sim, undisturbed)


@pytest.mark.parametrize("staleness", [0, 1])
def test_a_survey_is_not_held_after_a_step_that_is_lost(tmp_path: Path, staleness: int) -> None:
    scenario = talkative(surveys=[MOOD], turns={"staleness": staleness})
    with started(scenario, None) as whole:
        whole.run()
        digest, answers = whole.digest(), whole.answers().to_pylist()
    with started(scenario, tmp_path / "run") as sim:
        with pytest.raises(StoreError, match="the disk is full"):
            sim.run(hooks=[FullDisk(sim)])
        assert sim.store.surveys_held() == set()
        goes_on(sim, digest)
        assert sim.answers().to_pylist() == answers


def test_closing_says_so_if_nobody_was_told(tmp_path: Path) -> None:
    sim = started(small(steps=6), tmp_path / "run")
    with pytest.raises(KeyboardInterrupt):
        sim.run(hooks=[FullDisk(sim), Interrupting()])
    with pytest.raises(StoreError, match="the disk is full"):
        sim.close()
    with pytest.raises(RunError, match="is closed"):
        sim.run()
    with hb.Simulation.resume(tmp_path / "run") as again:  # the folder is free
        assert again.t == LOST - 1


@pytest.mark.parametrize("lost", [False, True])
def test_an_interrupt_as_a_commit_is_handed_over_hides_nothing(
    sim: hb.Simulation, undisturbed: str, monkeypatch: pytest.MonkeyPatch, lost: bool
) -> None:
    """It may come after the thread has the commit and before anybody knows that it has."""
    sim.run(LOST - 1)
    if lost:
        fill(sim)
    submit = ThreadPoolExecutor.submit

    def interrupted(pool: ThreadPoolExecutor, work: Any, *args: Any) -> Any:
        if not args or pool._thread_name_prefix != "hubbub-commit":
            return submit(pool, work, *args)

        def slowly() -> Any:
            time.sleep(0.2)
            return work(*args)

        submit(pool, slowly)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ThreadPoolExecutor, "submit", interrupted)
        with pytest.raises(KeyboardInterrupt):
            sim.run()
    if lost:
        with pytest.raises(StoreError, match="the disk is full"):
            sim.run()
        goes_on(sim, undisturbed)
    else:
        assert sim.t == sim.store.steps == LOST
        sim.run()
        assert sim.digest() == undisturbed


class Counted:
    """Threads that know whether they were let go after they were started."""

    def __init__(self, *_: object) -> None:
        self._threads, self.there = Threads(2), False
        self.decide, self.share = self._threads.decide, self._threads.share
        self.map = self._threads.map

    def start(self) -> None:
        self.there = True

    def prepare(self, society: Any, t: int) -> None:
        self._threads.prepare(society, t)

    def close(self) -> None:
        self._threads.close()
        self.there = False


def test_workers_are_let_go_where_the_last_commit_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = Counted()
    monkeypatch.setattr(simulation, "open_workers", lambda *_: counted)
    sim = hb.Simulation(small(steps=6), out=tmp_path / "run")
    with pytest.raises(KeyboardInterrupt):
        sim.run(hooks=[FullDisk(sim), Interrupting()])
    assert counted.there
    with pytest.raises(StoreError):
        sim.close()
    assert not counted.there
    assert "closed" in repr(sim)


def test_workers_are_let_go_where_a_run_cannot_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hb.Simulation(small(steps=6), out=tmp_path / "run") as sim:
        sim.run(2)
    counted, seen = Counted(), []
    monkeypatch.setattr(simulation, "open_workers", lambda *_: counted)

    def fail(*_: object) -> None:
        seen.append(counted.there)
        raise RunError("its log can't be folded")

    with monkeypatch.context() as patch:
        patch.setattr(simulation, "refold", fail)
        with pytest.raises(RunError, match="can't be folded"):
            hb.Simulation.resume(tmp_path / "run")
    assert seen == [True]
    assert not counted.there
    with hb.Simulation.resume(tmp_path / "run") as sim:  # the folder is free
        assert sim.t == 2
