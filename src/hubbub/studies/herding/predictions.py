"""What the study of herding predicts for its arms, and how the results are tested."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from hubbub.studies.herding.votes import STRENGTHS, TREATMENTS, Balance, strength, two_sided
from hubbub.studies.resampling import UNTESTED
from hubbub.studies.statistics import Estimate, Hypothesis
from hubbub.studies.trials import VALUES, Results

#: The settings. An arm is one of them, or a model's name with one of them.
BLIND, NONE, HOT, CLAIMS = "score-blind feed", "no herding", "hot feed", "false claims"
STRENGTH = "herding_strength"
#: The strength that makes a first up-vote 32 % likelier at a score of 1 (Muchnik et al. 2013):
#: ln(1.32) / log10(2), since the utility of an up-vote is herding * log10(1 + score).
AS_PUBLISHED = 0.92


def total_balance(results: Results, arm: str) -> tuple[Balance, int]:
    """Return the estimating function of all replicates of an arm together, and their number."""
    curves = results.curves.to_pylist()
    sums = {"imbalance": np.zeros(len(STRENGTHS)), "spread": np.zeros(len(STRENGTHS))}
    replicates = set()
    at = {round(h, 6): k for k, h in enumerate(STRENGTHS.tolist())}
    for row in curves:
        if row["arm"] == arm and row["curve"] in sums:
            sums[row["curve"]][at[round(row["x"], 6)]] += row["y"]
            replicates.add(row["replicate"])
    return Balance(**sums), len(replicates)


def by_treatment(values: pa.Table) -> pa.Table:
    """Return the values with each treatment as an arm of its own: "hot feed, control"."""
    rows: dict[str, list[Any]] = {name: [] for name in VALUES.names}
    for row in values.to_pylist():
        measure, slash, treatment = row["measure"].partition("/")
        if slash:
            row |= {"measure": measure, "arm": treated(row["arm"], treatment)}
            for name in VALUES.names:
                rows[name].append(row[name])
    return pa.table(rows, schema=VALUES)


def treated(arm: str, treatment: str) -> str:
    """Return the name that findings give to the items of one treatment in an arm."""
    return f"{arm}, {treatment}"


def has_strength(arm: str) -> bool:
    """Return whether an arm reveals the strength of herding: its feed is blind to scores."""
    return not arm.endswith((CLAIMS, HOT))


def strength_in(arm: str, results: Results) -> Estimate:
    """Return the strength of herding found in an arm."""
    total, n = total_balance(results, arm)
    found = strength(total)
    p = two_sided(found.z)
    test = "randomisation test (normal limit); interval by G-estimation"
    if not np.isfinite(found.z):
        p, test = UNTESTED, "not tested: too few votes"
    return Estimate("G-estimate", found.value, found.low, found.high, p, test, (n, 0))


def predictions(arm: str) -> list[Hypothesis]:
    """Return the predictions for an arm's items, after the published experiments."""
    up, control, down = (treated(arm, t) for t in TREATMENTS)
    ratio: Mapping[str, Any] = {"test": "paired", "quantity": "ratio of means"}

    def more(text: str, measure: str) -> Hypothesis:
        return Hypothesis(f"{text} ({arm}).", measure, up, control, "greater", **ratio)

    def less(text: str, measure: str) -> Hypothesis:
        return Hypothesis(f"{text} ({arm}).", measure, down, control, "less", **ratio)

    if arm.endswith(CLAIMS):
        means: Mapping[str, Any] = {"test": "paired"}
        return [
            Hypothesis("Comments agree more with false claims that began with +1 "
                       f"({arm}).", "agreement", up, control, "greater", **means),
            Hypothesis("Comments agree less with false claims that began with -1 "
                       f"({arm}).", "agreement", down, control, "less", **means),
        ]  # fmt: skip
    if arm.endswith(HOT):
        return [
            more(
                "By ranking and herding together, posts that began with +1 end higher",
                "posts_score",
            ),
            less(
                "By ranking and herding together, posts that began with -1 end lower", "posts_score"
            ),
            more("Comments that began with +1 end with a higher score", "comments_score"),
            less("Comments that began with -1 end with a lower score", "comments_score"),
        ]
    text = f"Votes follow the displayed score ({arm}): the strength of herding is above 0."
    return [
        Hypothesis(text, STRENGTH, arm, 0.0, "greater"),
        more("An up-vote as first vote is likelier after +1", "items_first_up"),
        more("What began with +1 ends with a higher score", "items_score"),
        less("An up-vote as first vote is less likely after -1", "items_first_up"),
        less("What began with -1 ends with a lower score", "items_score"),
    ]
