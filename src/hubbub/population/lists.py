"""Lists in the fields of a table: real lists, Python literals in text, or separated words."""

from __future__ import annotations

import ast
import re
import warnings
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from hubbub.errors import DataError

#: Texts that stand for an empty field in OASIS's files, which went through pandas.
EMPTY = ("", "nan", "NaN", "None")
_IDS_ONLY = r"^\[[0-9, ]*\]$"
_SMALL_NUMBER = r"^[0-9]{1,15}$"
_SEPARATORS = re.compile(r"[;|]")


def texts(column: pa.ChunkedArray, empty: tuple[str, ...] = ("",)) -> pa.ChunkedArray:
    """Return a column as strings without blanks around them; null where empty."""
    if not pa.types.is_string(column.type):
        flat = pa.types.is_primitive(column.type) or pa.types.is_null(column.type)
        if pa.types.is_dictionary(column.type) or pa.types.is_large_string(column.type) or flat:
            column = pc.cast(column, pa.string())
        else:
            column = pa.chunked_array([[None if v is None else str(v) for v in column.to_pylist()]])
    column = pc.utf8_trim_whitespace(column)
    null = pc.is_in(column, pa.array(empty))
    return pc.if_else(null, pa.scalar(None, pa.string()), column)


def lists(column: pa.ChunkedArray, where: str, field: str) -> list[list[Any]]:
    """Return a list for each row; an empty field is an empty list.

    A text is a Python (or JSON) list, or words separated by ; or | or else by commas.
    """
    rows = column.to_pylist()
    known: dict[str, list[Any]] = {}
    result = []
    for row, value in enumerate(rows):
        if isinstance(value, str):
            if value not in known:
                known[value] = _parse(value, f"{place(where, row)}, field '{field}'")
            result.append(known[value])
        elif isinstance(value, list):
            result.append(value)
        else:
            result.append([] if value is None else [value])
    return result


def ragged_ids(
    column: pa.ChunkedArray, where: str, field: str
) -> tuple[NDArray[np.int64], list[Any] | NDArray[np.int64]]:
    """Return (row, item) of all items of a column of lists: int64[m] and m items.

    Items are an array if all are numbers, else as written. A million rows take seconds.
    """
    if pa.types.is_string(column.type) and _all_match(column, _IDS_ONLY):
        inside = pc.utf8_trim(column, "[] ").combine_chunks()
        parts = pc.split_pattern(inside, ",")
        rows = pc.list_parent_indices(parts)
        items = pc.utf8_trim_whitespace(pc.list_flatten(parts))
        some = pc.not_equal(items, "")
        rows, items = rows.filter(some), items.filter(some)
        if _all_match(items, _SMALL_NUMBER):
            return rows.to_numpy().astype(np.int64), pc.cast(items, pa.int64()).to_numpy()
    found = lists(column, where, field)
    counts = [len(items) for items in found]
    flat = [item for items in found for item in items]
    return np.repeat(np.arange(len(found), dtype=np.int64), counts), flat


def place(where: str, row: int) -> str:
    """Return the location of a row: 'users.csv, row 5 (agent 4)'."""
    return f"{where}, row {row + 1} (agent {row})"


def _all_match(column: pa.ChunkedArray, pattern: str) -> bool:
    return bool(pc.all(pc.match_substring_regex(column, pattern)).as_py())


def _parse(text: str, at: str) -> list[Any]:
    text = text.strip()
    if text in EMPTY:
        return []
    if not text.startswith(("[", "(", "{")):
        separator = _SEPARATORS if _SEPARATORS.search(text) else re.compile(",")
        return [word.strip() for word in separator.split(text) if word.strip()]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd escapes in other people's texts
            value = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise DataError(
            f"{at}: {_short(text)} is not a list. Write it like ['a', 'b'] or [1, 2]"
        ) from None
    if not isinstance(value, (list, tuple)):
        raise DataError(f"{at}: {_short(text)} is not a list. Write it like ['a', 'b'] or [1, 2]")
    return list(value)


def _short(text: str) -> str:
    return repr(text if len(text) <= 50 else text[:47] + "...")
