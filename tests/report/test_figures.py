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
from hubbub.report.figure_data import Figure
from hubbub.report.fonts import families, written
from hubbub.report.style import COLORS, draw, power, rows_and_columns

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
    assert [power(v) for v in (0.01, 1, 2000, 1e5, 1e6, 2e-7)] == [
        "0.01",
        "1",
        "2,000",
        "100,000",
        "10⁶",
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


def test_dots_of_one_line_stand_below_each_other_by_colour() -> None:
    rows = [("a", "up", 1.0, 1.5), ("a", "down", 2.0, None), ("b", "up", 3.0, None)]
    names = ("arm", "kind", "mean", "known")
    table = pa.Table.from_pylist(
        [dict(zip(names, r, strict=True)) | {"low": r[2] - 1, "high": r[2] + 1} for r in rows]
    )
    axes = axes_of(lambda a: figures.dots(a, table, x="x", by="kind", known="known"))
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    assert [float(d.get_xdata()[0]) for d in dots] == [1.0, 2.0, 3.0]
    up, down, other = (float(d.get_ydata()[0]) for d in dots)
    assert up < 0 < down < other < 1
    assert [d.get_color() for d in dots] == [COLORS[0], COLORS[1], COLORS[0]]
    (diamond,) = (m for m in axes.lines if m.get_marker() == "D" and len(m.get_xdata()))
    assert (float(diamond.get_xdata()[0]), float(diamond.get_ydata()[0])) == (1.5, up)
    assert [t.get_text() for t in axes.get_legend().get_texts()] == ["up", "down", "known"]


def test_a_figure_without_data_is_empty_axes() -> None:
    def drawing(axes: Any) -> None:
        figures.curves(axes, BANDS.slice(0, 0), x="x", y="y")
        axes.set_xscale("log")
        axes.set_yscale("log")

    empty = figure_of(lambda axes: figures.histogram(axes, {"a": []}, np.array([0.0, 1.0]), x="x"))
    for picture in (draw(figure_of(drawing)), draw(empty)):
        assert b"</svg>" in picture.svg
        assert picture.png.startswith(b"\x89PNG")


@pytest.mark.parametrize(("panels", "grid"), [(1, (1, 1)), (3, (1, 3)), (4, (2, 2)), (5, (2, 3))])
def test_panels_share_a_figure_and_one_legend(panels: int, grid: tuple[int, int]) -> None:
    def drawing(*axes: Any) -> None:
        assert len(axes) == panels
        for one in axes:
            bands(one)

    assert rows_and_columns(panels) == grid
    figure = Figure("name", "Title", "Caption.", drawing, BANDS, (7.0, 5.0), panels)
    svg = draw(figure).svg.decode()
    assert svg.count("<!-- easy -->") == 1
    assert svg.count("<!-- step -->") == panels
    assert svg.count("<!-- posts (per agent) -->") == grid[0]  # once in a row, where all share it


@pytest.mark.parametrize("name", ["中文", "ไทย", "العربية", "a\u0378b", "tab\there"])
def test_names_in_any_script_are_drawn_or_escaped(name: str) -> None:
    table = pa.table({"arm": [name], "mean": [1.0], "low": [0.5], "high": [2.0], "kind": [name]})
    svg = draw(figure_of(lambda axes: figures.dots(axes, table, x=name, by="kind"))).svg.decode()
    escaped = name.encode("unicode_escape").decode()
    shown = {label for label in (name, escaped) if f"<!-- {label} -->" in svg}
    assert len(shown) == 1  # the axis, the line and the legend say it alike


def test_letters_that_no_font_has_are_escaped_one_by_one() -> None:
    fonts = families(["α", "b"])
    assert fonts == ["DejaVu Sans"]
    assert written("a\u0378β\n", fonts) == "a\\u0378β\n"


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
    between, *within = axes.lines  # with gaps between the ties
    assert [len(line.get_xdata()) for line in (between, *within)] == [3, 3 * 28, 3 * 28]
    assert [line.get_color() for line in within] == list(COLORS[:2])


def test_a_layout_may_begin_at_the_one_before() -> None:
    ties = np.array([(i, (i + 1) % 12) for i in range(12)], np.int64)
    before = figures.layout(12, ties, seed=1)
    after = figures.layout(12, np.concatenate([ties, [(0, 6)]]), seed=9, start=before)
    again = figures.layout(12, np.concatenate([ties, [(0, 6)]]), seed=1, start=before)
    assert np.array_equal(after, again)
    places = {i: np.linalg.norm(after[i] - before[i]) for i in range(12)}
    assert max(places.values()) < np.ptp(before)


def test_an_empty_layout_is_empty() -> None:
    assert figures.layout(0, np.empty((0, 2), np.int64), seed=0).shape == (0, 2)
