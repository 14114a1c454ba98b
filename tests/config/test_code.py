"""Scenarios made in code: the same words about what is wrong, and nothing else changed."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import pytest
from pydantic import ValidationError

from hubbub.config import Scenario
from hubbub.config.scenario import AgentGroup, FeedConfig, PopulationConfig, Scheduled
from hubbub.errors import ScenarioError


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Scenario(steps="many"),
            "Scenario: steps: must be a whole number, at least 0, not 'many'",
        ),
        (
            lambda: Scenario(platfrom={}),
            "Scenario: platfrom: there is no such key (did you mean 'platform'?)",
        ),
        (
            lambda: Scenario(step_minutes=3),
            "Scenario: step_minutes: there is no such key (did you mean 'time.step_minutes'?)",
        ),
        (
            lambda: Scenario(events=[{"step": 1}]),
            "Scenario: events.0: give exactly one of act, sign_up, product, set",
        ),
        (lambda: Scheduled(step=1), "Scheduled: give exactly one of act, sign_up, product, set"),
        (lambda: AgentGroup(), "AgentGroup: give exactly one of policy and model"),
        (
            lambda: FeedConfig(windwo=3),
            "FeedConfig: windwo: there is no such key (did you mean 'window'?)",
        ),
        (
            lambda: PopulationConfig(synthetic={"agents": 0}),
            "PopulationConfig: synthetic.agents: must be a whole number, at least 1, not 0",
        ),
        (
            lambda: Scenario(seed=-1, feed={"preset": "hott"}),
            "Scenario: 2 problems\n"
            "  seed: must be a whole number, at least 0 and below 2**63, not -1\n"
            "  feed.preset: must be auto, chronological, following-top, hot, interest, x or "
            "random, not 'hott' (did you mean 'hot'?)",
        ),
    ],
)
def test_what_is_wrong(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        make()
    assert str(caught.value) == message
    assert caught.value.__suppress_context__, "the error of pydantic is not shown beneath"


def test_models_and_mappings_mean_the_same() -> None:
    ours = Scenario(feed=FeedConfig(preset="hot"), agents=[AgentGroup(policy="idle")])
    assert ours == Scenario(feed={"preset": "hot"}, agents=[{"policy": "idle"}])
    assert ours == Scenario.model_validate(ours.model_dump())
    assert ours == Scenario.model_validate_json(ours.model_dump_json())


def test_copies() -> None:
    before = Scenario(steps=3, population={"synthetic": {"agents": 5}})
    assert pickle.loads(pickle.dumps(before)) == before  # noqa: S301 - our own bytes
    assert copy.deepcopy(before) == before
    assert before.model_copy(update={"seed": 4}) == Scenario(
        steps=3, seed=4, population={"synthetic": {"agents": 5}}
    )


def test_validation_itself_still_speaks_pydantic() -> None:
    with pytest.raises(ValidationError) as caught:
        Scenario.model_validate({"seed": -1, "feed": {"window": 0}, "events": [{"step": 1}]})
    assert len(caught.value.errors()) == 3


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"steps": True}, "steps: must be a number, not true"),
        ({"time": {"activity": {"rate": True}}}, "time.activity.rate: must be a number"),
        ({"feed": {"following": False}}, "feed.following: must be a number, not false"),
        ({"products": ["lamp", "lamp"]}, "products: 'lamp' comes twice"),
        ({"topics": ["Sports", " "]}, "topics: a name is empty"),
    ],
)
def test_what_looks_right_but_makes_no_sense_is_refused(data, message) -> None:
    with pytest.raises(ScenarioError, match=message):
        Scenario(**data)
