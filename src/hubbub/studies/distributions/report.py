"""The figures and paragraphs of the study of distributions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from hubbub.report.figure_data import Figure
from hubbub.report.figures import dots, quantiles, survival
from hubbub.studies.distribution_tests import qq
from hubbub.studies.distributions.distances import (
    FARTHEST,
    REAL,
    SIMULATED,
    WORDS,
    distance,
    real_sample,
    simulated_sample,
)
from hubbub.studies.distributions.real import FITTED, HELD_OUT, SMALLEST
from hubbub.studies.distributions.society import MEASURES, WINDOW
from hubbub.studies.distributions.true_and_false import (
    CALIPER,
    SHAPES,
    labelled_arms,
    truth_differences,
)
from hubbub.studies.trials import Finding, Results
from hubbub.studies.verdicts import sentences

Floats = NDArray[np.float64]

_UNITS = {"scale": "users", "depth": "retweets", "max_breadth": "users", "virality": "retweets"}
#: Measures over several orders of magnitude.
_WIDE = ("scale", "max_breadth")


def figures(results: Results) -> list[Figure]:
    """Return the distances, Q-Q plots, distributions, and true against false."""
    some = len(simulated_sample(results, "scale")) > 0
    return [
        _distances(results),
        *(_quantiles(results, measure) for measure in MEASURES if some),
        *(_survival(results, measure) for measure in MEASURES),
        *(_truth(results, arm) for arm in labelled_arms(results)),
    ]


def story(
    results: Results, findings: Sequence[Finding], *, false_odds: float, given: bool
) -> list[str]:
    """Return what was done, found and not found, and the assumptions."""
    posts = results.tables["posts"]
    large = len(simulated_sample(results, "scale"))
    societies = len(pc.unique(posts["replicate"]))
    return [
        f"{len(posts):,} posts were written in {societies} generated societies, of 100,000 people "
        "unless set otherwise, by accounts with many followers. The statistical policy decided "
        f"who reposted what. {large:,} of the cascades reached {SMALLEST} users; they are compared "
        "with real ones, trees of retweets, that did so.",
        _about_real(given=given),
        *_sentences(results),
        *sentences(findings),
        *_about_truth(results, false_odds),
        "Assumed: a post appeals to all alike; who has seen it once is not shown it again, and "
        f"after {WINDOW} hours nobody is; the accounts that post repost nothing. The spread of "
        "appeal, the ties, and how the odds of a repost fall with the age of a post were fitted "
        "to the four distributions. That they agree shows that so few ingredients are enough for "
        "them, not that these are what is at work. The posts of a society share its graph, so "
        "intervals over cascades are somewhat too narrow.",
    ]


def _about_real(*, given: bool) -> str:
    origin = (
        "The real cascades are those given, split into two random halves. "
        if given
        else "No real cascades were given (--cascades DIR), so the quantiles of Twitter15's that "
        "come with hubbub took their place. "
    )
    return (
        f"{origin}The society was fitted to the half '{FITTED}' of Twitter15 (Ma, Gao and Wong "
        f"2017); it is judged on the half '{HELD_OUT}'. Of other data, neither half was used. "
        "Twitter15 is no random sample: source tweets with many retweets or replies were taken, "
        "so hardly any of its cascades has fewer than 90 users, and the simulated ones, which are "
        "not selected so, are more often that small."
    )


def _sentences(results: Results) -> list[str]:
    """Say how large the distances to the two halves are."""
    rows = distance_table(results).to_pylist()
    halves = {HELD_OUT: "the half held out", FITTED: "the half that the society was fitted to"}
    return [
        f"Kolmogorov-Smirnov distance to {words}: "
        + ", ".join(
            f"{r['mean']:.3f} for {r['measure']} (95 % interval {r['low']:.3f} to {r['high']:.3f})"
            for r in rows
            if r["half"] == half
        )
        + "."
        for half, words in halves.items()
    ]


def _about_truth(results: Results, false_odds: float) -> list[str]:
    """Say what was built in, how shapes were compared, and what was found in each arm."""
    built_in = (
        "No difference between true and false posts was built in."
        if false_odds == 1
        else f"A difference was built in: whoever saw a false post had {false_odds:g} times the "
        "odds to repost it as a true one of the same kind, by default as Vosoughi, Roy and Aral "
        "2018 found. So that false cascades are larger checks the study, not the world. A post "
        "with more appeal also reaches the same size from a smaller audience, through more hands, "
        "which can leave a difference of shape at equal size."
    )
    matching = (
        "For shapes each false cascade was paired with the true one of nearest size, at most "
        f"{CALIPER - 1:.0%} apart, as Juul and Ugander 2021 did with those of the same size, who "
        "found that differences of shape then mostly vanish."
    )
    selected = "Real cascades were taken into Twitter15 by size: sizes say nothing about truth."
    real = [selected] if REAL in labelled_arms(results) else []
    return [" ".join([built_in, matching, *real])] + [
        _before_and_after(results, arm) for arm in labelled_arms(results)
    ]


def _before_and_after(results: Results, arm: str) -> str:
    found = {row["arm"]: row["mean"] for row in truth_differences(results, arm).to_pylist()}
    parts = [
        f"{found[f'{shape.name}, all']:.2f} and {found[f'{shape.name}, of equal size']:.2f} in "
        f"{shape.words}"
        for shape in SHAPES
    ]
    return (
        f"False above true cascades ({arm}), in standard deviations, all of them and in pairs of "
        f"equal size: {', '.join(parts)}."
    )


def distance_table(results: Results) -> pa.Table:
    """Return the distances: arm (measure and half), mean, low, high, measure and half."""
    rows = []
    for measure in MEASURES:
        for half in (HELD_OUT, FITTED):
            found = distance(results, half, measure)
            rows.append(
                {"arm": f"{WORDS[measure]}, {half}", "mean": found.value, "low": found.low,
                 "high": found.high, "measure": WORDS[measure], "half": half}
            )  # fmt: skip
    return pa.Table.from_pylist(rows)


def _distances(results: Results) -> Figure:
    table = distance_table(results)

    def draw(axes: Any) -> None:
        dots(axes, table, x="Kolmogorov-Smirnov distance", reference=FARTHEST)
        axes.set_xlim(left=0)

    caption = (
        "Widest gap between the cumulative distributions of simulated and real cascades, with 95 % "
        f"intervals; the line is at {FARTHEST:g}."
    )
    return Figure("distances", "How far apart distributions are", caption, draw, table)


def _quantiles(results: Results, measure: str) -> Figure:
    simulated, real = simulated_sample(results, measure), real_sample(results, HELD_OUT, measure)
    table = qq(simulated, real).rename_columns(["quantile", SIMULATED, REAL])
    expected, unit = table[REAL].to_numpy(), f"{WORDS[measure]} ({_UNITS[measure]})"

    def draw(axes: Any) -> None:
        quantiles(
            axes, table[SIMULATED].to_numpy(), lambda _: expected,
            x=f"real {unit}", y=f"simulated {unit}",
        )  # fmt: skip
        if measure in _WIDE:
            axes.set_xscale("log")
            axes.set_yscale("log")

    caption = (
        "The 1st to the 99th percentile of simulated cascades against those of the real ones held "
        "out. On the line both are equal."
    )
    return Figure(
        f"quantiles_{measure}", f"Quantiles of {WORDS[measure]}", caption, draw, table, (4.8, 4.2)
    )


def _survival(results: Results, measure: str) -> Figure:
    samples = {
        SIMULATED: simulated_sample(results, measure),
        REAL: real_sample(results, HELD_OUT, measure),
    }
    arms = np.repeat(list(samples), [len(s) for s in samples.values()])
    table = pa.table({"arm": arms.tolist(), measure: np.concatenate(list(samples.values()))})

    def draw(axes: Any) -> None:
        survival(axes, samples, x=f"{WORDS[measure]} ({_UNITS[measure]})")

    caption = "Share of cascades with at least so much, simulated and real ones held out."
    title = f"Distribution of {WORDS[measure]}"
    return Figure(f"distribution_{measure}", title, caption, draw, table)


def _truth(results: Results, arm: str) -> Figure:
    table = truth_differences(results, arm)

    def draw(axes: Any) -> None:
        dots(axes, table, x="false - true (standard deviations)", reference=0.0)

    caption = (
        f"How far false cascades are above true ones ({arm}), all of them and in pairs of equal "
        "size, with 95 % intervals."
    )
    return Figure(f"truth_{arm}", f"True against false ({arm})", caption, draw, table, (7.0, 4.0))
