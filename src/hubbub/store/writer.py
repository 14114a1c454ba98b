"""What is written: the start of a run, and the changes of a world in one transaction."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from hubbub.actions import ActionTable, Kind, Reason
from hubbub.actions.spec import Add, Bump, Remove, Sell
from hubbub.store.codec import Committed, Digest, opinions_blob, pack, slate_blob
from hubbub.store.database import Database
from hubbub.store.schema import (
    ACTION,
    EFFECT,
    EVENT,
    FORMAT,
    ITEM,
    Layout,
    action_rows,
    code_rows,
    effect_rows,
    statements,
)
from hubbub.world import Events, World

#: Agents are hashed and inserted in blocks of this many.
AGENTS_AT_ONCE = 50_000
#: The names of the population's blobs in the table bulk start with this.
POPULATION = "population/"
PART = (
    "id", "step", "time", "finished", "exclusive", "agents_active", "events", "texts", "items",
    "digest",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tail:
    """How far the file is: numbers of rows, the last whole step, the running digest."""

    digest: str
    agents: int
    parts: int = 0
    steps: int = -1
    step: int = -1
    seq: int = 0
    events: int = 0
    texts: int = 0
    items: int = 0
    groups: int = 0
    products: int = 0
    exclusive: bool = False


def write_start(
    db: Database,
    meta: Mapping[str, str],
    blobs: Mapping[str, bytes],
    world: World,
    relation_rows: int,
) -> tuple[Layout, Tail]:
    """Write the tables and the population, inside the current transaction."""
    profiles = world.profiles.table()
    layout = Layout.of(world.table, profiles)
    db.script(statements(layout))
    db.insert("action", ACTION, action_rows(world.table))
    db.insert("effect", EFFECT, effect_rows(world.table))
    db.insert("kind", ("code", "name"), code_rows(Kind))
    db.insert("reason", ("code", "name"), code_rows(Reason))
    db.insert("topic", ("code", "name"), enumerate(world.topics))
    db.insert("bulk", ("name", "data"), ((POPULATION + n, blobs[n]) for n in sorted(blobs)))
    left, right = world.sets["follow"].columns()
    as_rows = len(left) <= relation_rows
    if as_rows:
        columns = [["follow"] * len(left), left.tolist(), right.tolist()]
        db.insert_columns("relation_start", ("kind", "left", "right"), columns)
    else:
        pairs = pa.record_batch([pa.array(left), pa.array(right)], ["left", "right"])
        db.insert("bulk", ("name", "data"), [("relation_start", pack(pairs))])
    digest = _write_agents(db, layout, world, profiles)
    for name in sorted(blobs):
        digest.blob(name, blobs[name])
    digest.column(left)
    digest.column(right)
    tail = Tail(digest.hexdigest(), len(world.agents))
    values = {
        "format": str(FORMAT),
        **meta,
        "layout": layout.to_json(),
        "agents_start": str(tail.agents),
        "relation_start": "rows" if as_rows else "bulk",
        "digest_start": tail.digest,
    }
    db.insert("meta", ("key", "value"), values.items())
    return layout, tail


def _write_agents(db: Database, layout: Layout, world: World, profiles: pa.Table) -> Digest:
    """Insert all agents and return a digest that includes their profiles."""
    digest = start_digest()
    fields = list(layout.profile)
    names = ["id", *layout.profile.values(), "core", "joined", *layout.agent]
    for first in range(0, len(world.agents), AGENTS_AT_ONCE):
        chunk = profiles.slice(first, AGENTS_AT_ONCE)
        rows = slice(first, first + AGENTS_AT_ONCE)
        fixed = [
            list(range(first, first + chunk.num_rows)),
            *(_sql_values(chunk[f]) for f in fields),
            world.agents["core"][rows].astype(np.uint8).tolist(),
        ]
        moving = [world.agents[n][rows].tolist() for n in ("joined", *layout.agent)]
        digest.rows(zip(*fixed, strict=True))
        db.insert_columns("agent", names, [*fixed, *moving])
    return digest


def start_digest() -> Digest:
    """Return the digest that a run's chain begins with."""
    return Digest(f"hubbub run, format {FORMAT}")


def _sql_values(column: pa.ChunkedArray) -> list[Any]:
    """Return a column as values that SQLite keeps exactly."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _sql_values(column.cast(kind.value_type))
    values: list[Any] = column.to_pylist()
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return values
    if pa.types.is_boolean(kind):
        return [None if v is None else int(v) for v in values]
    if pa.types.is_floating(kind):  # SQLite knows no NaN and no negative zero
        return [None if v is None or v != v else v + 0.0 for v in values]
    if pa.types.is_uint64(kind):
        return [None if v is None else str(v) for v in values]
    if pa.types.is_integer(kind):
        return values
    return [None if v is None else as_json(v) for v in values]


def as_json(value: Any) -> str:
    """Return a nested or unusual value as text."""
    return json.dumps(value, ensure_ascii=False, default=str)


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows for a table, or new values for some of its rows: names of columns, and the columns."""

    table: str
    names: tuple[str, ...]
    columns: list[Any]


@dataclass(frozen=True, slots=True)
class Gathered:
    """The changes of a world in one transaction, copied from it: the world may move on.

    `items` are the fixed columns of new items, int32 each; `new` are rows to insert, `changed`
    counters to set, with the row ids as the last column. `before` and `after` say how far the file
    is; the digest of `after` is computed later.
    """

    part: Committed
    time: str
    items: list[NDArray[np.int32]]
    new: list[Rows]
    changed: list[Rows]
    before: Tail
    after: Tail


def gather(layout: Layout, world: World, part: Committed, tail: Tail, *, time: str) -> Gathered:
    """Return what one transaction writes; `time` (ISO) is when the step begins."""
    seq = tail.seq if part.step == tail.step else 0
    items = [world.items[n][tail.items :].astype(np.int32) for n in ITEM]
    counters = [world.items[n][tail.items :].copy() for n in layout.item]
    ids = np.arange(tail.items, len(world.items))
    after = replace(
        tail,
        agents=len(world.agents),
        parts=tail.parts + 1,
        steps=part.step if part.finished else tail.steps,
        step=part.step,
        seq=seq + len(part.events),
        events=tail.events + len(part.events),
        texts=tail.texts + len(part.texts),
        items=len(world.items),
        groups=len(world.groups),
        products=len(world.products),
        exclusive=part.exclusive,
    )
    return Gathered(
        part,
        time,
        items,
        [
            Rows("item", ("id", *ITEM, *layout.item), [ids, *items, *counters]),
            *_new_agents(layout, world, tail.agents),
            *_new_groups_and_products(layout, world, tail),
        ],
        list(_changed_counters(layout, world, part.events, tail)),
        tail,
        after,
    )


def write_part(db: Database, gathered: Gathered, *, scores: bool) -> Tail:
    """Write one transaction's rows, slates with `scores` if asked; return the new Tail."""
    part, before, after = gathered.part, gathered.before, gathered.after
    events, step = part.events, part.step
    if after.exclusive != before.exclusive:
        since = (before.events + 1, int(after.exclusive))
        db.insert("exclusive", ("from_event", "value"), [since])
    places = np.full(len(events), step), np.arange(after.seq - len(events), after.seq)
    columns = [getattr(events, n) for n in EVENT]
    db.insert_integers("event", ("step", "seq", *EVENT), [*places, *columns])
    known = range(before.texts, after.texts)
    db.insert_columns("text", ("id", "content"), [known, part.texts])
    for rows in gathered.new:
        _insert(db, rows)
    for rows in gathered.changed:
        db.update_integers(rows.table, rows.names, rows.columns)
    number = after.parts
    if part.slate is not None:
        blob = slate_blob(part.slate, complete=scores)
        db.insert("slate", ("part", "step", "data"), [(number, step, blob)])
    if len(events.opinions):
        blob = opinions_blob(events.opinions)
        db.insert("opinion", ("part", "step", "data"), [(number, step, blob)])
    running = Digest(before.digest)
    running.part(part, gathered.items)
    after = replace(after, digest=running.hexdigest())
    active = len(part.slate.agents if part.slate is not None else np.unique(events.agent))
    counts = (len(events), len(part.texts), after.items - before.items)
    flags = (int(part.finished), int(part.exclusive))
    row = (number, step, gathered.time, *flags, active, *counts, after.digest)
    db.insert("part", PART, [row])
    return after


def _insert(db: Database, rows: Rows) -> None:
    if all(isinstance(column, np.ndarray) for column in rows.columns):
        db.insert_integers(rows.table, rows.names, rows.columns)
        return
    plain = [c.tolist() if isinstance(c, np.ndarray) else c for c in rows.columns]
    db.insert_columns(rows.table, rows.names, plain)


def _new_agents(layout: Layout, world: World, first: int) -> Iterator[Rows]:
    rows = []
    for agent in range(first, len(world.agents)):
        record = world.profiles[agent]
        own = {f: _fitting(record.get(f), layout.types[f]) for f in layout.profile}
        rest = {f: v for f, v in record.items() if v is not None and own.get(f) is None}
        numbers = [int(world.agents[n][agent]) for n in ("core", "joined", *layout.agent)]
        rows.append([agent, *own.values(), *numbers, as_json(rest) if rest else None])
    if rows:
        names = ("id", *layout.profile.values(), "core", "joined", *layout.agent, "extra")
        yield Rows("agent", names, [list(column) for column in zip(*rows, strict=True)])


def _fitting(value: Any, kind: str) -> Any:
    """Return the value if it fits into a column of this type, else None."""
    if value is None:
        return None
    match kind:
        case "INTEGER":
            return int(value) if isinstance(value, int) and -(2**63) <= value < 2**63 else None
        case "REAL":
            return float(value) if isinstance(value, int | float) and value == value else None
        case _:
            return value if isinstance(value, str) else as_json(value)


def _new_groups_and_products(layout: Layout, world: World, tail: Tail) -> Iterator[Rows]:
    groups, products = world.groups, world.products
    if len(groups) > tail.groups:
        names = [world.texts[t] for t in groups["text"][tail.groups :].tolist()]
        numbers = ("founder", "step", *layout.chat_group)
        columns = [groups[n][tail.groups :].copy() for n in numbers]
        ids = range(tail.groups, len(groups))
        yield Rows("chat_group", ("id", "name", *numbers), [ids, names, *columns])
    if len(products) > tail.products:
        names = [world.texts[t] for t in products["text"][tail.products :].tolist()]
        ids, sales = range(tail.products, len(products)), products["sales"][tail.products :].copy()
        yield Rows("product", ("id", "name", "sales"), [ids, names, sales])


def _changed_counters(layout: Layout, world: World, events: Events, tail: Tail) -> Iterator[Rows]:
    """Yield the current counters of everything older that the events touched."""
    touched = _touched(world.table, events)
    for name, table, counters, old in (
        ("item", world.items, layout.item, tail.items),
        ("agent", world.agents, layout.agent, tail.agents),
        ("chat_group", world.groups, layout.chat_group, tail.groups),
        ("product", world.products, ("sales",), tail.products),
    ):
        rows = np.unique(np.concatenate([np.empty(0, np.int32), *touched[name]]))
        rows = rows[rows < old]
        if counters and len(rows):
            yield Rows(name, tuple(counters), [*(table[c][rows] for c in counters), rows])


def _touched(table: ActionTable, events: Events) -> dict[str, list[NDArray[np.int32]]]:
    """Return the ids, by table, whose counters the events may have changed."""
    tables = {"item": "item", "agent": "agent", "group": "chat_group"}
    found: dict[str, list[NDArray[np.int32]]] = {
        n: [] for n in ("item", "agent", "chat_group", "product")
    }
    done = np.flatnonzero(events.reason == 0)
    codes = events.action[done]
    for code in np.unique(codes).tolist():
        rows = done[codes == code]
        for effect in table[code].effects:
            match effect:
                case Add(pairs=pairs) | Remove(pairs=pairs):
                    found[tables[pairs.over]].append(events.target[rows])
                    if pairs.own_counter:
                        found["agent"].append(events.agent[rows])
                case Bump():
                    found["item"].append(events.target[rows])
                case Sell():
                    found["product"].append(events.target[rows])
                case _:  # what is founded or inserted is new, and written whole
                    pass
    return found
