"""The SQLite connection, the writer's lock, and readable errors."""

from __future__ import annotations

import os
import sqlite3
import sys
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from numpy.typing import NDArray

from hubbub.errors import RunError, StoreError

Mode = Literal["create", "read", "write"]
#: Seconds that a write waits for another program that holds the database.
BUSY_SECONDS = 5.0
#: Memory for pages, in kB: what a step changes should fit.
CACHE_KB = 16_000
#: Pages of the write-ahead log (32 MB) after which it is merged into the file: at every few large
#: steps, since pages that many steps change are then written once.
LOG_PAGES = 8_000
#: Size to which the log's file is cut after that, in bytes: the first transaction writes all
#: agents.
LOG_BYTES = 64_000_000
_CHUNK = 65_536  # rows per read
#: Rows per statement: few statements, since Python lets other threads run at each one. SQLite
#: allows 32,766 variables in one.
_VARIABLES = 32_766
_AT_ONCE = (500, 50, 1)
_BLOCK = 5_000  # rows that are taken from columns at a time


class Database:
    """One SQLite connection. `path` None is a database in memory."""

    def __init__(self, path: Path | None, mode: Mode) -> None:
        self.path = path
        self._db = self._connect(mode)
        self._close = weakref.finalize(self, self._db.close)  # also if nobody says close

    def _connect(self, mode: Mode) -> sqlite3.Connection:
        if self.path is None:
            return sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        address = self.path.absolute().as_uri()
        db: sqlite3.Connection | None = None
        with self.reading():
            try:
                db = _open(f"{address}?mode={'rwc' if mode == 'create' else 'rw'}")
                if mode == "create":
                    db.execute("PRAGMA journal_mode = WAL")
                db.execute("PRAGMA synchronous = NORMAL")
                db.execute(f"PRAGMA cache_size = -{CACHE_KB}")
                db.execute(f"PRAGMA wal_autocheckpoint = {LOG_PAGES}")
                db.execute(f"PRAGMA journal_size_limit = {LOG_BYTES}")
                db.execute(f"PRAGMA query_only = {int(mode == 'read')}")
                db.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()
            except sqlite3.Error as error:
                if db is not None:
                    db.close()
                writable = mode != "read" or os.access(self.path.parent, os.W_OK)
                if writable or not isinstance(error, sqlite3.OperationalError):
                    raise
                # a write-protected folder: SQLite cannot create its side files there
                db = _open(f"{address}?immutable=1")
                db.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()
        return db

    def close(self) -> None:
        """Close the connection."""
        self._close()

    # -- writing ------------------------------------------------------------------------------

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Run a transaction: all or nothing. StoreError says why writing failed."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            self._rollback()
            raise StoreError(self._explain(error, writing=True)) from error
        except BaseException:  # an interrupt must not leave half a step either
            self._rollback()
            raise

    def _rollback(self) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    def script(self, statements: Iterable[str]) -> None:
        """Execute statements without parameters, inside the current transaction."""
        for statement in statements:
            self._db.execute(statement)

    def insert(
        self,
        table: str,
        columns: Sequence[str],
        rows: Iterable[Sequence[Any]],
        *,
        verb: Literal["INSERT", "REPLACE"] = "INSERT",
        rest: str = "",
    ) -> None:
        """Insert rows, inside the current transaction; `rest` may say what to do on a conflict."""
        marks = ", ".join("?" * len(columns))
        sql = f"{_insertion(table, columns, verb)}({marks}) {rest}"
        self._db.executemany(sql, rows)

    def insert_columns(
        self, table: str, columns: Sequence[str], values: Sequence[Sequence[Any]]
    ) -> None:
        """Insert columns of equal length as rows, inside the current transaction.

        Many rows per statement: a third faster than one by one.
        """
        width, count = len(columns), len(values[0])
        flat: list[Any] = [None] * (width * count)
        for i, column in enumerate(values):
            flat[i::width] = column
        for marks, first, last, size in _statements(width, count):
            step = size * width
            self._db.executemany(
                _insertion(table, columns) + marks,
                (flat[at : at + step] for at in range(first * width, last * width, step)),
            )

    def insert_integers(
        self, table: str, columns: Sequence[str], values: Sequence[NDArray[Any]]
    ) -> None:
        """Insert columns of integers as rows, inside the current transaction.

        Only a few rows at a time become Python numbers: converting more would make other threads
        wait.
        """
        for marks, first, last, size in _statements(len(columns), len(values[0])):
            numbers = _numbers(values, first, last, size)
            self._db.executemany(_insertion(table, columns) + marks, numbers)

    def update_integers(
        self, table: str, columns: Sequence[str], values: Sequence[NDArray[Any]]
    ) -> None:
        """Set columns of integers by row id (the last of the values), as `insert_integers` does."""
        width = len(columns)
        places = ", ".join(f'"{c}" = new.column{i}' for i, c in enumerate(columns, 1))
        for marks, first, last, size in _statements(width + 1, len(values[0])):
            self._db.executemany(
                f'UPDATE "{table}" SET {places} FROM (VALUES {marks}) AS new '
                f'WHERE "{table}".id = new.column{width + 1}',
                _numbers(values, first, last, size),
            )

    # -- reading ------------------------------------------------------------------------------

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Turn SQLite's errors into a readable RunError."""
        try:
            yield
        except sqlite3.Error as error:
            raise RunError(self._explain(error, writing=False)) from error

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """All reads inside see the run at one moment, while another process may go on writing."""
        with self.reading():
            self._db.execute("BEGIN")
            try:
                yield
            finally:
                self._rollback()

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return all rows of a query."""
        with self.reading():
            return self._db.execute(sql, values).fetchall()

    def row(self, table: str, number: int) -> dict[str, Any] | None:
        """Return the columns of the row with this id, None if there is none."""
        names = [name for _, name, *_ in self.rows(f'PRAGMA table_info("{table}")')]
        found = self.rows(f'SELECT * FROM "{table}" WHERE id = ?', min(number, 2**62))
        return dict(zip(names, found[0], strict=True)) if found else None

    def chunks(self, sql: str, *values: Any, size: int = _CHUNK) -> Iterator[list[Any]]:
        """Yield the rows of a query in lists of at most `size`."""
        with self.reading():
            cursor = self._db.execute(sql, values)
            while rows := cursor.fetchmany(size):
                yield rows

    def integers(self, sql: str, *values: Any) -> list[NDArray[np.int64]]:
        """Return the columns of a query that gives integers, int64[n] each."""
        with self.reading():
            cursor = self._db.execute(sql, values)
            width = len(cursor.description)
            parts = [np.empty((0, width), np.int64)]
            while rows := cursor.fetchmany(_CHUNK):
                parts.append(np.array(rows, np.int64))
        return list(np.concatenate(parts).T)

    def numbers(self, sql: str, *values: Any) -> NDArray[np.int64]:
        """Return all values of a query that gives integers, row by row, int64[rows * columns]."""
        with self.reading():
            return np.fromiter(chain.from_iterable(self._db.execute(sql, values)), np.int64)

    def columns(
        self, table: str, names: Sequence[str], rest: str = "", *values: Any
    ) -> list[NDArray[np.int32]]:
        """Return columns of 32-bit integers, int32[n] each; `rest` follows after FROM `table`.

        Two values travel as one number: most of the cost of reading is per value.
        """
        even = [*names, names[-1]][: len(names) + len(names) % 2]
        pairs = zip(even[::2], even[1::2], strict=True)
        packed = ", ".join(f'("{a}" << 32) | ("{b}" & 4294967295)' for a, b in pairs)
        flat = self.numbers(f'SELECT {packed} FROM "{table}" {rest}', *values)
        flat = flat.reshape(-1, len(even) // 2)
        halves = ((flat >> np.int64(32)).astype(np.int32), flat.astype(np.int32))
        return [np.ascontiguousarray(halves[i % 2][:, i // 2]) for i in range(len(names))]

    def _explain(self, error: sqlite3.Error, *, writing: bool) -> str:
        where = str(self.path) if self.path else "the run in memory"
        kept = "; the run is still at its last whole step" if writing else ""
        match getattr(error, "sqlite_errorcode", 0) & 0xFF:
            case sqlite3.SQLITE_FULL:
                return f"{where}: the disk is full{kept}. Free some space, then go on with resume"
            case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
                return (
                    f"{where} is locked by another program (a database browser, a backup?){kept}. "
                    "Close it and try again"
                )
            case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
                return f"{where} is damaged ({error}){kept}. Restore it from a copy"
            case sqlite3.SQLITE_IOERR:
                return f"{where}: the disk reported an error ({error}){kept}"
            case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
                return f"{where} cannot be opened or written ({error}){kept}. Check its permissions"
            case _:
                return f"{where}: {error}{kept}"


def _insertion(table: str, columns: Sequence[str], verb: str = "INSERT") -> str:
    names = ", ".join(f'"{c}"' for c in columns)
    return f'{verb} INTO "{table}" ({names}) VALUES '


def _statements(width: int, count: int) -> Iterator[tuple[str, int, int, int]]:
    """Yield how to pass `count` rows to SQLite: (marks, first row, last, rows at once)."""
    row, first = f"({', '.join('?' * width)})", 0
    for size in _AT_ONCE:
        if (size * width <= _VARIABLES or size == 1) and count - first >= size:
            last = count - (count - first) % size
            yield ", ".join([row] * size), first, last, size
            first = last


def _numbers(
    columns: Sequence[NDArray[Any]], first: int, last: int, size: int
) -> Iterator[list[int]]:
    """Yield the numbers of `size` rows after the other, row by row."""
    for start in range(first, last, _BLOCK):
        end = min(start + _BLOCK, last)
        block = np.stack([column[start:end] for column in columns], axis=1, dtype=np.int64)
        for at in range(0, end - start, size):
            yield block[at : at + size].ravel().tolist()


def _open(uri: str) -> sqlite3.Connection:
    return sqlite3.connect(
        uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )


class Lock:
    """Held by the only process that writes a run folder; ends when the process ends."""

    def __init__(self, path: Path) -> None:
        try:
            self._file: IO[bytes] = path.open("ab")
        except OSError as error:
            raise RunError(f"{path} cannot be written: {error.strerror}") from error
        try:
            _lock(self._file)
        except OSError:
            self._file.close()
            raise RunError(
                f"the run in {path.parent} is being written by another process; "
                "wait until it has ended (reading is possible meanwhile)"
            ) from None
        self._release = weakref.finalize(self, self._file.close)

    def release(self) -> None:
        """Allow others to write."""
        self._release()


if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[bytes]) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
