"""A summary of a run in a few figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from hubbub.analysis.activity import IDLE
from hubbub.analysis.cascades import cascades
from hubbub.store import RunStore, Table
from hubbub.store.read import agents, codes, events, items, steps


@dataclass(frozen=True, slots=True)
class ActionCount:
    """How often an action was carried out, and how often it was refused for which reason."""

    action: str
    accepted: int
    refused: dict[str, int]


@dataclass(frozen=True, slots=True)
class Shared:
    """A post with the size, depth and breadth of its cascade (see `cascades`)."""

    post: int
    user_name: str
    content: str
    likes: int
    size: int
    depth: int
    max_breadth: int
    virality: float


@dataclass(frozen=True, slots=True)
class Ranked:
    """An agent and the number by which it is ranked."""

    agent: int
    user_name: str
    number: int


@dataclass(frozen=True, slots=True)
class OpinionShift:
    """Mean and standard deviation of all agents' opinions on a topic, in [-1, 1].

    At the start: of the agents present after step 0; at the end: of everyone.
    """

    topic: str
    mean_start: float
    mean_end: float
    spread_start: float
    spread_end: float


@dataclass(frozen=True, slots=True)
class Summary:
    """A run in figures. What existed before step 1 does not count among the actions.

    `active` and `done` are int64[steps]: for steps 1, 2, ... the agents awake, and the actions
    carried out, without doing nothing and looking at the feed. `opinions` has all topics.
    """

    name: str
    seed: int
    steps: int
    agents: int
    follows: int
    items: dict[str, int]
    actions: list[ActionCount]
    most_shared: list[Shared]
    most_followed: list[Ranked]
    most_active: list[Ranked]
    active: NDArray[np.int64]
    done: NDArray[np.int64]
    opinions: tuple[OpinionShift, ...]

    @property
    def accepted(self) -> int:
        """Number of actions that were carried out."""
        return sum(a.accepted for a in self.actions)

    @property
    def refused(self) -> int:
        """Number of actions that were refused."""
        return sum(sum(a.refused.values()) for a in self.actions)


def summarise(store: RunStore, *, top: int = 5) -> Summary:
    """Return the summary of a run, with `top` posts and agents in each ranking.

    It counts in the database and loads only the texts that it returns: a run of millions of events
    takes seconds and a few bytes per event.
    """
    scenario = store.scenario()
    with store.snapshot():  # the run may be going on
        count, follows = agents.count(store), agents.total_followers(store)
        step, active = steps.active(store)
        kinds = items.count_by_kind(store)
        last = int(step.max(initial=0))
        tally = _tally(store, count, last)
    return Summary(
        name=scenario["name"],
        seed=scenario["seed"],
        steps=last,
        agents=count,
        follows=follows,
        items=kinds,
        actions=_actions(store, tally),
        most_shared=_most_shared(store, top),
        most_followed=_most_followed(store, top),
        most_active=_most_active(store, tally, top),
        active=active,
        done=tally.by_step[1:],
        opinions=_opinions(store),
    )


def items_light(store: RunStore) -> Table:
    """Return all items without their texts: id, kind (code), agent, step, ref, parent, likes."""
    names = ("id", "kind", "author", "step", "ref", "parent", "likes")
    columns = dict(zip(names, items.columns(store, names), strict=True))
    columns["kind"] = columns["kind"].astype(np.uint8)
    return Table({"agent" if n == "author" else n: c for n, c in columns.items()})


@dataclass(slots=True)
class _Tally:
    """What the agents did: actions by (action, reason) code; those done, by agent and by step."""

    actions: dict[tuple[int, int], int]
    by_agent: NDArray[np.int64]
    by_step: NDArray[np.int64]


def _tally(store: RunStore, agents: int, steps: int) -> _Tally:
    """Count all events but those of the first part, which existed before step 1."""
    idle = [code for code, name in codes.action_names(store).items() if name in IDLE]
    tally = _Tally({}, np.zeros(agents, np.int64), np.zeros(steps + 1, np.int64))
    for event in events.codes_by_part(store):
        kinds, counts = np.unique(event.action << 16 | event.reason, return_counts=True)
        for kind, number in zip(kinds.tolist(), counts.tolist(), strict=True):
            key = (kind >> 16, kind & 0xFFFF)
            tally.actions[key] = tally.actions.get(key, 0) + number
        done = (event.in_turn > 0) & (event.agent >= 0) & (event.reason == 0)
        done &= ~np.isin(event.action, idle)
        np.add.at(tally.by_agent, event.agent[done], 1)
        tally.by_step[event.step] += int(done.sum())
    return tally


def _actions(store: RunStore, tally: _Tally) -> list[ActionCount]:
    names, reasons = codes.action_names(store), codes.reason_names(store)
    counts: dict[str, ActionCount] = {}
    for (action, reason), number in sorted(tally.actions.items()):
        name = names[action]
        known = counts.get(name, ActionCount(name, 0, {}))
        if reason == 0:
            counts[name] = ActionCount(name, known.accepted + number, known.refused)
        else:
            refused = {**known.refused, reasons[reason]: number}
            counts[name] = ActionCount(name, known.accepted, refused)
    return sorted(counts.values(), key=lambda a: -a.accepted)


def _most_shared(store: RunStore, top: int) -> list[Shared]:
    trees = cascades(items_light(store))
    shared = trees.filter(pc.greater(trees["size"], 1))
    keys = [("size", "descending"), ("post", "ascending")]
    best = shared.take(pc.select_k_unstable(shared.arrow, k=top, sort_keys=keys))
    return [_shared(store, row) for row in best.to_pylist()]


def _shared(store: RunStore, row: dict[str, Any]) -> Shared:
    return Shared(
        post=row["post"],
        user_name=_user_name(store, row["agent"]),
        content=items.text(store, row["post"]),
        likes=items.likes(store, row["post"]),
        size=row["size"],
        depth=row["depth"],
        max_breadth=row["max_breadth"],
        virality=row["virality"],
    )


def _most_followed(store: RunStore, top: int) -> list[Ranked]:
    found = agents.most_followed(store, top)
    return [Ranked(agent, _user_name(store, agent), number) for agent, number in found]


def _most_active(store: RunStore, tally: _Tally, top: int) -> list[Ranked]:
    order = np.argsort(-tally.by_agent, kind="stable")[:top].tolist()
    number = tally.by_agent
    return [Ranked(a, _user_name(store, a), int(number[a])) for a in order if number[a]]


def _opinions(store: RunStore) -> tuple[OpinionShift, ...]:
    start, end = store.opinions_at(0), store.opinions_at()
    if not len(start):
        return ()
    topics = codes.topic_names(store)
    means = [v.mean(axis=0, dtype=np.float64).tolist() for v in (start, end)]
    spreads = [v.std(axis=0, dtype=np.float64).tolist() for v in (start, end)]
    return tuple(OpinionShift(*row) for row in zip(topics, *means, *spreads, strict=True))


def _user_name(store: RunStore, agent: int) -> str:
    return agents.user_name(store, agent) or ""
