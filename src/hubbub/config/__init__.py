"""The scenario model and how it is read."""

from hubbub.config.load import (
    apply_overrides,
    load_scenario,
    load_survey,
    parse_override,
    parse_scenario,
    scenario_schema,
    to_yaml,
    without_models,
)
from hubbub.config.scenario import Scenario

__all__ = [
    "Scenario",
    "apply_overrides",
    "load_scenario",
    "load_survey",
    "parse_override",
    "parse_scenario",
    "scenario_schema",
    "to_yaml",
    "without_models",
]
