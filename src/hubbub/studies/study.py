"""What a study is: a plan of trials, how to run one, and what the results say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hubbub.config.scenario import Scenario
from hubbub.report.figure_data import Figure
from hubbub.studies.statistics import Hypothesis, compare
from hubbub.studies.trials import Finding, Results, StudyOptions, Trial, TrialOutcome
from hubbub.studies.verdicts import sentences
from hubbub.studies.yaml_figures import own_figures

#: Replicates of a study with the seed s have the seeds s * SPACING + 0, 1, ...
SPACING = 1000


class Study:
    """One study. Derive a class that has `name`, `arms` and `run`; the rest has defaults.

    `arms` are settings by name, plain values that `run` reads from `trial.settings`; each arm has
    `replicates` trials. `title` and `question` head the report. Raise `version` with every change
    that alters outcomes, so that kept ones are not reused. `takes` names the inputs and flags of
    StudyOptions that the study reads.

    Trials run in other processes: an instance must be picklable, and its class importable.
    """

    name: str
    title: str = ""
    question: str = ""
    version: int = 1
    takes: frozenset[str] = frozenset()
    arms: Mapping[str, Mapping[str, Any]] = {}
    replicates: int = 10
    #: The dotted path by which the study was found, empty for built-in ones.
    source: str = ""

    def trials(self, options: StudyOptions) -> Sequence[Trial]:
        """Return the units of work, all arms x replicates; ScenarioError for bad options.

        Replicate r has the same seed in all arms, so that they can be compared in pairs. A `seed`
        among the overrides moves all seeds; other overrides are added to the settings of all arms.
        """
        given = dict(options.overrides)
        first = int(given.pop("seed", 0)) * SPACING
        return [
            Trial(arm, r, first + r, {**settings, **given})
            for arm, settings in self.arms.items()
            for r in range(options.replicates or self.replicates)
        ]

    def scenario(self, trial: Trial, options: StudyOptions) -> Scenario | None:
        """Return the scenario in which a trial begins; None if it simulates nothing."""
        return None

    def hypotheses(self, options: StudyOptions) -> Sequence[Hypothesis]:
        """Return the predictions, made before any results are seen."""
        return ()

    def run(self, trial: Trial, options: StudyOptions) -> TrialOutcome:
        """Run one trial; a pure function of its arguments and the inputs' content."""
        raise TypeError(f"the study {type(self).__name__} needs a method run(self, trial, options)")

    def judge(self, results: Results, options: StudyOptions) -> Sequence[Finding]:
        """Return the findings, corrected for the number of hypotheses."""
        return compare(results.values, self.hypotheses(options), seed=0)

    def figures(self, results: Results, options: StudyOptions) -> Sequence[Figure]:
        """Return the figures of the report, the most important first.

        By default one per measure and one per curve, by arm.
        """
        return own_figures(results)

    def story(
        self, results: Results, findings: Sequence[Finding], options: StudyOptions
    ) -> Sequence[str]:
        """Return the report's paragraphs: what was done, found, not found and assumed."""
        trials = self.trials(options)
        arms = list(dict.fromkeys(trial.arm for trial in trials))
        done = f"{len(trials):,} trials were run in {len(arms)} arms: {', '.join(arms)}."
        return [done, *sentences(findings)]
