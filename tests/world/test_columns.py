"""Growable columns."""

from __future__ import annotations

import numpy as np
import pytest

from hubbub.world import Columns


def test_rows_survive_growth() -> None:
    table = Columns({"n": np.int32, "v": (np.int8, 3), "flag": np.bool_})
    for i in range(500):
        assert table.extend(1, n=i, v=[i % 100, 1, 2]) == i
    assert table.extend(1000, n=np.arange(500, 1500)) == 500
    assert table["n"].tolist() == list(range(1500))
    assert table["v"][:500, 0].tolist() == [i % 100 for i in range(500)]
    assert not table["v"][500:].any()
    assert not table["flag"].any()
    assert (len(table), table["v"].shape, table["n"].dtype) == (1500, (1500, 3), np.int32)


def test_the_first_rows_take_no_spare_room() -> None:
    table = Columns({"n": np.int64})
    table.extend(1000)
    assert table.nbytes == 8000


def test_growth_is_geometric() -> None:
    table = Columns({"n": np.int8})
    sizes = set()
    for _ in range(10_000):
        table.extend(1)
        sizes.add(table.nbytes)
    assert len(sizes) < 20


def test_a_column_is_a_view() -> None:
    table = Columns({"n": np.int32})
    table.extend(2)
    table["n"][1] = 7
    assert table["n"].tolist() == [0, 7]


def test_nothing_appended_is_no_change() -> None:
    table = Columns({"n": np.int32})
    assert (table.extend(0), len(table), table["n"].tolist()) == (0, 0, [])


def test_names() -> None:
    table = Columns({"a": np.int32, "b": np.bool_})
    assert table.names == ["a", "b"]
    assert "a" in table
    assert "c" not in table
    with pytest.raises(KeyError, match="c"):
        table.extend(1, c=3)
    assert len(table) == 0
