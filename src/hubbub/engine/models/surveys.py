"""One survey: a call per agent on the world as it stands, and the rows of answers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hubbub.actions import ActionBatch
from hubbub.actions.batch import with_text
from hubbub.actions.spec import Interview
from hubbub.config.prompts import QuestionConfig, SurveyConfig
from hubbub.errors import ModelError, ScenarioError
from hubbub.llm.chat import ChatRequest, Completion, Inferencer
from hubbub.mind.survey import Answer, Interviewing, Questionnaire, about, asked
from hubbub.mind.turn_records import Call
from hubbub.store.answers import AnswerRow
from hubbub.store.completions import CompletionRow, as_kept
from hubbub.world import World


@dataclass(frozen=True, slots=True)
class SurveyPanel:
    """What a survey needs of the simulation.

    `modelled` bool[n] says who is driven by a model, `model_of` by which. `persona` and `recall`
    give the texts of an agent's prompt. `check` raises BudgetSpent if calls would exceed the
    budget; `book` takes each completion and returns its cost. `others` takes completions that
    belong to turns of later steps.
    """

    world: World
    inferencer: Inferencer[Call]
    modelled: NDArray[np.bool_]
    model_of: Callable[[int], str | None]
    persona: Callable[[int], str]
    recall: Callable[[int], str]
    book: Callable[[ChatRequest, Completion], float]
    others: Callable[[Call, Completion], None]
    check: Callable[[Collection[ChatRequest]], None]


class SurveySitting:
    """A survey held once, after the world's last step.

    `agents` are asked; `left_out` match the survey but have no model; both int32, ascending.
    `completions` grows while the survey runs, so that an interruption loses none. The answers are a
    function of the world and the replies.
    """

    def __init__(
        self, survey: SurveyConfig, panel: SurveyPanel, agents: Sequence[int] | None = None
    ) -> None:
        """Ask `agents`, if given, instead of those whom the survey's `where` and `share` select.

        ModelError if one of them has no model. ScenarioError for conditions that make no sense,
        or if they should remember the survey and no action of the platform is an interview.
        """
        self.survey, self._panel = survey, panel
        world = panel.world
        self.step = world.step
        if survey.remember and world.table.find(Interview()) is None:
            raise ScenarioError(
                f"survey '{survey.name}': `remember` needs an action with the effect Interview(), "
                "and this platform has none"
            )
        if agents is None:
            self.agents, self.left_out = asked(survey, world, world.streams, panel.modelled)
        else:
            self.agents, self.left_out = _named(survey, panel, agents)
        self.completions: list[CompletionRow] = []
        self._answers: dict[int, list[Answer]] = {}

    def hold(self) -> None:
        """Ask all agents and wait for every answer."""
        inferencer = self._panel.inferencer
        talks = self._talks()
        first = {Call(self.step, a, f"?{self.survey.name}", 0): t for a, t in talks.items()}
        out = {call: talk.start() for call, talk in first.items()}
        self._panel.check(out.values())
        inferencer.submit(list(out.items()))
        while out:
            again: dict[Call, ChatRequest] = {}
            for call, completion in inferencer.wait():
                request = out.pop(call, None)
                if request is None:
                    self._panel.others(call, completion)
                    continue
                completion = as_kept(completion)
                self._keep(call, request, completion)
                match talks[call.agent].receive(completion):
                    case ChatRequest() as repair:
                        again[call._replace(number=call.number + 1)] = repair
                    case answers:
                        self._answers[call.agent] = answers
            out |= again
            if again:
                inferencer.submit(list(again.items()))
        self.completions.sort(key=lambda row: (row.agent, row.number))

    def answers(self) -> list[AnswerRow]:
        """Return one row per agent and question, by agent, in the order of the questions."""
        asks = self._asks()
        return [
            AnswerRow(
                survey=self.survey.name,
                step=self.step,
                agent=agent,
                question=answer.question,
                kind=answer.kind,
                answer=answer.text,
                value=answer.value,
                model=self._model(agent),
                valid=answer.valid,
                reason="" if answer.valid else answer.reason.name,
                asked=asks[answer.question],
            )
            for agent in self.agents.tolist()
            for answer in self._answers[agent]
        ]

    def remembered(self) -> ActionBatch:
        """Return the actions by which agents remember what they were asked and answered.

        There is one interview per valid answer. They are the environment's, and of any length.
        """
        world, asks = self._panel.world, self._asks()
        interview = world.table.find(Interview())
        if interview is None:
            return ActionBatch.blank(np.empty(0, np.int32), 0)
        turns = [
            (
                agent,
                [
                    with_text(interview, f"Q: {asks[a.question]}\nA: {a.text}")
                    for a in self._answers[agent]
                    if a.valid
                ],
            )
            for agent in self.agents.tolist()
        ]
        return ActionBatch.from_actions(world.table, turns, world.product)

    def _asks(self) -> dict[str, str]:
        return {q.name: q.ask for q in self.survey.questions}

    def _talks(self) -> dict[int, Interviewing]:
        panel, form = self._panel, Questionnaire(self.survey)
        stream = panel.world.streams.at(f"seed:?{self.survey.name}", self.step)
        seeds = (stream.scramble(self.agents) & np.uint64(2**31 - 1)).tolist()
        return {
            agent: Interviewing(
                form,
                self._model(agent),
                about(panel.persona(agent), panel.recall(agent)),
                seed=seed,
            )
            for agent, seed in zip(self.agents.tolist(), seeds, strict=True)
        }

    def _model(self, agent: int) -> str:
        model = self.survey.model or self._panel.model_of(agent)
        assert model is not None  # noqa: S101 - those without are left out
        return model

    def _keep(self, call: Call, request: ChatRequest, completion: Completion) -> None:
        cost = self._panel.book(request, completion)
        self.completions.append(CompletionRow(*call, request, completion, cost))


def _named(
    survey: SurveyConfig, panel: SurveyPanel, agents: Sequence[int]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    ids = np.unique(np.asarray(agents, np.int32))
    without = ids[~panel.modelled[ids]] if survey.model is None else ids[:0]
    if len(without):
        raise ModelError(
            f"agent {without[0]} has no model; name one that answers for it "
            "(the survey's `model`), or ask other agents"
        )
    return ids, without


def as_survey(survey: SurveyConfig | str | Sequence[str], model: str | None) -> SurveyConfig:
    """Return a survey; plain questions become one whose answers are free text."""
    if not isinstance(survey, SurveyConfig):
        texts = [survey] if isinstance(survey, str) else list(survey)
        questions = [QuestionConfig(name=f"q{i}", ask=ask) for i, ask in enumerate(texts, 1)]
        survey = SurveyConfig(name="interview", questions=questions)
    return survey if model is None else survey.model_copy(update={"model": model})


def named_anew(survey: SurveyConfig, held: Collection[tuple[str, int]], step: int) -> SurveyConfig:
    """Return the survey under a name that is new in this step: calls are found by it."""
    name, number = survey.name, 1
    while (name, step) in held:
        number += 1
        name = f"{survey.name}-{number}"
    return survey.model_copy(update={"name": name})
