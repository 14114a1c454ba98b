"""A check of a custom study: one sentence says what is wrong."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from hubbub.config.scenario import Scenario
from hubbub.report.figure_data import Figure
from hubbub.studies.catalogue import made
from hubbub.studies.statistics import Hypothesis
from hubbub.studies.study import Study
from hubbub.studies.study_folder import assemble, plain_outcome
from hubbub.studies.trials import Finding, StudyOptions, Trial, TrialOutcome
from hubbub.testing.watching import failing, found_at

_Given = TypeVar("_Given")


def check_study(study: Any, options: StudyOptions | None = None) -> None:
    """Raise AssertionError if a Python study does not do what `hubbub study run` needs.

    `study` is a class, a function that makes a study, or a study. The first trial of each arm runs
    twice; give `options` that make it short, such as overrides with few agents or steps.
    """
    options = replace(options or StudyOptions(), replicates=2)
    found, name = found_at(study, "the study")
    with failing(name, ""):
        _check(_Checked(made(found, name), name, options))


class _Checked:
    """A study under check, with the name by which messages speak of it."""

    def __init__(self, study: Study, name: str, options: StudyOptions) -> None:
        self.study, self.name, self.options = study, name, options

    def must(self, holds: bool, sentence: str) -> None:  # noqa: FBT001 - reads as an assertion
        if not holds:
            raise AssertionError(f"{self.name}: {sentence}")

    def given(self, what: str, kind: type[_Given], call: Callable[[], Sequence[Any]]) -> list[Any]:
        """Return what a method returns: a sequence of this kind."""
        with failing(self.name, what):
            entries = list(call())
        for entry in entries:
            self.must(
                isinstance(entry, kind),
                f"`{what}` must return a list of {kind.__name__}, not of {type(entry).__name__}",
            )
        return entries


def _check(it: _Checked) -> None:
    study, options = it.study, it.options
    try:
        pickle.dumps(study)
    except Exception as error:  # whatever it is, trials in other processes would fail
        raise AssertionError(
            f"{it.name} cannot be sent to other processes: {type(error).__name__}: {error}"
        ) from error
    trials = it.given("trials", Trial, lambda: study.trials(options))
    _check_trials(it, trials)
    hypotheses = it.given("hypotheses", Hypothesis, lambda: study.hypotheses(options))
    arms = list(dict.fromkeys(trial.arm for trial in trials))
    first = [next(trial for trial in trials if trial.arm == arm) for arm in arms]
    outcomes = [_outcome(it, trial) for trial in first]
    _check_hypotheses(it, hypotheses, arms, {m for one in outcomes for m in one.values})
    results = assemble(first, outcomes)
    findings = it.given("judge", Finding, lambda: study.judge(results, options))
    it.given("figures", Figure, lambda: study.figures(results, options))
    it.given("story", str, lambda: study.story(results, findings, options))


def _check_trials(it: _Checked, trials: Sequence[Trial]) -> None:
    it.must(len(trials) > 0, "there is no trial: give it arms, by name")
    for trial in trials:
        try:
            json.dumps(dict(trial.settings), allow_nan=False)
        except (TypeError, ValueError) as error:
            raise AssertionError(
                f"{it.name}: the settings of arm '{trial.arm}' must be plain values: {error}"
            ) from None
    keys = {trial.key(it.study.name, it.study.version) for trial in trials}
    it.must(len(keys) == len(trials), "two trials are the same: give them other seeds or settings")


def _outcome(it: _Checked, trial: Trial) -> TrialOutcome:
    """Return the outcome of a trial, which runs twice."""
    where = f"arm '{trial.arm}'"
    with failing(it.name, where):
        scenario = it.study.scenario(trial, it.options)
        one = it.study.run(trial, it.options)
        two = it.study.run(trial, it.options)
        same = plain_outcome(trial, one) == plain_outcome(trial, two)
    kind = type(scenario).__name__
    it.must(
        scenario is None or isinstance(scenario, Scenario),
        f"`scenario` must return a Scenario or None, not {kind}",
    )
    it.must(
        same,
        f"a second run of the same trial has another outcome ({where}): take all random numbers "
        "from trial.seed",
    )
    return one


def _check_hypotheses(
    it: _Checked, hypotheses: Sequence[Hypothesis], arms: Sequence[str], measured: set[str]
) -> None:
    for hypothesis in hypotheses:
        text = f"the hypothesis '{hypothesis.text}'"
        for arm in (hypothesis.arm, hypothesis.against):
            it.must(
                not isinstance(arm, str) or arm in arms,
                f"{text} is about the arm '{arm}', which the study does not have",
            )
        it.must(
            hypothesis.measure in measured,
            f"{text} is about '{hypothesis.measure}', which no trial has measured",
        )
