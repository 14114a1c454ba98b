"""Crashes, full disks and locked databases leave a whole step behind."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from store_society import Society, make_world, play, refold

from hubbub.errors import StoreError
from hubbub.rng import Streams
from hubbub.store import RunStore, database

CHILD = """
import sys
from pathlib import Path
from store_society import Society, make_world, play, refold
from hubbub.store import RunStore
play(None, 2, n=60)[0].close()  # loads the compiled loops
store = RunStore.open(Path(sys.argv[1]), mode="write")
world = refold(store, make_world(60))
society = Society(world)
print("ready", flush=True)
for t in range(store.steps + 1, 10_000):
    events, slate = society.step(t)
    store.commit(world, t, events, slate, finished=True)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_kill_at_any_moment_leaves_a_whole_step(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    play(folder, 0, n=60)[0].close()
    here = Path(__file__).parent
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(here), str(here.parent)])}
    steps = 0
    for wait in Streams(3).at("wait").uniform(6) * 0.25:
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(folder)], env=env, stdout=subprocess.PIPE
        )
        assert child.stdout is not None
        with child.stdout:
            assert child.stdout.readline() == b"ready\n"
            time.sleep(float(wait))
            child.kill()
            child.wait()
        with RunStore.open(folder) as store:
            assert store.steps >= steps
            steps = store.steps
            store.digest()  # raises if anything is half there
    assert steps > 2
    straight, _ = play(None, steps, n=60, acts=False)
    with straight, RunStore.open(folder) as store:
        assert store.digest() == straight.digest()


def test_a_full_disk_loses_no_whole_step(tmp_path: Path) -> None:
    store, world = play(tmp_path, 2, n=200, acts=False)
    before = store.digest()
    events, slate = Society(world).step(3)
    pages = store.database.rows("PRAGMA page_count")[0][0]
    store.database.rows(f"PRAGMA max_page_count = {pages}")
    full = "the disk is full; the run is still at its last whole step"
    with pytest.raises(StoreError, match=full):
        store.commit(world, 3, events, slate, finished=True)
    assert store.steps == 2
    assert store.digest() == before
    with RunStore.open(tmp_path) as reader:
        assert reader.digest() == before
    # and once there is room, the step can be written
    store.database.rows("PRAGMA max_page_count = 1000000")
    store.commit(world, 3, events, slate, finished=True)
    straight, _ = play(None, 3, n=200, acts=False)
    with store, straight:
        assert store.digest() == straight.digest()


def test_a_commit_that_is_not_waited_for_stays_failed_until_reread(tmp_path: Path) -> None:
    store, world = play(tmp_path, 2, n=200, acts=False)
    before = store.digest()
    society = Society(world)
    pages = store.database.rows("PRAGMA page_count")[0][0]
    store.database.rows(f"PRAGMA max_page_count = {pages}")
    store.commit(world, 3, *society.step(3), finished=True, wait=False)
    for _ in range(2):
        with pytest.raises(StoreError, match="the disk is full"):
            store.posts()
    with pytest.raises(StoreError, match="the disk is full"):
        store.commit(world, 4, *society.step(4), finished=True, wait=False)
    assert store.failed
    assert store.steps == 2
    store.reread()
    assert not store.failed
    assert store.digest() == before
    store.database.rows("PRAGMA max_page_count = 1000000")
    world = refold(store, make_world(200))
    society = Society(world)
    store.commit(world, 3, *society.step(3), finished=True, wait=False)
    straight, _ = play(None, 3, n=200, acts=False)
    with store, straight:
        assert store.digest() == straight.digest()


def test_a_step_that_does_not_follow_is_refused() -> None:
    store, world = play(None, 2, acts=False)
    with store:
        before = store.digest()
        for step in (1, 4):
            with pytest.raises(ValueError, match=f"step {step} does not follow step 2"):
                store.commit(world, step, *Society(world).step(step), finished=True)
        assert store.digest() == before


def test_no_room_to_begin_leaves_an_empty_folder(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    code = """
import resource, signal, sys
from pathlib import Path
from store_society import BLOBS, make_world, scenario
from hubbub.errors import StoreError
from hubbub.store import RunStore
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
world = make_world(2000)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
try:
    RunStore.create(Path(sys.argv[1]), scenario(), BLOBS, world)
except StoreError as error:
    print(error)
"""
    assert resource.RLIMIT_FSIZE >= 0
    here = Path(__file__).parent
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(here), str(here.parent)])}
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "run")],
        env=env, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "the disk" in done.stdout
    assert "no run began" in done.stdout
    assert list((tmp_path / "run").iterdir()) == []


def test_a_locked_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    store, world = play(tmp_path, 1, acts=False)
    events, slate = Society(world).step(2)
    other = sqlite3.connect(tmp_path / "run.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="is locked by another program"):
        store.commit(world, 2, events, slate, finished=True)
    assert store.steps == 1
    other.execute("ROLLBACK")
    other.close()
    with store:
        store.commit(world, 2, events, slate, finished=True)
        assert store.steps == 2
        assert len(refold(store, make_world()).items) == len(world.items)


def test_an_interrupt_inside_a_commit_undoes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, world = play(tmp_path, 1, acts=False)
    events, slate = Society(world).step(2)
    before = store.digest()

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(database.Database, "update_integers", interrupted)
        with pytest.raises(KeyboardInterrupt):
            store.commit(world, 2, events, slate, finished=True)
    with store:
        assert store.digest() == before
        store.commit(world, 2, events, slate, finished=True)
        assert store.steps == 2
