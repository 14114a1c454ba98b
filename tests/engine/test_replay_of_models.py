"""Replays that do not fit their record: clear errors, or the model for what is missing."""

from __future__ import annotations

import pytest

import hubbub as hb
from engine.model_scenarios import talkative
from hubbub.errors import ModelError, RunError
from hubbub.testing import ScriptedModel, ValidModel


@pytest.fixture
def record(tmp_path):
    with hb.Simulation(talkative(), out=tmp_path / "a", stand_ins={"small": ValidModel(3)}) as sim:
        sim.run()
    return tmp_path / "a"


def replayed(scenario, record, **options):
    with hb.Simulation(scenario, replay=record, **options) as sim:
        sim.run()
        return sim.digest(), sim.completions()


def test_another_prompt_is_an_error_that_names_agent_step_and_what_differs(record):
    with pytest.raises(ModelError) as caught:
        replayed(talkative(prompt={"persona": "I am {{ user_name }}, changed."}), record)
    said = str(caught.value)
    assert "has another prompt for agent " in said
    assert ", step 1 (call 1 of its turn)" in said
    assert "in the prompt:" in said
    assert "recorded: You are " in said
    assert "now:      I am " in said
    assert "--record-only-missing" in said


def test_other_rules_and_other_settings_are_named(record):
    with pytest.raises(ModelError, match="in the shared rules:"):
        replayed(talkative(turns={"max_actions": 3}), record)
    models = {"small": {"urls": ["http://127.0.0.1:9/v1"], "max_tokens": 300}}
    with pytest.raises(ModelError, match="the longest reply in tokens"):
        replayed(talkative(models=models), record)


def test_what_lies_after_the_record_is_an_error_or_asked_of_the_model(record):
    longer = talkative(steps=8)
    with pytest.raises(ModelError, match=r"has no reply for agent \d+, step 7"):
        replayed(longer, record)
    model = ScriptedModel([{"do": [{"action": "do_nothing"}]}])
    _, calls = replayed(longer, record, only_missing=True, stand_ins={"small": model})
    by_step = {c["step"]: c["recorded"] for c in calls.to_pylist()}
    assert {by_step[s] for s in range(1, 7)} == {1}
    assert {by_step[s] for s in (7, 8)} == {0}
    assert len(model.requests) == sum(1 for c in calls.to_pylist() if c["step"] > 6)
    whole, _ = replayed(longer, record, only_missing=True, stand_ins={"small": model})
    with hb.Simulation(talkative(steps=8), stand_ins={"small": model}) as other:
        other.run()
        assert other.digest() != whole


def test_a_record_that_is_no_run(tmp_path):
    with (
        pytest.raises(RunError, match="does not exist"),
        hb.Simulation(talkative(), replay=tmp_path / "nowhere") as sim,
    ):
        sim.run()


def test_a_replay_asks_for_no_key(record, monkeypatch):
    monkeypatch.delenv("HUBBUB_NO_SUCH_KEY", raising=False)
    models = {"small": {"urls": ["http://127.0.0.1:9/v1"], "key_env": "HUBBUB_NO_SUCH_KEY"}}
    with hb.Simulation(talkative(), replay=record) as plain:
        plain.run()
        digest = plain.digest()
    assert replayed(talkative(models=models), record)[0] == digest
