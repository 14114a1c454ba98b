"""Figures: what they show, their look, and that they are the same every time."""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from hubbub.errors import MissingExtraError
from hubbub.report import figures
from hubbub.report.records import Figure
from hubbub.report.style import COLORS, draw, power

matplotlib = pytest.importorskip("matplotlib")

BANDS = pa.table(
    {
        "arm": ["easy", "easy", "hard", "hard"],
        "x": [0, 1, 0, 1],
        "mean": [1.0, 2.0, 1.0, 0.5],
        "low": [0.9, 1.5, 0.8, 0.4],
        "high": [1.1, 2.5, 1.2, 0.6],
    }
)


def figure_of(drawing: Callable[[Any], None]) -> Figure:
    return Figure("name", "Title", "Caption.", drawing, pa.table({"x": [1]}), (4.0, 3.0))


def bands(axes: Any) -> None:
    figures.curves(axes, BANDS, x="step", y="posts (per agent)")


def axes_of(drawing: Callable[[Any], None]) -> Any:
    from matplotlib.figure import Figure as Canvas

    axes = Canvas().add_subplot()
    drawing(axes)
    return axes


def test_curves_show_each_arm_in_a_colour_with_labels() -> None:
    svg = draw(figure_of(bands)).svg.decode()
    for text in ("easy", "hard", "step", "posts (per agent)"):
        assert f"<!-- {text} -->" in svg
    assert all(color.lower() in svg for color in COLORS[:2])
    assert COLORS[2].lower() not in svg


def test_the_same_figure_gives_the_same_bytes_whatever_ones_own_settings() -> None:
    first = draw(figure_of(bands))
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red", "savefig.dpi": 10}):
        before = dict(matplotlib.rcParams)
        assert draw(figure_of(bands)) == first
        assert dict(matplotlib.rcParams) == before
    assert b"<dc:date>" not in first.svg
    assert struct.unpack(">II", first.png[16:24]) == (800, 600)  # inches x dots per inch


def test_names_with_dollars_are_no_formulas_and_powers_are_plain() -> None:
    def drawing(axes: Any) -> None:
        axes.plot([1, 1e6], [1e-9, 1], label="$5 or $6")
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.legend()

    svg = draw(figure_of(drawing)).svg.decode()
    assert "<!-- $5 or $6 -->" in svg
    assert "mathdefault" not in svg
    assert "<!-- 10⁻⁶ -->" in svg or "<!-- 10⁻⁵ -->" in svg
    assert [power(v) for v in (0.01, 1, 2000, 1e5, 2e-7)] == [
        "0.01",
        "1",
        "2,000",
        "10⁵",
        "2 × 10⁻⁷",
    ]


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match=r"hubbub\[analysis\]"):
        draw(figure_of(bands))


def test_dots_stand_from_top_to_bottom() -> None:
    table = pa.table({"arm": ["a", "b"], "mean": [1.0, 2.0], "low": [0.5, 1.5], "high": [2.0, 3.0]})
    axes = axes_of(lambda axes: figures.dots(axes, table, x="ratio", reference=1.0))
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b"]
    assert axes.get_ylim() == (1.5, -0.5)
    assert axes.get_xlabel() == "ratio"
    drawn = [line.get_xdata() for line in axes.lines]
    assert [list(x) for x in drawn] == [[1.0, 1.0], [0.5, 2.0], [1.0], [1.5, 3.0], [2.0]]


def test_survival_is_the_share_of_at_least_so_much() -> None:
    axes = axes_of(lambda axes: figures.survival(axes, {"a": [4, 0, 1, 2, 2]}, x="size (posts)"))
    (line,) = axes.lines
    assert list(line.get_xdata()) == [1, 2, 2, 4]
    assert list(line.get_ydata()) == [1.0, 0.75, 0.5, 0.25]
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")


def test_quantiles_of_the_right_distribution_lie_on_the_line() -> None:
    sample = (np.arange(10) + 0.5) / 10

    def drawing(axes: Any) -> None:
        figures.quantiles(axes, sample[::-1], lambda p: p, x="uniform", y="sample")

    axes = axes_of(drawing)
    np.testing.assert_allclose(axes.lines[1].get_xdata(), axes.lines[1].get_ydata())
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("uniform", "sample")


def test_histograms_are_shares() -> None:
    edges = np.array([0.0, 1.0, 2.0])
    axes = axes_of(lambda a: figures.histogram(a, {"a": [0.5, 0.6, 1.5, 9.0]}, edges, x="x"))
    (steps,) = axes.patches
    assert list(steps.get_data().values) == [0.5, 0.25]


def test_a_layout_puts_those_who_are_tied_together() -> None:
    near = [(i, j) for g in (0, 8) for i in range(g, g + 8) for j in range(i + 1, g + 8)]
    ties = np.array([*near, (0, 8)], np.int64)
    places = figures.layout(16, ties, seed=1)
    assert np.array_equal(places, figures.layout(16, ties, seed=1))
    assert not np.array_equal(places, figures.layout(16, ties, seed=2))
    distance = np.linalg.norm(places[:, None] - places[None], axis=2)
    group = np.arange(16) < 8
    same = group[:, None] == group[None]
    assert distance[same].mean() < 0.6 * distance[~same].mean()
    groups = {"left": np.flatnonzero(group), "right": np.flatnonzero(~group)}
    axes = axes_of(lambda axes: figures.network(axes, places, ties, groups))
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["left", "right"]
    assert len(axes.lines[0].get_xdata()) == 3 * len(ties)


def test_an_empty_layout_is_empty() -> None:
    assert figures.layout(0, np.empty((0, 2), np.int64), seed=0).shape == (0, 2)
