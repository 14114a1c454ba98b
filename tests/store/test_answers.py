"""Answers to surveys: kept outside of the digest, and in the exports."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from store_society import Society, play

from hubbub.errors import RunError
from hubbub.llm.chat import ChatRequest, Completion
from hubbub.store import AnswerRow, CompletionRow, RunStore, export_run
from hubbub.store.answers import SCHEMA

MOOD = "How do you feel?"
PARTY = "Which party? \"A\" or 'B'"
ROWS = [
    AnswerRow("mood", 2, 7, "feeling", "likert", "agree", 4.0, "small", asked=MOOD),
    AnswerRow("mood", 2, 7, "party", "choice", "A", 0.0, "small", asked=PARTY),
    AnswerRow("mood", 2, 3, "feeling", "likert", None, None, "small", False, "no_reply", MOOD),
    AnswerRow("mood", 2, 3, "party", "choice", None, None, "small", False, "no_reply", PARTY),
]
CALL = CompletionRow(2, 7, "?mood", 0, ChatRequest("small", "Answer.", "I"), Completion("{}"), 0.1)


def test_table_and_view_hold_the_answers_in_their_order() -> None:
    with play(None, 2)[0] as store:
        assert store.answers().schema == SCHEMA
        store.add_answers(ROWS, [CALL])
        table = store.answers()
        assert table.schema == SCHEMA
        assert table.select(["agent", "question", "answer", "value"]).to_pylist() == [
            {"agent": 7, "question": "feeling", "answer": "agree", "value": 4.0},
            {"agent": 7, "question": "party", "answer": "A", "value": 0.0},
            {"agent": 3, "question": "feeling", "answer": None, "value": None},
            {"agent": 3, "question": "party", "answer": None, "value": None},
        ]
        assert table["asked"].to_pylist() == [MOOD, PARTY] * 2
        assert table["user_name"].to_pylist() == ["user_7"] * 2 + ["user_3"] * 2
        assert table["valid"].to_pylist() == [True, True, False, False]
        assert table["reason"].to_pylist() == ["", "", "no_reply", "no_reply"]
        names = [r[1] for r in store.database.rows("PRAGMA table_info(answer_named)")]
        assert names == table.column_names
        rows = store.database.rows("SELECT * FROM answer_named")
        assert [tuple(r.values()) for r in table.to_pylist()] == rows
        assert store.completions()["purpose"].to_pylist() == ["?mood"]
        assert store.spent().requests == 1


def test_a_survey_is_no_part_of_the_digest_and_is_known_to_have_been_held(tmp_path: Path) -> None:
    store, world = play(tmp_path, 2)
    with store:
        before = store.digest()
        assert store.surveys_held() == set()
        store.add_answers(ROWS, [CALL])
        assert store.digest() == before
        events, slate = Society(world).step(3)
        later = [AnswerRow("end", 3, 1, "why", "text", "so", None, "small", asked="Why?")]
        store.commit(world, 3, events, slate, finished=True, answers=later)
        assert store.surveys_held() == {("mood", 2), ("end", 3)}
    with RunStore.open(tmp_path) as reader:
        assert reader.surveys_held() == {("mood", 2), ("end", 3)}
        assert reader.answers()["answer"].to_pylist() == ["agree", "A", None, None, "so"]
        with pytest.raises(RunError, match="cannot be opened or written"):
            reader.add_answers(ROWS)


def test_an_answer_that_is_given_again_replaces_the_first() -> None:
    with play(None, 2)[0] as store:
        store.add_answers(ROWS)
        store.add_answers([AnswerRow("mood", 2, 3, "feeling", "likert", "no", 1.0, "small")])
        table = store.answers().to_pylist()
        assert len(table) == 4
        found = {(r["agent"], r["question"]): r["value"] for r in table}
        assert found[3, "feeling"] == 1.0


def test_any_text_can_be_an_answer() -> None:
    with play(None, 2)[0] as store:
        rows = [
            AnswerRow("m", 2, 0, "q", "text", "a\ud83d b\x00", None, "small", asked="\ud83d?"),
            AnswerRow("m", 2, 1, "q", "text", "x" * 10**6, None, "small", asked="\ud83d?"),
        ]
        store.add_answers(rows)
        table = store.answers().to_pylist()
        assert table[0]["answer"] == "a\ufffd b\ufffd"
        assert table[0]["asked"] == "\ufffd?"
        assert table[1]["answer"].endswith("x [cut]")
        assert len(table[1]["answer"]) == 65_536


def test_parquet_has_completions_and_answers(tmp_path: Path) -> None:
    with play(None, 2)[0] as store:
        export_run(store, "parquet", tmp_path / "none")
        store.add_answers(ROWS, [CALL])
        export_run(store, "parquet", tmp_path / "out")
        for name in ("completions", "answers"):
            ours = getattr(store, name)()
            found = pq.read_table(tmp_path / "out" / f"{name}.parquet")
            assert found.to_pylist() == ours.to_pylist()
            assert found.num_rows > 0
            assert pq.read_table(tmp_path / "none" / f"{name}.parquet").num_rows == 0


def test_oasis_has_answers_as_interviews(tmp_path: Path) -> None:
    store, world = play(None, 2, acts=False)
    with store:
        society = Society(world)
        store.add_answers(ROWS)
        for agent, text in ((5, "Why?"), (7, f"Q: {MOOD}\nA: agree"), (6, "Q: Who?\nA: I\nA: you")):
            event = society.act(2, [agent], "interview", opinions=False, text=text)
            assert event.reason.tolist() == [0]
            store.commit(world, 2, event, None, finished=False)
        events, slate = society.step(3)
        store.commit(world, 3, events, slate, finished=True)
        export_run(store, "oasis", tmp_path / "out.db")
    with closing(sqlite3.connect(tmp_path / "out.db")) as db:
        rows = db.execute("SELECT user_id, created_at, info FROM trace WHERE action = 'interview'")
        found = [(user, when, json.loads(info)) for user, when, info in rows]
        steps = [r[0] for r in db.execute("SELECT created_at FROM trace")]
    assert found == [
        (5, 2, {"prompt": "Why?", "interview_id": "2_5"}),
        (7, 2, {"prompt": MOOD, "response": "agree", "interview_id": "2_7"}),
        (6, 2, {"prompt": "Who?", "response": "I\nA: you", "interview_id": "2_6"}),
        # what it was not told to remember comes from the answers
        (7, 2, {"prompt": PARTY, "response": "A", "interview_id": "2_7"}),
    ]
    assert steps == sorted(steps)
