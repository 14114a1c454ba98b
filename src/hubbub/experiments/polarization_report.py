"""The figures and paragraphs of the study of group polarization."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from hubbub.experiments.asked import Asked
from hubbub.experiments.extremity import SAME
from hubbub.experiments.records import Finding, Results
from hubbub.experiments.telling import found_and_not
from hubbub.report.records import Figure

_BAND = (0.05, 0.95)
#: Distributions that are drawn, the start among them; the others are in the data.
_DRAWN = 4
_EDGES = np.linspace(-1.0, 1.0, 21)
#: The curves that are drawn: their names, titles and axes.
_CURVES = (
    ("mean_extremity", "Extremity over time", "mean extremity |x|"),
    ("variance", "Variance of opinions over time", "variance"),
    ("bimodality", "Two camps over time", "bimodality coefficient"),
    ("assortativity", "Likeness of those who are tied", "assortativity of opinions"),
    ("net_more_extreme", "More extreme than at the start?", "share more - share less extreme"),
)


def figures(results: Results) -> list[Figure]:
    """Return the measures over time with bands, and how opinions lie at the end."""
    made = [_over_time(results, *curve) for curve in _CURVES]
    made.insert(1, _distributions(results))
    return made


def story(results: Results, findings: Sequence[Finding], asked: Asked) -> list[str]:
    """Return what was done, what was found and what not, and what is assumed."""
    return [_done(asked), *found_and_not(findings), *_assumed(asked)]


def _over_time(results: Results, curve: str, title: str, axis: str) -> Figure:
    data = bands(results.curves, curve)

    def draw(axes: Any) -> None:
        for arm in _arms(data):
            rows = [r for r in data.to_pylist() if r["arm"] == arm]
            step, mean, low, high = ([r[c] for r in rows] for c in ("step", "mean", "low", "high"))
            (line,) = axes.plot(step, mean, label=arm)
            axes.fill_between(step, low, high, color=line.get_color(), alpha=0.15, linewidth=0)
        axes.set_xlabel("step")
        axes.set_ylabel(axis)
        axes.legend()

    caption = "Lines: means over replicates; bands: the middle nine tenths of replicates."
    return Figure(curve, title, caption, draw, data)


def bands(curves: pa.Table, curve: str) -> pa.Table:
    """Return arm, step, mean, low and high of a curve over the replicates, by arm and step."""
    points: dict[tuple[str, float], list[float]] = {}
    for row in curves.to_pylist():
        if row["curve"] == curve:
            points.setdefault((row["arm"], row["x"]), []).append(row["y"])
    rows = [
        {"arm": arm, "step": step, "mean": float(np.mean(ys)),
         "low": float(np.quantile(ys, _BAND[0])), "high": float(np.quantile(ys, _BAND[1]))}
        for (arm, step), ys in points.items()
    ]  # fmt: skip
    kinds = {"arm": pa.string()} | dict.fromkeys(("step", "mean", "low", "high"), pa.float64())
    return pa.Table.from_pylist(rows, schema=pa.schema(kinds))


def _distributions(results: Results) -> Figure:
    """Return the shares of agents by opinion at the end, of each arm, all replicates together."""
    opinions = results.tables["opinions"]
    arm = np.array(opinions["arm"].to_pylist())
    start, end = (np.asarray(opinions[c], np.float64) for c in ("start", "end"))
    samples = {"at the start": start} | {a: end[arm == a] for a in dict.fromkeys(arm.tolist())}
    rows = [
        {"arm": name, "opinion": float(middle), "share": float(share)}
        for name, sample in samples.items()
        for middle, share in zip(
            (_EDGES[1:] + _EDGES[:-1]) / 2,
            np.histogram(sample, _EDGES)[0] / max(1, len(sample)),
            strict=True,
        )
    ]
    data = pa.Table.from_pylist(rows)

    def draw(axes: Any) -> None:
        for name in _arms(data)[:_DRAWN]:
            share = [r["share"] for r in rows if r["arm"] == name]
            dashed = name == "at the start"
            axes.stairs(share, _EDGES, label=name, linewidth=1.5,
                        **({"color": "0.4", "linestyle": "--"} if dashed else {}))  # fmt: skip
        axes.set_xlabel("opinion x (-1: keep the safe income; 1: risk the novel)")
        axes.set_ylabel("share of agents")
        axes.legend()

    caption = (
        "How opinions are spread at the end in the first arms, and (dashed) at the start, all "
        "replicates together. The data has the other arms."
    )
    return Figure("opinions", "Opinions at the end", caption, draw, data)


def _arms(data: pa.Table) -> list[str]:
    return list(dict.fromkeys(data["arm"].to_pylist()))


def _done(asked: Asked) -> str:
    """Say what was done."""
    if asked.models:
        who = f"driven by language models ({', '.join(asked.models)})"
        how = "said how strongly they were for the risk and what they would advise, every ten steps"
    else:
        who = "driven by the statistical policy"
        how = "were asked every ten steps, that is, their opinions were read"
    return (
        "Helen, a successful author, can risk a great novel or keep her safe income. A society of "
        f"as many agents as in the experiment of OASIS, {who}, talked about it on an X-like "
        f"platform. Agents {how}. In a homophilous network most ties are drawn among those of like "
        "opinion at the start, in a mixed one at random; everyone follows equally many, and ties "
        "stay. Replicates of the same number have the same people and first opinions in all arms, "
        "so arms are compared in pairs."
    )


def _assumed(asked: Asked) -> list[str]:
    """Say what is assumed, and what cannot be concluded."""
    if asked.models:
        judged = (
            "A judge model saw both pieces of advice of each pair in both orders; only judgements "
            "that agree count, and the share of pairs that do is in the results."
            if asked.judge
            else "No judge model was named: who is more extreme follows from the numbers answered."
        )
        return [
            judged + " Answers that could not be read are left out. What models do is no evidence "
            "of what people do."
        ]
    return [
        "The rule by which opinions move is an assumption, not a finding. By default it is biased "
        "assimilation (Dandekar, Goel and Lee 2013), which polarises where like meets like; "
        "averaging (Friedkin and Johnsen 1990) cannot, and bounded confidence (Deffuant and others "
        "2000) draws those within reach together. That the arms follow these theories checks the "
        "machinery; what the network and the feed add to a rule is what the study measures. The "
        "chronological feed shows only posts of people one follows, the other two show others as "
        "well and more posts, so that feeds differ in both (see posts_seen).",
        "Without a judge model someone counts as more extreme than at the start if the distance "
        f"from neutral grew by at least {SAME:g} (the scale ends at 1). No text was read.",
    ]
