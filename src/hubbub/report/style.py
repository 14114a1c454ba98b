"""One look for all figures, drawn without touching the state of matplotlib.

The same figure gives the same bytes with one version of matplotlib, whatever the user's settings.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

from hubbub.errors import MissingExtraError
from hubbub.report.figure_data import Figure
from hubbub.report.fonts import OURS, families, written

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Colours that the colour-blind can tell apart: Okabe and Ito 2008, "Color Universal Design",
#: figure 16, without the yellow, which is hard to see on white.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
#: Dots per inch of PNG.
DPI = 200
_IN_A_ROW = 3
#: A legend with at most this many entries is one row if they fit; a larger one has several.
_ONE_ROW = 4
#: Letters per inch of a legend, and those that the line and the gap of each entry take.
_LETTERS, _BESIDE = 13, 8
INK, _FAINT = "#333333", "#e6e6e6"
_STYLE = {
    "axes.axisbelow": True,
    "axes.edgecolor": "#888888",
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.titlelocation": "left",
    "axes.titlesize": 9.0,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.size": 9.0,
    "grid.color": _FAINT,
    "grid.linewidth": 0.7,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "lines.linewidth": 1.8,
    "lines.markersize": 5.5,
    "svg.fonttype": "path",
    "svg.hashsalt": "hubbub",
    "text.color": INK,
    "text.parse_math": False,  # names may have dollar signs
    "xtick.color": "#666666",
    "xtick.labelcolor": INK,
    "ytick.color": "#666666",
    "ytick.labelcolor": INK,
}
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawn figure as the contents of two files."""

    svg: bytes
    png: bytes


def draw(figure: Figure) -> Picture:
    """Draw a figure; MissingExtraError without matplotlib."""
    with _style([OURS]):
        canvas = _drawn(figure)
        fonts = families(_texts(canvas))
    with _style(fonts):
        if fonts != [OURS]:
            canvas = _drawn(figure)
        for axes in canvas.axes:
            for axis in (axes.xaxis, axes.yaxis):
                _plain_powers(axis)
        _place_legend(canvas)
        _write_out(canvas, fonts)
        svg, png = BytesIO(), BytesIO()
        canvas.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
        canvas.savefig(png, format="png", dpi=DPI, metadata={"Software": None})
    return Picture(svg.getvalue(), png.getvalue())


def rows_and_columns(panels: int) -> tuple[int, int]:
    """Return the layout of this many panels: at most three in a row, rows as even as possible."""
    rows = -(-panels // _IN_A_ROW)
    return rows, -(-panels // rows)


def _drawn(figure: Figure) -> Any:
    """Return matplotlib's figure; a label that all panels share stands in the first column only."""
    from matplotlib.figure import Figure as Canvas

    canvas = Canvas(figsize=figure.size, layout="constrained")
    axes = canvas.subplots(*rows_and_columns(figure.panels), squeeze=False).flatten()
    for empty in axes[figure.panels :]:
        empty.remove()
    panels = axes[: figure.panels]
    figure.draw(*panels)
    if len({panel.get_ylabel() for panel in panels}) == 1:
        for panel in panels:
            panel.set_ylabel(panel.get_ylabel() if panel.get_subplotspec().is_first_col() else "")
    return canvas


@contextmanager
def _style(fonts: list[str]) -> Iterator[None]:
    """Draw only in hubbub's style, with these fonts; restore the user's settings afterwards."""
    try:
        from cycler import cycler
        from matplotlib import style
    except ImportError:
        raise MissingExtraError("matplotlib", "analysis") from None
    ours = {**_STYLE, "axes.prop_cycle": cycler(color=COLORS), "font.family": fonts}
    with style.context(ours, after_reset=True):
        yield


def _plain_powers(axis: Any) -> None:
    """Label a logarithmic axis in plain text, as formulas are switched off: 0.01, 1,000, 10⁷.

    Below two powers of ten, some values between are labelled as well.
    """
    from matplotlib.ticker import LogFormatter

    class Plain(LogFormatter):
        def __call__(self, x: float, pos: int | None = None) -> str:
            room = f"{x:e}"[0] in "1235"  # 3,000 and 4,000 would touch each other
            return power(x) if room and super().__call__(x, pos) else ""

    for old, change in (
        (axis.get_major_formatter(), axis.set_major_formatter),
        (axis.get_minor_formatter(), axis.set_minor_formatter),
    ):
        if isinstance(old, LogFormatter):
            change(Plain(minor_thresholds=(2, 0.5)))


def power(value: float) -> str:
    """Return a number as the label of a logarithmic axis."""
    if 1e-3 <= abs(value) < 1e6:
        return f"{value:,.10g}"
    factor, _, exponent = f"{value:.2e}".partition("e")
    factor = factor.rstrip("0").rstrip(".")
    raised = "10" + str(int(exponent)).translate(_RAISED)
    return raised if factor == "1" else f"{factor} × {raised}"


def _place_legend(canvas: Any) -> None:
    """Put one legend above all panels, where it covers nothing."""
    entries: dict[str, Any] = {}
    for axes in canvas.axes:
        if legend := axes.get_legend():
            names = [text.get_text() for text in legend.get_texts()]
            entries = {**dict(zip(names, legend.legend_handles, strict=True)), **entries}
            legend.remove()
    if not entries:
        return
    wanted = len(entries) if len(entries) <= _ONE_ROW else -(-len(entries) // 2)
    fit = int(canvas.get_figwidth() * _LETTERS / (max(map(len, entries)) + _BESIDE))
    canvas.legend(
        entries.values(), entries, loc="outside upper left", ncols=max(1, min(fit, wanted))
    )


def _texts(canvas: Any) -> list[str]:
    from matplotlib.text import Text

    return [text.get_text() for text in canvas.findobj(Text)]


def _write_out(canvas: Any, fonts: list[str]) -> None:
    """Replace letters that none of the fonts has, for which matplotlib would draw boxes."""
    from matplotlib.text import Text
    from matplotlib.ticker import FixedLocator

    for axes in canvas.axes:
        for axis in (axes.xaxis, axes.yaxis):
            if isinstance(axis.get_major_locator(), FixedLocator):
                names = [written(label.get_text(), fonts) for label in axis.get_ticklabels()]
                axis.set_ticklabels(names)
    for text in canvas.findobj(Text):
        text.set_text(written(text.get_text(), fonts))
