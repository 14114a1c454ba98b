"""docs/models.md: scenarios load and run, programs, commands and queries work, prompts are real."""

from __future__ import annotations

import json
import shlex
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from pages import DOCS, blocks
from typer.testing import CliRunner

import hubbub as hb
from hubbub.cli.app import app
from hubbub.config import parse_scenario
from hubbub.config.models import LimitsConfig
from hubbub.mind.words import LANGUAGES
from hubbub.testing import ValidModel

PAGE = (DOCS / "models.md").read_text(encoding="utf-8")
SCENARIOS = [yaml.safe_load(text) for text in blocks("models.md", "yaml")]
FIRST = SCENARIOS[0]
PEOPLE = {"population": {"synthetic": {"agents": 30, "core": 3}}}
AWAKE = {"time": {"activity": {"kind": "constant", "rate": 0.5, "core_rate": 1.0}}}


@pytest.fixture(scope="module")
def shown() -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(blocks("models.md", "python")[0], names)  # noqa: S102 - the page's own code
    return names


def test_the_prompt_is_the_one_that_the_program_makes(shown: dict[str, Any]) -> None:
    rules, own = blocks("models.md", "text")
    assert shown["rules"] == rules.rstrip("\n")
    assert shown["own"] == own.rstrip("\n")


def test_the_reply_is_one_of_those_the_program_gives(shown: dict[str, Any]) -> None:
    (reply,) = blocks("models.md", "json")
    form = shown["model"].requests[1].shape.schema["properties"]["do"]["items"]["anyOf"]
    (chosen,) = json.loads(reply)["do"]
    fits = [f["properties"] for f in form if chosen["action"] in f["properties"]["action"]["enum"]]
    assert len(fits) == 1
    assert chosen["id"] in fits[0]["id"]["enum"]
    assert shown["did"]["action"] == chosen["action"]


def test_those_named_in_a_step_do_as_told_or_are_asked() -> None:
    names: dict[str, Any] = {}
    exec(blocks("models.md", "python")[1], names)  # noqa: S102
    agents = {call["agent"] for call in names["calls"]}
    assert 3 in agents
    assert 1 not in agents


@pytest.mark.parametrize("given", SCENARIOS, ids=lambda s: "-".join(s))
def test_a_scenario_runs_with_stand_ins(given: dict[str, Any]) -> None:
    name = next(iter(given.get("models", FIRST["models"])))
    agents = [{**FIRST["agents"][0], "model": name}, FIRST["agents"][1]]
    whole = {"steps": 2, **PEOPLE, **AWAKE, **FIRST, "agents": agents, **given}
    scenario = parse_scenario(whole)
    with hb.Simulation(scenario, stand_ins={name: ValidModel()}) as sim:
        assert sim.run() == 2
        assert sim.paused is None
        assert sim.completions().num_rows == 6  # three core users in two steps
        if "prompt" in given:
            assert "This is a study of X." in sim.completions()["system"][0].as_py()


def test_the_commands_and_their_options_are_there() -> None:
    lines = [line for block in blocks("models.md", "sh") for line in block.splitlines()]
    spoken = [c for c in PAGE.split("`")[1::2] if c.startswith("hubbub ") and "\n" not in c]
    commands = [shlex.split(c)[1:] for c in (*lines, *spoken) if c.startswith("hubbub ")]
    assert len(commands) >= 10
    for words in commands:
        command: Any = typer.main.get_command(app)
        while hasattr(command, "commands"):
            command = command.commands[words.pop(0)]
        if words:
            command.make_context(command.name, words)  # UsageError for what it does not take


def test_a_record_can_be_replayed_as_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = parse_scenario({"steps": 2, **PEOPLE, **AWAKE, **FIRST})
    monkeypatch.chdir(tmp_path)
    with hb.Simulation(scenario, out="leaders", stand_ins={"small": ValidModel()}) as sim:
        sim.run()
    given = {"steps": 2, **PEOPLE, **AWAKE, **FIRST}
    path = tmp_path / "examples" / "opinion-leaders" / "scenario.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(yaml.safe_dump(given), encoding="utf-8")
    for line in blocks("models.md", "sh")[0].splitlines()[1:]:
        done = CliRunner().invoke(app, shlex.split(line)[1:])
        assert done.exit_code == 0, done.output
    for query in queries():
        with closing(sqlite3.connect("leaders/run.db")) as db:
            rows = db.execute(query).fetchall()
            assert rows or "invalid_reply" in query  # valid replies are all there are


def queries() -> Iterator[str]:
    (block,) = blocks("models.md", "sql")
    return (query for query in block.split(";") if query.strip())


def test_defaults_and_languages_are_told_as_they_are() -> None:
    told = {**LimitsConfig().model_dump()}
    for name in ("concurrency", "timeout_seconds", "attempts", "patience_seconds"):
        assert f"- `{name}` (default {told.pop(name):g}): " in PAGE
    for name in told:
        assert f"`{name}`" in PAGE
    languages = PAGE[PAGE.index("There are words for") :].split(";")[0]
    listed = languages.removeprefix("There are words for").replace(" and ", ", ").split(",")
    assert sorted(word.strip() for word in listed) == sorted(LANGUAGES)
