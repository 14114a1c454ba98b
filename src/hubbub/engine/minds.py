"""The agents that are language models: their turns are asked for, and what came of them collected.

No exchange with a model is waited for until `collect`; all parsing happens there, in one thread.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hubbub.actions import Action, ActionBatch, Reason
from hubbub.config.minds import PromptConfig, SurveyConfig
from hubbub.config.scenario import Scenario
from hubbub.engine.budget import Budget
from hubbub.engine.surveys import Panel, Sitting
from hubbub.llm.chat import ChatRequest, Completion, Inferencer
from hubbub.mind.lookup import Lookup
from hubbub.mind.memory import Memory
from hubbub.mind.prompt import Prompter
from hubbub.mind.records import Call, Decision
from hubbub.mind.reply import ReplyForm
from hubbub.mind.turn import Turn, Voice
from hubbub.platform import Platform
from hubbub.policy import Mix, Observation
from hubbub.store import RunStore
from hubbub.store.completions import CompletionRow, as_kept
from hubbub.time import Clock
from hubbub.world import Events, Slate, World

#: Is told, while replies are waited for, how many turns of a step are decided, and of how many.
Waiting = Callable[[int, int], None]
TURN = "turn"
#: Waves of reflections come after any of actions.
_AFTER = 1000


@dataclass(slots=True)
class Outstanding:
    """The turns of one step that were asked for, and what has come of them so far."""

    step: int
    slate: Slate
    turns: dict[int, Turn] = field(default_factory=dict)
    requests: dict[int, ChatRequest] = field(default_factory=dict)
    decisions: dict[int, Decision] = field(default_factory=dict)
    rows: list[CompletionRow] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Thought:
    """What came of a step's turns: who was shown what, what they do, their notes to themselves."""

    slate: Slate
    batch: ActionBatch
    notes: ActionBatch
    rows: list[CompletionRow]

    @classmethod
    def none(cls) -> Thought:
        """Return what comes of a step without models."""
        nobody = np.empty(0, np.int32)
        return cls(
            Slate.empty(nobody), ActionBatch.blank(nobody, 0), ActionBatch.blank(nobody, 0), []
        )


class Minds:
    """Asks models for the turns of their agents, keeps what is outstanding, remembers."""

    def __init__(
        self,
        world: World,
        memory: Memory,
        inferencer: Inferencer[Call],
        budget: Budget,
        waiting: Waiting | None = None,
    ) -> None:
        self._world, self.memory = world, memory
        self.inferencer = inferencer
        self.budget = budget
        self._waiting = waiting
        self._out: dict[int, Outstanding] = {}

    def configure(self, scenario: Scenario, platform: Platform, mix: Mix, clock: Clock) -> None:
        """Take on the settings in force; turns that are out already go on under the old ones."""
        self._scenario, self._platform, self._mix, self._clock = scenario, platform, mix, clock
        self._make_prompters()

    def _make_prompters(self) -> None:
        scenario, world, platform = self._scenario, self._world, self._platform
        names = [world.texts[int(t)] for t in world.products["text"]]
        self._products = len(names)
        self._form = ReplyForm(
            world.table,
            platform.allowed,
            max_actions=scenario.turns.max_actions,
            products=names,
            max_text=platform.max_text_length,
        )
        prompters: dict[str, Prompter] = {}
        self._prompters: dict[int, Prompter] = {}
        for g, group in enumerate(scenario.agents):
            if group.model is not None:
                prompt = group.prompt or scenario.prompt
                key = prompt.model_dump_json()
                if key not in prompters:
                    prompters[key] = self._prompter(prompt)
                self._prompters[g] = prompters[key]

    def _prompter(self, prompt: PromptConfig) -> Prompter:
        return Prompter(
            self._world,
            prompt=prompt,
            form=self._form,
            preset=self._scenario.platform.preset,
            clock=self._clock,
        )

    def model_of(self, agent: int) -> str | None:
        """Return the name of the model that drives an agent, None if none does."""
        group = int(self._mix.assignment(self._world)[agent])
        return self._scenario.agents[group].model if group >= 0 else None

    def persona(self, agent: int) -> str:
        """Return who the agent is, in the words of its prompts."""
        group = int(self._mix.assignment(self._world)[agent])
        prompter = self._prompters.get(group)
        if prompter is None:  # no model of its own: it is asked by another, in a survey
            prompter = self._prompters[-1] = self._prompters.get(-1) or self._prompter(
                self._scenario.prompt
            )
        return prompter.persona(agent)

    def drives(self, agents: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Return which of the agents are driven by a model, bool[k]."""
        return self._mix.modelled(self._world)[agents]

    # -- turns --------------------------------------------------------------------------------

    def ask(self, step: int, seen: Sequence[Observation]) -> None:
        """Ask for the turns of these agents in `step`. BudgetSpent if that would overdraw.

        May be called again for other agents of a step.
        """
        if not seen:
            return
        if len(self._world.products) != self._products:
            self._make_prompters()
        turns = {agent: turn for obs in seen for agent, turn in self._turns(step, obs).items()}
        requests = {agent: turn.start() for agent, turn in turns.items()}
        self.budget.check(f"step {step}", requests.values())
        out = self._out.setdefault(step, Outstanding(step, Slate.empty(np.empty(0, np.int32))))
        out.slate = Slate.merge([out.slate, *(obs.slate for obs in seen)])
        out.turns.update(turns)
        out.requests.update(requests)
        self.inferencer.submit([(Call(step, a, TURN, 0), r) for a, r in requests.items()])

    def _turns(self, step: int, obs: Observation) -> dict[int, Turn]:
        world, scenario = self._world, self._scenario
        seeds = world.streams.at("model", step).scramble(obs.agents) & np.uint64(0x3FFFFFFF)
        seed_of = dict(zip(obs.agents.tolist(), seeds.tolist(), strict=True))
        group_of = self._mix.assignment(world)[obs.agents]
        turns: dict[int, Turn] = {}
        for g, prompter in self._prompters.items():
            rows = group_of == g
            if g < 0 or not rows.any():
                continue
            group, seen = scenario.agents[g], obs.select(rows)
            prompt = group.prompt or scenario.prompt
            model = str(group.model)
            voice = Voice(
                model=model,
                system=prompter.system,
                form=self._form,
                lookup=Lookup(seen, prompter, self._platform),
                post_of=lambda comment: int(self._world.items["ref"][comment]),
                max_calls=scenario.turns.max_calls,
                max_tokens=scenario.models[model].max_tokens,
            )
            budget = prompt.memory_tokens

            def recall(agent: int, budget: int = budget) -> str:
                return self.memory.recall(world, agent, step, budget)

            for brief in prompter.briefs(seen, recall):
                agent = brief.agent
                reflect, turn = None, self.memory.turns(agent) + 1
                if prompt.reflect_every and turn % prompt.reflect_every == 0:
                    who = prompter.persona(agent)
                    reflect = self.memory.reflection_prompt(world, agent, step, budget, who)
                turns[agent] = Turn(brief, voice, seed=seed_of[agent], reflect=reflect)
        return dict(sorted(turns.items()))

    def asked(self, step: int) -> NDArray[np.int32]:
        """Return the agents whose turns of this step were asked for, int32[k], ascending."""
        out = self._out.get(step)
        return out.slate.agents if out else np.empty(0, np.int32)

    def collect(
        self, step: int, agents: NDArray[np.int32], *, overruled: NDArray[np.int32]
    ) -> Thought:
        """Wait for the turns of these agents in a step and return what came of them.

        Decisions of agents who are `overruled` are dropped; what they were shown stays.
        """
        out = self._out.get(step)
        if out is None:
            return Thought.none()
        wanted = set(agents.tolist())
        while not wanted <= out.decisions.keys():
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
        wanted.difference_update(overruled.tolist())
        decisions = [out.decisions[agent] for agent in sorted(wanted)]
        rows = sorted(out.rows, key=lambda r: (r.agent, r.number))
        slate = out.slate.select(np.isin(out.slate.agents, agents))
        return Thought(slate, self._deeds(decisions), self._notes(decisions), rows)

    def _receive(self, call: Call, completion: Completion) -> None:
        out = self._out.get(call.step)
        if out is None:  # given up
            return
        request, turn = out.requests[call.agent], out.turns[call.agent]
        completion = as_kept(completion)  # what is acted on is what the record will hold
        cost = self.budget.book(request, completion)
        out.rows.append(CompletionRow(*call, request, completion, cost))
        match turn.receive(completion):
            case ChatRequest() as further:
                out.requests[call.agent] = further
                again = call._replace(number=call.number + 1)
                self.inferencer.submit([(again, further)])
            case Decision() as decision:
                out.decisions[call.agent] = decision

    # -- surveys ------------------------------------------------------------------------------

    def hold(
        self,
        survey: SurveyConfig,
        agents: Sequence[int] | None,
        platform: Platform,
        store: RunStore,
    ) -> None:
        """Hold a survey on the world as it stands, and keep what comes of it with the run."""
        world, step = self._world, self._world.step
        tokens = self._scenario.prompt.memory_tokens
        panel = Panel(
            world=world,
            inferencer=self.inferencer,
            modelled=self._mix.modelled(world),
            model_of=self.model_of,
            persona=self.persona,
            recall=lambda agent: self.memory.recall(world, agent, step + 1, tokens),
            book=self.budget.book,
            others=self._receive,
            check=lambda requests: self.budget.check(f"the survey '{survey.name}'", requests),
        )
        sitting = Sitting(survey, panel, agents)
        try:
            sitting.hold()
        except BaseException:  # what was answered is paid for
            store.keep(sitting.completions)
            raise
        calls, answers = sitting.completions, sitting.answers()
        remembered = sitting.remembered() if survey.remember else None
        if remembered is None or not len(remembered):
            store.add_answers(answers, calls)
            return
        events = platform.without_limits().apply(world, remembered, step, environment=True)
        self.remember(step, events, None)
        store.commit(world, step, events, None, finished=False, completions=calls, answers=answers)

    def _deeds(self, decisions: Sequence[Decision]) -> ActionBatch:
        world = self._world
        turns = [(d.agent, d.actions) for d in decisions]
        done = ActionBatch.from_actions(world.table, turns, world.product)
        failed = [d for d in decisions if d.refused is not Reason.ok]
        if not failed:
            return done
        agents = np.array([d.agent for d in failed], np.int32)
        blank = ActionBatch.blank(agents, world.table.code("do_nothing"))
        blank.wave[:] = [len(d.actions) for d in failed]
        blank.refused[:] = [int(d.refused) for d in failed]
        blank.text[:] = np.arange(len(failed))
        blank.texts = [d.raw for d in failed]
        return ActionBatch.concat([done, blank])

    def _notes(self, decisions: Sequence[Decision]) -> ActionBatch:
        notes = [(d.agent, [Action("reflect", content=d.note)]) for d in decisions if d.note]
        batch = ActionBatch.from_actions(self._world.table, notes, self._world.product)
        batch.wave += _AFTER
        return batch

    def remember(self, step: int, events: Events, slate: Slate | None) -> None:
        """Take in what happened, as far as it concerns the agents driven by models."""
        self.memory.fold(self._world, step, events, slate, self._mix.modelled(self._world))

    def salvage(self) -> list[CompletionRow]:
        """Give up what is outstanding and return the calls that were answered."""
        rows = [row for out in self._out.values() for row in out.rows]
        self.inferencer.cancel()
        self._out.clear()
        return rows
