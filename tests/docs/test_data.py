"""docs/data.md: every query and example runs as written, every column that there is is named."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from pages import DOCS, blocks

import hubbub as hb
from hubbub.actions import ActionBatch, Reason
from hubbub.llm.chat import ChatRequest, Completion
from hubbub.platform import Platform, apply
from hubbub.store import AnswerRow, CompletionRow, RunStore, export_run

PAGE = (DOCS / "data.md").read_text(encoding="utf-8")
SCENARIO = hb.Scenario(
    name="first",
    seed=3,
    steps=40,
    platform={"actions": "all"},
    population={"synthetic": {"agents": 150, "core": 8, "posts_per_core": 2}},
    behaviour={"base": {"repost": -2.0, "like_post": -1.0, "create_comment": -2.0}},
    encoder={"kind": "hashing"},
)


def call_a_model(sim: hb.Simulation) -> None:
    """Keep a call with a reply that can't be read, and an answer, in the run."""
    batch = ActionBatch.blank(np.array([1]), sim.world.table.code("do_nothing"))
    batch.refused[:], batch.texts, batch.text[:] = Reason.invalid_reply, ["{do"], 0
    events = apply(
        Platform.from_config(SCENARIO.platform, sim.world.table), sim.world, batch, sim.t
    )
    request, reply = ChatRequest("small", "You are on X.", "You are Ann."), Completion("{do")
    call = CompletionRow(sim.t, 1, "turn", 0, request, reply)
    answer = AnswerRow("mood", sim.t, 1, "feeling", "number", "5", 5.0, "small", asked="How?")
    sim.store.commit(
        sim.world, sim.t, events, None, finished=False, completions=[call], answers=[answer]
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    with hb.Simulation(SCENARIO, out=folder / "first") as sim:
        sim.run()
        sim.act(1, "follow", user_id=1)  # refused
        call_a_model(sim)
    return folder


@pytest.fixture(scope="module")
def store(folder: Path) -> Iterator[RunStore]:
    with RunStore.open(folder / "first") as store:
        yield store


@pytest.mark.parametrize("number", range(7))
def test_queries_run_as_written(folder: Path, number: int) -> None:
    with closing(sqlite3.connect(folder / "first" / "run.db")) as db:
        rows = db.execute(blocks("data.md", "sql")[number]).fetchall()
    assert len(rows) > 0
    assert len(blocks("data.md", "sql")) == 7


def test_python_runs_as_written(folder: Path) -> None:
    for code in blocks("data.md", "python"):
        out = subprocess.run(
            [sys.executable, "-W", "error", "-c", code], cwd=folder, check=True, capture_output=True
        )
        assert out.stdout


def test_every_table_and_file_is_named(tmp_path: Path, store: RunStore) -> None:
    names = store.database.rows("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")
    for (name,) in names:
        assert f"`{name}`" in PAGE, name
    export_run(store, "parquet", tmp_path / "out")
    for file in (tmp_path / "out").iterdir():
        assert f"`{file.name}`" in PAGE, file.name


VIEWS = ("step", "post", "comment", "event_named", "relation", "reaction")


@pytest.mark.parametrize("view", [*VIEWS, "completion_named", "answer_named"])
def test_every_column_is_named(store: RunStore, view: str) -> None:
    for row in store.database.rows(f"PRAGMA table_info({view})"):
        assert re.search(rf"`{row[1]}`", PAGE), f"{view}.{row[1]}"
