"""What a study is: a plan of trials, how to run one, and what the results say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from hubbub.config.scenario import Scenario
from hubbub.report.figure_data import Figure
from hubbub.studies.statistics import Hypothesis
from hubbub.studies.trials import Finding, Results, StudyOptions, Trial, TrialOutcome


class Study(Protocol):
    """One study. It must be possible to pickle it: trials run in other processes.

    Raise `version` with every change that alters outcomes, so that kept ones are not reused.
    `takes` names the inputs and flags of StudyOptions that the study reads.
    """

    name: str
    title: str
    question: str
    version: int
    takes: frozenset[str]

    def trials(self, options: StudyOptions) -> Sequence[Trial]:
        """Return the units of work, all arms x replicates; ScenarioError for bad options."""
        ...

    def scenario(self, trial: Trial, options: StudyOptions) -> Scenario | None:
        """Return the scenario in which a trial begins; None if it simulates nothing."""
        ...

    def hypotheses(self, options: StudyOptions) -> Sequence[Hypothesis]:
        """Return the predictions, made before any results are seen."""
        ...

    def run(self, trial: Trial, options: StudyOptions) -> TrialOutcome:
        """Run one trial; a pure function of its arguments and the inputs' content."""
        ...

    def judge(self, results: Results, options: StudyOptions) -> Sequence[Finding]:
        """Return the findings, corrected for the number of hypotheses."""
        ...

    def figures(self, results: Results, options: StudyOptions) -> Sequence[Figure]:
        """Return the figures of the report, the most important first."""
        ...

    def story(
        self, results: Results, findings: Sequence[Finding], options: StudyOptions
    ) -> Sequence[str]:
        """Return the report's paragraphs: what was done, found, not found and assumed."""
        ...
