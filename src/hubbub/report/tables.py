"""Tables as CSV files and in HTML, and the format of numbers in a report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from io import BytesIO
from math import isfinite
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import csv

from hubbub.errors import StoreError

_SIDE = ' class="number"'


def write_csv(path: Path, table: pa.Table) -> None:
    """Write a table with all digits; StoreError if it cannot be written."""
    content = BytesIO()
    csv.write_csv(table, content)
    write_file(path, content.getvalue())


def write_file(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all; StoreError if it cannot be written."""
    partial = path.with_name(path.name + ".partial")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}") from error


def html_table(headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a table in HTML that scrolls sideways if it is too wide.

    Numbers are right-aligned, rounded by `number`, and so are the headers above them; None and NaN
    are shown as a dash. Text is escaped.
    """
    rows = list(rows)
    head = "".join(
        f'<th scope="col"{_SIDE if rows and all(_is_number(row[i]) for row in rows) else ""}>'
        f"{escape(name)}</th>"
        for i, name in enumerate(headers)
    )
    body = "\n".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return (
        f'<div class="wide" tabindex="0"><table>\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody></table></div>"
    )


def number(value: float) -> str:
    """Return a number with three significant digits; from 1,000 on, and whole ones, with all.

    Whole numbers (int) have commas between thousands.
    """
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _cell(value: Any) -> str:
    if not _is_number(value):
        return f"<td>{escape(str(value))}</td>"
    if value is None or value != value:
        return f"<td{_SIDE}>–</td>"
    return f"<td{_SIDE}>{number(value) if isfinite(value) else value}</td>"
