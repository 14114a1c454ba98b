"""Reading scenarios: what is read, and what is said about what cannot be."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hubbub.config import (
    Scenario,
    apply_overrides,
    load_scenario,
    parse_override,
    parse_scenario,
    scenario_schema,
    to_yaml,
)
from hubbub.config.describe import sections
from hubbub.errors import ScenarioError


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    return tmp_path / "scenario.yaml"


def problem(path: Path, text: str | bytes, **overrides: Any) -> str:
    """The message for a file of this content, without the path."""
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path, overrides)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "pydantic" not in message
    assert "http" not in message
    return message.removeprefix(f"{path}: ")


def test_a_file_with_defaults_and_overrides(scenario: Path) -> None:
    scenario.write_text("name: café\nsteps: 5\nfeed: {preset: hot}\n", encoding="utf-8")
    found = load_scenario(scenario, {"time.step_minutes": 5, "feed.window": 10, "steps": 6})
    assert (found.name, found.steps, found.seed) == ("café", 6, 0)
    assert (found.feed.preset, found.feed.window) == ("hot", 10)
    assert found.time.step_minutes == 5.0


def test_yaml_1_2_words(scenario: Path) -> None:
    scenario.write_text(
        "name: on\ntopics: [no, 8:30, '5']\ntime: {start: 2024-02-03 08:30}\n"
        "population: {synthetic: {countries: {NO: 1e-1, DE: 0.9}}}\nseed: 010\n",
        encoding="utf-8",
    )
    found = load_scenario(scenario)
    assert found.name == "on"
    assert found.topics == ["no", "8:30", "5"]
    assert found.time.start == datetime(2024, 2, 3, 8, 30)
    assert found.population.synthetic is not None
    assert found.population.synthetic.countries == {"NO": 0.1, "DE": 0.9}
    assert found.seed == 10


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty; `hubbub init` writes one to start from"),
        ("# nothing\n", "the file is empty; `hubbub init` writes one to start from"),
        ("[1, 2]", "a scenario is keys and values such as 'steps: 60', not list"),
        ("just words", "a scenario is keys and values such as 'steps: 60', not str"),
        (b"name: x\nseed: \xff\n", "line 2: the byte 0xff is not UTF-8; save the file as UTF-8"),
        ("a\x00b", "the character '\\x00' at position 1 is not allowed"),
        (
            "name: a\nsteps: 1\nname: b\n",
            "line 3, column 1: the key 'name' is given twice, first in line 1: keep one of the two",
        ),
        (
            "time:\n\tstart: 1\n",
            "line 2, column 1: found character '\\t' that cannot start any token; "
            "indent with spaces, not tabs",
        ),
        (
            "name: a: b",
            "line 1, column 8: mapping values are not allowed here; a colon inside a text needs "
            "quotes around the text, or a line is badly indented",
        ),
        ("name: [a", "line 1, column 9: expected ',' or ']', but got '<stream end>'"),
        ("? [a]\n: 1\n", "line 1, column 3: a key must be a text or a number"),
        ("name: !!python/object:os.x 1", None),
        ("platfrom: {}", "platfrom (line 1): there is no such key (did you mean 'platform'?)"),
        (
            "step_minutes: 3",
            "step_minutes (line 1): there is no such key (did you mean 'time.step_minutes'?)",
        ),
        (
            "encoder:\n  zzz: 3",
            "encoder.zzz (line 2): there is no such key; the keys here are kind, dims",
        ),
        ("steps: -1", "steps (line 1): must be a whole number, at least 0, not -1"),
        ("steps: 1.5", "steps (line 1): must be a whole number, at least 0, not 1.5"),
        ("steps:\n", "steps (line 1): must be a whole number, at least 0, not nothing"),
        ("name: 4", "name (line 1): must be a text, not 4; put it in quotes: '4'"),
        ("topics: []", "topics (line 1): must be a list of texts, at least 1 entry and at most"
         " 64 entries, not []"),
        ("time: 5", "time (line 1): must be a section with keys and values, not 5"),
        ("time: {start: 2024}", "time.start (line 1): must be a date and time such as"
         " 2024-01-01 08:00"),
        ("time: {start: soon}", "time.start (line 1): must be a date and time such as"
         " 2024-01-01 08:00, not 'soon'"),
        ("time: {step_minutes: .inf}", "time.step_minutes (line 1): must be a number, above 0,"
         " not inf"),
        (
            "feed: {preset: hott}",
            "feed.preset (line 1): must be auto, chronological, following-top, hot, interest, x or "
            "random, not 'hott' (did you mean 'hot'?)",
        ),
        (
            "platform: {actions: 5}",
            "platform.actions (line 1): must be default, all or a list of texts, not 5",
        ),
        ("encoder: {dims: 5}", "encoder.dims (line 1): must be 64, 128 or 256, not 5"),
        (
            "population:\n  synthetic:\n    topics_per_agent: [1, 2, 3]",
            "population.synthetic.topics_per_agent (line 3): must be a list of 2 whole numbers, "
            "not [1, 2, 3]",
        ),
        (
            "population: {file: a.csv, records: []}",
            "population (line 1): give one of file, records, synthetic, not file and records",
        ),
        ("agents: [{share: 0.5}]", "agents.0 (line 1): give exactly one of policy and model"),
        ("agents: [{policy: scripted, script: {a: []}}]", "agents.0.script.a (line 1): the key"
         " must be a whole number"),
        ("events: [{step: 1}]", "events.0 (line 1): give exactly one of act, sign_up, product,"
         " set"),
        ("events: [{step: 1, act: x, by: [1]}]", "events.0.by (line 1): must be a whole number or"
         " a text, not [1]"),
    ],
)  # fmt: skip
def test_what_is_wrong_and_where(scenario: Path, text: str | bytes, message: str | None) -> None:
    found = problem(scenario, text)
    if message is not None:
        assert found == message


def test_all_problems_at_once_in_the_order_of_the_file(scenario: Path) -> None:
    text = "steps: x\nplatfrom: {}\ntime:\n  activity:\n    rate: 2\n"
    assert problem(scenario, text, **{"feed.window": 0}).splitlines() == [
        "4 problems",
        "  feed.window (as set): must be a whole number, at least 1, not 0",
        "  steps (line 1): must be a whole number, at least 0, not 'x'",
        "  platfrom (line 2): there is no such key (did you mean 'platform'?)",
        "  time.activity.rate (line 5): must be a number, at least 0 and at most 1, not 2",
    ]


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"there is no file .*nowhere\.yaml"):
        load_scenario(tmp_path / "nowhere.yaml")
    (tmp_path / "scenario.yaml").touch()
    with pytest.raises(ScenarioError, match=r"is a folder.*did you mean .*scenario\.yaml\?"):
        load_scenario(tmp_path)


def test_a_mapping_from_code() -> None:
    assert parse_scenario({"products": ["lamp"]}).products == ["lamp"]
    with pytest.raises(ScenarioError, match=r"^here: steps: must be a whole number"):
        parse_scenario({"steps": "many"}, "here")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("time.step_minutes=5", ("time.step_minutes", 5)),
        ("name='5'", ("name", "5")),
        ("name=a=b", ("name", "a=b")),
        ("feed.following=", ("feed.following", None)),
        ("platform.actions=[repost]", ("platform.actions", ["repost"])),
    ],
)
def test_overrides_are_read_as_yaml(text: str, expected: tuple[str, Any]) -> None:
    assert parse_override(text) == expected


@pytest.mark.parametrize("text", ["seed", "=1", ".seed=1", "time..start=1", "seed={a: "])
def test_overrides_that_cannot_be_read(text: str) -> None:
    with pytest.raises(ScenarioError):
        parse_override(text)


def test_overrides_reach_into_sections_and_lists() -> None:
    data = {"events": [{"step": 1}], "feed": None}
    changed = apply_overrides(data, {"events.0.step": 3, "feed.window": 4, "time.activity.rate": 1})
    assert changed == {
        "events": [{"step": 3}],
        "feed": {"window": 4},
        "time": {"activity": {"rate": 1}},
    }
    assert data == {"events": [{"step": 1}], "feed": None}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("events.1.step", "'1' is not an entry; the list has numbers from 0 to 0"),
        ("events.x", "'x' is not an entry"),
        ("seed.x", "seed is 1, not a section"),
        ("products.0", "the list has no entries"),
    ],
)
def test_overrides_that_fit_nowhere(name: str, message: str) -> None:
    data: dict[str, Any] = {"events": [{"step": 1}], "seed": 1, "products": []}
    with pytest.raises(ScenarioError, match=message):
        apply_overrides(data, {name: 1})


@settings(max_examples=40, deadline=None)
@given(
    name=st.text(),
    topics=st.lists(st.text(min_size=1).filter(str.strip), min_size=1, max_size=5, unique=True),
    record=st.dictionaries(
        st.text(), st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text())
    ),
    rate=st.floats(0, 1),
)
def test_yaml_round_trip(name: str, topics: list[str], record: dict[str, Any], rate: float) -> None:
    before = parse_scenario(
        {
            "name": name,
            "topics": topics,
            "population": {"records": [record]},
            "time": {"activity": {"rate": rate}},
            "agents": [{"policy": "scripted", "script": {3: [{"agent": 1, "action": "refresh"}]}}],
            "events": [{"step": 2, "set": {"feed.preset": "random"}}],
        }
    )
    after = parse_scenario(_read_back(to_yaml(before)))
    assert after == before


def _read_back(text: str) -> Any:
    from hubbub.config.text import Document

    return Document(text, "text").data


def test_every_field_has_a_default_in_yaml() -> None:
    text = to_yaml(Scenario())
    for name in Scenario.model_fields:
        assert f"\n{name}:" in f"\n{text}"


def test_the_schema_knows_all_sections() -> None:
    schema = scenario_schema()
    assert schema["properties"]["feed"]["$ref"] == "#/$defs/FeedConfig"
    assert schema["additionalProperties"] is False
    assert json.loads(json.dumps(schema)) == schema
    assert {m.__name__ for _, m in sections(Scenario)} <= {*schema["$defs"], "Scenario"}


def test_every_field_is_described() -> None:
    for path, model in sections(Scenario):
        assert model.__doc__
        for name, field in model.model_fields.items():
            known = field.description or "Config" in repr(field.annotation)
            assert known, f"{'.'.join(path)}.{name} has no description"
