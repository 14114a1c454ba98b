"""The figures and paragraphs of the study of herding, beside the published results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from hubbub.report.figure_data import Figure
from hubbub.report.figures import dots, histogram
from hubbub.studies.herding.false_claims import HIGH, LOW
from hubbub.studies.herding.predictions import (
    AS_PUBLISHED,
    BLIND,
    CLAIMS,
    HOT,
    NONE,
    STRENGTH,
    by_treatment,
    has_strength,
    predictions,
    total_balance,
)
from hubbub.studies.herding.votes import TREATMENTS, strength
from hubbub.studies.options import RunOptions
from hubbub.studies.plots import MEANS, averages, named, names_in
from hubbub.studies.statistics import estimates
from hubbub.studies.trials import Finding, Results
from hubbub.studies.verdicts import sentences

#: Muchnik, Aral and Taylor 2013, doi:10.1126/science.1240466: abstract. The effect of the
#: down-treatment was corrected by others' votes: a ratio of 1, no difference.
_MUCHNIK = "Muchnik et al. 2013"
#: Glenski and Weninger 2016, arXiv 1606.06140: abstract. Final scores on Reddit; comments treated
#: up showed no herding.
_GLENSKI = "Glenski and Weninger 2016"


@dataclass(frozen=True, slots=True)
class Published:
    """A published ratio of treated to untreated items."""

    setting: str
    measure: str
    treatment: str
    ratio: float
    source: str


PUBLISHED = (
    Published(BLIND, "items_first_up", "up-treated", 1.32, _MUCHNIK),
    Published(BLIND, "items_score", "up-treated", 1.25, _MUCHNIK),
    Published(BLIND, "items_score", "down-treated", 1.0, _MUCHNIK),
    Published(HOT, "posts_score", "up-treated", 1.1102, _GLENSKI),
    Published(HOT, "posts_score", "down-treated", 0.9485, _GLENSKI),
    Published(HOT, "comments_score", "up-treated", 1.0, _GLENSKI),
    Published(HOT, "comments_score", "down-treated", 0.626, _GLENSKI),
)
_WORDS = {
    "items_first_up": "first up-vote",
    "items_score": "final score",
    "posts_score": "score of posts",
    "comments_score": "score of comments",
}
#: The marks at the axis of ratios, which ends a little beyond them.
_RATIOS = (0.25, 0.5, 1.0, 2.0, 4.0)
#: Scores from here on share the last bar of the figure.
_MOST = 8


def figures(results: Results, asked: RunOptions) -> list[Figure]:
    """Return the ratios beside published values, the strength, scores by treatment, agreement.

    A figure without data, as where nobody wrote or voted, is left out.
    """
    arms = names_in(results.values, "arm")
    made = [_ratios(results, arms), _strengths(results, arms, asked), _scores(results, arms[0])]
    if any(arm.endswith(CLAIMS) for arm in arms):
        made.append(_agreement(results))
    return [figure for figure in made if figure.data.num_rows]


def story(results: Results, findings: Sequence[Finding], asked: RunOptions) -> list[str]:
    """Return what was done, found and not found, and the assumptions."""
    return [_done(asked), *sentences(findings), *_compared(asked), *_assumed(asked)]


def ratios(results: Results, arms: Sequence[str]) -> pa.Table:
    """Return arm, measure, treatment, ratio to control with interval, and published ratio."""
    values = by_treatment(results.values)
    rows = []
    for arm in arms:
        if arm.endswith(CLAIMS):
            continue
        predicted = [h for h in predictions(arm) if h.measure != STRENGTH]
        for hypothesis, found in estimates(values, predicted, seed=0):
            treatment = hypothesis.arm.rpartition(", ")[2]
            known = _published(arm, hypothesis.measure, treatment)
            rows.append(
                {"arm": arm, "measure": hypothesis.measure, "treatment": treatment,
                 "ratio": found.value, "low": found.low, "high": found.high,
                 "published": known.ratio if known else None,
                 "source": known.source if known else ""}
            )  # fmt: skip
    return pa.Table.from_pylist(rows)


def _published(arm: str, measure: str, treatment: str) -> Published | None:
    return next(
        (p for p in PUBLISHED
         if arm.endswith(p.setting) and (p.measure, p.treatment) == (measure, treatment)),
        None,
    )  # fmt: skip


def _ratios(results: Results, arms: Sequence[str]) -> Figure:
    data = ratios(results, arms)
    lines = [f"{r['arm']}: {_WORDS[r['measure']]}" for r in data.to_pylist()]
    shown = data.append_column("line", pa.array(lines)).rename_columns({"ratio": "mean"})

    def draw(axes: Any) -> None:
        dots(axes, shown, x="ratio to what began with 0 (logarithmic)", of="line", by="treatment",
             reference=1.0, known="published")  # fmt: skip
        axes.set_xscale("log")
        axes.set_xticks(_RATIOS, [f"{ratio:g}" for ratio in _RATIOS])
        axes.minorticks_off()
        low, high = axes.get_xlim()
        axes.set_xlim(max(low, 0.8 * _RATIOS[0]), min(high, _RATIOS[-1] / 0.8))

    caption = (
        "First up-votes per view, and final scores, of what began with +1 (up-treated) or -1 "
        "(down-treated), divided by those of what began with 0: with 95 % bootstrap intervals, cut "
        "where they leave the picture. Diamonds are ratios found among people: "
        f"{_MUCHNIK} (score-blind feed), {_GLENSKI} (hot feed); at 1 where they say, without a "
        "number, that there was no difference or no herding."
    )
    size = (6.4, 1.3 + 0.45 * len(set(lines)))
    return Figure("ratios", "First points and what follows", caption, draw, data, size)


def _strengths(results: Results, arms: Sequence[str], asked: RunOptions) -> Figure:
    """Return the strength of herding found in each arm, beside the one built in."""
    rows = []
    for arm in filter(has_strength, arms):
        total, n = total_balance(results, arm)
        found = strength(total)
        built_in = asked.settings.get("behaviour.herding", 0.0 if arm == NONE else AS_PUBLISHED)
        if np.isfinite(found.value):
            rows.append({"arm": arm, "mean": found.value, "low": found.low, "high": found.high,
                         "built in": None if asked.models else built_in,
                         "replicates": n})  # fmt: skip
    numbers = [(name, pa.float64()) for name in ("mean", "low", "high", "built in")]
    kinds = [("arm", pa.string()), *numbers, ("replicates", pa.int64())]
    data = pa.Table.from_pylist(rows, schema=pa.schema(kinds))

    def draw(axes: Any) -> None:
        dots(axes, data, x="strength of herding h", reference=0.0, known="built in")

    caption = (
        "The strength at which treated items no longer differ, all replicates together, with its "
        "95 % interval by G-estimation (0: votes do not heed the score)."
    )
    return Figure(
        "strength", "Strength of herding", caption, draw, data, (6.4, 1.3 + 0.4 * len(rows))
    )


def _scores(results: Results, arm: str) -> Figure:
    """Return the shares of items by final score and treatment in an arm."""
    samples: dict[str, NDArray[np.int64]] = {}
    rows = [row for row in results.tables["scores"].to_pylist() if row["arm"] == arm]
    for treatment in sorted(TREATMENTS, key="control".__eq__):  # last, as it has no other colour
        mine = [r for r in rows if r["treatment"] == treatment]
        scores = np.clip([r["score"] for r in mine], -_MOST, _MOST).astype(np.int64)
        samples[treatment] = np.repeat(scores, [r["count"] for r in mine])
    data = pa.Table.from_pylist(
        [
            {"treatment": treatment, "score": score, "share": float((sample == score).mean())}
            for treatment, sample in samples.items()
            if len(sample)
            for score in range(-_MOST, _MOST + 1)
        ]
    )

    def draw(axes: Any) -> None:
        edges = np.arange(-_MOST, _MOST + 2, dtype=np.float64) - 0.5
        histogram(axes, samples, edges, x="final score, without the first point")
        places = range(-_MOST, _MOST + 1, 2)
        axes.set_xticks(places, [f"≤ {-_MOST}", *map(str, places[1:-1]), f"≥ {_MOST}"])
        axes.set_yscale("log")
        axes.set_ylabel("share of posts and comments (logarithmic)")

    caption = f"Final scores by treatment ({arm}), all replicates together."
    return Figure("scores", "Final scores by treatment", caption, draw, data)


def _agreement(results: Results) -> Figure:
    """Return how strongly comments agree with false claims, by treatment."""
    data = averages(named(by_treatment(results.values), "measure", "agreement"), ["arm"], "value")

    def draw(axes: Any) -> None:
        dots(axes, data, x=f"agreement of comments ({LOW} to {HIGH})")

    return Figure(
        "agreement",
        "Agreement with false claims",
        f"How far comments agree with the false claim they are on, by its first point: {MEANS}.",
        draw,
        data,
        (6.4, 1.2 + 0.4 * data.num_rows),
    )


def _done(asked: RunOptions) -> str:
    return (
        f"On a Reddit-like platform agents driven by {asked.who} wrote posts and comments and "
        "voted on them; of the votes they saw only the score. Each new post and comment began, at "
        "random, with +1, 0 or -1: a separate account gave that vote before anybody had seen it. "
        "Scores are without it. In the score-blind feed posts come in random order, so that a "
        "score can work on those who vote, not on what is shown; in the hot feed it does both. In "
        "the variant with false claims only the claims are treated, and the comments on them are "
        "compared."
    )


def _compared(asked: RunOptions) -> list[str]:
    if asked.models or "behaviour.herding" in asked.settings:
        return []
    return [
        "Beside the published results: the built-in strength was chosen so that a first up-vote "
        "becomes as much likelier as Muchnik, Aral and Taylor (2013) found, so that their first "
        "figure is put in, and their second, on final scores, is a prediction. In their experiment "
        "the crowd corrected a first down-vote. The statistical policy heeds low scores as much as "
        "high ones, so here it is not corrected: on this point the policy is unlike people. The "
        "values of Glenski and Weninger (2016) are of Reddit, where far more votes fall on an item "
        "than here. Whether published final scores count the first point is not said in their "
        "abstracts."
    ]


def _assumed(asked: RunOptions) -> list[str]:
    if asked.judge:
        claims = (
            "The agreement of a comment with a false claim is the judge model's rating. Claims are "
            "posted in the names of agents, so that a language model takes its own for what it "
            "said itself."
        )
    elif asked.models:
        claims = (
            "The variant with false claims was left out: how far comments written by models agree "
            "with a claim is for a judge model to say, and none was named."
        )
    else:
        claims = (
            "The agreement of a comment with a false claim is the stance with which it was "
            "written; the statistical policy writes its own opinion whatever the score, so that "
            "only who comments can differ, and no difference is expected."
        )
    return [
        "The strength of herding h is the weight of sign(s) log10(1 + |s|) in the utility of a "
        "vote at the displayed score s. It is estimated by G-estimation: the h for which votes, "
        "once its effect is taken out, no longer depend on the lot. The interval holds all h that "
        "a randomisation test does not reject. It needs no model of what makes items popular, but "
        "that votes are few per view, and that items are shown alike whatever their score.",
        claims,
    ]
