"""What values a table keeps: numbers, texts, gaps. Arrow's versions must agree on it."""

from __future__ import annotations

import math

import pyarrow as pa
import pytest

from hubbub.population.table_files import table_of, typed


def test_nan_is_no_value():
    records = [{"age": 30.0, "mood": "calm"}, {"age": math.nan, "mood": math.nan}, {}]
    assert table_of(records, "records").to_pylist() == [
        {"age": 30.0, "mood": "calm"},
        {"age": None, "mood": None},
        {"age": None, "mood": None},
    ]


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        (["1", "", "-3"], [1, None, -3]),
        (["1", "2.5"], [1.0, 2.5]),
        (["1e3", "+5"], [1000.0, 5.0]),
        (["0x1F"], [31]),
        (["9" * 30], [1e30]),
        (["inf"], [float("inf")]),
        (["007", "1"], ["007", "1"]),
        ([" 5"], [" 5"]),
        (["1_000"], ["1_000"]),
        (["true"], ["true"]),
    ],
)
def test_texts_become_numbers_if_all_are_numbers(texts: list[str], values: list[object]) -> None:
    column = typed(pa.chunked_array([pa.array(texts)]))
    assert column.to_pylist() == values
    assert {type(v) for v in column.to_pylist()} == {type(v) for v in values}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ([1, 2.5], [1.0, 2.5]),
        ([1, True], ["1", "true"]),
        ([True, "x"], ["true", "x"]),
        ([[1], 2], ["[1]", "2"]),
        ([{"a": 1}, {"a": "x"}], ['{"a": 1}', '{"a": "x"}']),
        ([{"a": 1}, {"b": 2}], [{"a": 1, "b": None}, {"a": None, "b": 2}]),
        ([2**70], [str(2**70)]),
        ([2**63, 1], [str(2**63), "1"]),
        (["x\ud800", 1], ["x?", "1"]),
    ],
)
def test_mixed_values_become_texts(given: list[object], kept: list[object]) -> None:
    table = table_of([{"x": value} for value in given], "records")
    assert table["x"].to_pylist() == kept
