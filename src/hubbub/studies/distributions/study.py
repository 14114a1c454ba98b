"""Study 1(b): whether cascades in a generated society are distributed like real ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from hubbub.config.scenario import Scenario
from hubbub.errors import DataError, ScenarioError
from hubbub.report.figure_data import Figure
from hubbub.studies.cascade_files import Cascade
from hubbub.studies.distributions import distances
from hubbub.studies.distributions import report as distributions_report
from hubbub.studies.distributions.distances import REAL, SIMULATED
from hubbub.studies.distributions.real import SMALLEST, measured, measures, read, shipped
from hubbub.studies.distributions.society import FALSE, MEASURES, TRUE, Posts, simulate, society
from hubbub.studies.distributions.true_and_false import predictions, truth
from hubbub.studies.options import RunOptions
from hubbub.studies.statistics import Hypothesis, judge
from hubbub.studies.study import Study
from hubbub.studies.trials import Finding, Results, StudyOptions, Trial, TrialOutcome

_REPLICATES = 4
_POSTS = "posts."


class DistributionsStudy(Study):
    """One society per replicate. Input: `cascades`, a folder of real ones.

    Overrides are those of the scenario, and `posts.NAME` for a field of Posts.
    """

    name = "distributions"
    title = "Distributions of cascades"
    question = (
        "Are the cascades of a generated society as large, deep, broad and viral as real ones, and "
        "do true and false ones of equal size differ in shape?"
    )
    version = 1
    takes = frozenset({"cascades"})

    def trials(self, options: StudyOptions) -> Sequence[Trial]:
        """Return the societies, and one trial that reads the real cascades."""
        asked = RunOptions.of(options)
        if asked.models or asked.judge:
            raise ScenarioError("this study asks no language models: its society has 100,000 users")
        posts, scenario = _split(asked.settings)
        society(posts, asked.seed, scenario)  # bad settings fail here
        settings = {"posts": posts.model_dump(mode="json"), "scenario": scenario}
        return [*asked.trials({SIMULATED: settings}, _REPLICATES), Trial(REAL, 0, 0)]

    def scenario(self, trial: Trial, options: StudyOptions) -> Scenario | None:
        """Return the scenario of a society, with its posts."""
        if trial.arm == REAL:
            return None
        return society(Posts(**trial.settings["posts"]), trial.seed, trial.settings["scenario"])

    def hypotheses(self, options: StudyOptions) -> Sequence[Hypothesis]:
        """Return the predictions; those on truth in real cascades only where labels are given."""
        folder = options.inputs.get("cascades")
        labelled = folder is not None and _labelled(_read(Path(folder)))
        return [
            *distances.hypotheses(),
            *predictions(SIMULATED),
            *(predictions(REAL) if labelled else ()),
        ]

    def run(self, trial: Trial, options: StudyOptions) -> TrialOutcome:
        """Run a society and measure its posts, or return the real distributions."""
        if trial.arm == REAL:
            return _real(options.inputs.get("cascades"))
        rows = simulate(Posts(**trial.settings["posts"]), trial.seed, trial.settings["scenario"])
        large = [row for row in rows if row["scale"] >= SMALLEST]
        values = {
            "posts": float(len(rows)),
            f"cascades of {SMALLEST} users": float(len(large)),
            "odds of false posts": float(trial.settings["posts"]["false_odds"]),
        }
        if large:
            values |= {f"median {m}": float(np.median([row[m] for row in large])) for m in MEASURES}
        return TrialOutcome(values, tables={"posts": rows})

    def judge(self, results: Results, options: StudyOptions) -> Sequence[Finding]:
        """Return how near the distributions are, and how false cascades differ from true ones."""
        return judge([*distances.tested(results), *truth(results)])

    def figures(self, results: Results, options: StudyOptions) -> Sequence[Figure]:
        """Return distances, Q-Q plots, distributions, and true against false."""
        return distributions_report.figures(results)

    def story(
        self, results: Results, findings: Sequence[Finding], options: StudyOptions
    ) -> Sequence[str]:
        """Return what was done, found and not found, and the assumptions."""
        odds = _split(RunOptions.of(options).settings)[0].false_odds
        given = "cascades" in options.inputs
        return distributions_report.story(results, findings, false_odds=odds, given=given)


def study() -> DistributionsStudy:
    return DistributionsStudy()


def _split(settings: Mapping[str, Any]) -> tuple[Posts, dict[str, Any]]:
    """Split overrides by dotted name into the posts they describe and those of the scenario."""
    posts = {k.removeprefix(_POSTS): v for k, v in settings.items() if k.startswith(_POSTS)}
    scenario = {k: v for k, v in settings.items() if not k.startswith(_POSTS)}
    return Posts(**posts), scenario


@cache
def _read(folder: Path) -> list[Cascade]:
    return read(folder)


def _real(folder: Path | None) -> TrialOutcome:
    """Return the measures of the real cascades by half, and by truth where they have labels."""
    cascades = [] if folder is None else _read(Path(folder))
    samples = shipped() if folder is None else measured(cascades)
    if min(map(len, samples.values())) < 2:
        raise DataError(
            f"{folder}: only {len(cascades)} cascades in it reach {SMALLEST} users; give more, "
            "since one half of them is kept apart"
        )
    rows = [
        {"half": half, "measure": measure, "value": round(float(value), 9)}
        for (half, measure), sample in samples.items()
        for value in sample
    ]
    values = {
        f"{half} median {measure}": float(np.median(sample))
        for (half, measure), sample in samples.items()
        if len(sample)
    }
    labelled = _labelled(cascades)
    return TrialOutcome(
        values, tables={"real": rows} | ({"labelled": labelled} if labelled else {})
    )


def _labelled(cascades: Sequence[Cascade]) -> list[dict[str, Any]]:
    """Return truth and measures of the true and the false cascades; empty without either."""
    rows = [
        {"truth": cascade.label, **dict(zip(MEASURES, of.tolist(), strict=True))}
        for cascade, of in zip(cascades, measures(cascades), strict=True)
        if cascade.label in (FALSE, TRUE)
    ]
    return rows if len({row["truth"] for row in rows}) == 2 else []
