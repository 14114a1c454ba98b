"""The figures and paragraphs of the study of herding, beside the published results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from hubbub.experiments.asked import Asked
from hubbub.experiments.herding_predictions import (
    BLIND,
    CLAIMS,
    HOT,
    by_treatment,
    predictions,
    total_balance,
)
from hubbub.experiments.records import Finding, Results
from hubbub.experiments.statistics import estimates
from hubbub.experiments.telling import found_and_not
from hubbub.experiments.votes import STRENGTHS, TREATMENTS
from hubbub.report.records import Figure

#: Muchnik, Aral and Taylor 2013, doi:10.1126/science.1240466: abstract. The down-treatment was
#: corrected: no difference is a ratio of 1.
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
#: Scores from here on share the last place of the figure.
_MOST = 8


def figures(results: Results) -> list[Figure]:
    """Return the ratios beside published values, scores by treatment, strength and agreement."""
    arms = list(dict.fromkeys(results.values["arm"].to_pylist()))
    made = [_ratios(results, arms), _scores(results, arms), _strengths(results, arms)]
    return made + ([_agreement(results)] if any(a.endswith(CLAIMS) for a in arms) else [])


def story(results: Results, findings: Sequence[Finding], asked: Asked) -> list[str]:
    """Return what was done, what was found and what not, and what is assumed."""
    return [_done(asked), *found_and_not(findings), *_compared(asked), *_assumed(asked)]


def ratios(results: Results, arms: Sequence[str]) -> pa.Table:
    """Return arm, measure, treatment, ratio to control with its interval, and what is published."""
    values = by_treatment(results.values)
    rows = []
    for arm in arms:
        if arm.endswith(CLAIMS):
            continue
        for hypothesis, found in estimates(values, predictions(arm), seed=0):
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
    rows = data.to_pylist()

    def draw(axes: Any) -> None:
        for place, row in enumerate(reversed(rows)):
            color = "C0" if row["treatment"] == "up-treated" else "C1"
            axes.plot([row["low"], row["high"]], [place, place], color=color)
            axes.plot([row["ratio"]], [place], "o", color=color)
            if row["published"] is not None:
                axes.plot([row["published"]], [place], "D", mfc="none", color="0.2")
        axes.axvline(1.0, color="0.6", linewidth=0.8)
        axes.set_xscale("log")
        ticks = [0.5, 0.7, 1.0, 1.4, 2.0]
        axes.set_xticks(ticks, [f"{t:g}" for t in ticks])
        axes.minorticks_off()
        axes.set_yticks(range(len(rows)), [_label(row) for row in reversed(rows)])
        axes.set_xlabel("ratio to items that began with 0 (logarithmic)")

    caption = (
        "What began with +1 or -1 against what began with 0: dots with 95 % intervals; open "
        "diamonds are published values."
    )
    size = (6.4, 1.2 + 0.28 * len(rows))
    return Figure("ratios", "First points and what follows", caption, draw, data, size)


def _label(row: dict[str, Any]) -> str:
    return f"{row['arm']}: {_WORDS[row['measure']]}, {TREATMENTS[row['treatment']]:+d}"


def _scores(results: Results, arms: Sequence[str]) -> Figure:
    """Return the shares of items by final score and treatment in the first arm."""
    arm = arms[0]
    counts: dict[tuple[str, int], int] = {}
    for row in results.tables["scores"].to_pylist():
        if row["arm"] == arm:
            key = row["treatment"], max(-_MOST, min(_MOST, row["score"]))
            counts[key] = counts.get(key, 0) + row["count"]
    totals = {t: sum(n for (name, _), n in counts.items() if name == t) for t in TREATMENTS}
    rows = [
        {"treatment": t, "score": score, "share": counts.get((t, score), 0) / max(1, totals[t])}
        for t in TREATMENTS
        for score in range(-_MOST, _MOST + 1)
    ]
    data = pa.Table.from_pylist(rows)

    def draw(axes: Any) -> None:
        for treatment, sign in TREATMENTS.items():
            places = [s for s in range(-_MOST, _MOST + 1) if (treatment, s) in counts]
            shares = [counts[treatment, s] / totals[treatment] for s in places]
            axes.plot(places, shares, "o-", label=f"{treatment} ({sign:+d})" if sign else treatment)
        axes.set_yscale("log")
        axes.set_xlabel("final score, without the first point")
        axes.set_ylabel("share of posts and comments")
        axes.legend()

    caption = (
        f"Final scores by treatment ({arm}), all replicates together. The last places hold all "
        "scores beyond."
    )
    return Figure("scores", "Final scores by treatment", caption, draw, data)


def _strengths(results: Results, arms: Sequence[str]) -> Figure:
    """Return the statistic by which the strength of herding is found."""
    rows = []
    for arm in arms:
        total, _ = total_balance(results, arm)
        if arm.endswith((CLAIMS, HOT)) or not (total.spread > 0).all():
            continue
        z = total.imbalance / np.sqrt(total.spread)
        near = np.abs(z) < 6
        rows += [
            {"arm": arm, "strength": float(h), "z": float(value)}
            for h, value in zip(STRENGTHS[near], z[near], strict=True)
        ]
    kinds = {"arm": pa.string(), "strength": pa.float64(), "z": pa.float64()}
    data = pa.Table.from_pylist(rows, schema=pa.schema(kinds))

    def draw(axes: Any) -> None:
        for arm in dict.fromkeys(r["arm"] for r in rows):
            mine = [r for r in rows if r["arm"] == arm]
            axes.plot([r["strength"] for r in mine], [r["z"] for r in mine], label=arm)
        axes.axhspan(-1.96, 1.96, color="0.9", zorder=0)
        axes.axhline(0.0, color="0.6", linewidth=0.8)
        axes.set_xlabel("strength of herding that is taken out of the votes")
        axes.set_ylabel("difference by treatment that is left (z)")
        if rows:
            axes.legend()

    caption = (
        "The strength of herding is where treated items no longer differ (0); its 95 % interval is "
        "where the curve lies in the grey band."
    )
    return Figure("strength", "Strength of herding", caption, draw, data)


def _agreement(results: Results) -> Figure:
    """Return how far comments agree with false claims, by treatment and replicate."""
    values = by_treatment(results.values).to_pylist()
    rows = [
        {"items": r["arm"], "replicate": r["replicate"], "agreement": r["value"]}
        for r in values
        if r["measure"] == "agreement"
    ]
    kinds = {"items": pa.string(), "replicate": pa.int64(), "agreement": pa.float64()}
    data = pa.Table.from_pylist(rows, schema=pa.schema(kinds))

    def draw(axes: Any) -> None:
        names = list(dict.fromkeys(r["items"] for r in rows))
        for place, name in enumerate(names):
            mine = [r["agreement"] for r in rows if r["items"] == name]
            axes.plot(np.full(len(mine), place), mine, "o", alpha=0.4)
            axes.plot([place - 0.2, place + 0.2], [np.mean(mine)] * 2, color="0.1")
        axes.set_xticks(range(len(names)), names)
        axes.set_ylabel("agreement of comments (1 to 10)")

    caption = "Dots: replicates; bars: their means."
    return Figure("agreement", "Agreement with false claims", caption, draw, data)


def _done(asked: Asked) -> str:
    who = f"language models ({', '.join(asked.models)})" if asked.models else "statistical agents"
    return (
        f"On a Reddit-like platform {who} wrote posts and comments and voted on them; of votes "
        "they saw the score alone. Everything written began, by lot, with +1, 0 or -1: an account "
        "of its own gave that vote before anybody had seen the item. Scores are without it. In the "
        "score-blind feed posts come in random order, so that a score can work on those who vote, "
        "not on what is shown; in the hot feed it does both. In the variant with false claims only "
        "the claims are treated, and the comments on them are compared."
    )


def _compared(asked: Asked) -> list[str]:
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


def _assumed(asked: Asked) -> list[str]:
    stance = (
        "the judge model's rating"
        if asked.judge
        else "the stance with which it was written; the statistical policy writes its own opinion "
        "whatever the score, so that only who comments can differ, and no difference is expected"
    )
    return [
        "The strength of herding h is the weight of sign(s) log10(1 + |s|) in the utility of a "
        "vote at the displayed score s. It is estimated by G-estimation: the h for which votes, "
        "once its effect is taken out, no longer depend on the lot. The interval holds all h that "
        "a randomisation test does not reject. It needs no model of what makes items popular, but "
        "that votes are few per view, and that items are shown alike whatever their score.",
        f"The agreement of a comment with a false claim is {stance}.",
    ]
