"""Turns of agents that language models drive: request them, collect the replies.

Nothing waits for a model until `collect`. All parsing happens there, in one thread.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hubbub.actions import Action, ActionBatch, Reason
from hubbub.actions.batch import with_text
from hubbub.actions.spec import TakeNote
from hubbub.engine.models.budget import Budget
from hubbub.engine.models.groups import ModelGroups, PromptProfile
from hubbub.engine.models.surveys import SurveyPanel
from hubbub.errors import ModelError, RunError
from hubbub.llm.chat import ChatRequest, Completion, Inferencer
from hubbub.mind.memory import Memory
from hubbub.mind.turn import Turn
from hubbub.mind.turn_records import Call, Decision
from hubbub.policy import Observation
from hubbub.store.completions import CompletionRow, as_kept
from hubbub.world import Events, Slate, World

#: Is told, while replies are waited for, how many turns of a step are decided, and of how many.
Waiting = Callable[[int, int], None]
TURN = "turn"
#: Reflections come after all actions: their waves start here.
_AFTER = 1000
#: Limit on an agent's memory in a survey, in tokens.
MEMORY_TOKENS = 200


@dataclass(slots=True)
class PendingTurns:
    """The turns requested for one step, and the replies so far."""

    step: int
    slate: Slate
    turns: dict[int, Turn] = field(default_factory=dict)
    requests: dict[int, ChatRequest] = field(default_factory=dict)
    decisions: dict[int, Decision] = field(default_factory=dict)
    rows: list[CompletionRow] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class TurnResults:
    """The turns of a step: slates, actions, and the notes that agents write to themselves."""

    slate: Slate
    batch: ActionBatch
    notes: ActionBatch
    rows: list[CompletionRow]

    @classmethod
    def none(cls) -> TurnResults:
        """Return the result of a step without models."""
        nobody = np.empty(0, np.int32)
        return cls(
            Slate.empty(nobody), ActionBatch.blank(nobody, 0), ActionBatch.blank(nobody, 0), []
        )


class ModelTurns:
    """Requests turns from models, holds the pending ones, and keeps the agents' memories."""

    def __init__(
        self,
        world: World,
        memory: Memory,
        inferencer: Inferencer[Call],
        budget: Budget,
        waiting: Waiting | None = None,
    ) -> None:
        self._world, self.memory = world, memory
        self._note = world.table.find(TakeNote())
        self.inferencer = inferencer
        self.budget = budget
        self._waiting = waiting
        self._out: dict[int, PendingTurns] = {}
        self._unsent: list[tuple[Call, ChatRequest]] = []

    def configure(self, groups: ModelGroups) -> None:
        """Use these groups from now on; pending turns go on under the old ones."""
        self.groups = groups

    # -- turns --------------------------------------------------------------------------------

    def ask(self, step: int, seen: Sequence[Observation]) -> None:
        """Make the requests for the turns of these agents in `step`; `send` submits them.

        BudgetSpent if they would exceed the budget. May be called again for other agents of a step.
        """
        if not seen:
            return
        if self.groups.stale:
            self.groups = self.groups.renewed()
        turns = {agent: turn for obs in seen for agent, turn in self._turns(step, obs).items()}
        requests = {agent: turn.start() for agent, turn in turns.items()}
        self._check(f"step {step}", requests.values())
        out = self._out.setdefault(step, PendingTurns(step, Slate.empty(np.empty(0, np.int32))))
        out.slate = Slate.merge([out.slate, *(obs.slate for obs in seen)])
        out.turns.update(turns)
        out.requests.update(requests)
        self._unsent += [(Call(step, a, TURN, 0), r) for a, r in requests.items()]

    def send(self) -> None:
        """Submit the requests made so far. Never called for a stopped run that is only read."""
        unsent, self._unsent = self._unsent, []
        if unsent:
            self.inferencer.submit(unsent)

    def _check(self, what: str, requests: Collection[ChatRequest]) -> None:
        outs = self._out.values()
        out = [r for o in outs for agent, r in o.requests.items() if agent not in o.decisions]
        self.budget.check(what, requests, out)

    def _turns(self, step: int, obs: Observation) -> dict[int, Turn]:
        world = self._world
        seeds = world.streams.at("model", step).scramble(obs.agents) & np.uint64(0x3FFFFFFF)
        seed_of = dict(zip(obs.agents.tolist(), seeds.tolist(), strict=True))
        groups = self.groups.group_of(obs.agents)
        turns: dict[int, Turn] = {}
        for g, profile in self.groups.profiles.items():
            mine = groups == g
            if not mine.any():
                continue
            seen = obs.select(mine)
            context = self.groups.context(profile, seen)

            def recall(agent: int, tokens: int = profile.prompt.memory_tokens) -> str:
                return self.memory.recall(world, agent, step, tokens)

            for user_prompt in profile.prompter.user_prompts(seen, recall):
                agent = user_prompt.agent
                reflect = self._reflection(profile, agent, step)
                turns[agent] = Turn(user_prompt, context, seed=seed_of[agent], reflect=reflect)
        return dict(sorted(turns.items()))

    def _reflection(self, profile: PromptProfile, agent: int, step: int) -> str | None:
        """Return the prompt for a new note to oneself, None if none is due."""
        every = profile.prompt.reflect_every
        if not every or self._note is None or (self.memory.turns(agent) + 1) % every:
            return None
        tokens, persona = profile.prompt.memory_tokens, profile.prompter.persona(agent)
        return self.memory.reflection_prompt(self._world, agent, step, tokens, persona)

    def asked(self, step: int) -> NDArray[np.int32]:
        """Return the agents whose turns of this step were requested, int32[k], ascending."""
        out = self._out.get(step)
        return out.slate.agents if out else np.empty(0, np.int32)

    def collect(
        self, step: int, agents: NDArray[np.int32], *, overruled: NDArray[np.int32]
    ) -> TurnResults:
        """Wait for all turns of a step and return those of these agents.

        Decisions of `overruled` agents are dropped; what they were shown stays. The calls of all
        agents are kept: they are paid for, and a replay makes them again.
        """
        out = self._out.get(step)
        if out is None:
            return TurnResults.none()
        while len(out.decisions) < len(out.turns):
            if self._waiting is not None:
                self._waiting(len(out.decisions), len(out.turns))
            came = self.inferencer.wait()
            if not came:
                raise RuntimeError(
                    f"turns of step {step} are undecided, but nothing is outstanding"
                )
            for call, completion in came:
                self._receive(call, completion)
        del self._out[step]
        wanted = set(agents.tolist()).difference(overruled.tolist())
        decisions = [out.decisions[agent] for agent in sorted(wanted)]
        rows = sorted(out.rows, key=lambda r: (r.agent, r.number))
        slate = out.slate.select(np.isin(out.slate.agents, agents))
        return TurnResults(slate, self._actions(decisions), self._notes(decisions), rows)

    def _receive(self, call: Call, completion: Completion) -> None:
        out = self._out.get(call.step)
        if out is None:  # given up
            return
        completion = as_kept(completion)  # what is acted on is what the record will hold
        self._book(out, call, completion)
        match out.turns[call.agent].receive(completion):
            case ChatRequest() as further:
                out.requests[call.agent] = further
                again = call._replace(number=call.number + 1)
                self.inferencer.submit([(again, further)])
            case Decision() as decision:
                out.decisions[call.agent] = decision

    def _book(self, out: PendingTurns, call: Call, completion: Completion) -> None:
        request = out.requests[call.agent]
        cost = self.budget.book(request, completion)
        out.rows.append(CompletionRow(*call, request, completion, cost))

    # -- surveys ------------------------------------------------------------------------------

    def panel(self, survey: str) -> SurveyPanel:
        """Return whom the survey of this name can ask now, and how."""
        world, step = self._world, self._world.step
        return SurveyPanel(
            world=world,
            inferencer=self.inferencer,
            modelled=self.groups.modelled(),
            model_of=self.groups.model_of,
            persona=self.groups.persona,
            recall=lambda agent: self.memory.recall(world, agent, step + 1, MEMORY_TOKENS),
            book=self.budget.book,
            others=self._receive,
            check=lambda requests: self._check(f"the survey '{survey}'", requests),
        )

    def _actions(self, decisions: Sequence[Decision]) -> ActionBatch:
        world = self._world
        turns = [(d.agent, d.actions) for d in decisions]
        done = ActionBatch.from_actions(world.table, turns, world.product)
        failed = [d for d in decisions if d.refused is not Reason.ok]
        if not failed:
            return done
        agents = np.array([d.agent for d in failed], np.int32)
        blank = ActionBatch.blank(agents, max(world.table.idle, 0))
        blank.wave[:] = [len(d.actions) for d in failed]
        blank.refused[:] = [int(d.refused) for d in failed]
        blank.text[:] = np.arange(len(failed))
        blank.texts = [d.raw for d in failed]
        return ActionBatch.concat([done, blank])

    def _notes(self, decisions: Sequence[Decision]) -> ActionBatch:
        notes: list[tuple[int, list[Action]]] = []
        if self._note is not None:
            notes = [(d.agent, [with_text(self._note, d.note)]) for d in decisions if d.note]
        batch = ActionBatch.from_actions(self._world.table, notes, self._world.product)
        batch.wave += _AFTER
        return batch

    def remember(self, step: int, events: Events, slate: Slate | None) -> None:
        """Add what happened to the memories of the agents driven by models."""
        self.memory.fold(self._world, step, events, slate, self.groups.modelled())

    def salvage(self) -> list[CompletionRow]:
        """Cancel the pending turns and return the calls that were answered."""
        with suppress(ModelError, RunError):  # an error that ends the run is on its way already
            while came := self.inferencer.wait(0):
                for call, completion in came:
                    if call.purpose == TURN and (out := self._out.get(call.step)) is not None:
                        self._book(out, call, as_kept(completion))
        rows = [row for out in self._out.values() for row in out.rows]
        self.inferencer.cancel()
        self._out.clear()
        self._unsent.clear()
        return rows
