"""The groups that prompts mention."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from hubbub.actions import ActionSpec
from hubbub.actions.spec import Without
from hubbub.mind.quoting import one_line
from hubbub.mind.turn_records import Reference
from hubbub.mind.words import Words
from hubbub.platform.queries import finds
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
            self._fill(obs, joinable=any(map(joins, allowed)))

    def _fill(self, obs: Observation, *, joinable: bool) -> None:
        offsets, groups = obs.world.sets["member"].rows(obs.agents)
        for row in np.flatnonzero(np.diff(offsets)):
            mine = groups[offsets[row] : offsets[row + 1]].tolist()
            self._mine[int(obs.agents[row])] = mine
        if joinable:
            every = np.arange(len(self._members))
            self._largest = np.lexsort((every, -self._members))[: 2 * GROUPS].tolist()

    def things(self, agent: int) -> list[Reference]:
        """Return the groups that the agent's prompt lists."""
        mine = self._mine.get(agent, [])
        if not mine and not self._largest:
            return []
        listed = chosen(mine, self._largest, self._members.__getitem__)
        return [Reference("group", g, -1) for g in listed]

    def line(self, agent: int, group: int, words: Words) -> str:
        """Return the line on a group, without a number."""
        name = self._world.texts[int(self._world.groups["text"][group])]
        joined = group in self._mine.get(agent, ())
        return group_line(name, int(self._members[group]), words, joined=joined)


def chosen(mine: Iterable[int], others: Iterable[int], size: Callable[[int], int]) -> list[int]:
    """Return the groups to list: the agent's own, the largest first, then the others."""
    first = sorted(mine, key=lambda g: (-size(g), g))
    known = set(first)
    rest = sorted((g for g in others if g not in known), key=lambda g: (-size(g), g))
    return [*first, *rest][:GROUPS]


def group_line(name: str, members: int, words: Words, *, joined: bool) -> str:
    """Return the line on a group, without a number."""
    yours = f", {words.joined}" if joined else ""
    return f"«{one_line(name, NAME_CHARS)}» {members} {words.members}{yours}"


def joins(spec: ActionSpec) -> bool:
    """Return whether an action makes the agent a member of a group."""
    return any(isinstance(r, Without) and r.pairs.over == "group" for r in spec.requires)


def _on_groups(spec: ActionSpec) -> bool:
    return spec.target_kind == "group" or finds(spec) == "groups"
