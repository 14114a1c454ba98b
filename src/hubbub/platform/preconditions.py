"""What the preconditions of actions mean, for all who judge actions, choose them or ask for them.

All functions are vectorised: a column of ids in, a bool per row out.
"""

from __future__ import annotations

import json
from typing import TypeGuard

import numpy as np
from numpy.typing import NDArray

from hubbub.actions import ActionSpec, Kind
from hubbub.actions.spec import (
    POST_KINDS,
    Exists,
    GoodText,
    NewName,
    NotOwn,
    NotSelf,
    Positive,
    Precondition,
    With,
    Without,
)
from hubbub.platform.rules import Platform
from hubbub.world import Events, World

Bools = NDArray[np.bool_]
Ids = NDArray[np.int32]

#: Preconditions on who does something to what: they hold or fail whatever is written.
OnTarget = NotSelf | NotOwn | Without | With
#: The smallest number that passes `Positive`, and the shortest text that passes `GoodText`.
LEAST_NUMBER, SHORTEST_TEXT = 1, 1


def exists(world: World, kind: str, ids: Ids) -> Bools:
    """Return which ids name a post, comment, user, group or product, bool[m]."""
    tables = {"user": world.agents, "group": world.groups, "product": world.products}
    size = len(tables.get(kind, world.items))
    known: Bools = (ids >= 0) & (ids < size)
    if kind in ("post", "comment"):
        kinds = POST_KINDS if kind == "post" else (Kind.comment,)
        known[known] = np.isin(world.items["kind"][ids[known]], kinds)
    return known


def stands_for(world: World, spec: ActionSpec, ids: Ids) -> Ids:
    """Return what the targets of an action resolve to (see `ActionSpec.refers`), int32[m]."""
    if spec.target_kind not in ("post", "comment"):
        return ids
    return world.originals(ids) if spec.refers == "original" else world.targets(ids)


def is_on_target(check: Precondition) -> TypeGuard[OnTarget]:
    """Return whether `fails_on_target` can judge this precondition."""
    return isinstance(check, OnTarget)


def fails_on_target(
    world: World, check: OnTarget, agent: Ids, target: Ids, *, allow_self_rating: bool
) -> Bools:
    """Return which pairs of agent and target (as it resolves) fail the precondition, bool[m]."""
    match check:
        case NotSelf():
            oneself: Bools = target == agent
            return oneself
        case NotOwn() if allow_self_rating:
            return np.zeros(len(agent), np.bool_)
        case NotOwn():
            own: Bools = world.items["author"][target] == agent
            return own
        case Without(pairs):
            return world.sets[pairs.name].contains(agent, target)
        case With(pairs):
            return ~world.sets[pairs.name].contains(agent, target)


def fails(
    platform: Platform, world: World, check: Precondition, events: Events, rows: NDArray[np.int64]
) -> Bools:
    """Return which of the rows of `events` fail the precondition, bool[m].

    Their targets exist and are resolved, so that nothing fails `Exists`.
    """
    match check:
        case Exists():
            return np.zeros(len(rows), np.bool_)
        case GoodText():
            text = events.text[rows]
            length = np.zeros(len(rows), np.int32)
            length[text >= 0] = world.texts.length[text[text >= 0]]
            bad: Bools = (length < SHORTEST_TEXT) | (length > platform.max_text_length)
            return bad
        case Positive():
            few: Bools = events.amount[rows] < LEAST_NUMBER
            return few
        case NewName():
            return _taken(world, check, events.text[rows])
        case _:
            agent, target = events.agent[rows], events.target[rows]
            own = platform.allow_self_rating
            return fails_on_target(world, check, agent, target, allow_self_rating=own)


def _taken(world: World, check: NewName, texts: Ids) -> Bools:
    """Return which names exist already, or come twice: the first one gets it."""
    seen: set[str] = set()
    taken = np.zeros(len(texts), np.bool_)
    for i, text in enumerate(texts):
        name = world.texts[int(text)]
        if check.of == "agent":
            name = json.loads(name)["user_name"]
            there = world.profiles.find(name) is not None
        else:
            there = world.product(name) >= 0
        taken[i] = there or name in seen
        seen.add(name)
    return taken


def least_number(spec: ActionSpec) -> int | None:
    """Return the smallest number that an action takes, None if it takes any."""
    return LEAST_NUMBER if Positive() in spec.requires else None


def longest_text(spec: ActionSpec, platform: Platform) -> int | None:
    """Return how many characters the text of an action may have, None for any number."""
    return platform.max_text_length if GoodText() in spec.requires else None
