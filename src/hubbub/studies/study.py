"""What a study is: a plan of trials, how to run one, and what the results say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from hubbub.config.load import apply_overrides, parse_scenario
from hubbub.config.scenario import Scenario
from hubbub.errors import ScenarioError, did_you_mean
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
    `replicates` trials. `title` and `question` head the report. `takes` names the inputs and flags
    of StudyOptions that the study reads.

    Outcomes are kept. They are not reused after a change of the file of the class; raise `version`
    with any other change that alters outcomes. Trials run in other processes: an instance must be
    picklable, and its class importable. Those of a scenario with models run one after the other.
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
        They must be settings of the arms, or have an effect on the scenario.
        """
        given = dict(options.overrides)
        seed = given.pop("seed", 0)
        if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**48:
            raise ScenarioError(f"seed: must be a whole number from 0 to 2**48, not {seed!r}")
        trials = [
            Trial(arm, r, seed * SPACING + r, {**settings, **given})
            for arm, settings in self.arms.items()
            for r in range(options.replicates or self.replicates)
        ]
        self._check_used(given, trials, options)
        return trials

    def _check_used(
        self, given: Mapping[str, Any], trials: Sequence[Trial], options: StudyOptions
    ) -> None:
        """Raise ScenarioError for an override that changes nothing."""
        known = self._setting_names()
        first = {trial.arm: trial for trial in trials}.values()
        for name, value in given.items():
            if name not in known and not any(
                self._uses(name, value, trial, options) for trial in first
            ):
                names = ", ".join(known) or "none"
                raise ScenarioError(
                    f"the study '{self.name}' does not use '{name}'{did_you_mean(name, known)}; "
                    f"the settings of its arms: {names}"
                )

    def _uses(self, name: str, value: Any, trial: Trial, options: StudyOptions) -> bool:
        """Return whether the scenario of a trial has an override, or is another without it."""
        scenario = self.scenario(trial, options)
        if scenario is None:
            return False
        data = scenario.model_dump(mode="json")
        if _has(data, name, value):
            return True
        settings = {k: v for k, v in trial.settings.items() if k != name}
        overrides = {k: v for k, v in options.overrides.items() if k != name}
        try:
            other = self.scenario(
                replace(trial, settings=settings), replace(options, overrides=overrides)
            )
        except ScenarioError:
            return True
        return other is None or other.model_dump(mode="json") != data

    def scenario(self, trial: Trial, options: StudyOptions) -> Scenario | None:
        """Return the scenario in which a trial begins; None if there is none to show."""
        return None

    def build_scenario(self, data: Mapping[str, Any], options: StudyOptions) -> Scenario:
        """Return the scenario of these settings, changed by the user's overrides (`--set`).

        Overrides of the seed and of the arms' settings are left out: these are in the trial.
        ScenarioError lists every problem.
        """
        known = {"seed", *self._setting_names()}
        overrides = {k: v for k, v in options.overrides.items() if k not in known}
        return parse_scenario(apply_overrides(data, overrides), f"the study '{self.name}'")

    def _setting_names(self) -> list[str]:
        """Return the names of the arms' settings."""
        return sorted({name for settings in self.arms.values() for name in settings})

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


def _has(data: Any, name: str, value: Any) -> bool:
    """Return whether the value of a dotted name is this one."""
    for part in name.split("."):
        match data:
            case dict() if part in data:
                data = data[part]
            case list() if part.isdecimal() and int(part) < len(data):
                data = data[int(part)]
            case _:
                return False
    return bool(data == value)
