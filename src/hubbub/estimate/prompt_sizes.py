"""How long the prompts of a run are, measured on some agents of a world; no model is asked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hubbub.config.models import BudgetConfig
from hubbub.config.prompts import SurveyConfig
from hubbub.config.scenario import Scenario
from hubbub.engine.decider import assemble
from hubbub.engine.models.budget import Budget
from hubbub.engine.models.groups import ModelGroups
from hubbub.engine.models.turns import MEMORY_TOKENS, ModelTurns
from hubbub.feed.comments import shown_comments
from hubbub.llm.chat import ChatRequest, Completion
from hubbub.llm.tokens import estimate_tokens
from hubbub.mind.memory import Memory
from hubbub.mind.survey import Questionnaire, about
from hubbub.mind.turn_records import Call
from hubbub.platform.queries import finds
from hubbub.policy import Observation
from hubbub.world import Events, Slate, World

#: Agents of a group whose prompts are measured.
SAMPLE = 50


class PromptSizes:
    """Measures prompts on the current world; call `remember` with all that happens to the world.

    `look_things_up` says whether agents may make queries.
    """

    def __init__(self, scenario: Scenario, world: World) -> None:
        self._scenario, self._world = scenario, world
        clock, self._platform, self._feed, self._mix = assemble(scenario, world)
        memory = Memory(world.table, step_minutes=scenario.time.step_minutes)
        self._asking = _Gathering()
        self._model_turns = ModelTurns(
            world, memory, self._asking, Budget(BudgetConfig(), scenario.models)
        )
        self._model_turns.configure(ModelGroups(world, scenario, self._platform, self._mix, clock))
        allowed = [s for s, on in zip(world.table, self._platform.allowed, strict=True) if on]
        self.look_things_up = scenario.turns.max_calls > 1 and any(
            finds(spec) not in (None, "feed") for spec in allowed
        )

    def group_of(self) -> NDArray[np.int16]:
        """Return the group of each agent, int16[n], -1 for none."""
        return self._mix.assignment(self._world)

    def remember(
        self, step: int, events: Events, slate: Slate | None, panel: NDArray[np.bool_]
    ) -> None:
        """Let only the agents of the `panel` (bool[n]) remember what happened."""
        self._model_turns.memory.fold(self._world, step, events, slate, panel)

    def of_rules(self, group: int) -> float:
        """Return the tokens of the shared rules of a group's prompts."""
        return float(estimate_tokens(self._model_turns.groups.profiles[group].prompter.system))

    def of_turns(self, agents: NDArray[np.int32], step: int) -> NDArray[np.float64]:
        """Return the tokens that follow the rules in the agents' prompts, float64[k].

        The agents (ascending, driven by models) are assumed to be awake in `step`.
        """
        self._model_turns.ask(step, [self._observe(agents, step)])
        self._model_turns.send()
        asked = self._asking.requests
        tokens = np.array([estimate_tokens(asked[a].user) for a in agents.tolist()], np.float64)
        self._model_turns.salvage()  # no reply will ever come
        return tokens

    def of_reflections(self, group: int, agents: NDArray[np.int32], step: int) -> float:
        """Return the mean tokens, without the rules, of the prompts that ask for a note."""
        prompt = self._scenario.agents[group].prompt or self._scenario.prompt
        persona = self._model_turns.groups.persona
        asking = self._model_turns.memory.reflection_prompt
        texts = [
            asking(self._world, agent, step, prompt.memory_tokens, persona(agent))
            for agent in agents.tolist()
        ]
        return _mean(texts)

    def of_survey(
        self, survey: SurveyConfig, agents: NDArray[np.int32], *, remembering: NDArray[np.bool_]
    ) -> tuple[float, float]:
        """Return the mean tokens of the shared head and of the rest of a survey's prompts.

        The agents `remembering` (bool[k]) have a memory, once the run has begun.
        """
        chosen = agents[sample(np.ones(len(agents)))].tolist()
        user = _mean([about(self._model_turns.groups.persona(agent), "") for agent in chosen])
        if self._world.step:
            user += MEMORY_TOKENS * float(remembering.mean())
        return float(estimate_tokens(Questionnaire(survey).system)), user

    def _observe(self, agents: NDArray[np.int32], step: int) -> Observation:
        world, platform, scenario = self._world, self._platform, self._scenario
        frame = self._feed.prepare(world, step, world.streams)
        slate = self._feed.rank(world, frame, agents)
        return Observation(
            world=world,
            step=step,
            slate=slate,
            comments=shown_comments(world, slate, scenario.feed.comments, frame.hidden),
            allowed=platform.allowed,
            show_score=platform.show_score,
            report_threshold=platform.report_threshold,
            step_minutes=scenario.time.step_minutes,
            streams=world.streams,
            shard=0,
            rows=np.arange(len(agents)),
            shard_size=len(agents),
        )


class _Gathering:
    """Takes requests like an inferencer, and keeps them by agent."""

    def __init__(self) -> None:
        self.requests: dict[int, ChatRequest] = {}

    def submit(self, asked: Sequence[tuple[Call, ChatRequest]]) -> None:
        self.requests.update((call.agent, request) for call, request in asked)

    def wait(self, timeout: float | None = None) -> list[tuple[Call, Completion]]:
        return []

    def cancel(self) -> None:
        self.requests.clear()

    def close(self) -> None:
        self.cancel()


def sample(weights: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return up to SAMPLE distinct positions, ascending, evenly over the sum of the weights."""
    total = np.cumsum(weights)
    wanted = (np.arange(SAMPLE) + 0.5) / SAMPLE * total[-1]
    return np.unique(np.searchsorted(total, wanted)).astype(np.int64)


def _mean(texts: Sequence[str]) -> float:
    return float(np.mean([estimate_tokens(text) for text in texts]))
