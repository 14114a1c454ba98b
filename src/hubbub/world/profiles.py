"""Who the agents are: names, bios and any other field, by agent id."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

REQUIRED = ("user_name", "name", "bio")
_UNFIT = (pa.ArrowException, OverflowError)


class Profiles:
    """The initial profiles as one Arrow table, later ones as records."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table
        self._later: list[dict[str, Any]] = []
        self._ids: dict[str, int] | None = None

    def __len__(self) -> int:
        initial: int = self._table.num_rows
        return initial + len(self._later)

    def __getitem__(self, agent: int) -> dict[str, Any]:
        """Return the fields of one agent; empty fields are left out, the required ones are ''."""
        initial: int = self._table.num_rows
        if agent < initial:
            row = {n: self._table.column(n)[agent].as_py() for n in self._table.column_names}
        else:
            row = self._later[agent - initial]
        kept = {k: v for k, v in row.items() if v is not None}
        return {**dict.fromkeys(REQUIRED, ""), **kept}

    def rows(
        self, agents: Sequence[int], fields: Sequence[str] | None = None
    ) -> list[dict[str, Any]]:
        """Return some fields (default: all) of several agents, in the order given, as `[]` does."""
        initial: int = self._table.num_rows
        early = pa.array([a for a in agents if a < initial], pa.int64())
        columns = self._table.column_names
        if fields is not None:
            columns = [f for f in columns if f in fields]
        taken = iter(self._table.select(columns).take(early).to_pylist())
        found = (next(taken) if a < initial else self._later[a - initial] for a in agents)
        blank = dict.fromkeys(REQUIRED, "")
        return [{**blank, **{k: v for k, v in r.items() if v is not None}} for r in found]

    def user_names(self, agents: Sequence[int]) -> list[str]:
        """Return the user names of several agents, in the order given."""
        return [row["user_name"] for row in self.rows(agents, ("user_name",))]

    @property
    def later(self) -> list[dict[str, Any]]:
        """The profiles of those who signed up after the start."""
        return self._later

    @property
    def nbytes(self) -> int:
        """Bytes of the initial profiles."""
        return int(self._table.nbytes)

    @property
    def fields(self) -> list[str]:
        """Names of all fields."""
        later = (k for r in self._later for k in r)
        return list(dict.fromkeys([*self._table.column_names, *later]))

    def append(self, record: dict[str, Any]) -> int:
        """Add a profile and return its agent id."""
        self._later.append(record)
        if self._ids is not None:
            self._ids.setdefault(record["user_name"], len(self) - 1)
        return len(self) - 1

    def find(self, user_name: str) -> int | None:
        """Return the agent with this user name (case matters), or None."""
        if self._ids is None:  # built at the first use: most runs never look a name up
            names = self._table.column("user_name").to_pylist()
            names += [r["user_name"] for r in self._later]
            self._ids = {name: i for i, name in reversed(list(enumerate(names)))}
        return self._ids.get(user_name)

    def table(self) -> pa.Table:
        """Return all profiles; a field that an agent lacks is null."""
        if not self._later:
            return self._table
        columns = {
            name: _appended(
                self._table[name] if name in self._table.column_names else None,
                self._table.num_rows,
                [record.get(name) for record in self._later],
            )
            for name in self.fields
        }
        return pa.table(columns)


def _appended(old: pa.ChunkedArray | None, rows: int, later: list[Any]) -> pa.ChunkedArray:
    """Return a column with later values appended: as text, if they do not fit its type."""
    try:
        new = pa.array(later)
    except _UNFIT:
        new = _as_text(later)
    if old is None or pa.types.is_null(old.type):
        kind = pa.string() if pa.types.is_null(new.type) else new.type
        return pa.chunked_array([pa.nulls(rows, kind), new.cast(kind)])
    if pa.types.is_dictionary(old.type):
        old = old.cast(old.type.value_type)
    try:
        return pa.chunked_array([*old.chunks, new.cast(old.type)], old.type)
    except _UNFIT:
        return pa.chunked_array([_as_text(old.to_pylist()), _as_text(later)])


def _as_text(values: list[Any]) -> pa.Array:
    return pa.array([None if v is None else str(v) for v in values], pa.string())
