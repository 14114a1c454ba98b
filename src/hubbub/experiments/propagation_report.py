"""The figures and paragraphs of the study of propagation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hubbub.experiments.cascades_data import MEASURES
from hubbub.experiments.records import Finding, Results
from hubbub.experiments.references import MEDIAN, REFERENCES, SIZE, TIES
from hubbub.experiments.resampling import bootstrap_means, interval
from hubbub.experiments.telling import found_and_not
from hubbub.report.records import Figure
from hubbub.rng import Streams

#: The arms that simulate, and what they are compared with.
FITTED, SHIPPED, REAL = "hubbub, fitted to others", "hubbub, pace as given", "real"
#: The references that a simulation is to beat; the floor knows what is to be predicted.
THREE = (MEDIAN, SIZE, TIES)
_ORDER = (FITTED, SHIPPED, *(r.name for r in REFERENCES))
_SEED = 15
_WORDS = {"scale": "scale", "depth": "depth", "max_breadth": "maximum breadth"}


def figures(results: Results) -> list[Figure]:
    """Return the four figures of the study."""
    return [_errors(results), _labels(results), _means(results), _examples(results)]


def story(results: Results, findings: Sequence[Finding], *, made: bool) -> list[str]:
    """Return what was done, found and not found, and what is assumed."""
    table = error_table(results)
    simulated = [arm for arm in (FITTED, SHIPPED) if arm in table["arm"].to_pylist()]
    count = len(set(results.tables["cascades"]["cascade"].to_pylist()))
    return [
        *(_MADE if made else ()),
        f"For each of {count} cascades the simulation knows who takes part, who follows whom and "
        "when the root posted; it never knows the times of that cascade. The parameters of its "
        f"arm '{FITTED}' were fitted to the times of other cascades only. Real and simulated "
        "curves are compared by their root mean squared error over the first 150 minutes, divided "
        "by the real value at the end.",
        *(_sentence(table, arm) for arm in simulated),
        *found_and_not(findings),
        "References: " + "; ".join(f"{r.name}: {r.words}" for r in REFERENCES) + ". They are made "
        "from the same cascades that they are judged on, which favours them; the floor knows the "
        "value that is to be predicted, so nothing can be expected to beat it.",
        "Assumed: everybody known to have taken part reposts once it sees the message; among the "
        "known people there are no ties but those of the tree; the waiting times of people are "
        "independent given their ties and the hour. What makes one message faster than another of "
        "equal ties and hour is not modelled. The shipped pace was fitted to the 134 cascades of "
        f"Twitter15 that OASIS simulated: on them the arm '{SHIPPED}' is no test of it.",
    ]  # fmt: skip


_MADE = (
    "No real cascades were given: these are made up, trees by lot with times by the simulation's "
    "own rule. The figures show how the study works and say nothing about the world. Give real "
    "ones with --cascades DIR.",
)


def error_table(results: Results, *, labels: bool = False) -> pa.Table:
    """Return arm, (label,) measure, mean error over cascades with its 95 % interval, quartiles.

    An error is the mean over the arm's replicates first; the interval is the bootstrap's, over
    cascades.
    """
    keys = ["arm", "label", "measure"] if labels else ["arm", "measure"]
    per = results.tables["cascades"].group_by([*keys, "cascade"]).aggregate([("error", "mean")])
    streams, rows = Streams(_SEED), []
    for arm in _ORDER:
        mine = per.filter(pc.equal(per["arm"], arm))
        names = sorted(set(mine["label"].to_pylist())) if labels else [""]
        for label in names:
            for measure in MEASURES:
                which = pc.equal(mine["measure"], measure)
                if labels:
                    which = pc.and_(which, pc.equal(mine["label"], label))
                errors = np.sort(mine.filter(which)["error_mean"].to_numpy())
                if len(errors):
                    head = {"arm": arm, **({"label": label} if labels else {}), "measure": measure}
                    rows.append({**head, **_spread(errors, streams)})
    return pa.Table.from_pylist(rows)


def _spread(errors: Any, streams: Streams) -> dict[str, float]:
    mean = float(errors.mean())
    draws = bootstrap_means(errors[:, None], streams.at("mean error"))[:, 0]
    low, high = interval(mean, draws, [(errors - mean) / len(errors)])
    quarter, median, three = (float(q) for q in np.quantile(errors, [0.25, 0.5, 0.75]))
    return {
        "cascades": len(errors), "mean": mean, "low": low, "high": high,
        "quartile_1": quarter, "median": median, "quartile_3": three,
    }  # fmt: skip


def _sentence(table: pa.Table, arm: str) -> str:
    rows = {r["measure"]: r for r in table.to_pylist() if r["arm"] == arm}
    parts = [
        f"{rows[m]['mean']:.3f} for {_WORDS[m]} (95 % interval {rows[m]['low']:.3f} to "
        f"{rows[m]['high']:.3f})"
        for m in MEASURES
        if m in rows
    ]
    return f"Mean error of '{arm}': {', '.join(parts)}."


def _errors(results: Results) -> Figure:
    table = error_table(results)
    rows = table.to_pylist()
    arms = [a for a in _ORDER if any(r["arm"] == a for r in rows)]

    def draw(axes: Any) -> None:
        for m, measure in enumerate(MEASURES):
            mine = {r["arm"]: r for r in rows if r["measure"] == measure}
            y = [len(arms) - i + 0.22 * (1 - m) for i, a in enumerate(arms) if a in mine]
            found = [mine[a] for a in arms if a in mine]
            (line,) = axes.plot([r["mean"] for r in found], y, "o", label=_WORDS[measure])
            color = line.get_color()
            axes.hlines(y, [r["low"] for r in found], [r["high"] for r in found], color=color, lw=2)
            axes.hlines(
                y, [r["quartile_1"] for r in found], [r["quartile_3"] for r in found],
                color=color, lw=0.8, alpha=0.6,
            )  # fmt: skip
        axes.set_yticks([len(arms) - i for i in range(len(arms))], arms)
        axes.set_xlim(left=0)
        axes.set_xlabel("error over 150 minutes (share of the final real value)")
        axes.legend()

    caption = (
        "Mean error over cascades (dots) with its 95 % interval (thick) and the middle half of the "
        "cascades (thin), of the simulation and of the reference predictions."
    )
    return Figure("errors", "Errors beside the references", caption, draw, table, (7.2, 4.4))


def _labels(results: Results) -> Figure:
    table = error_table(results, labels=True)
    arm = simulated_arm(results)
    rows = [r for r in table.to_pylist() if r["arm"] == arm]
    labels = sorted({r["label"] for r in rows})

    def draw(axes: Any) -> None:
        for m, measure in enumerate(MEASURES):
            mine = {r["label"]: r for r in rows if r["measure"] == measure}
            x = [i + 0.2 * (m - 1) for i, name in enumerate(labels) if name in mine]
            found = [mine[name] for name in labels if name in mine]
            (line,) = axes.plot(x, [r["mean"] for r in found], "o", label=_WORDS[measure])
            axes.vlines(
                x, [r["low"] for r in found], [r["high"] for r in found], color=line.get_color()
            )
        axes.set_xticks(range(len(labels)), labels)
        axes.set_ylim(bottom=0)
        axes.set_ylabel("mean error")
        axes.legend()

    caption = f"Mean error of '{arm}' by the label of the message, with 95 % intervals."
    return Figure("labels", "Errors by label", caption, draw, table)


def _means(results: Results) -> Figure:
    names = {f"mean {m}": _WORDS[m] for m in MEASURES}
    table = _mean_curves(results, list(names))

    def draw(axes: Any) -> None:
        _draw_pairs(axes, table, names)
        axes.set_ylabel("mean share of the real value at 150 minutes")

    caption = "Mean over cascades of real curves (solid) and simulated ones (dashed)."
    return Figure("means", "Mean growth", caption, draw, table)


def _examples(results: Results) -> Figure:
    curves = pc.unique(results.curves["curve"]).to_pylist()
    names = {n: n.removeprefix("scale of ") for n in curves if n.startswith("scale of ")}
    table = _mean_curves(results, list(names))

    def draw(axes: Any) -> None:
        _draw_pairs(axes, table, names)
        axes.set_ylabel("scale (users)")

    caption = (
        "Cascades of evenly spread sizes, smallest to largest: real (solid) and simulated (dashed)."
    )
    return Figure("examples", "Examples", caption, draw, table)


def _draw_pairs(axes: Any, table: pa.Table, names: Mapping[str, str]) -> None:
    """Draw the real curve and the simulated one of each name in one colour."""
    points: dict[tuple[str, bool], list[tuple[float, float]]] = {}
    for row in table.to_pylist():
        pair = row["curve"], row["arm"] == REAL
        points.setdefault(pair, []).append((row["minutes"], row["mean"]))
    for name, label in names.items():
        (line,) = axes.plot(*zip(*points[name, True], strict=True), "-", label=label)
        axes.plot(*zip(*points[name, False], strict=True), "--", color=line.get_color())
    axes.set_xlabel("minutes since the post")
    axes.set_ylim(bottom=0)
    axes.legend()


def _mean_curves(results: Results, names: Sequence[str]) -> pa.Table:
    """Return arm, curve, minutes and the mean over replicates, real and simulated."""
    curves = results.curves
    arms = pa.array([REAL, simulated_arm(results)])
    curves = curves.filter(pc.is_in(curves["curve"], pa.array(names, pa.string())))
    curves = curves.filter(pc.is_in(curves["arm"], arms))
    mean = curves.group_by(["arm", "curve", "x"], use_threads=False).aggregate([("y", "mean")])
    mean = mean.rename_columns(["arm", "curve", "minutes", "mean"])
    return mean.sort_by([(name, "ascending") for name in ("arm", "curve", "minutes")])


def simulated_arm(results: Results) -> str:
    """Return the arm that stands for the simulation: fitted to others, where that was possible."""
    return FITTED if FITTED in results.values["arm"].to_pylist() else SHIPPED
