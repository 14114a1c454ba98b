"""A run whose actions are all custom: nothing of the engine needs an action by its name."""

from __future__ import annotations

from zlib import crc32

import pytest

import hubbub as hb
from engine.model_scenarios import talkative
from hubbub.actions import ActionSpec, ActionTable, Kind, Pairs
from hubbub.actions.social import CONTENT, POST
from hubbub.actions.spec import Add, Exists, GoodText, Insert, Notify, Without
from hubbub.analysis import summarise
from hubbub.config.prompts import SurveyConfig
from hubbub.errors import ScenarioError
from hubbub.testing import ScriptedModel

APPLAUSE = Pairs("applause", "item", counter="applause", own_counter="applauded")
TABLE = ActionTable(
    (
        ActionSpec("say", "write a post", (CONTENT,), (GoodText(),), (Insert(Kind.post),)),
        ActionSpec(
            "answer",
            "answer a post",
            (POST, CONTENT),
            (Exists(), GoodText()),
            (Insert(Kind.comment), Notify()),
        ),
        ActionSpec(
            "applaud",
            "applaud a post",
            (POST,),
            (Exists(), Without(APPLAUSE)),
            (Add(APPLAUSE), Notify()),
        ),
    )
)
CHANGES = {
    "platform": {"preset": "reddit", "actions": ["say", "answer", "applaud"]},
    "behaviour": {"base": {"say": 2.0, "applaud": 1.0}},
    "prompt": {"reflect_every": 1},
    "turns": {"max_actions": 2},
}


@pytest.fixture(autouse=True)
def _table(monkeypatch):
    monkeypatch.setattr("hubbub.engine.start_and_resume.action_table", lambda extra: TABLE)


def reply(request):
    """Some agents never give a valid reply."""
    persona = request.user.partition("\n")[0]
    if crc32(persona.encode()) % 4 == 0:
        return "I would rather not"
    do = [{"action": "say", "text": "Hello"}]
    if b'"applaud"' in request.shape.raw:
        do.append({"action": "applaud", "id": 1})
    return {"do": do}


def models():
    return {"small": ScriptedModel(reply)}


def test_a_run_ends_is_resumed_and_is_read(tmp_path):
    with hb.Simulation(talkative(**CHANGES), out=tmp_path / "run", stand_ins=models()) as sim:
        sim.run(3)
    with hb.Simulation.resume(tmp_path / "run", stand_ins=models()) as sim:
        sim.run()
        world, found = sim.world, summarise(sim.store)
        assert world.items["applause"].sum() == len(world.sets["applause"]) > 0
        assert world.agents["applauded"].sum() == len(world.sets["applause"])
        assert not world.items["likes"].any()
        assert any(sim.show(agent).posts for agent in range(40))
        assert sim.posts()["likes"].to_pylist() == [0] * len(sim.posts())
        # a reply that nobody can read is an event all the same
        assert {a.action for a in found.actions} == {"say", "applaud"}
        assert {r for a in found.actions for r in a.refused} >= {"invalid_reply"}
        digest = sim.digest()
        # no action takes notes, so that no model is asked for one
        assert not any("Write a note" in c for c in sim.completions()["prompt"].to_pylist())
    with hb.Simulation(talkative(**CHANGES), stand_ins=models()) as again:
        again.run()
        assert again.digest() == digest


def test_what_a_scenario_asks_for_and_no_action_does_is_an_error():
    for field, value in (("products", ["lamp"]), ("events", [{"step": 1, "product": "lamp"}])):
        with (
            hb.Simulation(talkative(**CHANGES, **{field: value}), stand_ins=models()) as sim,
            pytest.raises(
                ScenarioError, match=r"no action with the effect Found\(what='product'\)"
            ),
        ):
            sim.reset()


def test_a_survey_that_is_to_be_remembered_needs_an_interview():
    survey = {"name": "mood", "questions": [{"name": "how", "ask": "How are you?"}]}
    held = SurveyConfig(**survey)
    with hb.Simulation(talkative(**CHANGES), stand_ins=models()) as sim:
        sim.run(1)
        assert len(sim.survey(held))
        with pytest.raises(ScenarioError, match=r"effect Interview\(\)"):
            sim.survey(held.model_copy(update={"remember": True}))
