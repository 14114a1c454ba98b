"""Answers to surveys as rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from hubbub.store.completions import clean, intern, kept_text, named_tables
from hubbub.store.database import Database

COLUMNS = ("survey", "step", "agent", "question", "kind", "asked", "answer", "value", "model",
           "valid", "reason")  # fmt: skip


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """The answer of one agent to one question of a survey held after `step`.

    `kind` is text, choice, likert or number. `answer` is the answer as text, None without one.
    `value` is the number: on a Likert scale 1..k, for a choice the position of the option from 0;
    None for a text. If not `valid`, `reason` says why: no_reply, invalid_reply, no_model. `asked`
    is the question as it was put.
    """

    survey: str
    step: int
    agent: int
    question: str
    kind: str
    answer: str | None
    value: float | None
    model: str
    valid: bool = True
    reason: str = ""
    asked: str = ""


def write_answers(db: Database, rows: Sequence[AnswerRow]) -> None:
    """Write answers, inside the current transaction; holding a survey again replaces them."""
    asked = intern(db, {row.asked for row in rows})
    values = (
        (
            clean(r.survey),
            r.step,
            r.agent,
            clean(r.question),
            r.kind,
            asked[r.asked],
            None if r.answer is None else kept_text(r.answer),
            r.value,
            r.model,
            int(r.valid),
            r.reason,
        )
        for r in rows
    )
    db.insert("answer", COLUMNS, values, verb="REPLACE")


def surveys_held(db: Database) -> set[tuple[str, int]]:
    """Return the names of surveys and the steps after which they were held."""
    return {(survey, step) for survey, step in db.rows("SELECT DISTINCT survey, step FROM answer")}


_WORD = pa.dictionary(pa.int32(), pa.string())
SCHEMA = pa.schema(
    {
        "survey": _WORD,
        "step": pa.int32(),
        "agent": pa.int32(),
        "user_name": pa.string(),
        "question": _WORD,
        "kind": _WORD,
        "asked": _WORD,
        "answer": pa.string(),
        "value": pa.float64(),
        "model": _WORD,
        "valid": pa.bool_(),
        "reason": _WORD,
    }
)


def answer_tables(db: Database) -> Iterator[pa.Table]:
    """Yield the answers in the order in which they were given, in chunks."""
    return named_tables(db, "answer_named", SCHEMA)
