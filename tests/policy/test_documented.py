"""docs/behaviour.md names every parameter with its default."""

from __future__ import annotations

from pathlib import Path

from hubbub.actions import SOCIAL
from hubbub.config.scenario import BehaviourConfig, OpinionConfig
from hubbub.policy.choice_set import BASE

DOC = (Path(__file__).parents[2] / "docs" / "behaviour.md").read_text(encoding="utf-8")


def test_every_parameter_is_documented() -> None:
    for config in (BehaviourConfig, OpinionConfig):
        for name, field in config.model_fields.items():
            if name != "base":
                assert f"- `{name}` (default {field.default}): " in DOC


def test_every_base_utility_is_documented() -> None:
    assert set(BASE) == {s.name for s in SOCIAL if not s.environment_only}
    for name, utility in BASE.items():
        assert f"| `{name}` | {utility} |" in DOC
