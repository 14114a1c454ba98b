"""Holding a survey: rows are a function of the world and the replies, never of who came first."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from random import Random

import numpy as np
import pytest

from hubbub.actions import SOCIAL
from hubbub.config.prompts import QuestionConfig, SurveyConfig
from hubbub.config.scenario import PlatformConfig
from hubbub.embed import make_encoder
from hubbub.engine.models.budget import BudgetSpent
from hubbub.engine.models.surveys import SurveyPanel, SurveySitting, as_survey, named_anew
from hubbub.errors import ModelError
from hubbub.llm.chat import ChatRequest, Completion
from hubbub.mind.turn_records import Call
from hubbub.platform import Platform, apply
from hubbub.world import World
from societies import TOPICS, small_population

SURVEY = SurveyConfig(
    name="mood",
    questions=[
        QuestionConfig(name="why", ask="Why are you here?"),
        QuestionConfig(name="trust", ask="I trust the news.", kind="likert"),
    ],
)
TURN = Call(5, 3, "turn", 0)


class Desk:
    """An inferencer without a network: answers in a shuffled order, in small pieces."""

    def __init__(self, reply: Callable[[Call, ChatRequest], Completion], seed: int) -> None:
        self._reply, self._random = reply, Random(seed)
        self.out: list[tuple[Call, ChatRequest]] = []

    def submit(self, asked: Sequence[tuple[Call, ChatRequest]]) -> None:
        self.out += asked

    def wait(self, timeout: float | None = None) -> list[tuple[Call, Completion]]:
        self._random.shuffle(self.out)
        piece = [self.out.pop() for _ in range(min(len(self.out), self._random.randint(1, 3)))]
        return [(call, self._reply(call, request)) for call, request in piece]

    def cancel(self) -> None:
        self.out.clear()

    def close(self) -> None:
        self.cancel()


def replies(call: Call, request: ChatRequest) -> Completion:
    """Agent 4 is slow of speech, agent 6 silent, agent 8 never makes sense."""
    match call.agent, call.number:
        case (4, 0) | (8, _):
            return Completion("what?")
        case 6, _:
            return Completion(None, failure="timeout")
    text = json.dumps({"why": f"I am {request.user.splitlines()[0]}", "trust": call.agent % 5 + 1})
    return Completion(text, prompt_tokens=len(request.user))


def new_world() -> World:
    return World(SOCIAL, TOPICS, make_encoder("hashing", 64), small_population(12), seed=1)


def panel(
    world: World, desk: Desk, others: list[Call] | None = None, most: int = 100
) -> SurveyPanel:
    def check(requests: Collection[ChatRequest]) -> None:
        if len(requests) > most:
            raise BudgetSpent("too many")

    return SurveyPanel(
        world=world,
        inferencer=desk,
        modelled=np.arange(len(world.agents)) % 2 == 0,
        model_of=lambda agent: "small" if agent < 6 else "large",
        persona=lambda agent: f"number {agent}",
        recall=lambda agent: "a post" if agent == 2 else "",
        book=lambda request, completion: completion.prompt_tokens / 10,
        others=lambda call, completion: None if others is None else others.append(call),
        check=check,
    )


def held(seed: int = 0, survey: SurveyConfig = SURVEY) -> SurveySitting:
    sitting = SurveySitting(survey, panel(new_world(), Desk(replies, seed)))
    sitting.hold()
    return sitting


def test_every_answer_is_a_row_and_says_why_there_is_none() -> None:
    sitting = held()
    rows = [
        (r.agent, r.question, r.answer, r.value, r.model, r.valid, r.reason)
        for r in sitting.answers()
    ]
    assert rows == [
        (0, "why", "I am number 0", None, "small", True, ""),
        (0, "trust", "strongly disagree", 1.0, "small", True, ""),
        (2, "why", "I am number 2", None, "small", True, ""),
        (2, "trust", "neither agree nor disagree", 3.0, "small", True, ""),
        (4, "why", "I am number 4", None, "small", True, ""),
        (4, "trust", "strongly agree", 5.0, "small", True, ""),
        (6, "why", None, None, "large", False, "no_reply"),
        (6, "trust", None, None, "large", False, "no_reply"),
        (8, "why", None, None, "large", False, "invalid_reply"),
        (8, "trust", None, None, "large", False, "invalid_reply"),
        (10, "why", "I am number 10", None, "large", True, ""),
        (10, "trust", "strongly disagree", 1.0, "large", True, ""),
    ]
    assert {(r.survey, r.step) for r in sitting.answers()} == {("mood", 0)}
    assert sitting.answers()[1].asked == "I trust the news."
    assert sitting.left_out.tolist() == [1, 3, 5, 7, 9, 11]


def test_calls_are_kept_with_address_and_cost() -> None:
    rows = held().completions
    assert [(r.step, r.agent, r.purpose, r.number) for r in rows] == [
        (0, agent, "?mood", number)
        for agent, calls in [(0, 1), (2, 1), (4, 2), (6, 1), (8, 2), (10, 1)]
        for number in range(calls)
    ]
    assert rows[1].request.user == "number 2\nLately:\na post\nYour answers:"
    assert rows[1].cost == len(rows[1].request.user) / 10
    assert len({r.request.system for r in rows}) == 1
    seeds = [r.request.seed for r in rows]
    assert len(set(seeds)) == len(seeds)
    assert max(seeds) < 2**31


def test_who_answers_first_changes_nothing() -> None:
    first = held()
    for seed in range(1, 10):
        other = held(seed)
        assert other.answers() == first.answers()
        assert [r.request.digest() for r in other.completions] == [
            r.request.digest() for r in first.completions
        ]


def test_turns_that_are_out_are_handed_on() -> None:
    desk, others = Desk(replies, 0), list[Call]()
    desk.submit([(TURN, ChatRequest("small", "rules", "number 3"))])
    sitting = SurveySitting(SURVEY, panel(new_world(), desk, others))
    sitting.hold()
    assert len(sitting.answers()) == 12
    left = [call for call, _ in desk.out]
    assert others + left == [TURN]


def test_a_model_of_the_surveys_own_answers_for_all() -> None:
    sitting = held(survey=SURVEY.model_copy(update={"model": "huge", "where": {"core": True}}))
    assert [(r.agent, r.model) for r in sitting.answers()] == [(0, "huge")] * 2
    assert len(sitting.left_out) == 0


def test_agents_can_be_named() -> None:
    there = panel(new_world(), Desk(replies, 0))
    sitting = SurveySitting(SURVEY, there, agents=[10, 2, 10])
    sitting.hold()
    assert [r.agent for r in sitting.answers()] == [2, 2, 10, 10]
    with pytest.raises(ModelError, match="agent 3 has no model"):
        SurveySitting(SURVEY, there, agents=[2, 3])


def test_a_survey_the_budget_does_not_reach_for_asks_nobody() -> None:
    desk = Desk(replies, 0)
    sitting = SurveySitting(SURVEY, panel(new_world(), desk, most=5))
    with pytest.raises(BudgetSpent):
        sitting.hold()
    assert desk.out == []


def test_what_came_before_an_interruption_is_kept() -> None:
    calls: list[Call] = []

    def broken(call: Call, request: ChatRequest) -> Completion:
        calls.append(call)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return replies(call, request)

    sitting = SurveySitting(SURVEY, panel(new_world(), Desk(broken, 0)))
    with pytest.raises(KeyboardInterrupt):
        sitting.hold()
    assert 2 <= len(sitting.completions) <= 4
    assert all(r.completion == replies(Call(*_address(r)), r.request) for r in sitting.completions)


def _address(row: object) -> tuple[int, int, str, int]:
    return tuple(getattr(row, name) for name in Call._fields)  # type: ignore[return-value]


def test_what_is_remembered_is_an_event_per_valid_answer() -> None:
    world = new_world()
    sitting = SurveySitting(SURVEY, panel(world, Desk(replies, 0)))
    sitting.hold()
    platform = Platform.from_config(PlatformConfig(), SOCIAL).without_limits()
    events = apply(platform, world, sitting.remembered(), world.step, environment=True)
    assert sorted(events.agent.tolist()) == [0, 0, 2, 2, 4, 4, 10, 10]
    assert not events.reason.any()
    said = [world.texts[t] for t in events.text[events.agent == 2]]
    assert said == [
        "Q: Why are you here?\nA: I am number 2",
        "Q: I trust the news.\nA: neither agree nor disagree",
    ]


def test_a_survey_of_nobody_is_empty() -> None:
    sitting = held(survey=SURVEY.model_copy(update={"share": 0.0}))
    assert sitting.answers() == []
    assert len(sitting.remembered()) == 0


def test_questions_in_words_are_a_survey() -> None:
    one, two = as_survey("What now?", None), as_survey(["What now?", "And then?"], "large")
    assert [(q.name, q.ask, q.kind) for q in one.questions] == [("q1", "What now?", "text")]
    assert [(q.name, q.ask) for q in two.questions] == [("q1", "What now?"), ("q2", "And then?")]
    assert (one.name, one.model, two.model) == ("interview", None, "large")
    assert as_survey(SURVEY, None) is SURVEY


def test_a_name_is_held_once_per_step() -> None:
    held = {("mood", 3), ("mood-2", 3), ("mood", 4)}
    assert [named_anew(SURVEY, held, step).name for step in (3, 4, 5)] == [
        "mood-3", "mood-2", "mood",
    ]  # fmt: skip
