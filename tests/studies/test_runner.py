"""Trials run once, in any number of processes, and give the same files."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from toy_study import ToyStudy

from hubbub.errors import DataError, RunError, ScenarioError
from hubbub.studies.file_hashes import content_of
from hubbub.studies.runner import StudyHook, run_study
from hubbub.studies.study_folder import StudyFolder
from hubbub.studies.trials import Finding, StudyOptions, Trial, TrialOutcome

OPTIONS = StudyOptions()
HERE = Path(__file__).parent


@pytest.fixture
def study(tmp_path: Path) -> ToyStudy:
    return toy(tmp_path)


def toy(tmp_path: Path, **given: object) -> ToyStudy:
    ran = tmp_path / "ran"
    ran.mkdir(exist_ok=True)
    return ToyStudy(ran, **given)  # type: ignore[arg-type]


def files(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


class Watcher(StudyHook):
    def __init__(self) -> None:
        self.told: list[object] = []

    def began(self, total: int, kept: int) -> None:
        self.told.append((total, kept))

    def finished(self, trial: Trial) -> None:
        self.told.append(f"{trial.arm}{trial.replicate}")

    def ended(self, error: BaseException | None) -> None:
        self.told.append(type(error))


def test_results_are_in_the_order_of_the_trials(study: ToyStudy, tmp_path: Path) -> None:
    results = run_study(study, OPTIONS, tmp_path / "out", processes=1)
    assert results.values.to_pylist()[:3] == [
        {"arm": "a", "replicate": 0, "seed": 0, "measure": "third", "value": 0.0},
        {"arm": "a", "replicate": 0, "seed": 0, "measure": "seed", "value": 0.0},
        {"arm": "a", "replicate": 1, "seed": 10, "measure": "third", "value": 10 / 3},
    ]
    assert results.values["arm"].to_pylist() == ["a"] * 6 + ["b"] * 6
    assert results.curves.to_pylist()[-1] == {
        "arm": "b", "replicate": 2, "curve": "line", "x": 1.0, "y": 21.0,
    }  # fmt: skip
    assert results.tables["people"].column_names == [
        "arm",
        "replicate",
        "who",
        "n",
        "share",
        "said",
    ]


def test_the_files_read_back_as_the_results(study: ToyStudy, tmp_path: Path) -> None:
    results = run_study(study, OPTIONS, tmp_path / "out", processes=1)
    back = StudyFolder.open(tmp_path / "out").results()
    assert back.values.equals(results.values)
    assert back.curves.equals(results.curves)
    assert back.tables.keys() == results.tables.keys()
    for name, table in results.tables.items():
        assert back.tables[name].equals(table), name


def test_any_number_of_processes_gives_the_same_files(tmp_path: Path) -> None:
    study = toy(tmp_path)
    run_study(study, OPTIONS, tmp_path / "one", processes=1)
    run_study(study, OPTIONS, tmp_path / "two", processes=2)
    assert files(tmp_path / "one") == files(tmp_path / "two")
    lines = [line.split() for p in study.ran.iterdir() for line in p.read_text().splitlines()]
    elsewhere = [line for line in lines if int(line[0]) != os.getpid()]
    assert len(elsewhere) == 6
    assert {tuple(line[1:]) for line in elsewhere} == {("1", "1")}  # one thread each


def test_what_is_done_is_not_done_again(study: ToyStudy, tmp_path: Path) -> None:
    out, watcher = tmp_path / "out", Watcher()
    run_study(study, StudyOptions(replicates=2), out, processes=1)
    run_study(study, StudyOptions(replicates=3), out, processes=1, hooks=[watcher])
    assert watcher.told == [(6, 4), "a2", "b2", type(None)]
    assert set(study.runs().values()) == {1}
    first = files(out)
    run_study(study, StudyOptions(replicates=3), out, processes=1)
    assert files(out) == first
    assert set(study.runs().values()) == {1}


def test_what_a_study_does_not_take_is_refused(study: ToyStudy, tmp_path: Path) -> None:
    options = StudyOptions(inputs={"people": tmp_path}, flags=frozenset({"only_oasis"}))
    with pytest.raises(ScenarioError, match="'toy' does not take --only-oasis and --people"):
        run_study(study, options, tmp_path / "out")
    assert not study.runs()


def test_what_changes_outcomes_makes_trials_run_again(tmp_path: Path) -> None:
    study, out, data = toy(tmp_path), tmp_path / "out", tmp_path / "data"
    data.mkdir()
    (data / "x.csv").write_text("1")
    options = StudyOptions(inputs={"cascades": data})
    run_study(study, options, out, processes=1)
    run_study(study, options, out, processes=1)
    assert study.runs()["a0"] == 1
    (data / "x.csv").write_text("2")
    run_study(study, options, out, processes=1)
    assert study.runs()["a0"] == 2
    run_study(study, replace(options, overrides={"steps": 3}), out, processes=1)
    assert study.runs()["a0"] == 3
    run_study(toy(tmp_path, version=2), options, out, processes=1)
    assert study.runs()["a0"] == 4


def test_models_are_asked_by_one_trial_after_the_other(study: ToyStudy, tmp_path: Path) -> None:
    options = StudyOptions(overrides={"models.small.local": "smollm2-135m"})
    run_study(study, options, tmp_path / "out", processes=2)
    assert {int(p.read_text().split()[0]) for p in study.ran.iterdir()} == {os.getpid()}


@pytest.mark.parametrize("processes", [1, 2])
def test_an_error_names_the_trial_and_the_others_are_kept(tmp_path: Path, processes: int) -> None:
    out, wrong = tmp_path / "out", toy(tmp_path, wrong="a1")
    message = (
        "1 of 6 trials failed; the others are kept:\n  arm 'a', replicate 1, seed 10: it cannot"
    )
    watcher = Watcher()
    with pytest.raises(RunError, match=message):
        run_study(wrong, OPTIONS, out, processes=processes, hooks=[watcher])
    assert set(watcher.told) == {(6, 0), "a0", "a2", "b0", "b1", "b2", RunError}
    assert (watcher.told[0], watcher.told[-1]) == ((6, 0), RunError)
    with pytest.raises(RunError, match="not finished"):
        StudyFolder.open(out).results()
    run_study(toy(tmp_path), OPTIONS, out, processes=1)
    assert set(wrong.runs().values()) == {1}


@pytest.mark.parametrize("processes", [1, 2])
def test_a_bug_names_the_trial(tmp_path: Path, processes: int) -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        run_study(toy(tmp_path, bug="b0"), OPTIONS, tmp_path / "out", processes=processes)
    place = "This comes from the trial of arm 'b', replicate 0, seed 1."
    assert place in (*caught.value.__notes__, str(caught.value.__cause__))


def test_killed_half_way_it_goes_on_to_the_same_files(tmp_path: Path) -> None:
    study, out = toy(tmp_path), tmp_path / "out"
    program = (
        "import sys, time; from pathlib import Path; from toy_study import ToyStudy\n"
        "from hubbub.studies.trials import StudyOptions\n"
        "from hubbub.studies.runner import run_study\n"
        "plain = ToyStudy.run\n"
        "def slow(self, trial, options):\n"
        "    if trial.arm == 'b': time.sleep(60)\n"
        "    return plain(self, trial, options)\n"
        "ToyStudy.run = slow\n"
        "if __name__ == '__main__':\n"
        "    ran, out = map(Path, sys.argv[1:])\n"
        "    run_study(ToyStudy(ran), StudyOptions(), out, processes=2)\n"
    )
    (tmp_path / "slow.py").write_text(program)
    given = filter(None, [os.environ.get("PYTHONPATH")])
    process = subprocess.Popen(
        [sys.executable, tmp_path / "slow.py", study.ran, out],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), *given])},
    )
    end = time.monotonic() + 60
    while len(list(out.glob("trials/*.json"))) < 3:
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    run_study(study, OPTIONS, out, processes=1)
    assert set(study.runs().values()) == {1}
    run_study(toy(tmp_path), OPTIONS, tmp_path / "whole", processes=1)
    assert files(out) == files(tmp_path / "whole")


def test_folders_that_are_something_else_are_refused(study: ToyStudy, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(RunError, match="is a file"):
        run_study(study, OPTIONS, file)
    with pytest.raises(RunError, match=r"has no study\.json"):
        run_study(study, OPTIONS, tmp_path)
    with pytest.raises(RunError, match="does not exist"):
        StudyFolder.open(tmp_path / "nothing")
    out = tmp_path / "out"
    run_study(study, OPTIONS, out, processes=1)
    other = toy(tmp_path)
    other.name = "other"
    with pytest.raises(RunError, match="holds the study 'toy', not 'other'"):
        run_study(other, OPTIONS, out)
    about = json.loads((out / "study.json").read_text())
    (out / "study.json").write_text(json.dumps({**about, "format": 9}))
    with pytest.raises(RunError, match="format 9"):
        StudyFolder.open(out)
    (out / "study.json").write_text("{")
    with pytest.raises(RunError, match="is damaged"):
        StudyFolder.open(out)


def test_options_and_findings_read_back(study: ToyStudy, tmp_path: Path) -> None:
    data = tmp_path / "data.csv"
    data.write_text("1")
    options = StudyOptions(2, {"feed.preset": "hot"}, {"cascades": data}, frozenset({"x"}))
    run_study(study, options, tmp_path / "out", processes=1)
    folder = StudyFolder.open(tmp_path / "out")
    assert (folder.study, folder.options, folder.definition) == ("toy", options, None)
    found = [
        Finding(
            hypothesis="More, and \"better\"\nthan b", measure="third", arm="a", against="b",
            what="difference of means", estimate=1 / 3, low=-1e-17, high=1e22, effect=None,
            test="permutation", p=0.2, corrected=0.4, n=(3, 0), verdict="not found",
        ),
    ]  # fmt: skip
    folder.write_findings(found)
    assert folder.findings() == found
    untested = replace(found[0], estimate=math.nan)
    folder.write_findings([untested])
    assert math.isnan(folder.findings()[0].estimate)


def test_a_number_that_is_none_is_refused(study: ToyStudy, tmp_path: Path) -> None:
    folder = StudyFolder.begin(tmp_path / "out", study, OPTIONS)
    for outcome, message in (
        (TrialOutcome({"x": math.nan}), "the measure 'x' must be a finite number, not nan"),
        (TrialOutcome({"x": None}), "the measure 'x' must be a finite number, not None"),
        (TrialOutcome({}, {"c": [(1.0, math.inf)]}), "the curve 'c' must be pairs"),
        (TrialOutcome({}, {"c": [1.0]}), "the curve 'c' must be pairs"),
        (TrialOutcome({}, {}, {"t": [{"a": object()}]}), "the table 't' .* cannot hold a object"),
        (TrialOutcome({}, {}, {"t": [3]}), "the table 't' must be rows of plain values"),
        ({"x": 1.0}, "`run` must return a TrialOutcome, not dict"),
    ):
        with pytest.raises(RunError, match=message):
            folder.keep("key", Trial("a", 0, 1), outcome)  # type: ignore[arg-type]
        assert not folder.has("key")


def test_content_is_that_of_all_files(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x").write_text("1")
    first = content_of(tmp_path)
    assert content_of(tmp_path) == first
    (tmp_path / "a" / "x").rename(tmp_path / "a" / "y")
    assert content_of(tmp_path) != first
    with pytest.raises(DataError, match="no file or folder"):
        content_of(tmp_path / "nothing")
