"""What is said and what is kept when a run waits, stops or fails."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from numba import njit
from processes import COMMAND, environment, steps_of, wait_for

from hubbub.cli import progress
from hubbub.cli.progress import Rate

if TYPE_CHECKING:
    from .conftest import Command

POLICY = """\
import os, signal, time
from hubbub.policy.scripted import IdlePolicy

class Failing(IdlePolicy):
    def decide(self, obs):
        if obs.step == int(os.environ.get("FAILS", 0)):
            raise ZeroDivisionError("of my own")
        if obs.step == int(os.environ.get("SLEEPS", 0)):
            time.sleep(2)
        if obs.step == int(os.environ.get("FULL", 0)):  # no file can grow from now on
            import resource
            time.sleep(1)  # the step before is in the file by then
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
        return super().decide(obs)
"""


@pytest.fixture
def failing(scenario: Path) -> Path:
    """Return a scenario with a policy that fails or sleeps at the step the environment names."""
    scenario.with_name("own_failing.py").write_text(POLICY, encoding="utf-8")
    text = scenario.read_text(encoding="utf-8") + "agents: [{policy: 'own_failing:Failing'}]\n"
    scenario.write_text(text, encoding="utf-8")
    return scenario


def run_process(*args: object, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (*COMMAND, *map(str, args)),
        capture_output=True,
        text=True,
        env=environment(**env),
        check=False,
        timeout=60,
    )


def test_a_run_that_fails_in_step_1_leaves_no_folder(failing: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    done = run_process("run", failing, "--out", folder, FAILS="1")
    assert done.returncode == 1
    assert "ZeroDivisionError: of my own" in done.stderr
    assert not folder.exists()
    folder.mkdir()
    run_process("run", failing, "--out", folder, FAILS="1")
    assert list(folder.iterdir()) == []


def test_a_run_that_fails_later_is_kept(failing: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    done = run_process("run", failing, "--out", folder, FAILS="3")
    assert done.returncode == 1
    assert f"{folder} is kept up to step 2" in done.stderr
    assert f"hubbub resume {folder}" in done.stderr
    assert steps_of(folder) == 2


def test_a_step_that_was_shown_but_not_written_is_not_said_to_be_kept(
    failing: Path, tmp_path: Path
) -> None:
    pytest.importorskip("resource")
    folder = tmp_path / "run"
    done = run_process("run", failing, "--out", folder, FULL="3")
    assert done.returncode == 1
    assert "the run is still at its last whole step" in done.stderr
    assert f"{folder} is kept up to step 2. To go on:" in done.stderr
    assert steps_of(folder) == 2


def test_a_run_of_no_steps_is_not_taken_for_a_failed_one(hubbub: Command, scenario: Path) -> None:
    hubbub("run", scenario, "--out", "a", "--steps", 0)
    before = Path("a/run.db").read_bytes()
    assert hubbub("run", scenario, "--out", "a").code == 1
    assert Path("a/run.db").read_bytes() == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_before_step_1_leaves_nothing(
    scenario: Path, tmp_path: Path, number: signal.Signals
) -> None:
    folder = tmp_path / "run"
    many = "population={synthetic: {agents: 300000}}"
    with subprocess.Popen(
        (*COMMAND, "run", str(scenario), "--out", str(folder), "--set", many),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "making 300,000 agents ...\n"
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err == "stopped before step 1; nothing is kept\n"
    assert out == ""
    assert not folder.exists()


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM])
def test_a_second_interruption_drops_the_step_at_hand(
    failing: Path, tmp_path: Path, first: signal.Signals, second: signal.Signals
) -> None:
    folder = tmp_path / "run"
    with subprocess.Popen(
        (*COMMAND, "run", str(failing), "--out", str(folder)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(SLEEPS="4"),
    ) as process:
        wait_for(folder, 3, process)
        time.sleep(0.5)
        for number in (first, second):
            process.send_signal(number)
            time.sleep(0.5)
        err = process.communicate(timeout=30)[1]
    assert process.returncode == 130
    assert "stopped after step 3 of 8; nothing is lost" in err
    assert steps_of(folder) == 3


def test_waits_are_explained(
    hubbub: Command, scenario: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "_PATIENCE", 0.0)
    assert hubbub("run", scenario, "--out", "a").err.startswith("making 60 agents ...\n")
    assert hubbub("resume", "a", "--steps", 1).err.startswith("reading a ...\n")


def test_compiling_is_mentioned_once(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress._Compiling, "said", False)
    shown = progress.RunProgress()
    with shown.busy("making ..."):
        njit(lambda x: x + 1)(1)
    with shown.showing(0, 1):
        njit(lambda x: x + 2)(1)
    assert capfd.readouterr().err.count("compiling (first run only) ...\n") == 1


def test_the_rate_is_that_of_the_last_seconds() -> None:
    rate = Rate()
    rate.add(1000, 20.0)  # with what starts up
    assert str(rate) == ""
    rate.add(1000, 21.0)
    assert str(rate) == "1,000 turns/s"
    for second in range(22, 32):
        rate.add(5000, float(second))
    assert str(rate) == "5,000 turns/s"


def test_nothing_is_said_of_a_run_that_is_refused(hubbub: Command, scenario: Path) -> None:
    hubbub("run", scenario, "--out", "a", "--steps", 1)
    found = hubbub("run", scenario, "--out", "a")
    assert found.out == ""
    assert "steps into" not in found.err


def test_a_group_of_nobody_is_noted(hubbub: Command, scenario: Path) -> None:
    groups = "agents=[{policy: idle, where: {age: {min: 200}}}, {policy: statistical}]"
    found = hubbub("run", scenario, "--steps", 1, "--set", groups)
    assert "note: agents.0 (idle): nobody meets its conditions: {'age': {'min': 200}}" in found.err
    assert "agents.1" not in found.err


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "latin-1"])
def test_encodings_that_cannot_show_everything(made: Path, encoding: str) -> None:
    for option in ((), ("--agent", "1"), ("--post", "0")):
        done = run_process("inspect", made, *option, PYTHONIOENCODING=encoding, COLUMNS="80")
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        assert done.stdout.isascii()
        assert "--------" in done.stdout or option == ("--post", "0")
    bars = run_process("inspect", made, PYTHONIOENCODING=encoding).stdout
    assert re.search(r"^Agents awake per step.*\n[ .:=+*#@-]+@", bars, re.MULTILINE)


@pytest.mark.parametrize("width", [80, 120])
def test_lines_fit_and_texts_take_one(made: Path, width: int) -> None:
    for args in (("inspect", made), ("inspect", made, "--agent", 1), ("actions",)):
        lines = run_process(*args, COLUMNS=str(width)).stdout.splitlines()
        assert max(map(len, lines)) <= width
        assert not any(line.endswith(" ") for line in lines)
    shared = run_process("inspect", made, COLUMNS=str(width)).stdout.partition("Most reposted")[2]
    rows = shared.partition("\n\n")[0].splitlines()[3:]
    assert len(rows) == 5, "each post is one line"
    assert "Most reposted" not in shared, "once is enough"


def test_nobody_reposted(hubbub: Command, scenario: Path) -> None:
    no_reposts = "platform.actions=[do_nothing, like_post]"
    out = hubbub("run", scenario, "--out", "a", "--set", no_reposts).out
    assert "Most liked (nobody reposted anything)" in out
    assert "Most reposted" not in out
    hubbub("run", scenario, "--out", "b", "--set", "platform.actions=[do_nothing]")
    assert "Nobody reposted or liked anything." in hubbub("inspect", "b").out


def test_opinions_are_told(made: Path) -> None:
    out = run_process("inspect", made).stdout
    number = r"-?[01]\.\d\d"
    for topic in ("Politics", "Business", "Health", "Sports"):
        assert re.search(rf"^{topic} +{number} +{number} +{number} +{number}$", out, re.MULTILINE)
