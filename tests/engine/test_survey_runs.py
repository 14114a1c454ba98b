"""Surveys of a running simulation: when they are held, and that the run takes no notice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hubbub.config.prompts import SurveyConfig
from hubbub.config.scenario import Scenario
from hubbub.engine import Simulation
from hubbub.errors import ActionError, ModelError
from hubbub.llm.chat import ChatRequest, Completion
from hubbub.testing import ScriptedModel, ValidModel

MOOD = {
    "name": "mood",
    "questions": [
        {"name": "why", "ask": "Why are you here?"},
        {"name": "trust", "ask": "I trust the news.", "kind": "likert"},
    ],
}


def scenario(*surveys: dict[str, Any], **changes: Any) -> Scenario:
    return Scenario(
        steps=6,
        topics=["Politics", "Business"],
        population={"synthetic": {"agents": 40, "core": 5, "posts_per_core": 2}},
        time={"activity": {"kind": "constant", "rate": 0.5, "core_rate": 0.8}},
        encoder={"kind": "hashing"},
        models={"small": {"urls": ["http://localhost:1/v1"]}},
        agents=[{"model": "small", "where": {"core": True}}, {"policy": "statistical"}],
        surveys=surveys,
        **changes,
    )


def ran(config: Scenario, **options: Any) -> Simulation:
    options.setdefault("stand_ins", {"small": ValidModel()})
    sim = Simulation(config, **options)
    sim.run()
    return sim


def rows(sim: Simulation) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sim.store.answers().to_pylist()
    return found


def test_surveys_are_held_when_they_are_due() -> None:
    start = {**MOOD, "name": "start", "steps": [0, 5]}
    with ran(scenario({**MOOD, "every": 2}, start)) as sim:
        held = {(r["survey"], r["step"]) for r in rows(sim)}
        assert held == {("mood", 2), ("mood", 4), ("mood", 6), ("start", 0), ("start", 5)}
        assert len(rows(sim)) == 5 * 5 * 2
        assert {r["agent"] for r in rows(sim)} == set(range(5))
        assert all(r["valid"] for r in rows(sim))


@pytest.mark.parametrize("staleness", [0, 2])
def test_the_run_takes_no_notice(staleness: int) -> None:
    turns = {"staleness": staleness}
    with (
        ran(scenario(turns=turns)) as plain,
        ran(scenario({**MOOD, "every": 1}, turns=turns)) as asked,
        ran(scenario({**MOOD, "every": 1}, turns=turns)) as again,
    ):
        assert asked.digest() == plain.digest()
        assert len(rows(asked)) == 6 * 5 * 2
        assert rows(asked) == rows(again)


def test_agents_remember_only_if_the_survey_says_so() -> None:
    def prompts(*, remember: bool) -> list[str]:
        model = ScriptedModel(ValidModel())
        survey = {**MOOD, "steps": [2], "remember": remember}
        with ran(scenario(survey), stand_ins={"small": model}) as sim:
            told = sim.store.events().to_pylist()
            assert sum(e["action"] == "interview" for e in told) == (10 if remember else 0)
        return [r.user for r in model.requests if "interview «I trust the news.»" in r.user]

    assert prompts(remember=True)
    assert not prompts(remember=False)


def test_a_resumed_run_holds_no_survey_twice(tmp_path: Path) -> None:
    model = ScriptedModel(ValidModel())
    with Simulation(
        scenario({**MOOD, "steps": [3]}), out=tmp_path / "run", stand_ins={"small": model}
    ) as sim:
        sim.run(3)
        first = rows(sim)
    with Simulation.resume(tmp_path / "run", stand_ins={"small": model}) as sim:
        sim.run()
        assert rows(sim) == first
    assert sum(_is_survey(r) for r in model.requests) == 5


def test_a_replay_holds_the_same_surveys(tmp_path: Path) -> None:
    config = scenario({**MOOD, "steps": [3, 6], "remember": True})
    with ran(config, out=tmp_path / "run") as sim:
        digest, answers = sim.digest(), rows(sim)
    with ran(config, stand_ins=None, replay=tmp_path / "run") as sim:
        assert (sim.digest(), rows(sim)) == (digest, answers)


def test_a_survey_can_be_put_at_any_time() -> None:
    with ran(scenario(), stand_ins={"small": ValidModel()}) as sim:
        before = sim.digest()
        table = sim.survey(SurveyConfig(**MOOD), agents=[2, 0])
        assert table["agent"].to_pylist() == [0, 0, 2, 2]
        assert table["question"].to_pylist() == ["why", "trust"] * 2
        one, two = sim.survey(["Why?", "Why not?"], agents=[1])["answer"].to_pylist()
        assert one
        assert two
        all_ = sim.survey("Why?", model="small")
        assert all_["agent"].to_pylist() == list(range(40))
        assert sim.digest() == before


def test_an_agent_without_a_model_cannot_be_asked() -> None:
    with ran(scenario()) as sim:
        with pytest.raises(ModelError, match="agent 7 has no model; name one that answers for it"):
            sim.survey("Why?", agents=[7])
        assert sim.survey("Why?", agents=[7], model="small")["valid"].to_pylist() == [True]


def _is_survey(request: ChatRequest) -> bool:
    return request.shape is not None and request.shape.name == "answers"


def test_an_interview_that_the_platform_refuses_asks_no_model() -> None:
    model = ScriptedModel([{"q1": "Because."}])
    with Simulation(scenario(), stand_ins={"small": model}) as sim:
        for question in ("", " "):
            with pytest.raises(ActionError, match="refuses the question: bad_text"):
                sim.interview(0, question)
        assert not model.requests
        assert sim.interview(0, "Why?") == "Because."
        assert len(model.requests) == 1
        assert sim.act(0, "interview", question="Why?").result is None
        assert len(model.requests) == 1


def test_an_interview_is_logged_and_its_answer_kept() -> None:
    with ran(scenario(), stand_ins={"small": ScriptedModel([{"q1": "For the news."}])}) as sim:
        name = sim.agents()["user_name"].to_pylist()[2]
        assert sim.interview(name, "Why are you here?") == "For the news."
        (answer,) = sim.answers().to_pylist()
        assert (answer["agent"], answer["asked"]) == (2, "Why are you here?")
        event = sim.events().to_pylist()[-1]
        assert (event["action"], event["agent"], event["content"]) == (
            "interview",
            2,
            "Why are you here?",
        )


def test_an_interview_of_an_agent_without_a_model_says_how() -> None:
    with ran(scenario(), stand_ins={"small": ScriptedModel([{"q1": "Because."}])}) as sim:
        before = sim.digest()
        with pytest.raises(ModelError, match=r"agent 7 has no model; .*model=NAME\)"):
            sim.interview(7, "Why?")
        assert sim.digest() == before
        assert sim.interview(7, "Why?", model="small") == "Because."


def test_an_interview_without_a_reply_has_no_answer() -> None:
    lost = ScriptedModel([Completion(None, failure="timeout")])
    with ran(scenario(), stand_ins={"small": lost}) as sim:
        assert sim.interview(0, "Why?") is None
        assert sim.answers()["valid"].to_pylist() == [False]
