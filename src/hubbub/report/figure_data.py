"""The figures that a report contains."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure to be drawn: `draw` gets matplotlib axes; `data` is what it shows, kept as CSV.

    `caption` describes it in one or two sentences; `size` is in inches. A figure with several
    `panels`, which stand side by side in rows, passes the axes of each to `draw`. `data` is a table
    or data frame, kept as an Arrow table.
    """

    name: str
    title: str
    caption: str
    draw: Callable[..., None]
    data: pa.Table
    size: tuple[float, float] = (6.4, 4.0)
    panels: int = 1

    def __post_init__(self) -> None:
        if not isinstance(self.data, pa.Table):
            object.__setattr__(self, "data", pa.table(self.data))
