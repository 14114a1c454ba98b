"""Files as tables: CSV, JSON, JSON lines and Parquet, with errors that say where."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Sequence
from math import isnan
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv
from pyarrow import parquet

from hubbub.errors import DataError

_BLOCK = 1 << 24  # bytes of a CSV file parsed at a time: no row may be longer
_LARGEST_FIELD = 1 << 27
_PADDED = re.compile(r"^[+-]?0[0-9]")


def kind_of_file(path: Path) -> str:
    """Return csv, json or parquet by the file's name."""
    name = path.name.lower().removesuffix(".gz")
    kinds = {".csv": "csv", ".json": "json", ".jsonl": "json", ".ndjson": "json"}
    kinds |= {".parquet": "parquet", ".pq": "parquet"}
    kind = kinds.get(Path(name).suffix)
    if kind is None:
        raise DataError(
            f"{path}: cannot tell the format from the name; known are .csv, .csv.gz, .json, .jsonl "
            "and .parquet. Rename the file, or say which it is with 'format'"
        )
    return kind


def read_table(path: Path, kind: str) -> pa.Table:
    """Return the rows of a csv, json or parquet file. The columns of a CSV file are all strings."""
    data = _read_bytes(path)
    if kind == "csv":
        return _parse_csv(data, path)
    if kind == "parquet":
        try:
            return parquet.read_table(pa.BufferReader(data))
        except (pa.ArrowException, OSError) as error:
            raise DataError(f"{path}: this Parquet file cannot be read: {error}") from error
    return table_of(_parse_json(data, path), str(path))


def table_of(records: Sequence[Any], where: str) -> pa.Table:
    """Return records as a table; a field that a record lacks is null. Mixed values become texts."""
    names: dict[str, None] = {}
    for row, record in enumerate(records):
        if not isinstance(record, dict):
            raise DataError(
                f"{where}, row {row + 1}: a profile must be an object with named fields, not "
                f"{str(record)[:40]!r}"
            )
        names |= dict.fromkeys(record)
    columns = {name: _column([r.get(name) for r in records]) for name in names}
    return pa.table(columns)


def typed(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column of texts as numbers if all of them are numbers; '' becomes null.

    Texts like 007 stay texts, so that nothing is lost.
    """
    if not pa.types.is_string(column.type):
        return column
    filled = pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)
    distinct = pc.unique(filled).drop_null()
    if not len(distinct):
        return filled
    if not pc.any(pc.match_substring_regex(distinct, _PADDED.pattern)).as_py():
        for kind in (pa.int64(), pa.float64()):
            try:
                return pc.cast(filled, kind)
            except pa.ArrowException:
                continue
    few = len(distinct) * 4 < len(filled)
    return pc.dictionary_encode(filled) if few else filled


def readable(text: str) -> str:
    """Return the text with halves of cut emoji, which no file can hold, replaced."""
    return text.encode("utf-8", "replace").decode()


def _column(values: list[Any]) -> pa.Array:
    # what pandas makes of a gap
    values = [None if isinstance(v, float) and isnan(v) else v for v in values]
    try:
        return pa.array(values)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        texts = (v if isinstance(v, str) else json.dumps(v, default=str) for v in values)
        kept = [None if v is None else readable(t) for v, t in zip(values, texts, strict=True)]
        return pa.array(kept, pa.string())


def _read_bytes(path: Path) -> bytes:
    try:
        data = path.read_bytes()
        return gzip.decompress(data) if path.name.lower().endswith(".gz") else data
    except FileNotFoundError:
        raise DataError(
            f"there is no file {path}; paths in a scenario start from the scenario's folder"
        ) from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path}: the gzip file is damaged or cut short: {error}") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error


def _parse_csv(data: bytes, path: Path) -> pa.Table:
    header = _header(data, path)
    if any("\ufffd" in name for name in header):
        _check_utf8(data, path)
    wrong: list[arrow_csv.InvalidRow] = []

    def stop(row: arrow_csv.InvalidRow) -> str:
        wrong.append(row)
        return "error"

    try:
        return arrow_csv.read_csv(
            pa.BufferReader(data),
            # One thread, as only then Arrow says which row is wrong.
            read_options=arrow_csv.ReadOptions(use_threads=False, block_size=_BLOCK),
            parse_options=arrow_csv.ParseOptions(newlines_in_values=True, invalid_row_handler=stop),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(header, pa.string())
            ),
        )
    except pa.ArrowException as error:
        _check_utf8(data, path)
        if wrong:
            row = wrong[0]
            raise DataError(
                f"{path}, row {(row.number or 2) - 1}: it has {row.actual_columns} fields, the "
                f"header has {row.expected_columns}: {(row.text or '')[:60]!r}. A text with commas "
                "must stand in double quotes"
            ) from error
        raise DataError(f"{path}: this CSV file cannot be read: {error}") from error


def _header(data: bytes, path: Path) -> list[str]:
    """Return the names in the first row of a CSV file."""
    head = data[: 1 << 20].decode("utf-8-sig", "replace")
    names = next(csv.reader(io.StringIO(head, newline="")), [])
    if not names:
        raise DataError(f"{path}: the file is empty; its first row must name the columns")
    for i, name in enumerate(names):
        if name in names[:i]:
            raise DataError(f"{path}: two columns are called '{name}'; rename one of them")
    return names


def _check_utf8(data: bytes, path: Path) -> None:
    """Raise DataError naming line, row, field and byte if the bytes of a CSV file are not UTF-8."""
    try:
        data.decode()
    except UnicodeDecodeError as error:
        csv.field_size_limit(_LARGEST_FIELD)
        before = data[: error.start].decode("utf-8-sig")
        rows = list(csv.reader(io.StringIO(before, newline="")))
        names = _header(data, path)
        column = max(len(rows[-1]) if rows and not before.endswith("\n") else 1, 1) - 1
        row = len(rows) - 1 + before.endswith("\n")
        field = f"field '{names[min(column, len(names) - 1)]}'"
        where = f"row {row}, {field}" if row else "the header"
        raise DataError(_not_utf8(path, where, data, error)) from None


def _not_utf8(path: Path, where: str, data: bytes, error: UnicodeDecodeError) -> str:
    return (
        f"{path}, {where}: byte 0x{data[error.start]:02x} at offset {error.start} is not UTF-8. "
        "Save the file as UTF-8 (in a spreadsheet: 'CSV UTF-8')"
    )


def _parse_json(data: bytes, path: Path) -> list[Any]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(_not_utf8(path, f"line {line}", data, error)) from None
    if path.name.lower().removesuffix(".gz").endswith(("jsonl", "ndjson")):
        lines = enumerate(text.splitlines(), start=1)
        return [_loads(line, path, number) for number, line in lines if line.strip()]
    content = _loads(text, path, 1)
    if not isinstance(content, list):
        raise DataError(f"{path}: a JSON file of profiles must be a list: [{{...}}, {{...}}, ...]")
    return content


def _loads(text: str, path: Path, line: int) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(
            f"{path}, line {line + error.lineno - 1}, column {error.colno}: this is not JSON: "
            f"{error.msg}"
        ) from None
    except RecursionError:
        raise DataError(f"{path}: the JSON is nested too deeply") from None
