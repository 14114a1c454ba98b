"""The figures and paragraphs of the study of scale."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from hubbub.report.figure_data import Figure
from hubbub.report.figures import REFERENCE, curves, points
from hubbub.studies.options import RunOptions
from hubbub.studies.plots import MEANS, averages, named, names_in, panelled
from hubbub.studies.scale.question import SAMPLE
from hubbub.studies.trials import Finding, Results
from hubbub.studies.verdicts import sentences

Floats = NDArray[np.float64]

#: The measures that are drawn, as their axes name them: of behaviour, and of answers.
_BEHAVIOUR = {
    "approval": "likes / all votes on the question",
    "support": "mean stance of the answers",
}
_ANSWERS = {
    "variety": "effective number of texts",
    "distance": "mean cosine distance",
    "helpfulness": "mean rating (1 to 10)",
}
_SIZE = "agents (logarithmic)"


@dataclass(frozen=True, slots=True)
class Group:
    """What an arm is: what drives the agents, and how many there are."""

    who: str
    size: int


def figures(results: Results, groups: Mapping[str, Group]) -> list[Figure]:
    """Return behaviour by size, the spread of replicates, and what the answers are like.

    `groups` are those of the arms by their names.
    """
    behaviour = _by_size(
        _sized(results, groups, _BEHAVIOUR),
        _BEHAVIOUR,
        name="behaviour",
        title="What the group does as a whole",
        caption="The nearer the dots of one size, the clearer is what a group of that size does.",
    )
    answers = _by_size(
        _sized(results, groups, _ANSWERS),
        _ANSWERS,
        name="answers",
        title="What the answers are like",
        caption=f"Of {SAMPLE} answers drawn from each group: the effective number of different "
        "texts (Hill number of order 1), the mean cosine distance of two of them in meaning, and, "
        "with a judge model, how helpful they are.",
    )
    return [behaviour, _spread(results, groups), answers]


def story(findings: Sequence[Finding], asked: RunOptions) -> list[str]:
    """Return what was done, found and not found, and the assumptions."""
    helpful = (
        "Helpfulness is the judge model's rating, which is no measure of what helps people."
        if asked.judge
        else "No judge model was named, so helpfulness was not rated."
    )
    return [
        f"One question was put to groups of different sizes, driven by {asked.who}. It was all "
        "there was to see; who was awake could vote, answer, and vote on the answers shown. Each "
        "replicate is a new group.",
        *sentences(findings),
        "A group's behaviour is the clearer the nearer replicates of one size are to each other. "
        "If agents decided independently, their spread would fall with the square root of the "
        "number of votes or answers; agents who see each other's votes need not do so, and the "
        "larger the group, the larger is the score they see. Trends are "
        "rank correlations with the size, and spread is the distance to the median of the size; "
        "its test leaves out the smallest distance of each size, which follows from the others.",
        f"Diversity is taken of {SAMPLE} answers drawn at random from each group of any size, "
        "since larger groups write more texts in any case; groups with fewer answers have no such "
        "value. " + helpful,
    ]


def deviations(values: Floats) -> Floats:
    """Return the distance of each value from the median of all (Brown and Forsythe 1974)."""
    return np.abs(values - np.median(values)) if len(values) else values


def free_deviations(values: Floats) -> Floats:
    """Return the deviations for a test: without the smallest, which follows from the others.

    The smallest of an odd number of values is 0, of an even number it equals the next. With it, a
    test of two replicates each claims too much, and one of three or five hardly anything (Hines and
    Hines 2000, doi:10.1111/j.0006-341X.2000.00451.x).
    """
    return np.sort(deviations(values))[1:]


def spreads(results: Results, groups: Mapping[str, Group]) -> pa.Table:
    """Return the mean distance of replicates from the median of their size.

    Columns measure, arm (what drives the agents), x (the size), mean, low, high, replicates. Sizes
    with one replicate are left out.
    """
    samples: dict[tuple[Any, ...], list[float]] = {}
    table = _sized(results, groups, _BEHAVIOUR)
    for row in table.to_pylist():
        key = row["measure"], row["arm"], row["x"]
        samples.setdefault(key, []).append(row["value"])
    rows = [
        dict(zip(("measure", "arm", "x", "value"), (*key, apart), strict=True))
        for key, values in samples.items()
        if len(values) > 1
        for apart in deviations(np.array(values)).tolist()
    ]
    return averages(pa.Table.from_pylist(rows, table.schema), ["measure", "arm", "x"], "value")


def _sized(results: Results, groups: Mapping[str, Group], measures: Iterable[str]) -> pa.Table:
    """Return measure, arm (what drives the agents), x (the size) and value of each replicate."""
    rows = [
        {"measure": row["measure"], "arm": group.who, "x": float(group.size), "value": row["value"]}
        for row in results.values.to_pylist()
        if row["measure"] in set(measures)
        for group in [groups[row["arm"]]]
    ]
    kinds = [("measure", pa.string()), ("arm", pa.string()), ("x", pa.float64()),
             ("value", pa.float64())]  # fmt: skip
    return pa.Table.from_pylist(rows, pa.schema(kinds))


def _by_size(
    table: pa.Table, words: Mapping[str, str], *, name: str, title: str, caption: str
) -> Figure:
    """Return a figure with a panel for each measure: replicates, and their means."""
    data = averages(table, ["measure", "arm", "x"], "value")
    taken = names_in(table, "measure")

    def draw(*panels: Any) -> None:
        for panel, measure in zip(panels, taken, strict=False):
            points(panel, named(table, "measure", measure))
            curves(panel, named(data, "measure", measure), x=_SIZE, y=words[measure])
            panel.set_xscale("log")

    caption = f"{caption} A dot is a replicate; lines: {MEANS}."
    return panelled(name, title, caption, draw, data, max(1, len(taken)))


def _spread(results: Results, groups: Mapping[str, Group]) -> Figure:
    data = spreads(results, groups)
    taken = names_in(_sized(results, groups, _BEHAVIOUR), "measure")

    def draw(*panels: Any) -> None:
        for panel, measure in zip(panels, taken, strict=False):
            mine = named(data, "measure", measure)
            curves(panel, mine, x=_SIZE, y="mean distance from the median")
            if len(mine):
                first = mine.slice(0, 1).to_pylist()[0]
                sizes = np.array(sorted(set(mine["x"].to_pylist())))
                independent = first["mean"] * np.sqrt(first["x"] / sizes)
                panel.plot(sizes, independent, "--", color=REFERENCE, label="independent agents")
                panel.legend()
            panel.set_title(_BEHAVIOUR[measure])
            panel.set_xscale("log")
            panel.set_yscale("log")

    caption = (
        "How far replicates of one size lie from their median (both axes logarithmic): "
        f"{MEANS}. The dashed line falls with the square root of the size, as it would if agents "
        "decided independently."
    )
    title = "How clear the group's behaviour is"
    return panelled("spread", title, caption, draw, data, max(1, len(taken)))
