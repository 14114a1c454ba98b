"""The figures and paragraphs of the study of scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hubbub.experiments.asked import Asked
from hubbub.experiments.records import Finding, Results
from hubbub.experiments.scale_question import SAMPLE
from hubbub.experiments.telling import found_and_not
from hubbub.report.records import Figure

_WORDS = {
    "approval": "likes of the question / all votes on it",
    "support": "mean stance of the answers",
    "variety": "effective number of different texts",
    "distance": "mean cosine distance of two answers",
    "helpfulness": "mean rating, 1 to 10",
}


def figures(results: Results) -> list[Figure]:
    """Return the spread by size, and each measure by size, a dot a replicate."""
    return [_spread(results), *(_by_size(results, measure) for measure in _measures(results))]


def story(findings: Sequence[Finding], asked: Asked) -> list[str]:
    """Return what was done, what was found and what not, and what is assumed."""
    who = f"language models ({', '.join(asked.models)})" if asked.models else "a statistical policy"
    helpful = (
        "Helpfulness is the judge model's rating, which is no measure of what helps people."
        if asked.judge
        else "No judge model was named, so helpfulness was not rated."
    )
    return [
        f"One question was put to groups of different sizes, driven by {who}. It was all there was "
        "to see; who was awake could vote, answer, and vote on the answers shown. Each replicate "
        "is a new group.",
        *found_and_not(findings),
        "A group's behaviour is the clearer the nearer replicates of one size are to each other. "
        "If agents decided independently, their spread would fall with the square root of the "
        "number of votes or answers; agents who see each other's votes need not do so, and the "
        "larger the group, the larger is the score they see. Trends are "
        "rank correlations with the size, and spread is the distance to the median of the size.",
        f"Diversity is taken of {SAMPLE} answers drawn by lot from each group, whatever its size, "
        "since larger groups write more texts in any case; groups with fewer answers have no such "
        "value. " + helpful,
    ]


def spread_table(results: Results) -> pa.Table:
    """Return arm, measure, replicates, mean, and standard deviation between replicates."""
    found: dict[tuple[str, str], list[float]] = {}
    for row in results.values.to_pylist():
        found.setdefault((row["arm"], row["measure"]), []).append(row["value"])
    rows = [
        {"arm": arm, "measure": measure, "replicates": len(values),
         "mean": float(np.mean(values)), "spread": float(np.std(values, ddof=1))}
        for (arm, measure), values in found.items()
        if len(values) > 1
    ]  # fmt: skip
    kinds = {"arm": pa.string(), "measure": pa.string(), "replicates": pa.int64(),
             "mean": pa.float64(), "spread": pa.float64()}  # fmt: skip
    return pa.Table.from_pylist(rows, schema=pa.schema(kinds))


def _spread(results: Results) -> Figure:
    data = spread_table(results)
    rows = [r for r in data.to_pylist() if r["measure"] in ("approval", "support")]
    arms = _arms(results)

    def draw(axes: Any) -> None:
        for measure in dict.fromkeys(r["measure"] for r in rows):
            mine = [r for r in rows if r["measure"] == measure and r["spread"] > 0]
            axes.plot([arms.index(r["arm"]) for r in mine], [r["spread"] for r in mine], "o-",
                      label=_WORDS[measure])  # fmt: skip
        axes.set_yscale("log")
        axes.set_xticks(range(len(arms)), arms)
        axes.set_ylabel("standard deviation between replicates")
        axes.legend()

    caption = (
        "How far replicates of one size lie apart (logarithmic). Where sizes grow tenfold, "
        "independent agents give a fall to 0.32 with each."
    )
    return Figure("spread", "How clear the group's behaviour is", caption, draw, data)


def _by_size(results: Results, measure: str) -> Figure:
    data = results.values.filter(pc.equal(results.values["measure"], measure))
    rows, arms = data.to_pylist(), _arms(results)

    def draw(axes: Any) -> None:
        x = [arms.index(r["arm"]) for r in rows]
        axes.plot(x, [r["value"] for r in rows], "o", alpha=0.4)
        axes.set_xticks(range(len(arms)), arms)
        axes.set_ylabel(_WORDS[measure])

    title = f"{measure.capitalize()} by group size"
    return Figure(measure, title, "A dot is a replicate.", draw, data)


def _measures(results: Results) -> list[str]:
    taken = set(results.values["measure"].to_pylist())
    return [measure for measure in _WORDS if measure in taken]


def _arms(results: Results) -> list[str]:
    return list(dict.fromkeys(results.values["arm"].to_pylist()))
