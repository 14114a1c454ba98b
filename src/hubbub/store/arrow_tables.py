"""Readable Arrow tables: names instead of codes, null instead of ids that mean none."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from hubbub.actions.batch import NO_STANCE, SCALE
from hubbub.actions.spec import POST_KINDS, Kind
from hubbub.store.codec import slate_of
from hubbub.store.database import Database
from hubbub.store.ledger import Ledger, Standing
from hubbub.store.schema import ITEM, Layout
from hubbub.world import source_names

SLATE = pa.schema(
    {
        "step": pa.int32(),
        "agent": pa.int32(),
        "position": pa.int32(),
        "item": pa.int32(),
        "source": pa.string(),
        "score": pa.float32(),
    }
)


def events(db: Database) -> pa.Table:
    """Return one row per event, in order."""
    names = ("step", "seq", "wave", "agent", "action", "target", "via", "item", "reason", "text",
             "amount")  # fmt: skip
    with db.snapshot():
        c = dict(zip(names, db.columns("event", names, "ORDER BY id"), strict=True))
        users, texts = _user_names(db), _texts(db)
        actions, reasons = _words(db, "action"), _words(db, "reason")
    return pa.table(
        {
            "step": _ids(c["step"]),
            "seq": _ids(c["seq"]),
            "wave": pa.array(c["wave"], pa.int16()),
            "agent": _ids(c["agent"]),
            "user_name": _named(users, c["agent"]),
            "action": _named(actions, c["action"]),
            "target": _ids(c["target"]),
            "via": _ids(c["via"]),
            "item": _ids(c["item"]),
            "reason": _named(reasons, c["reason"]),
            "content": _named(texts, c["text"]),
            "amount": pa.array(c["amount"]),
        }
    )


def items(db: Database, layout: Layout) -> pa.Table:
    """Return one row per item, in order of creation."""
    names = ("id", *ITEM, *layout.item)
    with db.snapshot():
        c = dict(zip(names, db.columns("item", names, "ORDER BY id"), strict=True))
        users, texts, kinds = _user_names(db), _texts(db), _words(db, "kind")
        topics = _words(db, "topic")
    stance = c["stance"].astype(np.float32) / np.float32(SCALE)
    return pa.table(
        {
            "id": _ids(c["id"]),
            "kind": _named(kinds, c["kind"]),
            "step": _ids(c["step"]),
            "agent": _ids(c["author"]),
            "user_name": _named(users, c["author"]),
            "content": _named(texts, c["text"]).fill_null(""),
            "ref": _ids(c["ref"]),
            "parent": _ids(c["parent"]),
            "topic": _named(topics, c["topic"]),
            "stance": pa.array(stance, mask=c["stance"] == NO_STANCE),
            **{n: pa.array(c[n]) for n in layout.item},
        }
    )


def posts(db: Database, layout: Layout) -> pa.Table:
    """Return posts, reposts and quotes."""
    return _of_kinds(items(db, layout), POST_KINDS)


def comments(db: Database, layout: Layout) -> pa.Table:
    """Return comments: `post` is the post they are on, `reply_to` the comment they answer."""
    table = _of_kinds(items(db, layout), (Kind.comment,)).drop_columns(["kind"])
    answers = pc.if_else(pc.equal(table["parent"], table["ref"]), None, table["parent"])
    table = table.set_column(table.column_names.index("parent"), "parent", answers)
    names = {"ref": "post", "parent": "reply_to"}
    return table.rename_columns([names.get(n, n) for n in table.column_names])


def _of_kinds(table: pa.Table, kinds: Sequence[Kind]) -> pa.Table:
    words = pa.array([k.name for k in kinds])
    return table.filter(pc.is_in(table["kind"], value_set=words))


def agents(db: Database, layout: Layout) -> pa.Table:
    """Return one row per agent with its profile and counters."""
    names = ["id", *layout.profile.values(), "core", "joined", *layout.agent, "extra"]
    quoted = ", ".join(f'"{n}"' for n in names)
    with db.snapshot():
        own = {layout.profile[f]: _ARROW[kind] for f, kind in layout.types.items()}
        own["extra"] = pa.string()
        types = [own.get(n, pa.int64()) for n in names]
        empty = pa.schema(zip(names, types, strict=True)).empty_table()
        parts = [empty]
        for rows in db.chunks(f"SELECT {quoted} FROM agent ORDER BY id"):
            columns = zip(*rows, strict=True)
            arrays = [pa.array(c, t) for c, t in zip(columns, types, strict=True)]
            parts.append(pa.table(arrays, names=names))
    table = pa.concat_tables(parts)
    return table.set_column(names.index("core"), "core", table["core"].cast(pa.bool_()))


_ARROW = {"INTEGER": pa.int64(), "REAL": pa.float64(), "TEXT": pa.string()}


def slates(db: Database, *, complete: bool) -> pa.Table:
    """Return one row per shown item; source and score are null where they were not kept."""
    return pa.concat_tables([SLATE.empty_table(), *slate_tables(db, complete=complete)])


def slate_tables(db: Database, *, complete: bool) -> Iterator[pa.Table]:
    """Yield the slates of one step after the other."""
    sources = pa.array(source_names(custom_sources(db)))
    for (part,) in db.rows("SELECT part FROM slate ORDER BY part"):
        ((step, data),) = db.rows("SELECT step, data FROM slate WHERE part = ?", part)
        slate = slate_of(data)
        n, rows = len(slate.items), slate.rows()
        columns = {
            "step": pa.array(np.full(n, step, np.int32)),
            "agent": pa.array(slate.agents[rows]),
            "position": pa.array((np.arange(n) - slate.offsets[rows]).astype(np.int32)),
            "item": pa.array(slate.items),
            "source": sources.take(pa.array(slate.sources))
            if complete
            else pa.nulls(n, pa.string()),
            "score": pa.array(slate.scores) if complete else pa.nulls(n, pa.float32()),
        }
        yield pa.table(columns, schema=SLATE)


def custom_sources(db: Database) -> list[str]:
    """Return the names of the scenario's own sources, in the order of their codes."""
    ((scenario,),) = db.rows("SELECT value FROM meta WHERE key = 'scenario'")
    sources = json.loads(scenario).get("feed", {}).get("sources", [])
    return [str(one["source"]).partition(":")[2] for one in sources]


def steps(db: Database) -> pa.Table:
    """Return one row per whole step; `time` is when it begins (UTC)."""
    rows = db.rows("SELECT step, time, agents_active, events, digest FROM step ORDER BY step")
    columns: list[tuple[Any, ...]] = list(zip(*rows, strict=True)) or [()] * 5
    return pa.table(
        {
            "step": pa.array(columns[0], pa.int32()),
            "time": pa.array(map(datetime.fromisoformat, columns[1]), pa.timestamp("us")),
            "agents_active": pa.array(columns[2], pa.int32()),
            "events": pa.array(columns[3], pa.int32()),
            "digest": pa.array(columns[4], pa.string()),
        }
    )


def relations(db: Database) -> pa.Table:
    """Return the current relations, to agents and groups."""
    return _standing(db, ("agent", "group"), ("left", "right"))


def reactions(db: Database) -> pa.Table:
    """Return the current reactions, to items."""
    return _standing(db, ("item",), ("agent", "item"))


def _standing(db: Database, over: Sequence[str], names: tuple[str, str]) -> pa.Table:
    with db.snapshot():
        marks = ", ".join("?" * len(over))
        chosen = f"SELECT pair_set FROM effect WHERE pair_set IS NOT NULL AND over IN ({marks})"
        ledger = Ledger(db, [name for (name,) in db.rows(chosen, *over)])
        sets = {name: ledger.standing(name) for name in ledger.pair_sets}
    parts = [_pairs_table(name, pairs, names) for name, pairs in sets.items()]
    return pa.concat_tables(parts)


def _pairs_table(kind: str, pairs: Standing, names: tuple[str, str]) -> pa.Table:
    n = len(pairs.left)
    return pa.table(
        {
            "kind": pa.repeat(pa.scalar(kind), n),
            names[0]: _ids(pairs.left),
            names[1]: _ids(pairs.right),
            "step": _ids(pairs.step),
        }
    )


def _ids(values: NDArray[np.int32]) -> pa.Array:
    """Return ids with null for -1."""
    return pa.array(values, mask=values < 0)


def _named(words: pa.Array, codes: NDArray[np.int32]) -> pa.Array:
    """Return words[code], null for -1."""
    return words.take(_ids(codes))


def _words(db: Database, table: str) -> pa.Array:
    return pa.array([r[0] for r in db.rows(f"SELECT name FROM {table} ORDER BY code")], pa.string())


def _texts(db: Database) -> pa.Array:
    rows = db.rows("SELECT content FROM text ORDER BY id")
    return pa.array([r[0] for r in rows], pa.large_string())


def _user_names(db: Database) -> pa.Array:
    return pa.array([r[0] for r in db.rows("SELECT user_name FROM agent ORDER BY id")], pa.string())
