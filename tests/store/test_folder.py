"""Making and opening run folders, and what is said when that is not possible."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import yaml
from store_society import BLOBS, Society, make_world, play, scenario

from hubbub.errors import RunError
from hubbub.store import RunStore, check_free
from hubbub.store.schema import FORMAT


def test_a_new_folder_holds_scenario_and_database(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "first"
    with RunStore.create(folder, scenario(name="Grüße"), BLOBS, make_world()) as store:
        assert store.steps == -1
        assert store.population_blobs() == BLOBS
        assert json.loads(store.scenario_json)["name"] == "Grüße"
        assert store.meta()["format"] == str(FORMAT)
        assert list(store.replay()) == []
        assert store.events().num_rows == store.slates().num_rows == store.posts().num_rows == 0
    assert yaml.safe_load((folder / "scenario.yaml").read_text("utf-8"))["name"] == "Grüße"
    assert sorted(p.name for p in folder.iterdir()) == ["lock", "run.db", "scenario.yaml"]


def test_a_folder_with_anything_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(RunError, match=r"is not empty. Give another --out"):
        RunStore.create(tmp_path, scenario(), BLOBS, make_world())
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]


def test_a_folder_with_a_run_says_how_to_go_on(tmp_path: Path) -> None:
    play(tmp_path, 1)[0].close()
    with pytest.raises(RunError, match=f"already holds a run.*hubbub resume {tmp_path}"):
        RunStore.create(tmp_path, scenario(), BLOBS, make_world())


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("")
    with pytest.raises(RunError, match="is a file; give another --out"):
        RunStore.create(tmp_path / "run", scenario(), BLOBS, make_world())


@pytest.mark.parametrize(
    ("name", "message"), [("", "is not a run: it has no run.db"), ("nowhere", "does not exist")]
)
def test_opening_what_is_no_run(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(RunError, match=message):
        RunStore.open(tmp_path / name)


def test_a_newer_format_names_both_versions(tmp_path: Path) -> None:
    play(tmp_path, 1)[0].close()
    with closing(sqlite3.connect(tmp_path / "run.db")) as db, db:
        db.execute("UPDATE meta SET value = '99' WHERE key = 'format'")
    db.close()
    for mode in ("read", "write"):
        with pytest.raises(RunError, match=f"has format 99, .* up to {FORMAT}. Upgrade"):
            RunStore.open(tmp_path, mode=mode)


def test_an_older_format_says_what_can_be_done(tmp_path: Path) -> None:
    play(tmp_path, 1)[0].close()
    with closing(sqlite3.connect(tmp_path / "run.db")) as db, db:
        db.execute("UPDATE meta SET value = '1' WHERE key = 'format'")
    db.close()
    older = r"has format 1, written by an older hubbub; .* Run its scenario.yaml again"
    for mode in ("read", "write"):
        with pytest.raises(RunError, match=older):
            RunStore.open(tmp_path, mode=mode)


def test_a_run_that_never_began(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "run.db").close()
    (tmp_path / "run.db").touch()
    with pytest.raises(RunError, match=r"was cut off before it began\. Delete the folder"):
        RunStore.open(tmp_path, mode="write")


def test_a_database_of_something_else(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "run.db")) as db, db:
        db.execute("CREATE TABLE meta (key TEXT, value TEXT)")
    db.close()
    with pytest.raises(RunError, match="was not written by hubbub"):
        RunStore.open(tmp_path)


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "run.db").write_bytes(b"not a database at all, but long enough" * 100)
    with pytest.raises(RunError, match=r"run.db is damaged .*Restore it from a copy"):
        RunStore.open(tmp_path)


def test_a_file_that_was_cut_short(tmp_path: Path) -> None:
    play(tmp_path, 3, n=200)[0].close()
    path = tmp_path / "run.db"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(RunError, match="is damaged"):
        _read_all(tmp_path)


def _read_all(folder: Path) -> None:
    with RunStore.open(folder) as store:
        list(store.replay())
        store.digest()


def test_one_writer_and_many_readers(tmp_path: Path) -> None:
    store, _ = play(tmp_path, 2)
    with store:
        with pytest.raises(RunError, match="is being written by another process"):
            RunStore.open(tmp_path, mode="write")
        with RunStore.open(tmp_path) as one, RunStore.open(tmp_path) as other:
            assert one.steps == other.steps == 2
            assert one.digest() == other.digest() == store.digest()
            with pytest.raises(RunError, match="cannot be opened or written"):
                one.save_scenario(scenario(steps=9))
    with RunStore.open(tmp_path, mode="write") as again:
        assert again.steps == 2


def test_a_reader_follows_a_run_that_goes_on(tmp_path: Path) -> None:
    store, world = play(tmp_path, 1)
    with store, RunStore.open(tmp_path) as reader:
        seen = reader.events().num_rows
        events, slate = Society(world).step(2)
        store.commit(world, 2, events, slate, finished=True)
        assert reader.steps == 2
        assert reader.events().num_rows == seen + len(events)


def test_a_changed_scenario_is_kept_in_both_places(tmp_path: Path) -> None:
    play(tmp_path, 1)[0].close()
    (tmp_path / "scenario.yaml").unlink()
    with RunStore.open(tmp_path, mode="write") as store:
        assert yaml.safe_load((tmp_path / "scenario.yaml").read_text())["steps"] == 5
        before = store.digest()
        store.save_scenario(scenario(steps=70))
        assert store.scenario()["steps"] == 70
        assert store.digest() == before
    assert yaml.safe_load((tmp_path / "scenario.yaml").read_text())["steps"] == 70


def test_a_run_cut_off_before_it_began_is_told_the_same_by_both_commands(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "run.db")) as db:
        db.execute("PRAGMA journal_mode = WAL")
    for attempt in (lambda: check_free(tmp_path), lambda: RunStore.open(tmp_path, mode="write")):
        with pytest.raises(RunError, match=r"was cut off before it began\. Delete the folder"):
            attempt()
