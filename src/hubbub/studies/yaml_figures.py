"""The figures of a YAML study: a measure by arm, a curve by arm."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from hubbub.report import figures
from hubbub.report.figure_data import Figure
from hubbub.studies.measures import CURVES, MEASURES, Curve, Measure
from hubbub.studies.plots import MEANS, averages, curves_figure, named, names_in
from hubbub.studies.trials import Results


def own_figures(results: Results) -> list[Figure]:
    """Return a figure for each measure, then one for each curve, in the order of the results."""
    values, curves = results.values, results.curves
    return [
        *(_measure(named(values, "measure", name), name) for name in names_in(values, "measure")),
        *(_curve(named(curves, "curve", name), name) for name in names_in(curves, "curve")),
    ]


def _measure(values: pa.Table, name: str) -> Figure:
    data = averages(values, ["arm"], "value")
    words, axis = _words(name, MEASURES.get(name))

    def draw(axes: Any) -> None:
        figures.dots(axes, data, x=axis)

    return Figure(
        name=f"measure-{name}",
        title=_spaced(name).capitalize(),
        caption=f"{words} by arm: {MEANS}.",
        draw=draw,
        data=data,
        size=(6.4, 1.2 + 0.4 * data.num_rows),
    )


def _curve(curves: pa.Table, name: str) -> Figure:
    known = CURVES.get(name)
    words, axis = _words(name, known)
    return curves_figure(
        curves,
        {name: axis},
        name=f"curve-{name}",
        title=_spaced(name).capitalize(),
        caption=f"{words} by arm: {MEANS}.",
        x="step" if known else "x",
    )


def _words(name: str, known: Measure | Curve | None) -> tuple[str, str]:
    """Return a description of a measure for the start of a sentence, and one for an axis."""
    words = known.words if known else _spaced(name)
    return words[:1].upper() + words[1:], f"{words} ({known.unit})" if known else words


def _spaced(name: str) -> str:
    return name.replace("_", " ")
