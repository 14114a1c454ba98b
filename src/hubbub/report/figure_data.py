"""What a report is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure to be drawn: `draw` gets matplotlib axes; `data` is what it shows, kept as CSV.

    `caption` says in one or two sentences what is seen; `size` is inches. A figure of several
    `panels`, which stand side by side in rows, gives the axes of each to `draw`.
    """

    name: str
    title: str
    caption: str
    draw: Callable[..., None]
    data: pa.Table
    size: tuple[float, float] = (6.4, 4.0)
    panels: int = 1
