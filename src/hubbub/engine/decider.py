"""All that deciding needs: a world, and the feed, rules and policy in force on it.

The driver has one, and so has each worker. What a shard of agents is shown and does is a function
of the frozen world, the step and the shard alone, so any of them gives the same result.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from hubbub.actions import ActionBatch
from hubbub.config.load import apply_overrides, parse_scenario
from hubbub.config.scenario import Scenario
from hubbub.engine.stopwatch import Stopwatch
from hubbub.feed import Explained
from hubbub.feed.comments import shown_comments
from hubbub.feed.feed import Feed, make_feed
from hubbub.feed.frame import Frame
from hubbub.platform import Platform
from hubbub.policy import AgentView, Observation, view
from hubbub.policy.mix import PolicyMix, make_policy
from hubbub.time import Clock
from hubbub.world import Slate, World

Ids = NDArray[np.int32]
#: Agents decide in shards of this size. Each shard has random numbers of its own.
SHARD = 4096


@dataclass(frozen=True, slots=True)
class Shard:
    """Agents who are shown something together, int32[k], ascending.

    They stand at `rows` int64[k] of shard `number` of the step, which has `size` agents. Those
    `deciding`, bool[k], are asked what they do.
    """

    number: int
    size: int
    agents: Ids
    rows: NDArray[np.int64]
    deciding: NDArray[np.bool_]

    @classmethod
    def of(cls, number: int, agents: Ids, elsewhere: Ids, scripted: Ids) -> Self:
        """Return a shard of active agents, without those whose turns are decided `elsewhere`.

        Agents in `scripted` are shown their slates, but do not decide.
        """
        here = ~np.isin(agents, elsewhere)
        deciding = ~np.isin(agents[here], scripted)
        return cls(number, len(agents), agents[here], np.flatnonzero(here), deciding)

    @classmethod
    def of_viewers(cls, agents: Ids) -> Self:
        """Return a shard of agents who are shown something here and decide elsewhere."""
        k = len(agents)
        return cls(0, k, agents, np.arange(k), np.zeros(k, np.bool_))


@dataclass(frozen=True, slots=True)
class ShardSlates:
    """What the agents of a shard are shown: slates, and the top comments of each shown item."""

    slate: Slate
    comments: tuple[NDArray[np.int64], Ids]


@dataclass(frozen=True, slots=True)
class ShardTurns:
    """What the agents of a shard were shown and did; `seconds` of the feed and of the policy."""

    slate: Slate
    batch: ActionBatch
    seconds: tuple[float, float]


class Decider:
    """Shows agents their slates and lets their policies decide, on the world as it stands."""

    def __init__(self, scenario: Scenario, world: World) -> None:
        """Decide on `world`; ScenarioError if the settings make no sense."""
        self.world = world
        self._frames: dict[int, Frame] = {}
        self.configure(scenario)

    def configure(self, scenario: Scenario) -> None:
        """Put the scenario in force, with the settings that changed during the run."""
        self.scenario = scenario
        self.now = configured(scenario, self.world.settings)
        self.clock, self.platform, self.feed, self.policy = assemble(self.now, self.world)
        self._frames.clear()

    def world_changed(self) -> None:
        """Forget what was prepared for viewers of the world as it was."""
        self._frames.clear()

    # -- reads the world; safe from any number of threads ----------------------------------------

    def frame(self, t: int) -> Frame:
        """Return what all viewers of step `t` share."""
        if t not in self._frames:
            self._frames[t] = self.feed.prepare(self.world, t, self.world.streams)
        return self._frames[t]

    def see(self, t: int, shard: Shard) -> ShardSlates:
        """Return what the agents of a shard are shown in step `t`."""
        frame = self.frame(t)
        slate = self.feed.rank(self.world, frame, shard.agents)
        comments = shown_comments(self.world, slate, self.now.feed.comments, frame.hidden)
        return ShardSlates(slate, comments)

    def decide(self, t: int, shard: Shard) -> ShardTurns:
        """Show the agents of a shard their slates, and let those who decide do so."""
        watch = Stopwatch()
        obs = self.observe(t, shard, self.see(t, shard))
        watch.lap("feed")
        batch = self.policy.decide(obs.select(shard.deciding))
        watch.lap("policy")
        return ShardTurns(obs.slate, batch, (watch.seconds["feed"], watch.seconds["policy"]))

    def observe(self, t: int, shard: Shard, seen: ShardSlates) -> Observation:
        """Return what the agents of a shard, with these slates, know when they decide."""
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

    def show(self, agent: int) -> AgentView:
        """Return what one agent would be shown if it woke now."""
        t, one = self.world.step + 1, Shard.of_viewers(np.array([agent], np.int32))
        return view(self.observe(t, one, self.see(t, one)), 0)

    def explain(self, agent: int) -> list[Explained]:
        """Return the candidates for the slate that the agent would be shown now."""
        return self.feed.explain(self.world, self.frame(self.world.step + 1), agent)


def configured(scenario: Scenario, settings: Mapping[str, Any]) -> Scenario:
    """Return the scenario with settings that changed during the run, by dotted name."""
    if not settings:
        return scenario
    data = scenario.model_dump(mode="json")
    return parse_scenario(apply_overrides(data, settings), "events")


def assemble(now: Scenario, world: World) -> tuple[Clock, Platform, Feed, PolicyMix]:
    """Return what moves a world under these settings; ScenarioError if they make no sense."""
    clock = Clock(now.time.start, now.time.step_minutes)
    return (
        clock,
        Platform.from_config(now.platform, world.table),
        make_feed(now.feed, now.platform.preset, clock),
        make_policy(now, world),
    )
