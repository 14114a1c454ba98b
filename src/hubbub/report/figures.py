"""The building blocks of figures: each function draws one thing on matplotlib axes, with labels.

Labels name the quantity and, in brackets, its unit. Tables have the columns named, so that what is
drawn is also what is kept as CSV.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import ArrayLike, NDArray

from hubbub.report.style import COLORS, INK
from hubbub.rng import Streams

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
T = TypeVar("T")

#: The colour of reference data.
REFERENCE = "#888888"
_BAND, _LINE = 0.18, 1.8
_SWEEPS, _FIRST_MOVE, _PULL = 150, 0.1, 1.0
#: The part of a line's height in which dots of different colours stand.
_GAP = 0.7


def curves(axes: Any, table: pa.Table, *, x: str, y: str) -> None:
    """Draw a line with a band for each arm; columns arm, x, mean, low, high; labels x and y."""
    for color, (arm, rows) in _colored(_by_arm(table)):
        axes.fill_between(rows["x"], rows["low"], rows["high"], color=color, alpha=_BAND, lw=0)
        alone = "o" if len(rows["x"]) == 1 else ""
        axes.plot(rows["x"], rows["mean"], color=color, label=arm, marker=alone)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    _legend(axes)


def dots(
    axes: Any,
    table: pa.Table,
    *,
    x: str,
    of: str = "arm",
    by: str | None = None,
    reference: float | None = None,
    known: str = "",
) -> None:
    """Draw a dot with its interval for each row, in lines named by the column `of`, from the top.

    Columns `of`, mean, low, high; label x. The values of the column `by` have different colours,
    and stand one below the other in a line. If there are columns quartile_1 and quartile_3, a thin
    line joins them; if there is one named `known`, its values are open diamonds, and `known` is
    their name in the legend. A thin line stands at `reference`, such as no effect.
    """
    rows = table.to_pylist()
    names = _places(row[of] for row in rows)
    kinds = _places(row[by] if by else "" for row in rows)
    if reference is not None:
        axes.axvline(reference, color=REFERENCE, linewidth=0.9)
    for row in rows:
        kind = row[by] if by else ""
        color = COLORS[kinds[kind] % len(COLORS)]
        place = names[row[of]] + _GAP * (kinds[kind] - (len(kinds) - 1) / 2) / len(kinds)
        if "quartile_1" in row:
            ends = [row["quartile_1"], row["quartile_3"]]
            axes.plot(ends, [place] * 2, color=color, linewidth=0.8, alpha=0.6)
        axes.plot([row["low"], row["high"]], [place] * 2, color=color, solid_capstyle="butt")
        axes.plot(row["mean"], place, "o", color=color, label=kind)
        if known and row[known] is not None:
            axes.plot(row[known], place, "D", mfc="none", color=INK, markersize=5)
    if known and any(row[known] is not None for row in rows):
        axes.plot([], [], "D", mfc="none", color=INK, markersize=5, label=known)
    axes.set_yticks(range(len(names)), list(names))
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlabel(x)
    _legend(axes)


def points(axes: Any, table: pa.Table) -> None:
    """Draw a faint dot for each row, a colour for each arm; columns arm, x, value."""
    for color, (_, rows) in _colored(_by_arm(table, "x", "value")):
        axes.plot(rows["x"], rows["value"], "o", color=color, alpha=0.3, markersize=3.5)


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
    _legend(axes)


def quantiles(
    axes: Any, sample: ArrayLike, inverse: Callable[[Floats], Floats], *, x: str, y: str
) -> None:
    """Draw the values of a sample against the quantiles of a distribution (Q-Q plot).

    `inverse` is its quantile function, taken at (i - 0.5) / n (Hazen 1914); the line shows where
    both are equal. Label x for the distribution, y for the sample.
    """
    values = np.sort(np.asarray(sample, np.float64))
    expected = inverse((np.arange(len(values)) + 0.5) / max(1, len(values)))
    if len(values):
        both = [min(values[0], expected[0]), max(values[-1], expected[-1])]
        axes.plot(both, both, color=REFERENCE, linewidth=0.9)
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
    _legend(axes)


def network(axes: Any, places: Floats, ties: Ints, groups: Mapping[str, ArrayLike]) -> None:
    """Draw a graph: nodes at `places` float64[n, 2], `ties` int64[m, 2], a colour for each group.

    `groups` are the rows of the nodes in each. Ties within a group have its colour, others are
    grey. Lengths have no unit, so there are no scales.
    """
    group = np.full(len(places), -1)
    for number, rows in enumerate(groups.values()):
        group[np.asarray(rows, np.int64)] = number
    left, right = group[ties.reshape(-1, 2)].T
    _segments(axes, places, ties[(left != right) | (left < 0)], REFERENCE)
    size = float(np.clip(3000 / max(1, len(places)), 4, 60))
    for number, (color, (name, rows)) in enumerate(_colored(groups)):
        _segments(axes, places, ties[(left == number) & (right == number)], color)
        mine = places[np.asarray(rows, np.int64)]
        axes.scatter(*mine.T, s=size, color=color, label=name, edgecolors="white", lw=0.4, zorder=2)
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_axis_off()
    _legend(axes)


def layout(nodes: int, ties: Ints, *, seed: int, start: Floats | None = None) -> Floats:
    """Return positions for the nodes of a graph, float64[nodes, 2], with tied nodes close together.

    `ties` int64[m, 2]; `start` are positions to begin at, such as those of an earlier graph;
    without them, they are drawn at random. The algorithm of Fruchterman and Reingold 1991
    (doi:10.1002/spe.4380211102): with k = sqrt(area / nodes), all nodes push each other apart with
    k^2 / d, tied ones pull with d^2 / k, and steps get shorter. All are pulled to the middle with
    d, so that parts without ties between them stay close. For up to some thousand nodes: it
    compares all pairs.
    """
    places = Streams(seed).at("layout").uniform(nodes, 2) - 0.5 if start is None else start
    k = 1.0 / np.sqrt(max(1, nodes))
    tied = np.zeros((nodes, nodes), np.bool_)
    tied[ties[:, 0], ties[:, 1]] = tied[ties[:, 1], ties[:, 0]] = True
    for longest in np.linspace(_FIRST_MOVE, 0.0, _SWEEPS, endpoint=False):
        apart = places[:, None, :] - places[None, :, :]
        distance = np.maximum(np.sqrt((apart**2).sum(axis=2)), 1e-9)
        force = (k / distance) ** 2 - tied * distance / k
        move = np.einsum("ij,ijd->id", force, apart) - _PULL * places
        length = np.maximum(np.sqrt((move**2).sum(axis=1, keepdims=True)), 1e-9)
        places = places + move / length * np.minimum(length, longest)
    return places - places.mean(axis=0) if nodes else places


def _segments(axes: Any, places: Floats, ties: Ints, color: str) -> None:
    ends = places[ties.reshape(-1, 2)]
    gaps = np.full((len(ends), 1, 2), np.nan)
    x, y = np.concatenate([ends, gaps], axis=1).reshape(-1, 2).T
    axes.plot(x, y, color=color, linewidth=0.6, alpha=0.5, zorder=1)


def _legend(axes: Any) -> None:
    """Add a legend that has each name once, if there is one."""
    handles, names = axes.get_legend_handles_labels()
    entries = {name: handle for handle, name in zip(handles, names, strict=True) if name}
    if entries:
        axes.legend(entries.values(), entries)


def _places(names: Iterable[str]) -> dict[str, int]:
    """Return the position of each name, in order of first appearance."""
    return {name: place for place, name in enumerate(dict.fromkeys(names))}


def _by_arm(table: pa.Table, *names: str) -> dict[str, dict[str, Floats]]:
    """Return the columns of each arm, in the order of the table; x, mean, low, high by default."""
    result = {}
    for arm in pc.unique(table["arm"]).to_pylist():
        mine = table.filter(pc.equal(table["arm"], arm))
        result[arm] = {n: mine[n].to_numpy() for n in names or ("x", "mean", "low", "high")}
    return result


def _colored(named: Mapping[str, T]) -> list[tuple[str, tuple[str, T]]]:
    return [(COLORS[i % len(COLORS)], item) for i, item in enumerate(named.items())]
