"""What figures are made of: each function draws one thing on matplotlib axes, with its labels.

Labels name the quantity and, in brackets, its unit. Tables have the columns named, so that what is
drawn is what is kept as CSV.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import ArrayLike, NDArray

from hubbub.report.style import COLORS
from hubbub.rng import Streams

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
T = TypeVar("T")

_BAND, _LINE, _REFERENCE = 0.18, 1.8, "#888888"
_SWEEPS, _FIRST_MOVE = 150, 0.1


def curves(axes: Any, table: pa.Table, *, x: str, y: str) -> None:
    """Draw a line with a band for each arm; columns arm, x, mean, low, high; labels x and y."""
    for color, (arm, rows) in _colored(_by_arm(table)):
        axes.fill_between(rows["x"], rows["low"], rows["high"], color=color, alpha=_BAND, lw=0)
        axes.plot(rows["x"], rows["mean"], color=color, label=arm)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.legend()


def dots(axes: Any, table: pa.Table, *, x: str, reference: float | None = None) -> None:
    """Draw a dot with its interval in a line of its own for each row, the first row on top.

    Columns arm, mean, low, high; label x; a thin line stands at `reference`, such as no effect.
    """
    rows = table.to_pylist()
    if reference is not None:
        axes.axvline(reference, color=_REFERENCE, linewidth=0.9)
    for place, row in enumerate(rows):
        axes.plot([row["low"], row["high"]], [place] * 2, color=COLORS[0], solid_capstyle="butt")
        axes.plot(row["mean"], place, "o", color=COLORS[0])
    axes.set_yticks(range(len(rows)), [row["arm"] for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlabel(x)


def survival(axes: Any, samples: Mapping[str, ArrayLike], *, x: str) -> None:
    """Draw the share of values that are at least x, on logarithmic axes; values above 0."""
    for color, (name, sample) in _colored(samples):
        values = np.sort(np.asarray(sample, np.float64))
        values = values[values > 0]
        share = 1.0 - np.arange(len(values)) / max(1, len(values))
        axes.plot(values, share, color=color, label=name, drawstyle="steps-pre")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel(x)
    axes.set_ylabel("share with at least as much")
    axes.legend()


def quantiles(
    axes: Any, sample: ArrayLike, inverse: Callable[[Floats], Floats], *, x: str, y: str
) -> None:
    """Draw the values of a sample against the quantiles of a distribution (Q-Q plot).

    `inverse` is its quantile function, taken at (i - 0.5) / n (Hazen 1914); the line is where both
    are equal. Label x for the distribution, y for the sample.
    """
    values = np.sort(np.asarray(sample, np.float64))
    expected = inverse((np.arange(len(values)) + 0.5) / max(1, len(values)))
    if len(values):
        both = [min(values[0], expected[0]), max(values[-1], expected[-1])]
        axes.plot(both, both, color=_REFERENCE, linewidth=0.9)
    axes.plot(expected, values, "o", color=COLORS[0], markersize=3.5, alpha=0.6)
    axes.set_xlabel(x)
    axes.set_ylabel(y)


def histogram(axes: Any, samples: Mapping[str, ArrayLike], edges: Floats, *, x: str) -> None:
    """Draw the share of each sample's values between each two edges; others are not drawn."""
    for color, (name, sample) in _colored(samples):
        values = np.asarray(sample, np.float64)
        share = np.histogram(values, edges)[0] / max(1, len(values))
        axes.stairs(share, edges, color=color, label=name, linewidth=_LINE)
    axes.set_xlabel(x)
    axes.set_ylabel("share")
    axes.legend()


def network(axes: Any, places: Floats, ties: Ints, groups: Mapping[str, ArrayLike]) -> None:
    """Draw a graph: nodes at `places` float64[n, 2], `ties` int64[m, 2], a colour for each group.

    `groups` are the rows of the nodes in each. Lengths have no unit, so that there are no scales.
    """
    ends = places[ties]
    gaps = np.full((len(ties), 1, 2), np.nan)
    x, y = np.concatenate([ends, gaps], axis=1).reshape(-1, 2).T
    axes.plot(x, y, color=_REFERENCE, linewidth=0.4, alpha=0.5, zorder=1)
    size = float(np.clip(3000 / max(1, len(places)), 4, 60))
    for color, (name, rows) in _colored(groups):
        mine = places[np.asarray(rows, np.int64)]
        axes.scatter(*mine.T, s=size, color=color, label=name, edgecolors="white", lw=0.4, zorder=2)
    axes.set_aspect("equal")
    axes.set_axis_off()
    axes.legend()


def layout(nodes: int, ties: Ints, *, seed: int) -> Floats:
    """Return places for the nodes of a graph, float64[nodes, 2], those tied close to each other.

    `ties` int64[m, 2]. The algorithm of Fruchterman and Reingold 1991 (doi:10.1002/spe.4380211102):
    with k = sqrt(area / nodes), all push each other apart with k^2 / d, those tied pull with
    d^2 / k, and steps get shorter. For up to some thousand nodes: it compares all pairs.
    """
    places = Streams(seed).at("layout").uniform(nodes, 2)
    k = 1.0 / np.sqrt(max(1, nodes))
    tied = np.zeros((nodes, nodes), np.bool_)
    tied[ties[:, 0], ties[:, 1]] = tied[ties[:, 1], ties[:, 0]] = True
    for longest in np.linspace(_FIRST_MOVE, 0.0, _SWEEPS, endpoint=False):
        apart = places[:, None, :] - places[None, :, :]
        distance = np.maximum(np.sqrt((apart**2).sum(axis=2)), 1e-9)
        force = (k / distance) ** 2 - tied * distance / k
        move = np.einsum("ij,ijd->id", force, apart)
        length = np.maximum(np.sqrt((move**2).sum(axis=1, keepdims=True)), 1e-9)
        places = places + move / length * np.minimum(length, longest)
    return places - places.mean(axis=0) if nodes else places


def _by_arm(table: pa.Table) -> dict[str, dict[str, Floats]]:
    """Return the columns x, mean, low and high of each arm, in the order of the table."""
    result = {}
    for arm in pc.unique(table["arm"]).to_pylist():
        mine = table.filter(pc.equal(table["arm"], arm))
        result[arm] = {name: mine[name].to_numpy() for name in ("x", "mean", "low", "high")}
    return result


def _colored(named: Mapping[str, T]) -> list[tuple[str, tuple[str, T]]]:
    return [(COLORS[i % len(COLORS)], item) for i, item in enumerate(named.items())]
