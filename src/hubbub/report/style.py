"""One look for all figures: a picture is drawn without touching the state of matplotlib.

The same figure gives the same bytes with one version of matplotlib, whatever the settings of the
person who draws it.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

from hubbub.errors import MissingExtraError
from hubbub.report.records import Figure

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Colours that the colour-blind can tell apart: Okabe and Ito 2008, "Color Universal Design",
#: figure 16, without the yellow, which is hard to see on white.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
#: Dots per inch of PNG.
DPI = 200
#: So many entries of a legend, or fewer, stand in one row if they fit; more in two or more.
_ONE_ROW = 3
#: Letters that fit in an inch of a legend, and those the line and the gap take of each entry.
_LETTERS, _BESIDE = 13, 8
_INK, _FAINT = "#333333", "#e6e6e6"
_STYLE = {
    "axes.axisbelow": True,
    "axes.edgecolor": "#888888",
    "axes.grid": True,
    "axes.labelcolor": _INK,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.family": "DejaVu Sans",
    "font.size": 9.0,
    "grid.color": _FAINT,
    "grid.linewidth": 0.7,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "lines.linewidth": 1.8,
    "lines.markersize": 5.5,
    "svg.fonttype": "path",
    "svg.hashsalt": "hubbub",
    "text.color": _INK,
    "text.parse_math": False,  # names may have dollar signs
    "xtick.color": "#666666",
    "xtick.labelcolor": _INK,
    "ytick.color": "#666666",
    "ytick.labelcolor": _INK,
}
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawn figure as the contents of two files."""

    svg: bytes
    png: bytes


def draw(figure: Figure) -> Picture:
    """Draw a figure; MissingExtraError without matplotlib."""
    with _style():
        from matplotlib.figure import Figure as Canvas

        canvas = Canvas(figsize=figure.size, layout="constrained")
        axes = canvas.add_subplot()
        figure.draw(axes)
        for axis in (axes.xaxis, axes.yaxis):
            _plain_powers(axis)
        _place_legend(axes, figure.size[0])
        svg, png = BytesIO(), BytesIO()
        canvas.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
        canvas.savefig(png, format="png", dpi=DPI, metadata={"Software": None})
    return Picture(svg.getvalue(), png.getvalue())


@contextmanager
def _style() -> Iterator[None]:
    """Draw in our style alone; the person's settings are back afterwards."""
    try:
        from cycler import cycler
        from matplotlib import style
    except ImportError:
        raise MissingExtraError("matplotlib", "analysis") from None
    with style.context({**_STYLE, "axes.prop_cycle": cycler(color=COLORS)}, after_reset=True):
        yield


def _plain_powers(axis: Any) -> None:
    """Label a logarithmic axis in plain text, as formulas are switched off: 0.01, 1,000, 10⁵."""
    from matplotlib.ticker import FuncFormatter, LogFormatter, LogLocator

    if isinstance(axis.get_major_formatter(), LogFormatter):
        axis.set_major_formatter(FuncFormatter(lambda value, _: power(value)))
        if isinstance(axis.get_minor_locator(), LogLocator):
            axis.set_minor_formatter(FuncFormatter(lambda *_: ""))


def power(value: float) -> str:
    """Return a number as the label of a logarithmic axis."""
    if 1e-3 <= abs(value) < 1e5:
        return f"{value:,.10g}"
    factor, _, exponent = f"{value:.2e}".partition("e")
    factor = factor.rstrip("0").rstrip(".")
    raised = "10" + str(int(exponent)).translate(_RAISED)
    return raised if factor == "1" else f"{factor} × {raised}"


def _place_legend(axes: Any, width: float) -> None:
    """Put the legend above the axes, where it hides nothing."""
    legend = axes.get_legend()
    names = [text.get_text() for text in legend.get_texts()] if legend else []
    if not names:
        return
    wanted = len(names) if len(names) <= _ONE_ROW else -(-len(names) // 2)
    fit = int(width * _LETTERS / (max(map(len, names)) + _BESIDE))
    axes.legend(
        legend.legend_handles,
        names,
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=max(1, min(fit, wanted)),
    )
