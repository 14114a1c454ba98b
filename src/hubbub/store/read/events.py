"""Events: what agents did, refused actions included."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hubbub.store.run import RunStore

#: Agent, action (15 bits), reason (16 bits) and whether it was done in a turn (wave >= 0).
_PACKED = "(agent << 32) | ((action << 17) | (reason << 1)) | (wave >= 0)"


class EventCodes(NamedTuple):
    """The events of one part of a run as codes, int64[n] each.

    `action` and `reason` are codes (see `hubbub.store.read.codes`), `agent` is -1 for none, and
    `in_turn` 1 for what an agent did in its turn, 0 for what the environment did.
    """

    step: int
    agent: NDArray[np.int64]
    action: NDArray[np.int64]
    reason: NDArray[np.int64]
    in_turn: NDArray[np.int64]


def codes_by_part(store: RunStore) -> Iterator[EventCodes]:
    """Yield the events part by part, without the first, which existed before step 1.

    Four columns travel as one number: handing values over one by one is what reading costs.
    """
    db = store.database
    ((end,),) = db.rows("SELECT coalesce(min(events), 0) FROM part WHERE id = 1")
    for step, count in db.rows("SELECT step, events FROM part WHERE id > 1 ORDER BY id"):
        first, end = end + 1, end + count
        packed = db.numbers(f"SELECT {_PACKED} FROM event WHERE id BETWEEN ? AND ?", first, end)
        yield EventCodes(
            step,
            agent=packed >> 32,
            action=packed >> 17 & 0x7FFF,
            reason=packed >> 1 & 0xFFFF,
            in_turn=packed & 1,
        )


def done_by_step(
    store: RunStore, without: Sequence[str]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return (step, number) of the actions that agents carried out in their turns, int64[n] both.

    Actions with a name in `without` are not counted, nor is what the environment does (also in an
    agent's name), which has negative waves. Steps without any are left out.
    """
    marks = ", ".join("?" * len(without))
    step, number = store.database.integers(
        "SELECT step, count(*) FROM event WHERE reason = 0 AND agent >= 0 AND wave >= 0 "
        f"AND action NOT IN (SELECT code FROM action WHERE name IN ({marks})) GROUP BY step",
        *without,
    )
    return step, number


def next_id(store: RunStore) -> int:
    """Return the id that the next event will have."""
    ((number,),) = store.database.rows("SELECT coalesce(max(id), 0) + 1 FROM event")
    return int(number)


def ids_of_step(store: RunStore, step: int) -> tuple[int, int]:
    """Return the first id of a step's events, and the one after the last: events have no index."""
    ((first, end),) = store.database.rows(
        "SELECT coalesce(sum(events * (step < ?)), 0), coalesce(sum(events), 0) "
        "FROM part WHERE step <= ?",
        step,
        step,
    )
    return 1 + int(first), 1 + int(end)


class AgentEvent(NamedTuple):
    """An event of an agent: `target` and `item` are -1 for none, `text` None without one.

    `item` is what the action made, `reason` ok or why it was refused.
    """

    step: int
    wave: int
    action: str
    target: int
    item: int
    text: str | None
    reason: str


def of_agent(
    store: RunStore, agent: int, first: int = 0, end: int | None = None
) -> list[AgentEvent]:
    """Return an agent's events with ids from `first` to before `end`, in order."""
    rows = store.database.rows(
        "SELECT e.step, e.wave, a.name, e.target, e.item, t.content, r.name FROM event e "
        "JOIN action a ON a.code = e.action JOIN reason r ON r.code = e.reason "
        "LEFT JOIN text t ON t.id = e.text WHERE e.id >= ? AND e.id < ? AND e.agent = ? "
        "ORDER BY e.id",
        first,
        2**62 if end is None else end,
        agent,
    )
    return [AgentEvent(*row) for row in rows]
