"""Gaps in records as pandas writes them: NaN, also among texts."""

from __future__ import annotations

import math

from hubbub.population.table_files import table_of


def test_nan_is_no_value():
    records = [{"age": 30.0, "mood": "calm"}, {"age": math.nan, "mood": math.nan}, {}]
    assert table_of(records, "records").to_pylist() == [
        {"age": 30.0, "mood": "calm"},
        {"age": None, "mood": None},
        {"age": None, "mood": None},
    ]
