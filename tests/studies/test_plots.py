"""Means over replicates with intervals, and the figures made of them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from hubbub.report.style import draw
from hubbub.studies.plots import averages, curves_figure
from hubbub.studies.trials import CURVES

pytest.importorskip("matplotlib")


def _curves(arms: dict[str, int]) -> pa.Table:
    rows = [
        {"arm": arm, "replicate": r, "curve": curve, "x": float(x), "y": float(r + x)}
        for arm, replicates in arms.items()
        for r in range(replicates)
        for curve in ("rise", "other")
        for x in range(3)
    ]
    return pa.Table.from_pylist(rows, CURVES)


def test_averages_are_means_with_intervals_in_the_order_of_the_table() -> None:
    table = pa.table({"arm": ["b", "b", "a", "b", "a"], "value": [1.0, 2.0, 7.0, 3.0, None]})
    b, a = averages(table, ["arm"], "value").to_pylist()
    assert (b["arm"], b["mean"], b["replicates"]) == ("b", 2.0, 3)
    assert b["low"] < 1.0 < 3.0 < b["high"]  # 3 values say little
    assert a == {"arm": "a", "mean": 7.0, "low": 7.0, "high": 7.0, "replicates": 1}


def test_intervals_are_about_those_of_students_t() -> None:
    sample = np.linspace(-1.0, 1.0, 25)
    table = pa.table({"arm": ["a"] * 25, "value": sample})
    (row,) = averages(table, ["arm"], "value").to_pylist()
    half = 2.064 * sample.std(ddof=1) / 5.0  # t with 24 degrees of freedom
    assert (row["low"], row["high"]) == pytest.approx((-half, half), rel=0.05)


def test_an_empty_table_has_no_averages() -> None:
    empty = averages(pa.table({"arm": pa.array([], pa.string()), "v": [0.0][:0]}), ["arm"], "v")
    assert empty.column_names == ["arm", "mean", "low", "high", "replicates"]
    assert empty.num_rows == 0


def test_a_panel_for_each_curve_that_is_there() -> None:
    axes_of = {"rise": "height (m)", "nothing": "-", "other": "other"}
    figure = curves_figure(
        _curves({"one": 1, "many": 5}), axes_of, name="n", title="t", caption="c", titles=["A", "B"]
    )
    assert figure.panels == 2
    rows = [r for r in figure.data.to_pylist() if (r["curve"], r["arm"]) == ("rise", "many")]
    assert [(r["x"], r["mean"]) for r in rows] == [(0, 2.0), (1, 3.0), (2, 4.0)]
    svg = draw(figure).svg.decode()
    for text in ("height (m)", "other", "step", "one", "many", "A", "B"):
        assert f"<!-- {text} -->" in svg


def test_without_curves_the_axes_are_empty() -> None:
    figure = curves_figure(_curves({}), {"rise": "y"}, name="n", title="t", caption="c")
    assert (figure.panels, figure.data.num_rows) == (1, 0)
    assert draw(figure).png
