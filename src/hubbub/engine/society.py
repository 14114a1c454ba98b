"""The engine on one page: what a step is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from hubbub.actions import Action, ActionBatch
from hubbub.actions.spec import Configure
from hubbub.config.scenario import Scenario
from hubbub.engine.decider import SHARD, Decider, Shard
from hubbub.engine.given_turns import GivenTurns
from hubbub.engine.models.budget import BudgetSpent
from hubbub.engine.models.groups import ModelGroups
from hubbub.engine.models.turns import ModelTurns, TurnResults
from hubbub.engine.schedule import Schedule
from hubbub.engine.step import Step
from hubbub.engine.stopwatch import Stopwatch
from hubbub.engine.workers import Threads, Workers
from hubbub.platform import apply
from hubbub.time import draw
from hubbub.world import Events, Slate, World
from hubbub.world.fold import fold_slate


class Society:
    """A world, the decider on it, the schedule of events, and the turns of language models.

    `short` is set when the budget cannot pay for the next step; `foreseen` is the last step whose
    turns models have been asked for.
    """

    def __init__(
        self,
        scenario: Scenario,
        world: World,
        model_turns: ModelTurns | None = None,
        *,
        workers: Workers | None = None,
    ) -> None:
        self.scenario = scenario
        self.world = world
        self.model_turns = model_turns
        self.workers = workers or Threads()
        self.schedule = Schedule(scenario)
        self.decider = Decider(scenario, world)
        self.foreseen = world.step
        self.short: BudgetSpent | None = None
        self._configure_models()

    def configure(self, scenario: Scenario) -> None:
        """Put the scenario in force, with the settings that changed during the run."""
        self.scenario = scenario
        self.decider.configure(scenario)
        self._configure_models()

    def _configure_models(self) -> None:
        if self.model_turns is not None:
            d = self.decider
            self.model_turns.configure(
                ModelGroups(self.world, d.now, d.platform, d.policy, d.clock)
            )

    def step(self, t: int, given: GivenTurns | None = None, *, only: bool = False) -> Step:
        """Run step `t`: everyone awake decides on the world as it stands, then all is applied.

        Agents in `given` are awake; those with given actions perform them. With `only`, nobody
        else is awake. Agents with lines in a script are awake when the lines are due.
        """
        if self.short is not None:
            raise BudgetSpent(str(self.short))
        given, world, watch = given or GivenTurns(), self.world, Stopwatch()
        scheduled = self.schedule.apply(world, self.decider.platform, t)
        self.changed(t, scheduled, None)
        if np.isin(scheduled.action, world.table.having(Configure())).any():
            self.configure(self.scenario)
        self.workers.prepare(self.decider, t)
        watch.lap("feed")
        active = self._awake(t, given, only=only)
        watch.lap("activation")
        modelled = self._ask_models(t, active, given, watch, only=only)
        slate, batch = self._decide(t, active, modelled, given.scripted, watch)
        results = self._collect(t, modelled, given.scripted, watch)
        slate = Slate.merge([slate, results.slate])
        batch = ActionBatch.concat([batch, results.batch, self.batch(given.actions)])
        rules = self.decider.platform
        events = [apply(rules, world, batch, t, each=self.workers.map)]
        if len(results.notes):
            events.append(apply(rules, world, results.notes, t, environment=True))
        fold_slate(world, slate, self.behind(slate), each=self.workers.map)
        self.changed(t, Events.concat(events), slate)
        step = Step(Events.concat([scheduled, *events]), slate, results.rows, watch)
        self.remember(t, step.events, slate)
        watch.lap("apply")
        return step

    def foresee(self, t: int, watch: Stopwatch | None = None) -> None:
        """Make the requests for later steps that are due as step `t` begins; `send` submits them.

        With a staleness of k steps, turns are asked for k steps ahead.
        """
        watch = watch or Stopwatch()
        last = min(t + self.scenario.turns.staleness, self.scenario.steps)
        for u in range(max(t, self.foreseen) + 1, last + 1):
            self._ask(u, self._drawn(u, ahead=u - t), watch)
            self.foreseen = u

    def behind(self, slate: Slate) -> NDArray[np.int32] | int:
        """Return how many steps older the world was that each agent of a slate saw."""
        staleness = self.scenario.turns.staleness
        if self.model_turns is None or not staleness:
            return 0
        return np.where(self.model_turns.groups.drives(slate.agents), staleness, 0).astype(np.int32)

    def remember(self, t: int, events: Events, slate: Slate | None) -> None:
        """Add what happened to the memories of the agents driven by models."""
        if self.model_turns is not None:
            self.model_turns.remember(t, events, slate)

    def batch(self, turns: Mapping[int, Sequence[Action]]) -> ActionBatch:
        """Return these agents' actions as columns."""
        return ActionBatch.from_actions(self.world.table, turns.items(), self.world.product)

    def changed(self, t: int, events: Events, slate: Slate | None) -> None:
        """Tell the decider and the workers what happened in step `t`.

        `slate` is what was shown in the step, None if that is yet to come.
        """
        if len(events) or slate is not None:
            self.decider.world_changed()
            behind = 0 if slate is None else self.behind(slate)
            self.workers.share(self.decider, t, events, slate, behind)

    def _drawn(self, t: int, *, ahead: int = 0) -> NDArray[np.int32]:
        d = self.decider
        return draw(self.world, t, d.clock, self.world.streams, d.now.time, ahead=ahead)

    def _awake(self, t: int, given: GivenTurns, *, only: bool) -> NDArray[np.int32]:
        if only:
            return given.agents
        awake = self._drawn(t)
        called = np.concatenate([given.agents, self.decider.policy.speakers(self.world, t)])
        return np.union1d(awake, called).astype(np.int32) if len(called) else awake

    def _ask_models(
        self, t: int, active: NDArray[np.int32], given: GivenTurns, watch: Stopwatch, *, only: bool
    ) -> NDArray[np.int32]:
        """Ask for the turns that are due, and return whose turns of this step models decide.

        These include turns that were asked for in earlier steps, on older worlds.
        """
        if self.model_turns is None:
            return np.empty(0, np.int32)
        pending = self.model_turns.asked(t)
        due = active if t > self.foreseen else given.woken
        due = np.setdiff1d(due, np.concatenate([pending, given.scripted])).astype(np.int32)
        due = self._ask(t, due, watch)
        self.model_turns.send()
        self.foreseen = max(t, self.foreseen)
        self.foresee(t, watch)
        self.model_turns.send()
        mine = np.intersect1d(pending, active) if only else pending
        return np.union1d(mine, due).astype(np.int32)

    def _ask(self, t: int, agents: NDArray[np.int32], watch: Stopwatch) -> NDArray[np.int32]:
        """Make the requests for those of the agents whom models drive; return them."""
        assert self.model_turns is not None  # noqa: S101 - its callers have looked
        mine = agents[self.model_turns.groups.drives(agents)]
        shards = [Shard.of_viewers(mine[i : i + SHARD]) for i in range(0, len(mine), SHARD)]
        slates = self.workers.see(self.decider, t, shards) if shards else []
        watch.lap("feed")
        observe = self.decider.observe
        self.model_turns.ask(t, [observe(t, *each) for each in zip(shards, slates, strict=True)])
        watch.lap("prompts")
        return mine

    def _collect(
        self, t: int, modelled: NDArray[np.int32], scripted: NDArray[np.int32], watch: Stopwatch
    ) -> TurnResults:
        if self.model_turns is None:
            return TurnResults.none()
        results = self.model_turns.collect(t, modelled, overruled=scripted)
        watch.lap("replies")
        return results

    def _decide(
        self,
        t: int,
        active: NDArray[np.int32],
        modelled: NDArray[np.int32],
        scripted: NDArray[np.int32],
        watch: Stopwatch,
    ) -> tuple[Slate, ActionBatch]:
        """Show everyone else who is active its slate and ask its policy, shard by shard."""
        elsewhere = modelled
        if self.model_turns is not None:  # with staleness, models' agents wake by an older world
            mine = active[self.model_turns.groups.drives(active)]
            elsewhere = np.union1d(modelled, np.setdiff1d(mine, scripted))
        shards = [
            Shard.of(number, active[start : start + SHARD], elsewhere, scripted)
            for number, start in enumerate(range(0, max(len(active), 1), SHARD))
        ]
        turns = self.workers.decide(self.decider, t, shards)
        seconds = np.array([d.seconds for d in turns]).sum(axis=0)
        watch.lap("feed", "policy", weights=seconds)
        return Slate.concat([d.slate for d in turns]), ActionBatch.concat([d.batch for d in turns])
