"""The figures and paragraphs of the study of propagation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hubbub.report.figure_data import Figure
from hubbub.report.figures import dots
from hubbub.rng import Streams
from hubbub.studies.cascade_files import MEASURES
from hubbub.studies.plots import curves_figure, named, names_in, renamed
from hubbub.studies.propagation.baselines import MEDIAN, REFERENCES, SIZE, TIES
from hubbub.studies.resampling import bootstrap_means, interval
from hubbub.studies.trials import Finding, Results
from hubbub.studies.verdicts import sentences

#: The arms that simulate, and their baselines.
FITTED, SHIPPED, REAL = "hubbub, fitted to others", "hubbub, pace as given", "real"
#: The baselines that a simulation should beat; the floor knows what is to be predicted.
THREE = (MEDIAN, SIZE, TIES)
_ORDER = (FITTED, SHIPPED, *(r.name for r in REFERENCES))
_SEED = 15
_WORDS = {"scale": "scale", "depth": "depth", "max_breadth": "maximum breadth"}


def figures(results: Results) -> list[Figure]:
    """Return the four figures of the study."""
    return [_errors(results), _labels(results), _means(results), _examples(results)]


def story(
    results: Results, findings: Sequence[Finding], *, made: bool, model: str | None = None
) -> list[str]:
    """Return what was done, found and not found, and the assumptions."""
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
        *sentences(findings),
        "References: " + "; ".join(f"{r.name}: {r.words}" for r in REFERENCES) + ". They are made "
        "from the same cascades that they are judged on, which favours them; the floor knows the "
        "value that is to be predicted, so nothing can be expected to beat it.",
        f"Assumed: {_who(model)}; among the "
        "known people there are no ties but those of the tree; the waiting times of people are "
        "independent given their ties and the hour. What makes one message faster than another of "
        "equal ties and hour is not modelled. The shipped pace was fitted to the 134 cascades of "
        f"Twitter15 that OASIS simulated: on them the arm '{SHIPPED}' is no test of it.",
    ]  # fmt: skip


_MADE = (
    "No real cascades were given: these are synthetic: random trees, with times from the "
    "simulation's own rule. The figures show how the study works and say nothing about "
    "the world. Give real cascades with --cascades DIR.",
)


def _who(model: str | None) -> str:
    """Say how people known to have taken part treat the message."""
    if model is None:
        return "everybody known to have taken part reposts once it sees the message"
    return (
        "those known to have taken part are awake by the same pace, and the language model "
        f"{model} decides whether they repost what they see"
    )


def error_table(results: Results, *, labels: bool = False) -> pa.Table:
    """Return arm, (label,) measure, mean error over cascades with its 95 % interval, quartiles.

    An error is first averaged over the arm's replicates; the interval is the bootstrap's, over
    cascades.
    """
    keys = ["arm", "label", "measure"] if labels else ["arm", "measure"]
    per = (
        results.tables["cascades"]
        .group_by([*keys, "cascade"], use_threads=False)
        .aggregate([("error", "mean")])
    )
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
    shown = _worded(table)

    def draw(axes: Any) -> None:
        x = "error over 150 minutes (share of the real value at the end)"
        dots(axes, shown, x=x, by="measure")
        axes.set_xlim(left=0)

    caption = (
        "Mean error over cascades (dots) with its 95 % bootstrap interval (thick) and the middle "
        "half of the cascades (thin), of the simulation and of the reference predictions, which "
        "are explained below."
    )
    return Figure("errors", "Errors beside the references", caption, draw, table, (6.4, 4.4))


def _labels(results: Results) -> Figure:
    arm = simulated_arm(results)
    table = named(error_table(results, labels=True), "arm", arm)
    shown = _worded(table)

    def draw(axes: Any) -> None:
        dots(axes, shown, x="error (share of the real value at the end)", of="label", by="measure")
        axes.set_xlim(left=0)

    caption = (
        f"Mean error of '{arm}' by the label of the message, with its 95 % bootstrap interval "
        "(thick) and the middle half of the cascades (thin)."
    )
    size = (6.4, 1.3 + 0.5 * len(names_in(table, "label")))
    return Figure("labels", "Errors by label", caption, draw, table, size)


def _worded(table: pa.Table) -> pa.Table:
    """Return the table with readable names of measures."""
    return renamed(table, "measure", [_WORDS[m] for m in table["measure"].to_pylist()])


def _means(results: Results) -> Figure:
    return curves_figure(
        _pair(results),
        dict.fromkeys([f"mean {m}" for m in MEASURES], "share of the real value at 150 min"),
        name="means",
        title="Mean growth",
        caption="Mean over cascades of the real curves and the simulated ones, each divided by the "
        "real value at 150 minutes; bands: 95 % bootstrap intervals over replicates.",
        x="minutes since the post",
        titles=[_WORDS[m] for m in MEASURES],
    )


def _examples(results: Results) -> Figure:
    curves = _pair(results)
    names = [name for name in names_in(curves, "curve") if name.startswith("scale of ")]
    return curves_figure(
        curves,
        dict.fromkeys(names, "scale (users)"),
        name="examples",
        title="Examples",
        caption="Cascades of evenly spread sizes, smallest to largest: real and simulated; bands: "
        "95 % bootstrap intervals over replicates.",
        x="minutes since the post",
        titles=[name.removeprefix("scale of ") for name in names],
    )


def _pair(results: Results) -> pa.Table:
    """Return the curves of reality, then of the simulation."""
    pair = (REAL, simulated_arm(results))
    return pa.concat_tables(named(results.curves.arrow, "arm", arm) for arm in pair)


def simulated_arm(results: Results) -> str:
    """Return the arm shown as the simulation: fitted to other cascades, where possible."""
    return FITTED if FITTED in results.values["arm"].to_pylist() else SHIPPED
