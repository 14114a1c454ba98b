"""The engine on one page: what a step is."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hubbub.actions import Action, ActionBatch, Reason
from hubbub.config.scenario import Scenario
from hubbub.engine.given_turns import GivenTurns
from hubbub.engine.models.budget import BudgetSpent
from hubbub.engine.models.groups import ModelGroups
from hubbub.engine.models.turns import ModelTurns, TurnResults
from hubbub.engine.schedule import Schedule, assemble
from hubbub.engine.workers import Shard, ShardSlates, ShardTurns, Threads, Workers
from hubbub.feed import Explained, Frame
from hubbub.feed.comments import shown_comments
from hubbub.policy import AgentView, Observation, view
from hubbub.store.completions import CompletionRow
from hubbub.time import draw
from hubbub.world import Events, Slate, World
from hubbub.world.fold import fold_slate

#: Agents decide in shards of this many, each with random numbers of its own, on any thread.
SHARD = 4096


@dataclass(frozen=True, slots=True)
class StepReport:
    """One finished step, for hooks: numbers of agents and actions, seconds by stage.

    `cpu` is the seconds of processor time by stage that the thread which ran the step took itself.
    `calls` of language models led to it, `unanswered` of them got no reply; they cost `cost`.
    """

    step: int
    active: int
    accepted: int
    refused: int
    seconds: dict[str, float]
    cpu: dict[str, float] = field(default_factory=dict)
    calls: int = 0
    unanswered: int = 0
    cost: float = 0.0


@dataclass(slots=True)
class Step:
    """What a step came to, before it is committed."""

    events: Events
    slate: Slate
    completions: list[CompletionRow]
    watch: Stopwatch

    def report(self, step: int) -> StepReport:
        """Return the numbers of this step."""
        accepted = int((self.events.reason == Reason.ok).sum())
        refused = len(self.events) - accepted
        rows = self.completions
        return StepReport(
            step,
            len(self.slate.agents),
            accepted,
            refused,
            self.watch.seconds,
            self.watch.cpu,
            calls=len(rows),
            unanswered=sum(row.completion.text is None for row in rows),
            cost=sum(row.cost for row in rows if not row.completion.recorded),
        )


class Society:
    """A world with everything that moves it: clock, platform, feed, policy, models, schedule.

    `short` says that no further step can be taken: the budget does not reach for what comes first.
    """

    def __init__(
        self,
        scenario: Scenario,
        world: World,
        model_turns: ModelTurns | None = None,
        *,
        workers: Workers | None = None,
    ) -> None:
        self.world = world
        self.model_turns = model_turns
        self.workers = workers or Threads()
        self._frames: dict[int, Frame] = {}
        self.schedule = Schedule(scenario)
        self.foreseen = world.step
        self.short: BudgetSpent | None = None
        self.configure(scenario)

    def configure(self, scenario: Scenario) -> None:
        """Set up platform, feed and policy as the scenario, and changes in mid-run, say."""
        now = self.schedule.configured(scenario, self.world.settings)
        self.scenario = scenario
        self.time = now.time
        self.clock, self.platform, self.feed, self.policy = assemble(now, self.world)
        self.comments = now.feed.comments
        self._frames.clear()
        if self.model_turns is not None:
            self.model_turns.configure(
                ModelGroups(self.world, now, self.platform, self.policy, self.clock)
            )

    def step(self, t: int, asked: GivenTurns | None = None, *, only: bool = False) -> Step:
        """Run step `t`: everyone awake decides on the world as it stands, then all is applied.

        Who is `asked` is awake; some of them do as they are told. With `only`, nobody else is
        awake. An agent with lines in its script is awake when they are due.
        """
        if self.short is not None:
            raise BudgetSpent(str(self.short))
        asked, world, watch = asked or GivenTurns(), self.world, Stopwatch()
        scheduled = self.schedule.apply(world, self.platform, t)
        self.changed(t, scheduled, None)
        if any(e == world.table.code("configure") for e in scheduled.action):
            self.configure(self.scenario)
        self.workers.prepare(self, t)
        watch.lap("feed")
        active = self._awake(t, asked, only=only)
        watch.lap("activation")
        modelled = self._ask_models(t, active, asked, watch, only=only)
        slate, batch = self._decide(t, active, modelled, asked.told, watch)
        results = self._collect(t, modelled, asked.told, watch)
        slate = Slate.merge([slate, results.slate])
        batch = ActionBatch.concat([batch, results.batch, self.batch(asked.actions)])
        events = [self.platform.apply(world, batch, t, each=self.workers.map)]
        if len(results.notes):
            events.append(self.platform.apply(world, results.notes, t, environment=True))
        fold_slate(world, slate, self.behind(slate), each=self.workers.map)
        self.changed(t, Events.concat(events), slate)
        step = Step(Events.concat([scheduled, *events]), slate, results.rows, watch)
        self.remember(t, step.events, slate)
        watch.lap("apply")
        return step

    def foresee(self, t: int, watch: Stopwatch | None = None) -> None:
        """Ask for the turns of later steps that are asked for as step `t` begins, if any.

        The requests are made, but not sent.
        """
        watch = watch or Stopwatch()
        last = min(t + self.scenario.turns.staleness, self.scenario.steps)
        for u in range(max(t, self.foreseen) + 1, last + 1):
            awake = draw(self.world, u, self.clock, self.world.streams, self.time, ahead=u - t)
            self._ask(u, awake, watch)
            self.foreseen = u

    def behind(self, slate: Slate) -> NDArray[np.int32] | int:
        """Return by how many steps the world was older that each agent of a slate saw."""
        staleness = self.scenario.turns.staleness
        if self.model_turns is None or not staleness:
            return 0
        return np.where(self.model_turns.groups.drives(slate.agents), staleness, 0).astype(np.int32)

    def remember(self, t: int, events: Events, slate: Slate | None) -> None:
        """Let the agents driven by models remember what happened."""
        if self.model_turns is not None:
            self.model_turns.remember(t, events, slate)

    def batch(self, turns: Mapping[int, Sequence[Action]]) -> ActionBatch:
        """Return these agents' actions as columns."""
        return ActionBatch.from_actions(self.world.table, turns.items(), self.world.product)

    def show(self, agent: int) -> AgentView:
        """Return what one agent would be shown if it woke now."""
        t, one = self.world.step + 1, Shard.of_viewers(np.array([agent], np.int32))
        return view(self._observation(t, one, self.see(t, one)), 0)

    def explain(self, agent: int) -> list[Explained]:
        """Return what was considered for the slate that the agent would be shown now."""
        return self.feed.explain(self.world, self.frame(self.world.step + 1), agent)

    def changed(self, t: int, events: Events, slate: Slate | None) -> None:
        """Take note of what has happened in step `t`, and tell the workers.

        `slate` is what was shown in it, None if that is yet to come.
        """
        if len(events) or slate is not None:
            self._frames.clear()
            self.workers.share(self, t, events, slate)

    def _awake(self, t: int, asked: GivenTurns, *, only: bool) -> NDArray[np.int32]:
        if only:
            return asked.agents
        awake = draw(self.world, t, self.clock, self.world.streams, self.time)
        called = np.concatenate([asked.agents, self.policy.speakers(self.world, t)])
        return np.union1d(awake, called).astype(np.int32) if len(called) else awake

    def _ask_models(
        self, t: int, active: NDArray[np.int32], asked: GivenTurns, watch: Stopwatch, *, only: bool
    ) -> NDArray[np.int32]:
        """Ask for the turns that are due, and return whose turns of this step models decide.

        Turns that were asked for in earlier steps, on older worlds, are among them.
        """
        if self.model_turns is None:
            return np.empty(0, np.int32)
        out = self.model_turns.asked(t)
        due = active if t > self.foreseen else asked.called
        due = np.setdiff1d(due, np.concatenate([out, asked.told])).astype(np.int32)
        due = self._ask(t, due, watch)
        self.model_turns.send()
        self.foreseen = max(t, self.foreseen)
        self.foresee(t, watch)
        self.model_turns.send()
        return np.union1d(np.intersect1d(out, active) if only else out, due).astype(np.int32)

    def _ask(self, t: int, agents: NDArray[np.int32], watch: Stopwatch) -> NDArray[np.int32]:
        """Ask for the turns of those of the agents who are driven by models; return them."""
        assert self.model_turns is not None  # noqa: S101 - its callers have looked
        mine = agents[self.model_turns.groups.drives(agents)]
        shards = [Shard.of_viewers(mine[i : i + SHARD]) for i in range(0, len(mine), SHARD)]
        seen = self.workers.see(self, t, shards) if shards else []
        watch.lap("feed")
        self.model_turns.ask(
            t, [self._observation(t, *each) for each in zip(shards, seen, strict=True)]
        )
        watch.lap("prompts")
        return mine

    def _collect(
        self, t: int, modelled: NDArray[np.int32], told: NDArray[np.int32], watch: Stopwatch
    ) -> TurnResults:
        if self.model_turns is None:
            return TurnResults.none()
        results = self.model_turns.collect(t, modelled, overruled=told)
        watch.lap("replies")
        return results

    def _decide(
        self,
        t: int,
        active: NDArray[np.int32],
        modelled: NDArray[np.int32],
        told: NDArray[np.int32],
        watch: Stopwatch,
    ) -> tuple[Slate, ActionBatch]:
        """Show everyone else who is active its slate and ask its policy, shard by shard."""
        elsewhere = modelled
        if (
            self.model_turns is not None
        ):  # with staleness, models' agents wake by an older world alone
            mine = active[self.model_turns.groups.drives(active)]
            elsewhere = np.union1d(modelled, np.setdiff1d(mine, told))
        shards = [
            Shard.of(number, active[start : start + SHARD], elsewhere, told)
            for number, start in enumerate(range(0, max(len(active), 1), SHARD))
        ]
        deeds = self.workers.decide(self, t, shards)
        seconds = np.array([d.seconds for d in deeds]).sum(axis=0)
        watch.lap("feed", "policy", weights=seconds)
        return Slate.concat([d.slate for d in deeds]), ActionBatch.concat([d.batch for d in deeds])

    # -- what workers do; reads the world, from any number of threads --------------------------

    def frame(self, t: int) -> Frame:
        """Return what all viewers of step `t` share, on the world as it stands."""
        if t not in self._frames:
            self._frames[t] = self.feed.prepare(self.world, t, self.world.streams)
        return self._frames[t]

    def see(self, t: int, shard: Shard) -> ShardSlates:
        """Return what the agents of a shard are shown in step `t`."""
        frame = self.frame(t)
        slate = self.feed.rank(self.world, frame, shard.agents)
        return ShardSlates(slate, shown_comments(self.world, slate, self.comments, frame.hidden))

    def decide(self, t: int, shard: Shard) -> ShardTurns:
        """Show the agents of a shard their slates, and let those who decide do so."""
        watch = Stopwatch()
        obs = self._observation(t, shard, self.see(t, shard))
        watch.lap("feed")
        batch = self.policy.decide(obs.select(shard.deciding))
        watch.lap("policy")
        return ShardTurns(obs.slate, batch, (watch.seconds["feed"], watch.seconds["policy"]))

    def _observation(self, t: int, shard: Shard, seen: ShardSlates) -> Observation:
        """Return what the agents of a shard see of the world as it stands."""
        return Observation(
            world=self.world,
            step=t,
            slate=seen.slate,
            comments=seen.comments,
            allowed=self.platform.allowed,
            show_score=self.platform.show_score,
            report_threshold=self.platform.report_threshold,
            step_minutes=self.scenario.time.step_minutes,
            streams=self.world.streams,
            shard=shard.number,
            rows=shard.rows,
            shard_size=shard.size,
        )


class Stopwatch:
    """Seconds by stage, for people; nothing in a result depends on it.

    `seconds` are by the clock, `cpu` processor time of the calling thread.
    """

    def __init__(self) -> None:
        self._last = time.perf_counter(), time.thread_time()
        self.seconds: dict[str, float] = {}
        self.cpu: dict[str, float] = {}

    def lap(self, *stages: str, weights: NDArray[np.float64] | None = None) -> None:
        """Book the time since the last lap to these stages, shared by their weights."""
        now = time.perf_counter(), time.thread_time()
        share = np.ones(len(stages)) if weights is None or not weights.sum() else weights
        for stage, part in zip(stages, share / share.sum(), strict=True):
            for book, end, begin in zip((self.seconds, self.cpu), now, self._last, strict=True):
                book[stage] = book.get(stage, 0.0) + float((end - begin) * part)
        self._last = now
