"""The commands about studies."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cli.conftest import Command
from cli.processes import COMMAND, environment
from hubbub.config import load_scenario
from hubbub.studies.catalogue import find_study, studies
from hubbub.studies.study_folder import StudyFolder
from hubbub.studies.trials import StudyOptions

EXAMPLE = Path(__file__).parents[2] / "examples" / "own-study" / "nudges.py"
STUDY = """\
name: sharing
title: Does ease of sharing spread posts?
scenario: small.yaml
arms:
  easy: {behaviour.base: {repost: 0}}
  hard: {behaviour.base: {repost: -6}}
  harder: {behaviour.base: {repost: -6}, seed: 5}
replicates: 6
measures: [reposts, comments]
curves: [reposts]
hypotheses:
  - {text: Ease spreads posts, measure: reposts, arm: easy, against: hard, direction: greater}
  - {text: Seeds matter, measure: comments, arm: harder, against: hard}
"""


def written(scenario: Path, text: str = STUDY) -> Path:
    path = scenario.with_name("study.yaml")
    path.write_text(text, encoding="utf-8")
    return path


def test_a_study_of_ones_own_tells_what_was_found_and_what_was_not(
    hubbub: Command, scenario: Path
) -> None:
    done = hubbub("study", "run", written(scenario), "--processes", 1, "--set", "steps=4")
    assert done.code == 0, done.err
    assert "18 trials" in done.err
    assert "Ease spreads posts. Supported" in done.out
    assert "No difference was found" in done.out
    assert "2 predictions: 1 supported, 1 not found" in done.out
    folder = StudyFolder.open(Path("studies/sharing"))
    assert [f.verdict for f in folder.findings()] == ["supported", "not found"]
    assert folder.options.overrides == {"steps": 4}
    again = hubbub("study", "run", "study.yaml", "--processes", 1, "--set", "steps=4")
    assert "18 trials, 18 of them done before" in again.err
    assert again.out == done.out


def test_a_study_in_python_is_found_here_and_its_report_from_anywhere(
    hubbub: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(EXAMPLE, tmp_path)
    shown = hubbub("study", "show", "nudges:Nudges", "--arm", "nudged")
    assert "# - people write more if praised [texts]" in shown.out
    assert "steps: 60" in shown.out
    short = ["--replicates", 2, "--set", "steps=6", "--processes", 1]
    done = hubbub("study", "run", "nudges:Nudges", *short)
    assert done.code == 0, done.err
    assert "1 predictions: 1 not found" in done.out
    page = Path("studies/nudges/report.html")
    command = "hubbub study run nudges:Nudges --replicates 2 --set steps=6"
    assert command in page.read_text(encoding="utf-8")
    wrong = hubbub("study", "run", "nudges:Nudges", "--set", "stepps=6")
    assert (wrong.code, wrong.out) == (1, "")
    assert "stepps: there is no such key (did you mean 'steps'?)" in wrong.err
    page.unlink()
    monkeypatch.delitem(sys.modules, "nudges")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    monkeypatch.setattr(sys, "path", [p for p in sys.path if p != str(tmp_path)])
    again = hubbub("report", "../studies/nudges")
    assert again.code == 0, again.err
    assert (elsewhere.parent / page).is_file()


def test_the_list_names_what_each_asks(hubbub: Command) -> None:
    done = hubbub("study", "list")
    assert done.code == 0, done.err
    assert all(name in done.out for name in studies())


def test_what_is_shown_of_a_study_can_be_run(hubbub: Command, scenario: Path) -> None:
    file = written(scenario)
    shown = hubbub("study", "show", file, "--arm", "harder")
    assert shown.code == 0, shown.err
    comments, of_arm = shown.out.split("# The scenario of 'harder', replicate 0:\n")
    assert comments.startswith("# Does ease of sharing spread posts?\n#\n")
    assert "# - easy: 6\n# - hard: 6\n# - harder: 6\n" in comments
    assert "# - Ease spreads posts [reposts]\n# - Seeds matter [comments]\n" in comments
    shown_file = file.with_name("shown.yaml")
    shown_file.write_text(shown.out, encoding="utf-8")
    study = find_study(str(file))
    trial = next(t for t in study.trials(StudyOptions()) if t.arm == "harder")
    assert load_scenario(shown_file) == study.scenario(trial, StudyOptions())
    assert "repost: -6" in of_arm
    assert f"seed: {trial.seed}\n" in of_arm
    done = hubbub("run", shown_file, "--steps", 2)
    assert done.code == 0, done.err


def test_an_arm_that_is_computed_has_no_scenario(hubbub: Command) -> None:
    shown = hubbub("study", "show", "propagation", "--arm", "real")
    assert shown.code == 0, shown.err
    assert shown.out.endswith("# 'real' has no scenario.\n")


def test_errors_are_one_message(hubbub: Command, scenario: Path) -> None:
    done = hubbub("study", "run", "herdign")
    assert (done.code, done.out) == (1, "")
    assert "there is no study 'herdign' (did you mean 'herding'?)" in done.err
    done = hubbub("study", "run", "nothing.yaml")
    assert "there is no file nothing.yaml" in done.err
    done = hubbub("study", "run", written(scenario), "--out", scenario.parent)
    assert done.code == 1
    assert "is not a study" in done.err
    done = hubbub("study", "show", "study.yaml", "--arm", "hardest")
    assert "'sharing' has no arm 'hardest' (did you mean 'harder'?)" in done.err
    done = hubbub("study", "run", "study.yaml", "--set", "steps=-1", "--processes", 1)
    assert done.err.startswith("hubbub: sharing, arm 'easy': steps: must be")


def test_ctrl_c_ends_in_order_and_the_same_command_goes_on(
    hubbub: Command, scenario: Path, tmp_path: Path
) -> None:
    text = STUDY.replace("curves: [reposts]", "curves: ['slow:line']")
    written(scenario, text.replace("replicates: 6", "replicates: 2"))
    (tmp_path / "slow.py").write_text(
        "import time, os, pathlib\n"
        "def line(store):\n"
        "    if store.scenario()['behaviour']['base']['repost'] < 0:\n"
        "        pathlib.Path(f'{os.getpid()}.busy').touch()\n"
        "        time.sleep(float(os.environ.get('PAUSE', 0)))\n"
        "    return []\n"
    )
    process = subprocess.Popen(
        (*COMMAND, "study", "run", "study.yaml", "--processes", "2"),
        cwd=tmp_path,
        env=environment(PAUSE="60"),
        stderr=subprocess.PIPE,
        text=True,
    )
    end = time.monotonic() + 60
    while len(list(tmp_path.glob("*.busy"))) < 2:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.05)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert time.monotonic() - began < 10
    assert process.returncode == 130
    assert "stopped; finished work is kept in studies/sharing" in err
    assert "Traceback" not in err
    assert not any(alive(int(path.stem)) for path in tmp_path.glob("*.busy"))
    done = hubbub("study", "run", "study.yaml", "--processes", 1)
    assert done.code == 0, done.err
    assert "6 trials, 2 of them done before" in done.err


def alive(process: int) -> bool:
    if sys.platform == "linux" and Path(f"/proc/{process}/stat").exists():
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
