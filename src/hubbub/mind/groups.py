"""The groups that prompts mention."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hubbub.actions import ActionSpec, Kind
from hubbub.actions.spec import Query, Without
from hubbub.mind.quoting import one_line
from hubbub.mind.slate import Quotes
from hubbub.mind.turn_records import Reference
from hubbub.mind.words import Words
from hubbub.policy import Observation

#: Limits: groups in one list, messages in one answer, characters of a group's name.
GROUPS, MESSAGES, NAME_CHARS = 10, 10, 60


class GroupList:
    """The groups of the agents of an observation, at this moment.

    First those that an agent is in, the largest first; then, where it may join others, the largest
    of these. Empty where no action on groups is allowed.
    """

    def __init__(self, obs: Observation) -> None:
        self._world = obs.world
        allowed = [spec for code, spec in enumerate(obs.world.table) if obs.allowed[code]]
        self._members: NDArray[np.int32] = np.empty(0, np.int32)
        self._largest: list[int] = []
        self._mine: dict[int, list[int]] = {}
        if len(obs.world.groups) and any(_on_groups(spec) for spec in allowed):
            self._members = obs.world.groups["members"].copy()
            self._fill(obs, joinable=any(_joins(spec) for spec in allowed))

    def _fill(self, obs: Observation, *, joinable: bool) -> None:
        offsets, groups = obs.world.sets["member"].rows(obs.agents)
        size = self._members.tolist()
        for row in np.flatnonzero(np.diff(offsets)):
            mine = groups[offsets[row] : offsets[row + 1]].tolist()
            self._mine[int(obs.agents[row])] = sorted(mine, key=lambda g: (-size[g], g))
        if joinable:
            every = np.arange(len(self._members))
            self._largest = np.lexsort((every, -self._members))[: 2 * GROUPS].tolist()

    def of(self, agent: int) -> list[int]:
        """Return the groups that the agent is in, the largest first."""
        return self._mine.get(agent, [])

    def things(self, agent: int) -> list[Reference]:
        """Return the groups that the agent's prompt lists."""
        mine = self.of(agent)
        if not mine and not self._largest:
            return []
        known = set(mine)
        listed = [*mine, *(g for g in self._largest if g not in known)][:GROUPS]
        return [Reference("group", g, -1) for g in listed]

    def line(self, agent: int, group: int, words: Words) -> str:
        """Return the line on a group, without a number."""
        name = one_line(self._world.texts[int(self._world.groups["text"][group])], NAME_CHARS)
        yours = f", {words.joined}" if group in self.of(agent) else ""
        return f"«{name}» {int(self._members[group])} {words.members}{yours}"


class NewMessages:
    """What was written in the agents' groups since they were last awake."""

    def __init__(self, obs: Observation, groups: GroupList, quotes: Quotes) -> None:
        self._quotes = quotes
        self._of: dict[int, list[tuple[int, int, int]]] = {}
        world, items = obs.world, obs.world.items
        readers = [a for a in obs.agents.tolist() if groups.of(a)]
        if not readers:
            return
        since = world.agents["last_awake"][readers].tolist()
        sent = np.flatnonzero((items["kind"] == Kind.message) & (items["step"] >= min(since)))
        group, step = items["ref"][sent], items["step"][sent]
        for agent, first in zip(readers, since, strict=True):
            new = sent[np.isin(group, groups.of(agent)) & (step >= first)][-MESSAGES:]
            columns = (items[c][new].tolist() for c in ("ref", "author", "text"))
            self._of[agent] = list(zip(*columns, strict=True))

    def of(self, agent: int) -> list[tuple[int, str]]:
        """Return the newest messages as (group, line), oldest first."""
        found = self._of.get(agent, [])
        names = self._quotes.names(np.array([author for _, author, _ in found], np.int32))
        return [
            (group, f"{name}: {self._quotes.text(text)}")
            for (group, _, text), name in zip(found, names, strict=True)
        ]


def _on_groups(spec: ActionSpec) -> bool:
    return spec.target_kind == "group" or Query("groups") in spec.effects


def _joins(spec: ActionSpec) -> bool:
    return any(isinstance(r, Without) and r.pairs.over == "group" for r in spec.requires)
