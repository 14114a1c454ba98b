"""Growable columns: rows are entities, ids are row numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Column = tuple[DTypeLike, int] | DTypeLike


class Columns:
    """Named numpy columns of one length. A column declared as (dtype, d) has d values per row.

    >>> t = Columns({"likes": np.int32})
    >>> t.extend(2, likes=[5, 6])
    0
    >>> t["likes"].tolist(), len(t)
    ([5, 6], 2)
    """

    def __init__(self, columns: dict[str, Column]) -> None:
        self._n = 0
        self._data: dict[str, NDArray[Any]] = {}
        for name, column in columns.items():
            dtype, width = column if isinstance(column, tuple) else (column, 0)
            self._data[name] = np.zeros((0, width) if width else 0, dtype)

    def __len__(self) -> int:
        return self._n

    def __getitem__(self, name: str) -> NDArray[Any]:
        """Return the column as a view [:n]; writing to it writes to the columns."""
        return self._data[name][: self._n]

    def __contains__(self, name: object) -> bool:
        return name in self._data

    def __repr__(self) -> str:
        return f"<Table of {self._n:,} rows: {', '.join(self._data)}>"

    @property
    def names(self) -> list[str]:
        """Names of the columns."""
        return list(self._data)

    @property
    def nbytes(self) -> int:
        """Bytes held, including spare rows."""
        return sum(a.nbytes for a in self._data.values())

    def extend(self, count: int, **values: Any) -> int:
        """Append `count` rows (columns not given are 0) and return the first new row number."""
        first, end = self._n, self._n + count
        for name, array in self._data.items():
            if end > len(array):
                room = end if first == 0 else max(end, len(array) + len(array) // 2, 64)
                grown = np.zeros((room, *array.shape[1:]), array.dtype)
                grown[:first] = array[:first]
                self._data[name] = array = grown
            if name in values:
                array[first:end] = values.pop(name)
        if values:
            raise KeyError(f"no such column: {', '.join(values)}")
        self._n = end
        return first
