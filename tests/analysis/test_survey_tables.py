"""Tables of answers: by hand and against scipy."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from hubbub.analysis.survey_tables import (
    CHANGES,
    MEANS,
    SHARES,
    changes,
    mean_interval,
    means,
    shares,
    student_quantile,
    wilson,
)
from hubbub.engine import Simulation
from hubbub.store import AnswerRow
from hubbub.store.answers import SCHEMA


def row(
    step: int, agent: int, question: str, value: float | None, answer: str
) -> dict[str, object]:
    kind = {"why": "text", "party": "choice", "trust": "likert"}[question]
    return {
        "survey": "mood",
        "step": step,
        "agent": agent,
        "user_name": f"user_{agent}",
        "question": question,
        "kind": kind,
        "asked": "?",
        "answer": answer or None,
        "value": value,
        "model": "small",
        "valid": bool(answer),
        "reason": "" if answer else "no_reply",
    }


ROWS = [
    row(5, 0, "trust", 4, "agree"),
    row(5, 0, "party", 1, "B"),
    row(5, 0, "why", None, "because"),
    row(5, 1, "trust", 2, "disagree"),
    row(5, 1, "party", 0, "A"),
    row(5, 2, "trust", 4, "agree"),
    row(5, 3, "trust", None, ""),
    row(9, 0, "trust", 5, "strongly agree"),
    row(9, 1, "trust", 2, "disagree"),
    row(9, 3, "trust", 1, "strongly disagree"),
]


@pytest.fixture(params=["words", "dictionaries", "chunks"])
def answers(request: pytest.FixtureRequest) -> pa.Table:
    if request.param == "words":
        return pa.Table.from_pylist(ROWS)
    if request.param == "dictionaries":
        return pa.Table.from_pylist(ROWS, SCHEMA)
    return pa.concat_tables([pa.Table.from_pylist(ROWS[i : i + 3], SCHEMA) for i in (0, 3, 6, 9)])


def test_shares_by_hand(answers: pa.Table) -> None:
    table = shares(answers)
    assert table.schema == SHARES
    names = ("question", "step", "answer", "value", "count", "share")
    assert [tuple(r[n] for n in names) for r in table.to_pylist()] == [
        ("trust", 5, "disagree", 2.0, 1, pytest.approx(1 / 3)),
        ("trust", 5, "agree", 4.0, 2, pytest.approx(2 / 3)),
        ("party", 5, "A", 0.0, 1, 0.5),
        ("party", 5, "B", 1.0, 1, 0.5),
        ("trust", 9, "strongly disagree", 1.0, 1, pytest.approx(1 / 3)),
        ("trust", 9, "disagree", 2.0, 1, pytest.approx(1 / 3)),
        ("trust", 9, "strongly agree", 5.0, 1, pytest.approx(1 / 3)),
    ]
    first = table.to_pylist()[0]
    assert (first["low"], first["high"]) == wilson(1, 3)


def test_means_by_hand(answers: pa.Table) -> None:
    table = means(answers)
    assert table.schema == MEANS
    names = ("question", "step", "asked", "n", "mean", "sd")
    assert [tuple(r[n] for n in names) for r in table.to_pylist()] == [
        ("trust", 5, 4, 3, pytest.approx(10 / 3), pytest.approx(math.sqrt(4 / 3))),
        ("party", 5, 2, 2, 0.5, pytest.approx(math.sqrt(0.5))),
        ("trust", 9, 3, 3, pytest.approx(8 / 3), pytest.approx(math.sqrt(13 / 3))),
    ]
    first = table.to_pylist()[0]
    expected = stats.t.interval(0.95, 2, 10 / 3, math.sqrt(4 / 9))
    assert (first["low"], first["high"]) == pytest.approx(expected)


def test_changes_by_hand(answers: pa.Table) -> None:
    table = changes(answers)
    assert table.schema == CHANGES
    (found,) = table.to_pylist()  # the party was asked but once
    assert (found["question"], found["first"], found["last"], found["n"]) == ("trust", 5, 9, 2)
    assert (found["mean_first"], found["mean_last"], found["change"]) == (3, 3.5, 0.5)
    assert found["changed"] == 0.5
    expected = stats.t.interval(0.95, 1, 0.5, 0.5)
    assert (found["low"], found["high"]) == pytest.approx(expected)
    assert changes(answers, first=5, last=7).num_rows == 0
    assert changes(answers, first=9, last=5)["change"].to_pylist() == [-0.5]


def test_nobody_could_answer() -> None:
    only = pa.Table.from_pylist([row(5, 3, "trust", None, "")], SCHEMA)
    assert shares(only).num_rows == 0
    (found,) = means(only).to_pylist()
    assert (found["asked"], found["n"], found["mean"], found["low"]) == (1, 0, None, None)
    assert changes(only).num_rows == 0
    for of in (shares, means, changes):
        assert of(SCHEMA.empty_table()).num_rows == 0


def test_agents_who_answered_only_once_are_in_no_change() -> None:
    two = [row(5, 0, "trust", 1, "no"), row(9, 1, "trust", 5, "yes")]
    (found,) = changes(pa.Table.from_pylist(two)).to_pylist()
    assert (found["n"], found["change"], found["changed"]) == (0, None, None)


@pytest.mark.parametrize("count", [0, 1, 7, 20])
def test_wilson_is_that_of_scipy(count: int) -> None:
    expected = stats.binomtest(count, 20).proportion_ci(0.95, method="wilson")
    assert wilson(count, 20) == pytest.approx((expected.low, expected.high))


def test_wilson_of_nothing() -> None:
    assert wilson(0, 0) == (0, 1)


@pytest.mark.parametrize("freedom", [1, 2, 3, 3.7, 5, 10, 30, 1000, 1e6])
def test_quantiles_are_those_of_scipy(freedom: float) -> None:
    assert student_quantile(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=2e-4)


def test_intervals_are_those_of_scipy() -> None:
    values = np.array([1.0, 2.0, 4.0, 4.0, 5.0, 2.0, 3.0, 1.0])
    expected = stats.t.interval(0.95, 7, values.mean(), stats.sem(values))
    assert mean_interval(values) == pytest.approx(expected, rel=1e-4)
    assert all(math.isnan(v) for v in mean_interval(values[:1]))


def test_answers_of_a_run(lively: Simulation) -> None:
    rows = [
        AnswerRow("mood", step, agent, "trust", "likert", "x", float(1 + agent % 2 + step % 3), "m")
        for step in (4, 8)
        for agent in range(10)
    ]
    lively.store.add_answers(rows)
    table = lively.store.answers()
    assert means(table)["mean"].to_pylist() == [2.5, 3.5]
    assert changes(table)["change"].to_pylist() == [1.0]
