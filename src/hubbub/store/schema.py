"""The tables and views of run.db, derived from the action table and the profiles."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from hubbub.actions import SOCIAL, ActionTable, Kind, Reason
from hubbub.actions.batch import NO_STANCE, SCALE
from hubbub.actions.spec import Add, Bump, Found, Remove, Sell

#: Raised with every change of the tables that an older hubbub could not read.
FORMAT = 2

EVENT = (
    "wave", "agent", "action", "reason", "target", "via", "item", "text", "amount", "topic",
    "stance",
)  # fmt: skip
ITEM = ("kind", "author", "step", "ref", "parent", "text", "topic", "stance")
EFFECT = ("action", "pair_set", "over", "sign", "object", "exclusive", "counter", "own_counter")
ACTION = ("code", "name", "args", "inserts", "founds", "refers")
AGENT_OWN = ("id", "core", "joined", "extra")


@dataclass(frozen=True, slots=True)
class Layout:
    """What depends on the run: counters by table; column and SQL type by profile field."""

    item: tuple[str, ...]
    agent: tuple[str, ...]
    chat_group: tuple[str, ...]
    profile: dict[str, str]
    types: dict[str, str]

    @classmethod
    def of(cls, table: ActionTable, profiles: pa.Table) -> Layout:
        """Return the layout of a world's action table and first profiles."""
        pairs = (*table.pairs, *SOCIAL.pairs)  # the built-in counters are always there
        agent = [p.counter for p in pairs if p.over == "agent" and p.counter]
        agent += [p.own_counter for p in pairs if p.own_counter]
        counters = tuple(dict.fromkeys(["followers", "followings", *agent]))
        groups = [p.counter for p in pairs if p.over == "group" and p.counter]
        return cls(
            item=tuple(dict.fromkeys((*table.item_counters, *SOCIAL.item_counters))),
            agent=counters,
            chat_group=tuple(dict.fromkeys(groups)),
            profile=_profile_columns(profiles.column_names, {*AGENT_OWN, *counters}),
            types={f.name: _sql_type(f.type) for f in profiles.schema},
        )

    def to_json(self) -> str:
        """Return it as text for the table meta."""
        return json.dumps({n: getattr(self, n) for n in self.__slots__})

    @classmethod
    def from_json(cls, text: str) -> Layout:
        """Return what `to_json` wrote."""
        data = json.loads(text)
        names = ("item", "agent", "chat_group")
        counters = {n: tuple(data[n]) for n in names}
        return cls(**counters, profile=data["profile"], types=data["types"])


def _profile_columns(fields: Sequence[str], taken: set[str]) -> dict[str, str]:
    """Return a column for each field. SQL ignores case, and some names are already taken."""
    used, columns = {t.lower() for t in taken}, {}
    for field in fields:
        column = field.replace('"', "'")
        while column.lower() in used:
            column = f"profile_{column}"
        used.add(column.lower())
        columns[field] = column
    return columns


def statements(layout: Layout) -> Iterator[str]:
    """Return the statements that make all tables and views."""
    yield "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL)"
    yield "CREATE TABLE bulk (name TEXT PRIMARY KEY, data BLOB NOT NULL)"
    yield "CREATE TABLE kind (code INTEGER PRIMARY KEY, name TEXT NOT NULL)"
    yield "CREATE TABLE reason (code INTEGER PRIMARY KEY, name TEXT NOT NULL)"
    yield "CREATE TABLE topic (code INTEGER PRIMARY KEY, name TEXT NOT NULL)"
    yield (
        "CREATE TABLE action (code INTEGER PRIMARY KEY, name TEXT NOT NULL, args TEXT NOT NULL, "
        "inserts INTEGER, founds TEXT, refers TEXT NOT NULL)"
    )
    yield (
        "CREATE TABLE effect (action INTEGER NOT NULL, pair_set TEXT, over TEXT NOT NULL, "
        "sign INTEGER NOT NULL, object TEXT NOT NULL, exclusive INTEGER NOT NULL, counter TEXT, "
        "own_counter TEXT)"
    )
    # from this event on reactions are exclusive (value 1) or not (0, also before the first row)
    yield "CREATE TABLE exclusive (from_event INTEGER PRIMARY KEY, value INTEGER NOT NULL)"
    described = "".join(f', "{column}" {layout.types[f]}' for f, column in layout.profile.items())
    yield (
        f"CREATE TABLE agent (id INTEGER PRIMARY KEY{described}, core INTEGER, joined INTEGER"
        f"{_counters(layout.agent)}, extra TEXT)"
    )
    yield "CREATE TABLE relation_start (kind TEXT, left INTEGER, right INTEGER)"
    yield "CREATE TABLE text (id INTEGER PRIMARY KEY, content TEXT NOT NULL)"
    columns = ", ".join(f"{c} INTEGER" for c in ITEM)
    yield f"CREATE TABLE item (id INTEGER PRIMARY KEY, {columns}{_counters(layout.item)})"
    yield (
        "CREATE TABLE chat_group (id INTEGER PRIMARY KEY, name TEXT, founder INTEGER, "
        f"step INTEGER{_counters(layout.chat_group)})"
    )
    yield "CREATE TABLE product (id INTEGER PRIMARY KEY, name TEXT, sales INTEGER)"
    columns = ", ".join(f"{c} INTEGER" for c in EVENT)
    yield f"CREATE TABLE event (id INTEGER PRIMARY KEY, step INTEGER, seq INTEGER, {columns})"
    yield "CREATE TABLE slate (part INTEGER PRIMARY KEY, step INTEGER, data BLOB NOT NULL)"
    yield "CREATE TABLE opinion (part INTEGER PRIMARY KEY, step INTEGER, data BLOB NOT NULL)"
    # one row per transaction: a step, or what was done by hand between two steps
    yield (
        "CREATE TABLE part (id INTEGER PRIMARY KEY, step INTEGER, time TEXT, finished INTEGER, "
        "exclusive INTEGER, agents_active INTEGER, events INTEGER, texts INTEGER, items INTEGER, "
        "digest TEXT NOT NULL)"
    )
    yield from _CALLS
    yield from _views(layout)


#: What language models were asked and replied, and the answers to surveys. The digest ignores
#: these: their effects are in the events.
_CALLS = (
    # texts that many calls share: system texts, schemas, questions
    "CREATE TABLE prompt (id INTEGER PRIMARY KEY, content TEXT NOT NULL UNIQUE)",
    "CREATE TABLE completion (id INTEGER PRIMARY KEY, step INTEGER NOT NULL, "
    "agent INTEGER NOT NULL, purpose TEXT NOT NULL, number INTEGER NOT NULL, model TEXT NOT NULL, "
    "request TEXT NOT NULL, system INTEGER NOT NULL, shape INTEGER, max_tokens INTEGER, "
    "seed INTEGER, failure TEXT NOT NULL, prompt_tokens INTEGER, cached_tokens INTEGER, "
    "completion_tokens INTEGER, latency REAL, waited REAL, attempts INTEGER, endpoint TEXT, "
    "mode TEXT, finish TEXT, cost REAL, recorded INTEGER NOT NULL, prompt TEXT NOT NULL, "
    "reply TEXT, UNIQUE (step, agent, purpose, number))",
    # all that figures need, and the digests, so that they can be read without the texts
    "CREATE INDEX completion_figures ON completion (model, step, request, failure, recorded, "
    "prompt_tokens, cached_tokens, completion_tokens, latency, attempts, cost)",
    "CREATE TABLE answer (id INTEGER PRIMARY KEY, survey TEXT NOT NULL, step INTEGER NOT NULL, "
    "agent INTEGER NOT NULL, question TEXT NOT NULL, kind TEXT NOT NULL, asked INTEGER NOT NULL, "
    "answer TEXT, value REAL, model TEXT, valid INTEGER NOT NULL, reason TEXT NOT NULL, "
    "UNIQUE (survey, step, agent, question))",
)


def _counters(names: Sequence[str]) -> str:
    return "".join(f', "{n}" INTEGER DEFAULT 0' for n in names)


def _sql_type(kind: pa.DataType) -> str:
    if pa.types.is_dictionary(kind):
        return _sql_type(kind.value_type)
    if pa.types.is_uint64(kind):  # too large for SQLite
        return "TEXT"
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind):
        return "INTEGER"
    return "REAL" if pa.types.is_floating(kind) else "TEXT"


#: All changes of pairs in the order of events: what an action adds, removes or withdraws.
_CHANGES = """
    SELECT f.pair_set AS kind, e.agent AS left,
        CASE f.object WHEN 'item' THEN e.item ELSE e.target END AS right,
        e.step AS step, f.sign AS sign, e.id AS id
    FROM event e JOIN effect f ON f.action = e.action
    WHERE e.reason = 0 AND f.pair_set IS NOT NULL AND f.over {over} AND (f.exclusive = 0 OR (
        SELECT x.value FROM exclusive x WHERE x.from_event <= e.id
        ORDER BY x.from_event DESC LIMIT 1))
"""
#: The last change of a pair decides whether it exists. SQLite takes the other columns of a group
#: from the row of its max().
_STANDING = """
    FROM (SELECT kind, left, right, step, sign, max(id) AS id FROM ({changes})
        GROUP BY kind, left, right)
    WHERE sign > 0
"""


def _views(layout: Layout) -> Iterator[str]:
    start = "SELECT kind, left, right, 0 AS step, 1 AS sign, 0 AS id FROM relation_start UNION ALL"
    relations = _STANDING.format(changes=start + _CHANGES.format(over="<> 'item'"))
    reactions = _STANDING.format(changes=_CHANGES.format(over="= 'item'"))
    yield f"CREATE VIEW relation AS SELECT kind, left, right, step {relations}"
    yield (f"CREATE VIEW reaction AS SELECT kind, left AS agent, right AS item, step {reactions}")
    name = f'a."{layout.profile["user_name"]}" AS user_name'
    counters = "".join(f', i."{n}"' for n in layout.item)
    described = (
        f"i.step, i.author AS agent, {name}, coalesce(t.content, '') AS content, {{refers}}, "
        "o.name AS topic, CASE WHEN i.stance <> "
        f"{NO_STANCE} THEN i.stance / {float(SCALE)} END AS stance{counters} "
        "FROM item i JOIN kind k ON k.code = i.kind LEFT JOIN agent a ON a.id = i.author "
        "LEFT JOIN text t ON t.id = i.text LEFT JOIN topic o ON o.code = i.topic"
    )
    refers = "nullif(i.ref, -1) AS ref, nullif(i.parent, -1) AS parent"
    yield (
        f"CREATE VIEW post AS SELECT i.id, k.name AS kind, {described.format(refers=refers)} "
        "WHERE k.name IN ('post', 'repost', 'quote')"
    )
    refers = "i.ref AS post, nullif(i.parent, i.ref) AS reply_to"
    yield (
        f"CREATE VIEW comment AS SELECT i.id, {described.format(refers=refers)} "
        "WHERE k.name = 'comment'"
    )
    yield (
        "CREATE VIEW event_named AS SELECT e.step, e.seq, e.wave, nullif(e.agent, -1) AS agent, "
        f"{name}, c.name AS action, nullif(e.target, -1) AS target, "
        "nullif(e.via, -1) AS via, nullif(e.item, -1) AS item, r.name AS reason, t.content, "
        "e.amount FROM event e LEFT JOIN action c ON c.code = e.action "
        "LEFT JOIN reason r ON r.code = e.reason LEFT JOIN agent a ON a.id = e.agent "
        "LEFT JOIN text t ON t.id = e.text"
    )
    yield (
        f"CREATE VIEW completion_named AS SELECT c.step, c.agent, {name}, c.purpose, c.number, "
        "c.model, c.reply, c.failure, c.prompt, s.content AS system, h.content AS shape, "
        "c.max_tokens, c.seed, c.request, c.prompt_tokens, c.cached_tokens, c.completion_tokens, "
        "c.latency, c.waited, c.attempts, c.endpoint, c.mode, c.finish, c.cost, c.recorded, "
        "c.step > (SELECT coalesce(max(step), -1) FROM part WHERE finished = 1) AS early "
        "FROM completion c LEFT JOIN agent a ON a.id = c.agent "
        "LEFT JOIN prompt s ON s.id = c.system LEFT JOIN prompt h ON h.id = c.shape"
    )
    yield (
        f"CREATE VIEW answer_named AS SELECT q.survey, q.step, q.agent, {name}, q.question, "
        "q.kind, p.content AS asked, q.answer, q.value, q.model, q.valid, q.reason "
        "FROM answer q LEFT JOIN agent a ON a.id = q.agent "
        "LEFT JOIN prompt p ON p.id = q.asked ORDER BY q.id"
    )
    yield (  # SQLite takes the digest from the row of max(id)
        "CREATE VIEW step AS SELECT step, time, agents_active, events, digest FROM ("
        "SELECT step, time, sum(agents_active) AS agents_active, sum(events) AS events, digest, "
        "max(id) FROM part GROUP BY step HAVING sum(finished) > 0)"
    )


def action_rows(table: ActionTable) -> Iterator[tuple[Any, ...]]:
    """Return the rows of the table action."""
    for code, spec in enumerate(table):
        args = [
            {"name": a.name, "kind": a.kind, "column": a.column, "required": a.required}
            for a in spec.args
        ]
        kind = None if spec.inserts is None else int(spec.inserts)
        founds = next((e.what for e in spec.effects if isinstance(e, Found)), None)
        yield code, spec.name, json.dumps(args), kind, founds, spec.refers


def effect_rows(table: ActionTable) -> Iterator[tuple[Any, ...]]:
    """Return the rows of the table effect: how each action changes pairs and counters.

    `over` is the table of the counter; `object` the event's column with the right id of the pair.
    """
    for code, spec in enumerate(table):
        right = "item" if any(isinstance(e, Found) for e in spec.effects) else "target"
        for effect in spec.effects:
            match effect:
                case Add(pairs=p, withdraws=w):
                    yield code, p.name, p.over, 1, right, 0, p.counter, p.own_counter
                    if w is not None:
                        yield code, w.name, w.over, -1, right, 1, w.counter, w.own_counter
                case Remove(pairs=p):
                    yield code, p.name, p.over, -1, right, 0, p.counter, p.own_counter
                case Bump(counter=counter):
                    yield code, None, "item", 1, "target", 0, counter, None
                case Sell():
                    yield code, None, "product", 1, "target", 0, "sales", None
                case _:
                    pass


def code_rows(codes: type[Kind] | type[Reason]) -> list[tuple[int, str]]:
    """Return (code, name) of all members."""
    return [(int(c), c.name) for c in codes]
