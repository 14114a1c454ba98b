"""Given follow graphs: lists in the profiles, or a file of edges."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from hubbub.errors import DataError, did_you_mean
from hubbub.population.lists import place, ragged_ids, texts
from hubbub.population.table_files import kind_of_file, read_table, typed
from hubbub.world import keys_of

Keys = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class FollowList:
    """A column of lists of followees, from a source with `rows_in_all` rows (before `limit`)."""

    column: pa.ChunkedArray
    where: str
    field: str
    rows_in_all: int


def follows_of_lists(given: FollowList, user_names: pa.ChunkedArray, notes: list[str]) -> Keys:
    """Return the graph of the follow lists, sorted distinct keys int64[e].

    Entries are row numbers from 0, or user names. Follows of oneself and duplicates are left out
    and counted in `notes`; so are ids of rows beyond `population.limit`.
    """
    src, items = ragged_ids(given.column, given.where, given.field)

    def at(i: int) -> str:
        return f"{place(given.where, int(src[i]))}, field '{given.field}'"

    dst = _ids(items, user_names, at)
    wrong = np.flatnonzero((dst < 0) | (dst >= given.rows_in_all))
    if len(wrong):
        more = f" (and {len(wrong) - 1} more such ids)" if len(wrong) > 1 else ""
        raise DataError(
            f"{at(int(wrong[0]))}: id {dst[wrong[0]]} is out of range: ids are rows of this file, "
            f"from 0 to {given.rows_in_all - 1}{more}. If it is a part of a larger file, take the "
            "whole one, or generate the graph:  population.graph: {kind: topic}"
        )
    inside = dst < len(user_names)
    beyond = int((~inside).sum())
    if beyond:
        notes.append(f"Left out {beyond} follows of agents beyond population.limit.")
    return _clean(src[inside], dst[inside], notes)


def read_edges(path: Path, user_names: pa.ChunkedArray, notes: list[str], *, shown: str) -> Keys:
    """Return the graph of a file with the columns src and dst (src follows dst), sorted keys.

    The columns hold agent ids or user names.
    """
    table = read_table(path, kind_of_file(path))
    columns = []
    for name in ("src", "dst"):
        if name not in table.column_names:
            known = table.column_names
            raise DataError(
                f"{shown}: the column '{name}' is missing{did_you_mean(name, known)}; an edge list "
                f"needs the columns src and dst, it has {', '.join(map(repr, known))}"
            )
        columns.append(_end(table.column(name), user_names, shown, name))
    return _clean(columns[0], columns[1], notes)


def _end(
    column: pa.ChunkedArray, user_names: pa.ChunkedArray, shown: str, name: str
) -> NDArray[np.int64]:
    """Return the agent ids of one end of all edges."""
    values = typed(texts(column)) if not pa.types.is_integer(column.type) else column

    def at(row: int) -> str:
        return f"{shown}, row {row + 1}, field '{name}'"

    if values.null_count:
        row = pc.index(pc.is_null(values), pa.scalar(value=True)).as_py()
        raise DataError(f"{at(row)}: it is empty; an agent id or user name is needed")
    if pa.types.is_integer(values.type):
        ids = np.asarray(values.to_numpy(), np.int64)
    elif pa.types.is_floating(values.type) or pa.types.is_dictionary(values.type):
        ids = _ids(texts(column).to_pylist(), user_names, at)
    else:
        ids = _ids(values.to_pylist(), user_names, at)
    wrong = np.flatnonzero((ids < 0) | (ids >= len(user_names)))
    if len(wrong):
        raise DataError(
            f"{at(int(wrong[0]))}: id {ids[wrong[0]]} is out of range: agent ids go from 0 to "
            f"{len(user_names) - 1}"
        )
    return ids


def _ids(items: Any, user_names: pa.ChunkedArray, at: Any) -> NDArray[np.int64]:
    """Return agent ids for ids and user names; `at(i)` says where item i stands."""
    if isinstance(items, np.ndarray):
        return np.asarray(items, np.int64)
    names: dict[str, int] = {}
    result = np.empty(len(items), np.int64)
    for i, item in enumerate(items):
        number = _whole(item)
        if number is None:
            if not names:
                names = {name: row for row, name in enumerate(user_names.to_pylist())}
            number = names.get(str(item))
        if number is None:
            raise DataError(
                f"{at(i)}: {str(item)[:40]!r} is neither an agent id nor a user name"
                f"{did_you_mean(str(item), list(names)[:10_000])}"
            )
        result[i] = number
    return result


def _whole(item: Any) -> int | None:
    """Return the whole number that an item is or spells, None for anything else."""
    if isinstance(item, str):
        text = item.strip().removeprefix("-")
        return int(item) if text.isascii() and text.isdigit() and len(text) < 16 else None
    if isinstance(item, bool) or not isinstance(item, (int, float)):
        return None
    return int(item) if item == item and abs(item) < 2**53 and item == int(item) else None


def _clean(src: NDArray[np.int64], dst: NDArray[np.int64], notes: list[str]) -> Keys:
    """Return sorted distinct keys; count what was left out."""
    other = src != dst
    keys = keys_of(src[other], dst[other])
    keys.sort()
    new = np.ones(len(keys), np.bool_)
    new[1:] = keys[1:] != keys[:-1]
    for count, what in ((int((~other).sum()), "of oneself"), (int((~new).sum()), "given twice")):
        if count:
            notes.append(f"Left out {count} follow{'s' if count > 1 else ''} {what}.")
    return keys[new]
