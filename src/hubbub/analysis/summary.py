"""What happened in a run, in a few figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from hubbub.analysis.activity import IDLE
from hubbub.analysis.cascades import cascades
from hubbub.store import RunStore
from hubbub.store.database import Database


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
    """An agent and the number it is ranked by."""

    agent: int
    user_name: str
    number: int


@dataclass(frozen=True, slots=True)
class OpinionShift:
    """Mean and standard deviation of all agents' opinions on a topic, in [-1, 1].

    At the start: of those who were there after step 0; at the end: of everyone.
    """

    topic: str
    mean_start: float
    mean_end: float
    spread_start: float
    spread_end: float


@dataclass(frozen=True, slots=True)
class Summary:
    """A run in figures. What existed before step 1 is not counted among the actions.

    `active` and `deeds` are int64[steps]: in steps 1, 2, ... the agents awake, and the actions
    carried out, doing nothing and looking at the feed left out. `opinions` has all topics.
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
    deeds: NDArray[np.int64]
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
    """Return the summary of a run, with so many posts and agents in each ranking.

    It counts in the database and loads no texts but those it returns: a run of millions of events
    takes seconds and a few bytes for each.
    """
    db = store.database
    scenario = store.scenario()
    with db.snapshot():  # the run may be going on
        agents, follows = db.rows("SELECT count(*), coalesce(sum(followers), 0) FROM agent")[0]
        steps, active = db.integers(
            "SELECT step, agents_active FROM step WHERE step > 0 ORDER BY step"
        )
        kinds = db.rows(
            "SELECT k.name, count(*) FROM item i JOIN kind k ON k.code = i.kind GROUP BY i.kind"
        )
        last = int(steps.max(initial=0))
        tally = _tally(db, agents, last)
    return Summary(
        name=scenario["name"],
        seed=scenario["seed"],
        steps=last,
        agents=agents,
        follows=follows,
        items=dict(kinds),
        actions=_actions(db, tally),
        most_shared=_most_shared(store, top),
        most_followed=_most_followed(store, top),
        most_active=_most_active(store, tally, top),
        active=active,
        deeds=tally.by_step[1:],
        opinions=_opinions(store),
    )


def items_light(store: RunStore) -> pa.Table:
    """Return all items without their texts: id, kind (code), agent, step, ref, parent, likes."""
    names = ("id", "kind", "author", "step", "ref", "parent", "likes")
    columns = dict(zip(names, store.database.columns("item", names, "ORDER BY id"), strict=True))
    columns["kind"] = columns["kind"].astype(np.uint8)
    return pa.table({"agent" if n == "author" else n: c for n, c in columns.items()})


@dataclass(slots=True)
class _Tally:
    """What the agents did: actions by (action, reason) code, deeds by agent and by step."""

    actions: dict[tuple[int, int], int]
    by_agent: NDArray[np.int64]
    by_step: NDArray[np.int64]


def _tally(db: Database, agents: int, steps: int) -> _Tally:
    """Count all events but those of the first part, which existed before step 1.

    Four columns travel as one number, and each part is counted by itself.
    """
    idle = [code for (code,) in db.rows(f"SELECT code FROM action WHERE name IN {IDLE}")]
    tally = _Tally({}, np.zeros(agents, np.int64), np.zeros(steps + 1, np.int64))
    ((end,),) = db.rows("SELECT coalesce(min(events), 0) FROM part WHERE id = 1")
    for step, count in db.rows("SELECT step, events FROM part WHERE id > 1 ORDER BY id"):
        first, end = end + 1, end + count
        event = db.numbers(f"SELECT {_PACKED} FROM event WHERE id BETWEEN ? AND ?", first, end)
        agent, action, reason = event >> 32, event >> 17 & 0x7FFF, event >> 1 & 0xFFFF
        kinds, counts = np.unique(event >> 1 & 0x7FFFFFFF, return_counts=True)
        for kind, number in zip(kinds.tolist(), counts.tolist(), strict=True):
            key = (kind >> 16, kind & 0xFFFF)
            tally.actions[key] = tally.actions.get(key, 0) + number
        deed = (event & 1 > 0) & (agent >= 0) & (reason == 0) & ~np.isin(action, idle)
        np.add.at(tally.by_agent, agent[deed], 1)
        tally.by_step[step] += int(deed.sum())
    return tally


#: Agent, action (15 bits), reason (16 bits) and whether it was done in a turn (wave >= 0).
_PACKED = "(agent << 32) | ((action << 17) | (reason << 1)) | (wave >= 0)"


def _actions(db: Database, tally: _Tally) -> list[ActionCount]:
    names = dict(db.rows("SELECT code, name FROM action"))
    reasons = dict(db.rows("SELECT code, name FROM reason"))
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
    best = shared.take(pc.select_k_unstable(shared, k=top, sort_keys=keys))
    return [_shared(store, row) for row in best.to_pylist()]


def _shared(store: RunStore, row: dict[str, Any]) -> Shared:
    content, likes = store.database.rows(
        "SELECT coalesce(t.content, ''), i.likes FROM item i LEFT JOIN text t ON t.id = i.text "
        "WHERE i.id = ?",
        row["post"],
    )[0]
    return Shared(
        post=row["post"],
        user_name=_user_name(store, row["agent"]),
        content=content,
        likes=likes,
        size=row["size"],
        depth=row["depth"],
        max_breadth=row["max_breadth"],
        virality=row["virality"],
    )


def _most_followed(store: RunStore, top: int) -> list[Ranked]:
    rows = store.database.rows(
        "SELECT id, followers FROM agent WHERE followers > 0 ORDER BY followers DESC, id LIMIT ?",
        top,
    )
    return [Ranked(agent, _user_name(store, agent), number) for agent, number in rows]


def _most_active(store: RunStore, tally: _Tally, top: int) -> list[Ranked]:
    order = np.argsort(-tally.by_agent, kind="stable")[:top].tolist()
    number = tally.by_agent
    return [Ranked(a, _user_name(store, a), int(number[a])) for a in order if number[a]]


def _opinions(store: RunStore) -> tuple[OpinionShift, ...]:
    start, end = store.opinions_at(0), store.opinions_at()
    if not len(start):
        return ()
    topics = [name for (name,) in store.database.rows("SELECT name FROM topic ORDER BY code")]
    means = [v.mean(axis=0, dtype=np.float64).tolist() for v in (start, end)]
    spreads = [v.std(axis=0, dtype=np.float64).tolist() for v in (start, end)]
    return tuple(OpinionShift(*row) for row in zip(topics, *means, *spreads, strict=True))


def _user_name(store: RunStore, agent: int) -> str:
    column = store.layout.profile["user_name"]
    rows = store.database.rows(f'SELECT "{column}" FROM agent WHERE id = ?', agent)
    return str(rows[0][0]) if rows else ""
