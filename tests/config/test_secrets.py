"""A key never gets into a scenario: it would be stored with the run."""

from __future__ import annotations

from typing import Any

import pytest

from hubbub.config import parse_scenario
from hubbub.errors import ScenarioError

KEYS = ["sk-proj-1234567890abcdef", "Bearer abcdef", "gsk_" + "a1" * 40, "a b", ""]


@pytest.mark.parametrize("key", KEYS)
def test_a_key_in_place_of_its_variables_name_is_refused_and_not_repeated(key: str) -> None:
    model = {"urls": ["http://localhost:8000/v1"], "key_env": key}
    with pytest.raises(ScenarioError, match=r"key_env.*name.* of an environment variable") as error:
        parse_scenario({"name": "a", "steps": 1, "models": {"small": model}}, "scenario.yaml")
    assert not key or key not in str(error.value)


@pytest.mark.parametrize(
    "extra",
    [
        {"api_key": "s3cret"},
        {"x-api-key": "s3cret"},
        {"headers": {"Authorization": "Bearer s3cret"}},
        {"tools_of_mine": [{"access_token": "s3cret"}]},
    ],
)
def test_a_key_among_the_further_fields_is_refused_and_not_repeated(extra: dict[str, Any]) -> None:
    model = {"urls": ["http://localhost:8000/v1"], "extra": extra}
    with pytest.raises(ScenarioError, match="key_env") as error:
        parse_scenario({"name": "a", "steps": 1, "models": {"small": model}}, "scenario.yaml")
    assert "s3cret" not in str(error.value)


def test_other_fields_pass() -> None:
    extra = {"max_completion_tokens": 9, "prompt_cache_key": "a", "stop": ["]"], "top_k": 5}
    model = {"urls": ["http://localhost:8000/v1"], "extra": extra}
    parsed = parse_scenario({"name": "a", "steps": 1, "models": {"small": model}}, "scenario.yaml")
    assert parsed.models["small"].extra == extra


@pytest.mark.parametrize(
    "url", ["http://ann:s3cret@host/v1", "https://host/v1?api_key=s3cret", "http://host/v1#s3cret"]
)
def test_an_address_with_a_secret_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ScenarioError, match="keys are named by key_env") as error:
        parse_scenario(
            {"name": "a", "steps": 1, "models": {"small": {"urls": [url]}}}, "scenario.yaml"
        )
    assert "s3cret" not in str(error.value)
