"""Export as a folder of Parquet files, one per table."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from hubbub.store import arrow_tables as tables
from hubbub.store import opinions
from hubbub.store.answers import answer_tables
from hubbub.store.completions import completion_tables

if TYPE_CHECKING:
    from hubbub.store.run import RunStore

TABLES = ("events", "posts", "comments", "items", "agents", "relations", "reactions")


def export_parquet(store: RunStore, out: Path) -> None:
    """Write the tables of the run, and its scenario, to the new folder `out`."""
    out.mkdir()
    for name in TABLES:
        _write(out / f"{name}.parquet", [getattr(store, name)().arrow])
    _write(out / "steps.parquet", [store.steps_table().arrow])
    # step by step: all of them may not fit into memory
    slates = tables.slate_tables(store.database, complete=store.complete_slates)
    _write(out / "slates.parquet", chain([tables.SLATE.empty_table()], slates))
    changes = opinions.opinion_tables(store.database)
    _write(out / "opinions.parquet", chain([opinions.SCHEMA.empty_table()], changes))
    _write(out / "completions.parquet", completion_tables(store.database))
    _write(out / "answers.parquet", answer_tables(store.database))
    (out / "scenario.json").write_text(store.scenario_json, encoding="utf-8")


def _write(path: Path, parts: Iterable[pa.Table]) -> None:
    """Write tables of one schema, at least one, one after the other."""
    parts = iter(parts)
    first = next(parts)
    with pq.ParquetWriter(path, first.schema, compression="zstd") as writer:
        for part in chain([first], parts):
            writer.write_table(part)
