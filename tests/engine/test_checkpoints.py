"""A run goes on from a checkpoint as from its log, and needs none."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import hubbub as hb
from engine.scenarios import small
from engine.test_invariants import assert_same_world
from hubbub.engine.start_and_resume import make_world
from hubbub.population.io import from_blobs
from hubbub.rng import Streams
from hubbub.store import RunStore, checkpoint
from hubbub.store.checkpoint import CHECKPOINT
from hubbub.world import World, pairs

OFTEN = {"checkpoint_events": 1}


def settled(sim: hb.Simulation) -> World:
    """Return the world of a run before anything happened in it."""
    people = from_blobs(sim.store.population_blobs())
    return make_world(sim.scenario, sim._encoder, people)


def kept_parts(sim: hb.Simulation) -> int:
    """Return how many parts of the run the checkpoint holds."""
    return sim.store.restore(settled(sim))


@pytest.fixture(scope="module")
def undisturbed() -> str:
    sim = hb.Simulation(small())
    sim.run(9)
    sim.act(5, "create_post", content="a word from outside")
    sim.run()
    return sim.digest()


def run_9_steps(folder: Path) -> Path:
    """Leave a run of 9 steps with a post by hand after the last."""
    with hb.Simulation(small(store=OFTEN), out=folder) as sim:
        sim.run(9)
        sim.act(5, "create_post", content="a word from outside")
    return folder


@pytest.fixture
def cut_off(tmp_path: Path) -> Path:
    return run_9_steps(tmp_path / "run")


@pytest.mark.parametrize("waiting", [4096, 4])  # pairs of a set that may wait for a merge
def test_3_a_checkpoint_and_the_rest_of_the_log_give_the_stored_world(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, waiting: int
) -> None:
    monkeypatch.setattr(pairs, "_SMALL", waiting)
    cut_off = run_9_steps(tmp_path / "run")
    with hb.Simulation.resume(cut_off) as sim:
        assert 5 < kept_parts(sim) < 11  # it is newer than step 4, and the last parts are folded
        from_checkpoint = sim.world
        assert len(from_checkpoint.profiles.later) == 1
        assert from_checkpoint.settings["feed.preset"] == "chronological"
    (cut_off / CHECKPOINT).unlink()
    with hb.Simulation.resume(cut_off) as sim:
        assert kept_parts(sim) == 0
        assert_same_world(from_checkpoint, sim.world)
        np.testing.assert_array_equal(from_checkpoint.texts.vectors, sim.world.texts.vectors)
        assert sim.world.exclusive_reactions == from_checkpoint.exclusive_reactions


def test_2_a_run_that_goes_on_from_a_checkpoint_is_the_same_run(
    cut_off: Path, undisturbed: str
) -> None:
    with hb.Simulation.resume(cut_off) as sim:
        first = kept_parts(sim)
        sim.run()
        assert sim.digest() == undisturbed
        sim.extend(6)
        sim.run()
        assert kept_parts(sim) > first


def test_a_checkpoint_holds_a_moment_between_two_steps_only(tmp_path: Path) -> None:
    """What is done by hand after the step of the checkpoint is folded from the log."""
    with hb.Simulation(small(store=OFTEN), out=tmp_path / "run") as sim:
        seen = 0
        while (at := kept_parts(sim.reset() if sim._society is None else sim)) == seen:
            sim.step()
        assert at == sim.t + 1
        sim.act(5, "create_post", content="a word from outside")
        live = sim.world
    with hb.Simulation.resume(tmp_path / "run") as sim:
        assert kept_parts(sim) == at
        assert_same_world(live, sim.world)


def test_a_step_cut_off_by_an_error_is_undone_by_the_checkpoint(
    tmp_path: Path, undisturbed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hb.Simulation(small(store=OFTEN), out=tmp_path / "run") as sim:
        sim.run(9)
        with monkeypatch.context() as patch:
            patch.setattr(sim.store, "commit", lambda *_, **__: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                sim.step()
        sim.act(5, "create_post", content="a word from outside")
        sim.run()
        assert sim.digest() == undisturbed


@pytest.mark.parametrize(
    "damage", ["cut", "flipped", "empty", "not a zip", "of another run", "of another hubbub"]
)
def test_a_checkpoint_that_is_no_good_is_passed_over(
    cut_off: Path, tmp_path: Path, undisturbed: str, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = cut_off / CHECKPOINT
    whole = path.read_bytes()
    middle = len(whole) // 2
    flipped = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
    changed = {"cut": whole[:middle], "flipped": flipped, "empty": b"", "not a zip": b"PK" * 99}
    if damage in changed:
        path.write_bytes(changed[damage])
    elif damage == "of another hubbub":
        monkeypatch.setattr(checkpoint, "LAYOUT", checkpoint.LAYOUT + 1)
    else:
        with hb.Simulation(small(seed=4, store=OFTEN), out=tmp_path / "other") as other:
            other.run(9)
        shutil.copy(tmp_path / "other" / CHECKPOINT, path)
    with hb.Simulation.resume(cut_off) as sim:
        assert kept_parts(sim) == 0
        sim.run()
        assert sim.digest() == undisturbed


def test_a_checkpoint_with_any_bit_flipped_is_passed_over_or_the_same(cut_off: Path) -> None:
    """Flips are mostly in the headers of the zip file and of the arrays, where no sum is."""
    path = cut_off / CHECKPOINT
    whole = path.read_bytes()
    heads = [m.start() for m in re.finditer(rb"PK[\x01\x03\x05]|\x93NUMPY", whole)]
    stream = Streams(11).at("flips")
    with hb.Simulation.resume(cut_off) as sim:
        parts, people = kept_parts(sim), from_blobs(sim.store.population_blobs())
        found = Counter[int]()
        for head, byte, bit in zip(
            stream.integers(len(heads), 150), stream.integers(90, 150), stream.integers(8, 150),
            strict=True,
        ):  # fmt: skip
            at = min(heads[head] + int(byte), len(whole) - 1)
            path.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << int(bit))]) + whole[at + 1 :])
            world = make_world(sim.scenario, sim._encoder, people)
            done = sim.store.restore(world)
            found[done] += 1
            assert (world.step > 0) == (done > 0)
    assert set(found) == {0, parts}
    assert min(found.values()) > 10


def test_what_a_process_killed_as_it_saved_has_left_is_removed(cut_off: Path) -> None:
    left = (cut_off / CHECKPOINT).with_suffix(".partial")
    left.write_bytes(b"half a checkpoint")
    RunStore.open(cut_off).close()
    assert left.exists()  # who only reads changes nothing
    with hb.Simulation.resume(cut_off) as sim:
        assert kept_parts(sim) > 0
    assert not left.exists()


def test_a_run_does_without_where_none_can_be_written(tmp_path: Path) -> None:
    with hb.Simulation(small(store=OFTEN), out=tmp_path / "run") as sim:
        sim.reset()
        (tmp_path / "run" / CHECKPOINT).with_suffix(".partial").mkdir()
        sim.run(9)
        assert kept_parts(sim) == 0


@pytest.mark.parametrize("events", [0, 1_000_000])
def test_there_is_none_before_enough_has_happened(tmp_path: Path, events: int) -> None:
    with hb.Simulation(small(store={"checkpoint_events": events}), out=tmp_path / "run") as sim:
        sim.run()
    assert not (tmp_path / "run" / CHECKPOINT).exists()
