"""Python studies by dotted path: run, report, check."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from hubbub.errors import ScenarioError
from hubbub.studies import Hypothesis, Study, StudyOptions, Trial, TrialOutcome, run_study
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


class Nameless(Toy):
    name = ""


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
        (Armless, "needs arms"),
        (Objects, "settings of arm 'a' must be plain values"),
        (Random, "gives another outcome the second time"),
        (Infinite, "leave out what could not be taken"),
        (Elsewhere, "names the arm 'c', which is none"),
        (Unmeasured, "is about 'y', which no trial measured"),
        (object, "derived from hubbub.studies.Study"),
    ],
)
def test_the_check_says_what_is_wrong(study: Any, said: str) -> None:
    with pytest.raises(AssertionError, match=said):
        check_study(study)


def test_a_study_without_run_says_so() -> None:
    check_study(Toy)
    with pytest.raises(TypeError, match=r"Runless needs a method run\(self, trial, options\)"):
        check_study(Runless)
