"""How long the prompts of a run will be: measured on a sample of agents before it begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hubbub.actions import Kind
from hubbub.actions.spec import Query
from hubbub.config.minds import BudgetConfig, SurveyConfig
from hubbub.config.scenario import Scenario
from hubbub.engine.budget import Budget
from hubbub.engine.minds import MEMORY_TOKENS, Minds
from hubbub.engine.schedule import assemble
from hubbub.engine.voices import Voices
from hubbub.feed.comments import shown_comments
from hubbub.feed.settings import resolve
from hubbub.llm.chat import ChatRequest, Completion
from hubbub.llm.tokens import BYTES_PER_TOKEN, estimate_tokens
from hubbub.mind.memory import Memory
from hubbub.mind.records import Call
from hubbub.mind.survey import Questionnaire, about
from hubbub.policy import Observation
from hubbub.world import World

#: Agents of a group whose prompts are measured.
SAMPLE = 50
#: Of the comments that may be shown, the share that there are once a run has gone on for a while.
COMMENTED = 0.5
#: Bytes of a line beside its text: number, author, age, counts; and of texts yet to be written.
_FRAME, _POST, _COMMENT = 30, 100, 70


@dataclass(frozen=True, slots=True)
class GroupSizes:
    """Mean tokens of the prompts of a group's agents, from `samples` of them.

    `rules` is the shared head; `first` what follows it in a first turn, on the world before step 1;
    `later` in the turns after that. `reflection` is what asks for a note to oneself.
    """

    samples: int
    rules: float
    first: float
    later: float
    reflection: float


class Sizes:
    """Measures prompts on the world before step 1; nothing is asked of a model.

    `slots` are the posts of a full slate; `commented` says whether comments are shown and may be
    written, `look_things_up` whether agents may make queries. `groups` holds what was measured.
    """

    def __init__(self, scenario: Scenario, world: World) -> None:
        self._scenario, self._world = scenario, world
        clock, self._platform, self._feed, mix = assemble(scenario, world)
        memory = Memory(world.table, step_minutes=scenario.time.step_minutes)
        self._asking = _Gathering()
        self._minds = Minds(world, memory, self._asking, Budget(BudgetConfig(), scenario.models))
        self._minds.configure(Voices(world, scenario, self._platform, mix, clock))
        allowed = [s for s, on in zip(world.table, self._platform.allowed, strict=True) if on]
        self.look_things_up = scenario.turns.max_calls > 1 and any(
            isinstance(e, Query) and e.name != "slate" for s in allowed for e in s.effects
        )
        self.commented = scenario.feed.comments > 0 and any(
            s.inserts == Kind.comment for s in allowed
        )
        feed = resolve(scenario.feed, scenario.platform.preset)
        self.slots = feed.following + feed.recommended
        self.groups: dict[int, GroupSizes] = {}

    def of_group(
        self, group: int, members: NDArray[np.int32], turns: NDArray[np.float64]
    ) -> GroupSizes:
        """Return the sizes of these agents' prompts; those with more `turns` count for more."""
        prompt = self._scenario.agents[group].prompt or self._scenario.prompt
        obs = self._observe(members[sample(turns)])
        self._asking.requests.clear()
        self._minds.ask(1, [obs])
        self._minds.send()
        requests = self._asking.requests
        first = _mean([r.user for r in requests])
        missing = self.slots - float(np.diff(obs.slate.offsets).mean())
        later = first + prompt.memory_tokens + missing * self._post(prompt.post_chars)
        if self.commented:
            comments = COMMENTED * self.slots * self._scenario.feed.comments
            later += comments * (min(_COMMENT, prompt.comment_chars) + _FRAME) / BYTES_PER_TOKEN
        persona = self._minds.voices.persona
        notes = [
            self._minds.memory.reflection_prompt(self._world, a, 1, 0, persona(a))
            for a in obs.agents.tolist()
        ]
        rules = _mean([r.system for r in requests])
        reflection = _mean(notes) + prompt.memory_tokens
        found = GroupSizes(len(requests), rules, first, later, reflection)
        self.groups[group] = found
        return found

    def of_survey(
        self, survey: SurveyConfig, agents: NDArray[np.int32], *, remembering: NDArray[np.bool_]
    ) -> tuple[float, float]:
        """Return the mean tokens of the shared head and the rest of a survey's prompts.

        The `remembering` of the agents (bool[k]) have a memory, once the run has begun.
        """
        chosen = agents[sample(np.ones(len(agents)))].tolist()
        user = _mean([about(self._minds.voices.persona(agent), "") for agent in chosen])
        if self._world.step:
            user += MEMORY_TOKENS * float(remembering.mean())
        return float(estimate_tokens(Questionnaire(survey).system)), user

    def _observe(self, agents: NDArray[np.int32]) -> Observation:
        world, platform, scenario = self._world, self._platform, self._scenario
        frame = self._feed.prepare(world, 1, world.streams)
        slate = self._feed.rank(world, frame, agents)
        return Observation(
            world=world,
            step=1,
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

    def _post(self, longest: int) -> float:
        """Return the tokens of a post's line: of those that there are, on average, else a guess."""
        items, texts = self._world.items, self._world.texts
        posts = np.flatnonzero(items["kind"] == Kind.post)
        some = posts[sample(np.ones(len(posts)))] if len(posts) else posts
        written = [len(texts[int(t)].encode()[:longest]) for t in items["text"][some]]
        size = float(np.mean(written)) if written else min(_POST, longest)
        return (size + _FRAME) / BYTES_PER_TOKEN


class _Gathering:
    """Takes requests as an inferencer does, and keeps them."""

    def __init__(self) -> None:
        self.requests: list[ChatRequest] = []

    def submit(self, asked: Sequence[tuple[Call, ChatRequest]]) -> None:
        self.requests += [request for _, request in asked]

    def wait(self, timeout: float | None = None) -> list[tuple[Call, Completion]]:
        return []

    def cancel(self) -> None:
        self.requests.clear()

    def close(self) -> None:
        self.cancel()


def sample(weights: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return up to SAMPLE distinct places, ascending, evenly over the sum of the weights."""
    total = np.cumsum(weights)
    wanted = (np.arange(SAMPLE) + 0.5) / SAMPLE * total[-1]
    return np.unique(np.searchsorted(total, wanted)).astype(np.int64)


def _mean(texts: Sequence[str]) -> float:
    return float(np.mean([estimate_tokens(text) for text in texts]))
