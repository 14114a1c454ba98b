"""Python studies by dotted path: run, report, check."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

import hubbub as hb
from hubbub.errors import ScenarioError
from hubbub.studies import (
    Hypothesis,
    Study,
    StudyHook,
    StudyOptions,
    Trial,
    TrialOutcome,
    run_study,
)
from hubbub.studies.catalogue import find_study, study_in
from hubbub.studies.study_folder import StudyFolder
from hubbub.testing import check_study

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "own-study" / "nudges.py"
SHORT = StudyOptions(replicates=2, overrides={"steps": 6})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copy(EXAMPLE, tmp_path / "nudges.py")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_the_example_runs_in_processes_and_is_found_again(folder: Path) -> None:
    study = find_study("nudges:Nudges")
    results = run_study(study, SHORT, folder / "one", processes=1)
    same = run_study(find_study("nudges:Nudges"), SHORT, folder / "two", processes=2)
    assert results.values.equals(same.values)
    assert set(results.values["arm"].to_pylist()) == {"silent", "nudged"}
    assert results.curves.num_rows == 2 * 2 * 6
    assert {t.seed for t in study.trials(SHORT)} == {0, 1}
    kept = StudyFolder.open(folder / "two")
    assert kept.source == "nudges:Nudges"
    again = study_in(kept)
    assert (again.name, again.title) == ("nudges", "Nudges")
    (finding,) = again.judge(kept.results(), SHORT)
    assert finding.arm == "nudged"
    assert [f.name for f in again.figures(results, SHORT)] == [
        f.name for f in study.figures(results, SHORT)
    ]
    assert again.story(results, [finding], SHORT)[0].startswith("4 trials were run in 2 arms")


def test_the_driver_of_the_example_has_an_effect(folder: Path) -> None:
    study = find_study("nudges:Nudges")
    arms = {trial.arm: trial for trial in study.trials(StudyOptions(replicates=1))}
    texts = {arm: study.run(trial, StudyOptions()).values["texts"] for arm, trial in arms.items()}
    assert texts["nudged"] > texts["silent"] > 10


def test_a_changed_file_runs_its_trials_again(folder: Path) -> None:
    code = (
        "from hubbub.studies import Study, TrialOutcome\n"
        "class Count(Study):\n"
        '    """How many\n    are there?\n\n    Many."""\n'
        "    name = 'count'\n"
        "    arms = {'a': {}}\n"
        "    replicates = 2\n"
        "    def run(self, trial, options):\n"
        "        return TrialOutcome({'x': 1})\n"
    )
    (folder / "counted.py").write_text(code)
    study = find_study("counted:Count")
    assert (study.title, study.question) == ("count", "How many are there?")
    hook = Kept()
    for text, kept in ((code, 0), (code, 2), (code.replace("'x': 1", "'x': 2"), 0)):
        (folder / "counted.py").write_text(text)
        run_study(study, StudyOptions(), folder / "count", processes=1, hooks=[hook])
        assert hook.kept == kept


class Kept(StudyHook):
    kept = -1

    def began(self, total: int, kept: int) -> None:
        self.kept = kept


def test_overrides_that_change_nothing_are_refused(folder: Path) -> None:
    study = find_study("nudges:Nudges")
    for name, value, message in (
        ("stepps", 3, "stepps: there is no such key .did you mean 'steps'"),
        ("time.activty.rate", 1, "did you mean 'activity'"),
        ("seed", "x", "seed: must be a whole number from 0"),
    ):
        with pytest.raises(ScenarioError, match=message):
            study.trials(StudyOptions(overrides={name: value}))
    message = "the study 'toy' does not use 'y'; the settings of its arms: x"
    with pytest.raises(ScenarioError, match=message):
        Toy().trials(StudyOptions(overrides={"y": 3}))
    assert [t.settings for t in Toy().trials(StudyOptions(1, {"x": 3}))] == [{"x": 3}] * 2
    used = {"praise": True, "seed": 2, "platform.actions": "all", "time.activity": {"rate": 0.1}}
    trials = study.trials(StudyOptions(overrides={**used, "population.synthetic.agents": 50}))
    assert {trial.seed for trial in trials} == {2000 + r for r in range(12)}
    assert {trial.settings["praise"] for trial in trials} == {True}
    scenario = study.scenario(trials[0], StudyOptions(overrides=used))
    assert scenario is not None
    assert (scenario.seed, scenario.time.activity.rate) == (2000, 0.1)


def test_an_override_is_used_if_the_scenario_is_another_without_it() -> None:
    options = StudyOptions(overrides={"length": 3})
    (trial, *_) = Lengths().trials(options)
    scenario = Lengths().scenario(trial, options)
    assert scenario is not None
    assert scenario.steps == 30


def test_trials_that_ask_models_run_one_after_the_other(tmp_path: Path) -> None:
    run_study(Asking(), StudyOptions(replicates=2), tmp_path / "out", processes=2)
    values = StudyFolder.open(tmp_path / "out").results().values["value"].to_pylist()
    assert set(values) == {float(os.getpid())}


def test_the_example_passes_its_check(folder: Path) -> None:
    check_study("nudges:Nudges", SHORT)


def test_paths_that_are_no_study(folder: Path) -> None:
    (folder / "other.py").write_text("x = 1\nclass Plain:\n    name = 'plain'\n")
    for path, message in (
        ("nudges:Nudge", "has no 'Nudge' .did you mean 'Nudges'"),
        ("nowhere:X", "cannot import 'nowhere'"),
        ("other:Plain", "must be a class derived from hubbub.studies.Study"),
    ):
        with pytest.raises(ScenarioError, match=message):
            find_study(path)


class Toy(Study):
    name = "toy"
    arms = {"a": {"x": 1}, "b": {"x": 2}}

    def run(self, trial: Trial, options: StudyOptions) -> TrialOutcome:
        return TrialOutcome({"x": float(trial.settings["x"])})


class Lengths(Toy):
    """Reads an override of its own in its scenario."""

    def scenario(self, trial: Trial, options: StudyOptions) -> hb.Scenario:
        return hb.Scenario(steps=10 * options.overrides.get("length", 1))


class Asking(Toy):
    """Has a scenario with a model; tells which process a trial runs in."""

    def scenario(self, trial: Trial, options: StudyOptions) -> hb.Scenario:
        return hb.Scenario(
            models={"small": {"urls": ["http://localhost:1/v1"]}}, agents=[{"model": "small"}]
        )

    def run(self, trial: Trial, options: StudyOptions) -> TrialOutcome:
        return TrialOutcome({"process": os.getpid()})


class Nameless(Toy):
    name = ""


class Slashed(Toy):
    name = "../toy"


class Builtin(Toy):
    name = "scale"


class Unpicklable(Toy):
    def __init__(self) -> None:
        self.run_later = lambda: 3


class Curved(Toy):
    def run(self, trial: Trial, options: StudyOptions) -> TrialOutcome:
        return TrialOutcome({"x": 1.0}, {"c": [(1.0, float("inf"))]})


class Numbers(Toy):
    def run(self, trial: Trial, options: StudyOptions) -> Any:
        return {"x": 1.0}


class Failing(Toy):
    def run(self, trial: Trial, options: StudyOptions) -> TrialOutcome:
        raise KeyError("y")


class Judging(Toy):
    def judge(self, results: Any, options: StudyOptions) -> Any:
        return [3]


class Paged(Toy):
    def scenario(self, trial: Trial, options: StudyOptions) -> Any:
        return {"steps": 3}


class Armless(Toy):
    arms: dict[str, Any] = {}


class Runless(Study):
    name = "runless"
    arms = {"a": {}}


class Objects(Toy):
    arms = {"a": {"x": object()}}


class Random(Toy):
    calls = 0

    def run(self, trial: Trial, options: StudyOptions) -> TrialOutcome:
        Random.calls += 1
        return TrialOutcome({"x": float(Random.calls)})


class Infinite(Toy):
    def run(self, trial: Trial, options: StudyOptions) -> TrialOutcome:
        return TrialOutcome({"x": float("nan")})


class Elsewhere(Toy):
    def hypotheses(self, options: StudyOptions) -> list[Hypothesis]:
        return [Hypothesis("c is more", "x", "c", "a", "greater")]


class Unmeasured(Toy):
    def hypotheses(self, options: StudyOptions) -> list[Hypothesis]:
        return [Hypothesis("b is more", "y", "b", "a", "greater")]


@pytest.mark.parametrize(
    ("study", "said"),
    [
        (Nameless, "needs a name"),
        (Slashed, r"its name must be letters, digits, .* not '\.\./toy'"),
        (Builtin, "'scale' is the name of a built-in study"),
        (Armless, "there is no trial: give it arms"),
        (Objects, "settings of arm 'a' must be plain values"),
        (Random, r"a second run of the same trial has another outcome \(arm 'a'\)"),
        (Infinite, "the measure 'x' must be a finite number, not nan; leave out"),
        (Curved, "the curve 'c' must be pairs .x, y. of finite numbers"),
        (Numbers, r"`run` must return a TrialOutcome, not dict \(arm 'a'\)"),
        (Failing, r":Failing raised KeyError: 'y' \(arm 'a'\)"),
        (Judging, "`judge` must return a list of Finding, not of int"),
        (Paged, "`scenario` must return a Scenario or None, not dict"),
        (Unpicklable, "cannot be sent to other processes"),
        (Elsewhere, "is about the arm 'c', which the study does not have"),
        (Unmeasured, "is about 'y', which no trial has measured"),
        (
            Runless,
            r"raised TypeError: the study Runless needs a method run\(self, trial, options\)",
        ),
        (object, "derived from hubbub.studies.Study"),
        (f"{__name__}:Toi", "has no 'Toi' .did you mean 'Toy'"),
    ],
)
def test_the_check_says_what_is_wrong(study: Any, said: str) -> None:
    with pytest.raises(AssertionError, match=said) as raised:
        check_study(study)
    assert "\n" not in str(raised.value)


def test_the_check_passes_what_works() -> None:
    for study in (Toy, Toy(), lambda: Toy(), f"{__name__}:Toy"):
        check_study(study)
