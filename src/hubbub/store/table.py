"""Tables as users hold them: Arrow, one call away from pandas and polars."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from hubbub.errors import MissingExtraError

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl


class Table:
    """An Arrow table with all the methods of pyarrow.Table, and `to_pandas` and `to_polars`.

    Methods that give a table, such as `filter`, `select` and `sort_by`, give a Table again. What
    reads Arrow's C stream (polars, DuckDB, ...) takes it as it is; functions of pyarrow, such as
    `pyarrow.parquet.write_table`, take `table.arrow`. `data` is whatever `pyarrow.table` takes: an
    Arrow table, a data frame of pandas or polars, columns by name.
    """

    __slots__ = ("arrow",)

    arrow: pa.Table

    def __init__(self, data: Any) -> None:
        if isinstance(data, Table):
            data = data.arrow
        self.arrow = data if isinstance(data, pa.Table) else pa.table(data)

    def to_pandas(self) -> pd.DataFrame:
        """Return a pandas data frame; MissingExtraError if pandas is not installed."""
        try:
            import pandas as pd  # noqa: F401 - Arrow imports it itself
        except ImportError:
            raise MissingExtraError("pandas", "analysis") from None
        return self.arrow.to_pandas()

    def to_polars(self) -> pl.DataFrame:
        """Return a polars data frame; MissingExtraError if polars is not installed."""
        try:
            import polars as pl
        except ImportError:
            raise MissingExtraError("polars", "analysis") from None
        frame = pl.from_arrow(self.arrow)
        assert isinstance(frame, pl.DataFrame)  # noqa: S101 - a table never gives a series
        return frame

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.arrow.__arrow_c_stream__(requested_schema)

    def __getattr__(self, name: str) -> Any:
        if name == "arrow" or name.startswith("__"):  # not there yet, as while it is unpickled
            raise AttributeError(name)
        value = getattr(self.arrow, name)
        return _giving_tables(value) if callable(value) else value

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *dir(self.arrow)})

    def __getitem__(self, key: Any) -> Any:
        found = self.arrow[key]
        return Table(found) if isinstance(found, pa.Table) else found

    def __len__(self) -> int:
        return int(self.arrow.num_rows)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Table) and bool(self.arrow.equals(other.arrow))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(self.arrow)


class _Groups:
    """The groups of a table's rows."""

    def __init__(self, groups: pa.TableGroupBy) -> None:
        self._groups = groups

    def aggregate(self, aggregations: Any) -> Table:
        """Return a row per group; see pyarrow.TableGroupBy."""
        return Table(self._groups.aggregate(aggregations))


def _giving_tables(method: Callable[..., Any]) -> Callable[..., Any]:
    """Return a method of an Arrow table that takes and gives our tables in place of Arrow's."""

    @wraps(method)
    def call(*args: Any, **options: Any) -> Any:
        plain = [arg.arrow if isinstance(arg, Table) else arg for arg in args]
        found = method(*plain, **options)
        if isinstance(found, pa.TableGroupBy):
            return _Groups(found)
        return Table(found) if isinstance(found, pa.Table) else found

    return call
