"""OASIS beside hubbub: the shared work, our side of it, and what people are told if OASIS fails."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from hubbub.bench.oasis import FOLLOWING, oasis_side, our_side, write_profiles
from hubbub.bench.oasis_env import VERSION, find_python, oasis_python
from hubbub.config.load import parse_scenario
from hubbub.engine import Simulation
from hubbub.errors import RunError


@pytest.fixture
def profiles(tmp_path: Path) -> Path:
    path = tmp_path / "profiles.csv"
    write_profiles(path, 40)
    return path


def test_everyone_follows_ten_others_and_has_a_post(profiles: Path) -> None:
    people = {"file": str(profiles), "format": "oasis-twitter", "graph": {"kind": "file"}}
    with Simulation(parse_scenario({"population": people, "steps": 0})) as sim:
        sim.run()
        assert len(sim.world.agents) == 40
        assert len(sim.world.items) == 40
        assert sim.world.agents["followings"].tolist() == [FOLLOWING] * 40


def test_two_agents_follow_each_other(tmp_path: Path) -> None:
    write_profiles(tmp_path / "two.csv", 2)
    lines = (tmp_path / "two.csv").read_text(encoding="utf-8").splitlines()
    assert [line.split(",")[3] for line in lines[1:]] == ["[1]", "[0]"]


def test_our_side(profiles: Path) -> None:
    models = our_side(profiles=str(profiles), steps=2, models=True)
    assert models.agents == 40
    assert models.did == {"like_post": 80}, "every model likes a post in each step"
    assert models.ms_per_agent > 0
    assert models.turns_per_second > 10
    assert models.disk_mb >= models.database_mb > 0
    policy = our_side(profiles=str(profiles), steps=2, models=False)
    assert policy.digest != models.digest
    assert sum(policy.did.values()) >= 80
    (elsewhere := profiles.parent / "elsewhere").mkdir()
    moved = profiles.rename(elsewhere / profiles.name)
    assert our_side(profiles=str(moved), steps=2, models=True).digest == models.digest


def test_oasis_that_fails_says_why(profiles: Path) -> None:
    with pytest.raises(RunError, match=r"(?s)^OASIS failed:.*No module named 'oasis'"):
        oasis_side(Path(sys.executable), profiles, 1)


class Commands:
    """Runs nothing: answers by the first rule whose word is in the command."""

    def __init__(self, **rules: tuple[int, str]) -> None:
        self.rules = rules
        self.asked: list[str] = []

    def __call__(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        line = " ".join(command)
        self.asked.append(line)
        code, said = next((r for word, r in self.rules.items() if word in line), (0, ""))
        return subprocess.CompletedProcess(command, code, said if not code else "", said)


def test_an_environment_is_made_once(tmp_path: Path) -> None:
    run = Commands(version_info=(0, "3 11\n"), camel=(0, f"{VERSION}\n"))
    said: list[str] = []

    def make() -> Path:
        return oasis_python(tmp_path, say=said.append, run=run)

    (tmp_path / f"oasis-{VERSION}").mkdir()
    run.rules["venv"] = (0, "")
    with pytest.raises(FileNotFoundError):  # nothing was made by commands that do nothing
        make()
    python = tmp_path / f"oasis-{VERSION}" / "bin" / "python"

    def venv(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        if "venv" in command:
            Path(command[-1]).mkdir()
        return run(command)

    assert oasis_python(tmp_path, say=said.append, run=venv) == python
    assert any(f"camel-oasis=={VERSION} mcp<2" in line for line in run.asked)
    assert "7 GB" in said[0]
    asked = len(run.asked)
    assert make() == python
    assert len(run.asked) == asked, "the second time nothing is run"


def test_pip_that_fails_says_why_and_leaves_nothing(tmp_path: Path) -> None:
    run = Commands(version_info=(0, "3 10\n"), install=(1, "ERROR: No matching distribution\n"))
    with pytest.raises(RunError, match=r"(?s)pip could not install .*No matching distribution"):
        oasis_python(tmp_path, say=list, run=run)
    assert list(tmp_path.iterdir()) == []


def test_no_python_that_is_old_enough() -> None:
    with pytest.raises(RunError, match=r"needs Python 3\.10 or 3\.11.*is 3\.13.*--python"):
        find_python(Commands(version_info=(0, "3 13\n")))


def test_a_shim_without_an_interpreter_is_passed_over() -> None:
    with pytest.raises(RunError, match="no Python at all"):
        find_python(Commands(version_info=(127, "")))


def test_an_interpreter_of_ones_own_must_have_this_oasis(tmp_path: Path) -> None:
    own = tmp_path / "python"
    with pytest.raises(RunError, match=r"has OASIS 0\.1\.0: the comparison is with 0\.2\.5"):
        oasis_python(tmp_path, say=list, run=Commands(camel=(0, "0.1.0\n")), own=own)
    failing = Commands(camel=(1, "ModuleNotFoundError: camel\n"))
    with pytest.raises(RunError, match=r"(?s)can't import OASIS:.*ModuleNotFoundError"):
        oasis_python(tmp_path, say=list, run=failing, own=own)
