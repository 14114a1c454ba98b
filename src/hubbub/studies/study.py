"""What a study is: a plan of trials, how one is run, and what the results say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from hubbub.config.scenario import Scenario
from hubbub.report.figure_data import Figure
from hubbub.studies.statistics import Hypothesis
from hubbub.studies.trials import Finding, Results, StudyOptions, Trial, TrialOutcome


class Study(Protocol):
    """One study. Implementations can be pickled: trials run in other processes.

    `version` is raised with every change that alters outcomes, so that kept ones are not reused.
    `takes` names the inputs and flags of Options that the study reads.
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
        """Return the scenario that a trial begins with; None if it simulates nothing."""
        ...

    def hypotheses(self, options: StudyOptions) -> Sequence[Hypothesis]:
        """Return what is predicted, before any results are seen."""
        ...

    def run(self, trial: Trial, options: StudyOptions) -> TrialOutcome:
        """Run one trial; a pure function of its arguments and the inputs' content."""
        ...

    def judge(self, results: Results, options: StudyOptions) -> Sequence[Finding]:
        """Return what became of each hypothesis, corrected for their number."""
        ...

    def figures(self, results: Results, options: StudyOptions) -> Sequence[Figure]:
        """Return the figures of the report, the most important first."""
        ...

    def story(
        self, results: Results, findings: Sequence[Finding], options: StudyOptions
    ) -> Sequence[str]:
        """Return the report's paragraphs: what was done, found and not found, what is assumed."""
        ...
