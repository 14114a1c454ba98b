"""What the figures of studies share: means over replicates with their intervals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from hubbub.report import figures
from hubbub.report.figure_data import Figure
from hubbub.report.style import rows_and_columns
from hubbub.rng import Streams
from hubbub.studies.resampling import RESAMPLES, interval

#: What the captions of such figures say about them.
MEANS = "means over the replicates with 95 % bootstrap intervals"
_AVERAGES = [("mean", pa.float64()), ("low", pa.float64()), ("high", pa.float64()),
             ("replicates", pa.int64())]  # fmt: skip
#: Inches: the width of a figure of one, two or three columns, and the height of a row of panels.
_SIZES = ((6.4, 2.9), (7.2, 2.9), (7.8, 2.4))


def averages(table: pa.Table, keys: Sequence[str], value: str) -> pa.Table:
    """Return the mean of a column with its 95 % interval, grouped by the columns `keys`, in order.

    Columns: keys, mean, low, high, replicates. Empty values are left out; a single value is its own
    interval. The interval is that of `resampling`, with the same resamples for all rows.
    """
    samples: dict[tuple[Any, ...], list[float]] = {}
    columns = [table[name].to_pylist() for name in (*keys, value)]
    for *key, number in zip(*columns, strict=True):
        if number is not None:
            samples.setdefault(tuple(key), []).append(number)
    resamples: dict[int, NDArray[np.int64]] = {}
    rows = []
    for names, sample in samples.items():
        n = len(sample)
        if n not in resamples:
            drawn = Streams(0).at("averages").integers(n, RESAMPLES * n)
            resamples[n] = drawn.reshape(RESAMPLES, n)
        average = _average(np.array(sample), resamples[n])
        rows.append({**dict(zip(keys, names, strict=True)), **average})
    return pa.Table.from_pylist(rows, pa.schema([*map(table.schema.field, keys), *_AVERAGES]))


def _average(sample: NDArray[np.float64], resamples: NDArray[np.int64]) -> dict[str, float]:
    mean, n = float(sample.mean()), len(sample)
    low = high = mean
    if n > 1:
        low, high = interval(mean, sample[resamples].mean(axis=1), [(sample - mean) / n])
    return {"mean": mean, "low": low, "high": high, "replicates": n}


def named(table: pa.Table, column: str, name: str) -> pa.Table:
    """Return the rows that have this name in a column."""
    return table.filter(pc.equal(table[column], name))


def names_in(table: pa.Table, column: str) -> list[str]:
    """Return the distinct names in a column, in order."""
    return list(dict.fromkeys(table[column].to_pylist()))


def renamed(table: pa.Table, column: str, names: Iterable[str]) -> pa.Table:
    """Return the table with other names in a column, one for each row."""
    at = table.column_names.index(column)
    return table.set_column(at, column, pa.array(list(names), pa.string()))


def curves_figure(
    curves: pa.Table,
    axes_of: Mapping[str, str],
    *,
    name: str,
    title: str,
    caption: str,
    x: str = "step",
    titles: Sequence[str] = (),
) -> Figure:
    """Return a figure with a panel for each curve that is there, a line for each arm.

    `curves` has the columns of records.CURVES; `axes_of` says what stands at the axis of each
    curve; `titles` are those of the panels.
    """
    known = set(curves["curve"].to_pylist())
    wanted = [curve for curve in axes_of if curve in known]
    data = averages(
        curves.filter(pc.is_in(curves["curve"], pa.array(wanted, pa.string()))),
        ["curve", "arm", "x"],
        "y",
    )

    def draw(*panels: Any) -> None:
        for panel, curve in zip(panels, wanted, strict=False):
            figures.curves(panel, named(data, "curve", curve), x=x, y=axes_of[curve])
        for panel, words in zip(panels, titles, strict=False):
            panel.set_title(words)

    return panelled(name, title, caption, draw, data, max(1, len(wanted)))


def panelled(name: str, title: str, caption: str, draw: Any, data: pa.Table, panels: int) -> Figure:
    """Return a figure of `panels` panels, with a size to match; one panel has the usual size."""
    rows, columns = rows_and_columns(panels)
    width, height = _SIZES[columns - 1]
    size = (6.4, 4.0) if panels == 1 else (width, 0.4 + height * rows)
    return Figure(name, title, caption, draw, data, size, panels)
