"""The figures and paragraphs of the study of group polarization."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from hubbub.report.figure_data import Figure
from hubbub.report.figures import histogram
from hubbub.studies.options import RunOptions
from hubbub.studies.plots import MEANS, curves_figure, names_in, panelled
from hubbub.studies.polarization.dilemma import AGENTS, NUMBER
from hubbub.studies.polarization.extremity import SAME
from hubbub.studies.trials import Finding, Results
from hubbub.studies.verdicts import sentences

_EDGES = np.linspace(-1.0, 1.0, 21)
_EXTREMITY = {"mean_extremity": "mean extremity |x|"}
_OTHERS = {
    "variance": "variance of opinions",
    "bimodality": "bimodality coefficient",
    "assortativity": "assortativity of opinions",
    "net_more_extreme": "share more - less extreme",
}


def figures(results: Results) -> list[Figure]:
    """Return extremity over time, opinions at the end, and the other measures over time."""
    extremity = curves_figure(
        results.curves,
        _EXTREMITY,
        name="mean_extremity",
        title="Extremity over time",
        caption="How far opinions lie from neutral (0: all are neutral; 1: all are at an end): "
        f"{MEANS}.",
    )
    others = curves_figure(
        results.curves,
        _OTHERS,
        name="measures",
        title="Spread, camps and likeness over time",
        caption="How far opinions lie apart, how far they form two camps (uniform: 5/9, two "
        "points: 1), how alike those are who follow each other (correlation), and how many more "
        f"people are more extreme than at the start than less: {MEANS}.",
    )
    return [extremity, _distributions(results), others]


def story(results: Results, findings: Sequence[Finding], asked: RunOptions) -> list[str]:
    """Return what was done, found and not found, and the assumptions."""
    return [_done(asked), *sentences(findings), *_assumed(asked)]


def _distributions(results: Results) -> Figure:
    """Return the shares of agents by opinion at the start and the end, with a panel for each arm.

    All replicates of an arm are pooled.
    """
    opinions = results.tables["opinions"]
    arm = np.array(opinions["arm"].to_pylist())
    columns = {when: np.asarray(opinions[when], np.float64) for when in ("start", "end")}
    arms = names_in(opinions, "arm")
    samples = {a: {w: x[arm == a] for w, x in columns.items()} for a in arms}
    rows = [
        {"arm": a, "from": float(low), "to": float(high), "start": float(start), "end": float(end)}
        for a, both in samples.items()
        for low, high, start, end in zip(
            _EDGES[:-1], _EDGES[1:], *map(_shares, both.values()), strict=True
        )
    ]
    kinds = {"arm": pa.string()} | dict.fromkeys(("from", "to", "start", "end"), pa.float64())

    def draw(*panels: Any) -> None:
        for panel, (name, both) in zip(panels, samples.items(), strict=True):
            histogram(panel, both, _EDGES, x="opinion x")
            panel.set_ylabel("share of agents")
            panel.set_title(name)
        _same_height(panels)

    return panelled(
        "opinions",
        "Opinions at the start and at the end",
        "How many agents hold which opinion (-1: keep the safe income by all means; 1: risk the "
        "novel by all means), all replicates together.",
        draw,
        pa.Table.from_pylist(rows, pa.schema(kinds)),
        len(arms),
    )


def _shares(sample: np.ndarray[Any, np.dtype[np.float64]]) -> list[float]:
    shares: list[float] = (np.histogram(sample, _EDGES)[0] / max(1, len(sample))).tolist()
    return shares


def _same_height(panels: Sequence[Any]) -> None:
    top = max(panel.get_ylim()[1] for panel in panels)
    for panel in panels:
        panel.set_ylim(0.0, top)


def _done(asked: RunOptions) -> str:
    if asked.models:
        who = f"driven by language models ({', '.join(asked.models)})"
        how = "said how strongly they were for the risk and what they would advise, every ten steps"
    else:
        who = "driven by the statistical policy"
        how = "were asked every ten steps, that is, their opinions were read"
    return (
        "Helen, a successful author, can risk a great novel or keep her safe income. A society of "
        f"{asked.settings.get(NUMBER, AGENTS):,} agents (in the experiment of OASIS: {AGENTS}), "
        f"{who}, talked about it on an X-like platform. Agents {how}. In a homophilous network "
        "most ties are drawn among those of like opinion at the start, in a mixed one at random; "
        "everyone follows equally many, and ties stay. Replicates of the same number have the same "
        "people and first opinions in all arms, so arms are compared in pairs."
    )


def _assumed(asked: RunOptions) -> list[str]:
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
