"""The figures of a study of one's own: a measure by arm, a curve by arm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from hubbub.experiments.catalogue import CURVES, MEASURES
from hubbub.experiments.records import Results
from hubbub.experiments.resampling import bootstrap_means, interval
from hubbub.report.records import Figure
from hubbub.rng import Stream, Streams

Floats = NDArray[np.float64]

_BY_ARM = pa.schema(
    [("arm", pa.string()), ("mean", pa.float64()), ("low", pa.float64()), ("high", pa.float64()),
     ("replicates", pa.int64())]
)  # fmt: skip
_BY_X = pa.schema(
    [("arm", pa.string()), ("x", pa.float64()), ("mean", pa.float64()), ("low", pa.float64()),
     ("high", pa.float64()), ("replicates", pa.int64())]
)  # fmt: skip


def own_figures(results: Results, *, seed: int) -> list[Figure]:
    """Return a figure for each measure, then one for each curve, in the order of the results."""
    measures = pc.unique(results.values["measure"]).to_pylist()
    curves = pc.unique(results.curves["curve"]).to_pylist()
    streams = Streams(seed)
    return [
        *(_measure_figure(results.values, name, streams) for name in measures),
        *(_curve_figure(results.curves, name, streams) for name in curves),
    ]


def _measure_figure(values: pa.Table, name: str, streams: Streams) -> Figure:
    taken = values.filter(pc.equal(values["measure"], name))
    rows = [
        {"arm": arm, **_mean(numbers, streams.at(f"figure {name} {arm}"))}
        for (arm,), numbers in _grouped(taken, ["arm"], "value").items()
    ]
    known = MEASURES.get(name)
    words = known.words if known else _spaced(name)
    unit = f"{words} ({known.unit})" if known else words

    def draw(axes: Any) -> None:
        places = range(len(rows))
        for place, row in zip(places, rows, strict=True):
            axes.plot([row["low"], row["high"]], [place, place], color="0.4", solid_capstyle="butt")
            axes.plot(row["mean"], place, "o", color="C0")
        axes.set_yticks(list(places), [row["arm"] for row in rows])
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_xlabel(unit)

    return Figure(
        name=f"measure-{name}",
        title=_spaced(name).capitalize(),
        caption=f"{_sentence(words)} by arm: means over the replicates with 95 % intervals.",
        draw=draw,
        data=pa.Table.from_pylist(rows, _BY_ARM),
        size=(6.4, 1.2 + 0.4 * len(rows)),
    )


def _curve_figure(curves: pa.Table, name: str, streams: Streams) -> Figure:
    taken = curves.filter(pc.equal(curves["curve"], name))
    rows = [
        {"arm": arm, "x": x, **_mean(numbers, streams.at(f"figure {name} {arm} {x}"))}
        for (arm, x), numbers in _grouped(taken, ["arm", "x"], "y").items()
    ]
    known = CURVES.get(name)
    words = known.words if known else _spaced(name)
    unit = f"{words} ({known.unit})" if known else words

    def draw(axes: Any) -> None:
        for k, arm in enumerate(dict.fromkeys(row["arm"] for row in rows)):
            x, mean, low, high = (
                [row[column] for row in rows if row["arm"] == arm]
                for column in ("x", "mean", "low", "high")
            )
            axes.plot(x, mean, color=f"C{k}", label=arm)
            axes.fill_between(x, low, high, color=f"C{k}", alpha=0.2, linewidth=0)
        axes.set_xlabel("step" if known else "x")
        axes.set_ylabel(unit)
        axes.legend()

    return Figure(
        name=f"curve-{name}",
        title=_spaced(name).capitalize(),
        caption=f"{_sentence(words)}: means over the replicates of each arm; bands are 95 % "
        "intervals of the mean at each point.",
        draw=draw,
        data=pa.Table.from_pylist(rows, _BY_X),
    )


def _grouped(table: pa.Table, keys: list[str], value: str) -> Mapping[tuple[Any, ...], Floats]:
    """Return the values by their keys, in the order of the table."""
    groups: dict[tuple[Any, ...], list[float]] = {}
    columns = [table[name].to_pylist() for name in (*keys, value)]
    for *key, number in zip(*columns, strict=True):
        groups.setdefault(tuple(key), []).append(number)
    return {key: np.array(numbers, np.float64) for key, numbers in groups.items()}


def _mean(values: Floats, stream: Stream) -> dict[str, Any]:
    """Return the mean with its 95 % bootstrap interval; of one value alone there is none."""
    mean, n = float(values.mean()), len(values)
    low = high = mean
    if n > 1:
        draws = bootstrap_means(values[:, None], stream)[:, 0]
        low, high = interval(mean, draws, [(values - mean) / n])
    return {"mean": mean, "low": low, "high": high, "replicates": n}


def _spaced(name: str) -> str:
    return name.replace("_", " ")


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]
