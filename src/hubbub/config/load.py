"""Scenarios and questionnaires: YAML files, overrides, the JSON Schema; errors for people."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from hubbub.config.problems import listed, problems
from hubbub.config.prompts import SurveyConfig
from hubbub.config.scenario import Scenario
from hubbub.config.section import Section
from hubbub.config.text import Document, dump, parse_value
from hubbub.errors import ScenarioError

_Read = TypeVar("_Read", bound=Section)


def load_scenario(path: str | Path, overrides: Mapping[str, Any] | None = None) -> Scenario:
    """Return the scenario in a YAML file, with values by dotted name put in place of its own.

    ScenarioError lists every problem with file, line, field and fix.
    """
    path = Path(path)
    document = Document(read_text(path), str(path))
    if document.data is None:
        raise ScenarioError(f"{path}: the file is empty; `hubbub init` writes one to start from")
    changed = apply_overrides(_mapping(document.data, str(path)), overrides or {})
    return validated(Scenario, changed, str(path), document, frozenset(overrides or ()))


def load_survey(path: str | Path) -> SurveyConfig:
    """Return the survey in a YAML file; ScenarioError lists every problem."""
    path = Path(path)
    document = Document(read_text(path), str(path))
    if not isinstance(document.data, Mapping) or "questions" not in document.data:
        raise ScenarioError(
            f"{path}: a questionnaire is a file with a list of questions, such as\n"
            "  questions:\n    - {name: trust, ask: I trust the news., kind: likert}"
        )
    return validated(SurveyConfig, document.data, str(path), document)


def parse_scenario(data: Mapping[str, Any], source: str = "scenario") -> Scenario:
    """Return the scenario of a mapping; ScenarioError lists every problem."""
    return validated(Scenario, _mapping(data, source), source)


def with_models_changed(scenario: Scenario, overrides: Mapping[str, Any]) -> Scenario:
    """Return the scenario of a run that goes on with other models or another budget.

    ScenarioError for an override of anything else.
    """
    for name in overrides:
        if not name.startswith(("models.", "budget.")):
            raise ScenarioError(
                f"'{name}' cannot change when a run goes on: models.* and budget.* can"
            )
    data = scenario.model_dump(mode="json")
    return parse_scenario(apply_overrides(data, overrides), "the changed scenario")


def parse_override(text: str) -> tuple[str, Any]:
    """Return (dotted name, value) of 'time.step_minutes=5'. The value is YAML.

    >>> parse_override("platform.actions=[like_post, follow]")
    ('platform.actions', ['like_post', 'follow'])
    """
    name, equals, value = text.partition("=")
    name = name.strip()
    if not equals or not all(name.split(".")):
        raise ScenarioError(f"'{text}' is not a setting: write it like time.step_minutes=5")
    return name, parse_value(value, f"the value of {name}")


def apply_overrides(data: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of the data with the values by dotted name set; numbers index lists."""
    result: dict[str, Any] = deepcopy(dict(data))
    for name, value in overrides.items():
        _set(result, name, value)
    return result


def without_models(scenario: Scenario) -> Scenario:
    """Return the scenario with the statistical policy in place of language models, no surveys."""
    groups = [
        group.model_copy(update={"model": None, "policy": "statistical"}) if group.model else group
        for group in scenario.agents
    ]
    return scenario.model_copy(update={"agents": groups, "models": {}, "surveys": []})


def scenario_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a scenario, for editors."""
    schema = Scenario.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def to_yaml(scenario: Scenario) -> str:
    """Return the scenario as YAML with every field, so that later defaults do not change it."""
    return dump(scenario.model_dump(mode="json"))


def read_text(path: Path) -> str:
    """Return the text of a file in UTF-8; ScenarioError if there is none or it is not."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise ScenarioError(f"there is no file {path}") from None
    except IsADirectoryError:
        inside = path / "scenario.yaml"
        hint = f"; did you mean {inside}?" if inside.is_file() else ""
        raise ScenarioError(f"{path} is a folder, not a file{hint}") from None
    except OSError as error:
        raise ScenarioError(f"{path} cannot be read: {error.strerror}") from None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ScenarioError(
            f"{path}: line {line}: the byte 0x{raw[error.start]:02x} is not UTF-8; "
            "save the file as UTF-8"
        ) from None


def validated(
    model: type[_Read],
    data: Mapping[str, Any],
    source: str,
    document: Document | None = None,
    overridden: Collection[str] = (),
) -> _Read:
    """Return the data as the model has it; ScenarioError lists every problem.

    `source` names the data; `document` is the file it comes from, whose lines are named;
    `overridden` are the dotted names that do not come from it.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        found = problems(error, model, document, overridden)
    raise ScenarioError(listed(source, found))


def _mapping(data: Any, source: str) -> Mapping[str, Any]:
    if isinstance(data, Mapping):
        return data
    raise ScenarioError(
        f"{source}: a scenario is keys and values such as 'steps: 60', not {type(data).__name__}"
    )


def _set(data: dict[str, Any], name: str, value: Any) -> None:
    here: Any = data
    *parents, last = name.split(".")
    for depth, part in enumerate(parents):
        if isinstance(here, list):
            here = here[_index(here, part, name)]
        else:
            if here.get(part) is None:
                here[part] = {}
            here = here[part]
        if not isinstance(here, dict | list):
            inside = ".".join(parents[: depth + 1])
            raise ScenarioError(f"{name} cannot be set: {inside} is {here!r}, not a section")
    if isinstance(here, list):
        here[_index(here, last, name)] = value
    else:
        here[last] = value


def _index(items: list[Any], part: str, name: str) -> int:
    if not part.isdecimal() or int(part) >= len(items):
        numbers = f"numbers from 0 to {len(items) - 1}" if items else "no entries"
        raise ScenarioError(
            f"{name} cannot be set: '{part}' is not an entry; the list has {numbers}"
        )
    return int(part)
