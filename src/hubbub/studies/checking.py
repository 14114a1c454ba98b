"""A check of a custom study: one sentence says what is wrong."""

from __future__ import annotations

import json
import pickle
from collections.abc import Sequence
from dataclasses import replace
from math import isfinite
from typing import Any

from hubbub.errors import ScenarioError
from hubbub.report.figure_data import Figure
from hubbub.studies.catalogue import find_study
from hubbub.studies.statistics import Hypothesis
from hubbub.studies.study import Study
from hubbub.studies.study_folder import assemble
from hubbub.studies.trials import StudyOptions, Trial, TrialOutcome


def check_study(study: Any, options: StudyOptions | None = None) -> None:
    """Raise AssertionError if a Python study does not do what `hubbub study run` needs.

    `study` is the dotted path 'module:Study', a class, or an instance. The first trial of each arm
    runs twice; give `options` that make it short, such as overrides with few agents or steps.
    """
    options = replace(options or StudyOptions(), replicates=2)
    found = _made(study)
    trials = list(found.trials(options))
    _check_trials(found, trials)
    first = [next(t for t in trials if t.arm == arm) for arm in dict.fromkeys(_arms(trials))]
    outcomes = [_outcome(found, trial, options) for trial in first]
    hypotheses = list(found.hypotheses(options))
    _check_hypotheses(hypotheses, _arms(trials), {m for o in outcomes for m in o.values})
    results = assemble(first, outcomes)
    findings = found.judge(results, options)
    for figure in found.figures(results, options):
        _must(isinstance(figure, Figure), f"figures must give Figures, not {figure!r}")
    for paragraph in found.story(results, findings, options):
        _must(isinstance(paragraph, str), f"story must give paragraphs of text, not {paragraph!r}")


def _must(holds: bool, sentence: str) -> None:  # noqa: FBT001 - reads as an assertion
    if not holds:
        raise AssertionError(sentence)


def _made(study: Any) -> Study:
    try:
        found = find_study(study) if isinstance(study, str) else study
    except ScenarioError as error:
        raise AssertionError(str(error)) from None
    found = found() if isinstance(found, type) else found
    _must(isinstance(found, Study), "a study must be of a class derived from hubbub.studies.Study")
    _must(bool(getattr(found, "name", "")), "a study needs a name: name = 'my-study'")
    try:
        pickle.dumps(found)
    except Exception as error:  # whatever it is, trials in other processes would fail
        raise AssertionError(f"a study must be picklable, but: {error}") from error
    return found


def _arms(trials: Sequence[Trial]) -> list[str]:
    return [trial.arm for trial in trials]


def _check_trials(study: Study, trials: Sequence[Trial]) -> None:
    _must(len(trials) > 0, "trials gives no trial: the study needs arms")
    for trial in trials:
        try:
            json.dumps(dict(trial.settings), allow_nan=False)
        except (TypeError, ValueError) as error:
            raise AssertionError(
                f"the settings of arm '{trial.arm}' must be plain values (JSON), but: {error}"
            ) from None
    keys = {trial.key(study.name, study.version) for trial in trials}
    _must(len(keys) == len(trials), "two trials are the same: give them other seeds or settings")


def _outcome(study: Study, trial: Trial, options: StudyOptions) -> TrialOutcome:
    one = study.run(trial, options)
    where = f"run, in arm '{trial.arm}',"
    _must(isinstance(one, TrialOutcome), f"{where} must return a TrialOutcome, not {one!r}")
    for name, value in one.values.items():
        number = isinstance(value, int | float) and isfinite(value)
        _must(number, f"{where} gives {value!r} as '{name}': leave out what could not be taken")
    _must(study.run(trial, options) == one, f"{where} gives another outcome the second time")
    return one


def _check_hypotheses(
    hypotheses: Sequence[Hypothesis], arms: Sequence[str], taken: set[str]
) -> None:
    for h in hypotheses:
        against = [h.against] if isinstance(h.against, str) else []
        for arm in (h.arm, *against):
            _must(arm in arms, f"the hypothesis '{h.text}' names the arm '{arm}', which is none")
        _must(
            h.measure in taken,
            f"the hypothesis '{h.text}' is about '{h.measure}', which no trial measured",
        )
