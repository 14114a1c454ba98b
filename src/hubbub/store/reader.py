"""Reading back what was committed, and which pairs exist."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hubbub.actions import OpinionChanges
from hubbub.store.codec import Committed, opinions_of, slate_of
from hubbub.store.database import Database
from hubbub.store.schema import EVENT
from hubbub.store.writer import Tail
from hubbub.world import Events, Slate


def read_tail(db: Database, meta: Mapping[str, str]) -> Tail:
    """Return how far the file is."""

    def count(table: str) -> int:
        return int(db.rows(f"SELECT count(*) FROM {table}")[0][0])

    agents = int(db.rows("SELECT coalesce(max(id), -1) + 1 FROM agent")[0][0])
    last = db.rows("SELECT id, step, exclusive, digest FROM part ORDER BY id DESC LIMIT 1")
    if not last:
        return Tail(meta["digest_start"], agents)
    ((parts, step, exclusive, digest),) = last
    sums = "coalesce(sum(events), 0), coalesce(sum(texts), 0), coalesce(sum(items), 0)"
    ((events, texts, items),) = db.rows(f"SELECT {sums} FROM part")
    ((seq,),) = db.rows("SELECT sum(events) FROM part WHERE step = ?", step)
    ((steps,),) = db.rows("SELECT coalesce(max(step), -1) FROM part WHERE finished = 1")
    return Tail(
        digest=digest,
        agents=agents,
        parts=parts,
        steps=steps,
        step=step,
        seq=seq,
        events=events,
        texts=texts,
        items=items,
        groups=count("chat_group"),
        products=count("product"),
        exclusive=bool(exclusive),
    )


def read_parts(db: Database, parts: int = 0) -> Iterator[Committed]:
    """Yield what was committed, in order, after the first `done` parts."""
    first_event, first_text = 1, 0
    sql = "SELECT id, step, finished, exclusive, events, texts FROM part ORDER BY id"
    for number, step, finished, exclusive, events, texts in db.rows(sql):
        if number > parts:
            yield Committed(
                step,
                _events(db, first_event, events, number),
                _texts(db, first_text, texts),
                _slate(db, number),
                bool(finished),
                bool(exclusive),
            )
        first_event += events
        first_text += texts


def _events(db: Database, first: int, count: int, part: int) -> Events:
    columns = db.columns(
        "event", EVENT, "WHERE id >= ? AND id < ? ORDER BY id", first, first + count
    )
    types = Events.columns()
    typed: dict[str, Any] = {n: c.astype(types[n]) for n, c in zip(EVENT, columns, strict=True)}
    events = Events(**typed)
    blob = db.rows("SELECT data FROM opinion WHERE part = ?", part)
    events.opinions = opinions_of(blob[0][0]) if blob else OpinionChanges.none()
    return events


def _texts(db: Database, first: int, count: int) -> list[str]:
    sql = "SELECT content FROM text WHERE id >= ? AND id < ? ORDER BY id"
    return [row[0] for row in db.rows(sql, first, first + count)]


def _slate(db: Database, part: int) -> Slate | None:
    blob = db.rows("SELECT data FROM slate WHERE part = ?", part)
    return slate_of(blob[0][0]) if blob else None
