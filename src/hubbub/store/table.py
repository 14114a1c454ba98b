"""Tables as users hold them: Arrow, one call away from pandas and polars."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from hubbub.errors import MissingExtraError

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl


class Table:
    """An Arrow table (`arrow`) with all its methods, and `to_pandas` and `to_polars`.

    Anything that reads Arrow's C stream (polars, DuckDB, pandas, ...) takes it as it is; functions
    of pyarrow itself take `arrow`.
    """

    __slots__ = ("arrow",)

    def __init__(self, arrow: pa.Table) -> None:
        self.arrow = arrow

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
        return getattr(self.arrow, name)

    def __getitem__(self, key: Any) -> Any:
        return self.arrow[key]

    def __len__(self) -> int:
        return int(self.arrow.num_rows)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Table) and bool(self.arrow.equals(other.arrow))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(self.arrow)
