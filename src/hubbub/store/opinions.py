"""Opinions over time: those of the population, then the changes of each step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from hubbub.actions.batch import SCALE, OpinionChanges
from hubbub.store.codec import opinions_of, unpack
from hubbub.store.database import Database
from hubbub.store.writer import POPULATION

SCHEMA = pa.schema(
    {
        "step": pa.int32(),
        "agent": pa.int32(),
        "topic": pa.dictionary(pa.int32(), pa.string()),
        "value": pa.float32(),
    }
)


def opinion_tables(db: Database, *, changes_only: bool = False) -> Iterator[pa.Table]:
    """Yield the opinions at the start, then the changes, one transaction after the other."""
    topics = pa.array([name for (name,) in db.rows("SELECT name FROM topic ORDER BY code")])
    if not changes_only:
        first = start_opinions(db)
        yield _table(0, _every(np.arange(len(first)), first), topics)
    late = _late(db, len(topics)) if not changes_only else {}
    for number, step in db.rows("SELECT id, step FROM part ORDER BY id"):
        if step in late:  # everyone who signed up in a step is there before it changes its mind
            yield _table(step, late.pop(step), topics)
        for (data,) in db.rows("SELECT data FROM opinion WHERE part = ?", number):
            yield _table(step, opinions_of(data), topics)


def opinions_over(db: Database, steps: Iterable[int]) -> Iterator[NDArray[np.int16]]:
    """Return the opinions after each of the steps, int16[agents, topics], fixed-point.

    Every change is read once if steps ascend; a step back starts again from the beginning.
    """
    parts = db.rows("SELECT part, step FROM opinion ORDER BY part")
    ((agents,),) = db.rows("SELECT count(*) FROM agent")
    (late,) = db.integers("SELECT joined FROM agent WHERE joined > 0 ORDER BY joined")
    start = start_opinions(db)
    fresh = np.zeros((agents, start.shape[1]), np.int16)
    fresh[: len(start)] = start
    now, done, reached = fresh.copy(), 0, -1
    for step in steps:
        if step < reached:
            now, done = fresh.copy(), 0
        reached = step
        while done < len(parts) and parts[done][1] <= step:
            ((data,),) = db.rows("SELECT data FROM opinion WHERE part = ?", parts[done][0])
            changes = opinions_of(data)
            now[changes.agent, changes.topic] = changes.value
            done += 1
        there = agents - int((late > step).sum())
        yield now[:there].copy()


def opinions_at(db: Database, step: int | None = None) -> NDArray[np.int16]:
    """Return the opinions after a step, or after all, int16[agents, topics], fixed-point."""
    return next(opinions_over(db, [2**62 if step is None else step]))


def start_opinions(db: Database) -> NDArray[np.int16]:
    """Return the opinions of the population, int16[agents at the start, topics], fixed-point.

    They are in the blobs opinions/0000, opinions/0001, ... as lists of one length in the column
    row; a run without such blobs gives no rows.
    """
    ((topics,),) = db.rows("SELECT count(*) FROM topic")
    parts = [np.empty(0, np.int16)]
    sql = "SELECT data FROM bulk WHERE name LIKE ? ORDER BY name"
    for (data,) in db.rows(sql, f"{POPULATION}opinions/%"):
        parts.append(unpack(data)["row"].combine_chunks().flatten().to_numpy())
    return np.concatenate(parts).reshape(-1, topics)


def _late(db: Database, topics: int) -> dict[int, OpinionChanges]:
    """Return by step the opinions of those who signed up in it: 0 on every topic."""
    ((first,),) = db.rows("SELECT value FROM meta WHERE key = 'agents_start'")
    agents, joined = db.columns("agent", ("id", "joined"), "WHERE id >= ? ORDER BY id", int(first))
    return {
        step: _every(agents[joined == step], np.zeros(((joined == step).sum(), topics), np.int16))
        for step in np.unique(joined).tolist()
    }


def _every(agents: NDArray[np.integer], values: NDArray[np.int16]) -> OpinionChanges:
    """Return a matrix of opinions, a row for each of the agents, as changes."""
    topics = values.shape[1]
    return OpinionChanges(
        np.repeat(agents.astype(np.int32), topics),
        np.tile(np.arange(topics, dtype=np.int16), len(agents)),
        values.reshape(-1),
    )


def _table(step: int, changes: OpinionChanges, topics: pa.Array) -> pa.Table:
    codes = pa.array(changes.topic.astype(np.int32))
    columns = [
        pa.array(np.full(len(changes), step, np.int32)),
        pa.array(changes.agent),
        pa.DictionaryArray.from_arrays(codes, topics),
        pa.array(changes.value.astype(np.float32) / np.float32(SCALE)),
    ]
    return pa.table(columns, schema=SCHEMA)
