"""Which policy drives which agent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hubbub.actions import ActionBatch
from hubbub.config.scenario import AgentGroup, Scenario
from hubbub.config.user_code import blamed_on, load_own, takes_argument
from hubbub.errors import ScenarioError, did_you_mean
from hubbub.policy.base import Observation, Policy
from hubbub.policy.conditions import check_conditions, matching
from hubbub.policy.scripted import IdlePolicy, ScriptedPolicy
from hubbub.policy.statistical import StatisticalPolicy
from hubbub.rng import Streams
from hubbub.world import World

BUILT_IN = ("statistical", "idle", "scripted")
_IDLE = -1
#: Shares are drawn from one stream per block of this many agents.
_BLOCK = 4096


class PolicyMix:
    """Several policies, each for its own agents.

    The first group whose conditions an agent meets, and whose share includes it, drives it; agents
    in no group are idle. The assignment depends on the seed, the agent's id and its profile, so
    agents who sign up later get theirs when they appear.
    """

    def __init__(
        self,
        groups: Sequence[AgentGroup],
        policies: Sequence[Policy],
        world: World,
        streams: Streams,
    ) -> None:
        """Take one policy per group."""
        for g, group in enumerate(groups):
            check_conditions(world, group.where, f"agents.{g}.where")
        self._groups, self._policies = list(groups), list(policies)
        self._streams = streams
        self._assigned = np.empty(0, np.int16)
        self.assignment(world)

    @classmethod
    def from_config(
        cls,
        groups: Sequence[AgentGroup],
        world: World,
        streams: Streams,
        make: Callable[[int, AgentGroup], Policy],
    ) -> PolicyMix:
        """Return the mix of these groups; `make` gives the policy of the group at an index."""
        return cls(groups, [make(g, group) for g, group in enumerate(groups)], world, streams)

    def assignment(self, world: World) -> NDArray[np.int16]:
        """Return the group of each agent, int16[n], -1 for idle."""
        known, n = self._assigned, len(world.agents)
        if n > len(known):
            # shards decide in threads: each may make the new array, and all make the same one
            known = np.concatenate([known, self._assign(world, len(known), n)])
            self._assigned = known
        return known[:n]

    def _assign(self, world: World, first: int, end: int) -> NDArray[np.int16]:
        result = np.full(end - first, _IDLE, np.int16)
        for g, group in enumerate(self._groups):
            match = (result == _IDLE) & matching(world, group.where, first, end)
            if group.share is not None:
                match &= self._draw(g, first, end) < group.share
            policy = self._policies[g]
            if isinstance(policy, ScriptedPolicy) and not group.where:
                match &= np.isin(np.arange(first, end), policy.speakers(world))
            result[match] = g
        return result

    def _draw(self, group: int, first: int, end: int) -> NDArray[np.float64]:
        blocks = range(first // _BLOCK, (end - 1) // _BLOCK + 1)
        parts = [self._streams.at("mix", group, b).uniform(_BLOCK) for b in blocks]
        skip = first - blocks.start * _BLOCK
        return np.concatenate(parts)[skip : skip + end - first]

    def modelled(self, world: World) -> NDArray[np.bool_]:
        """Return which agents are driven by a language model, bool[n]."""
        by_group = np.array([g.model is not None for g in self._groups] + [False])
        return by_group[self.assignment(world)]  # -1, of no group, is the last

    def speakers(self, world: World, step: int) -> NDArray[np.int32]:
        """Return the agents whose script has lines in this step, int32, ascending."""
        parts = [
            p.speakers(world, step)[self.assignment(world)[p.speakers(world, step)] == g]
            for g, p in enumerate(self._policies)
            if isinstance(p, ScriptedPolicy)
        ]
        return np.unique(np.concatenate([np.empty(0, np.int32), *parts]))

    def decide(self, obs: Observation) -> ActionBatch:
        """Return what all agents do, policy by policy."""
        assigned = self.assignment(obs.world)[obs.agents]
        batches = []
        for g, policy in enumerate(self._policies):
            mine = assigned == g
            if mine.any():
                batches.append(policy.decide(obs.select(mine)))
        return ActionBatch.concat(batches or [IdlePolicy().decide(obs)])


def make_policy(scenario: Scenario, world: World) -> PolicyMix:
    """Return the policy of a scenario for this world; ScenarioError says what is wrong with it."""

    def make(index: int, group: AgentGroup) -> Policy:
        place = f"agents.{index}"
        match group.policy:
            case "statistical":
                return StatisticalPolicy(
                    group.behaviour or scenario.behaviour,
                    scenario.opinions,
                    world.table,
                    world.topics,
                    scenario.platform.max_text_length,
                )
            case "idle":
                return IdlePolicy()
            case "scripted":
                policy = ScriptedPolicy(group, world.table, place)
                _check_names(policy, scenario, world, place)
                return policy
            case None:  # a language model decides, elsewhere
                return IdlePolicy()
            case dotted:
                return load_policy(dotted, group, place)

    return PolicyMix.from_config(scenario.agents, world, world.streams, make)


def _check_names(policy: ScriptedPolicy, scenario: Scenario, world: World, place: str) -> None:
    new = [str(e.sign_up.get("user_name")) for e in scenario.events if e.sign_up is not None]
    last = len(world.agents) + len(new)
    for who in policy.names:
        if isinstance(who, str) and world.profiles.find(who) is None and who not in new:
            raise ScenarioError(f"{place}.script: there is no agent with the user name '{who}'")
        if isinstance(who, int) and not 0 <= who < last:
            raise ScenarioError(f"{place}.script: there is no agent {who}; ids end at {last - 1}")


def load_policy(dotted: str, group: AgentGroup, place: str = "agents") -> Policy:
    """Return a custom policy, given as 'module:Class'.

    The class or factory is called with the AgentGroup if it takes an argument, else with none. Its
    result must have a method ``decide(obs) -> ActionBatch``.
    """
    if ":" not in dotted:
        hint = did_you_mean(dotted, BUILT_IN)
        raise ScenarioError(
            f"{place}.policy: there is no policy '{dotted}'{hint}; "
            f"give one of {', '.join(BUILT_IN)}, or 'module:Class' for one of your own"
        )
    return policy_of(load_own(dotted, f"{place}.policy"), group, f"{place}.policy '{dotted}'")


def policy_of(factory: Any, group: AgentGroup, place: str) -> CustomPolicy:
    """Return the policy that a class or function makes; ScenarioError if it makes none."""
    if not callable(factory):
        raise ScenarioError(f"{place} is not a class")
    with blamed_on(place):
        policy = factory(group) if takes_argument(factory) else factory()
    if not callable(getattr(policy, "decide", None)):
        raise ScenarioError(f"{place} has no method decide(obs)")
    return CustomPolicy(policy, place)


class CustomPolicy:
    """A user's policy, with errors that name it."""

    def __init__(self, policy: Policy, place: str) -> None:
        self.policy = policy
        self._place = place

    def decide(self, obs: Observation) -> ActionBatch:
        """Return what the user's policy decides; ScenarioError if that is not a batch."""
        with blamed_on(self._place, obs.step):
            batch = self.policy.decide(obs)
        if not isinstance(batch, ActionBatch):
            raise ScenarioError(
                f"{self._place}: decide(obs) must return an ActionBatch, not {type(batch).__name__}"
            )
        return batch
