"""docs/surveys.md: its scenario, questionnaire, commands and program are what the code takes."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from pages import blocks
from typer.testing import CliRunner

from hubbub.cli.app import app
from hubbub.config import load_survey, parse_scenario
from hubbub.errors import RunError
from hubbub.mind.survey import Questionnaire, due

SCENARIO, QUESTIONS = blocks("surveys.md", "yaml")


def test_the_scenario_holds_its_surveys_when_the_page_says() -> None:
    scenario = parse_scenario({"steps": 60, **yaml.safe_load(SCENARIO)})
    held = {t: [s.name for s in due(scenario.surveys, t)] for t in range(61)}
    assert {t: names for t, names in held.items() if names} == {
        20: ["trust"],
        40: ["trust"],
        60: ["trust", "farewell"],
    }


def test_the_questionnaire_is_told_as_the_page_says(tmp_path: Path) -> None:
    path = tmp_path / "questions.yaml"
    path.write_text(QUESTIONS, encoding="utf-8")
    (told,) = blocks("surveys.md", "text")
    assert Questionnaire(load_survey(path)).system == told.rstrip("\n")


def test_the_commands_are_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "questions.yaml").write_text(QUESTIONS, encoding="utf-8")
    lines = blocks("surveys.md", "sh")[0].splitlines()
    assert len(lines) == 3
    for line in lines:
        done = CliRunner().invoke(app, shlex.split(line)[1:])
        assert isinstance(done.exception, RunError), done.output  # there is only no such run
        assert "RUN" in str(done.exception)


def test_the_program_runs() -> None:
    (program,) = blocks("surveys.md", "python")
    names: dict[str, Any] = {}
    exec(program, names)  # noqa: S102 - the page's own code
    assert names["table"]["agent"].to_pylist() == [0, 1, 2, 3, 4]
    assert names["some"].num_rows == 4
    assert names["other"]["valid"].to_pylist() == [True]
