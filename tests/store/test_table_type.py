"""Table: Arrow's, and one kind everywhere."""

from __future__ import annotations

import copy
import inspect

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import hubbub as hb
from hubbub import analysis

DATA = {"who": ["ann", "bob", "cyd"], "likes": [3, 1, 2]}


@pytest.fixture
def table() -> hb.Table:
    return hb.Table(pa.table(DATA))


def test_methods_that_give_a_table_give_ours(table: hb.Table) -> None:
    for made in (
        table.filter(pc.greater(table["likes"], 1)),
        table.select(["who"]),
        table.sort_by("likes"),
        table.slice(1),
        table[1:],
        table.append_column("n", pa.array([1, 2, 3])),
        table.group_by("who").aggregate([("likes", "sum")]),
        table.join(table.select(["who"]), "who"),
    ):
        assert isinstance(made, hb.Table)
    assert table.sort_by("likes").to_polars()["who"].to_list() == ["bob", "cyd", "ann"]
    assert table.filter(pc.greater(table["likes"], 1)).to_pandas()["likes"].tolist() == [3, 2]


def test_other_methods_are_arrows(table: hb.Table) -> None:
    assert table.num_rows == len(table) == 3
    assert table.column_names == ["who", "likes"]
    assert table.to_pylist()[1] == {"who": "bob", "likes": 1}
    assert isinstance(table["who"], pa.ChunkedArray)
    assert "sort_by" in dir(table)
    with pytest.raises(AttributeError, match="nonsense"):
        table.nonsense  # noqa: B018


@pytest.mark.parametrize("data", [DATA, pd.DataFrame(DATA), pl.DataFrame(DATA), pa.table(DATA)])
def test_is_made_of_any_table(data: object, table: hb.Table) -> None:
    assert hb.Table(data).to_pylist() == table.to_pylist()
    assert hb.Table(hb.Table(data)).to_pylist() == table.to_pylist()


def test_others_read_it(table: hb.Table) -> None:
    assert pl.DataFrame(table).rows() == [("ann", 3), ("bob", 1), ("cyd", 2)]
    assert pa.table(table).equals(table.arrow)
    assert copy.copy(table) == table
    assert table.equals(hb.Table(table.arrow))


def test_every_table_of_a_run_and_of_the_measures_is_one() -> None:
    people = [{"user_name": "ann", "name": "Ann", "bio": "Gardens"}]
    with hb.Simulation(hb.Scenario(steps=1, population={"records": people})) as sim:
        sim.run()
        sources = (sim, sim.store)
        names = ("events", "posts", "agents", "completions", "answers")
        more = ("comments", "items", "steps_table", "opinions", "slates", "relations", "reactions")
        tables = [getattr(source, name)() for source in sources for name in names]
        tables += [getattr(sim.store, name)() for name in more]
        tables += [analysis.cascades(sim.store.items()), analysis.activity_of_run(sim.store)]
    assert all(isinstance(table, hb.Table) for table in tables)


def test_no_public_signature_has_arrows_table() -> None:
    for name in hb.__all__:
        value = getattr(hb, name)
        for member in vars(value).values() if inspect.isclass(value) else (value,):
            kinds = getattr(member, "__annotations__", {})
            assert "pa.Table" not in str(kinds.get("return")), name
