"""Export in the schema of OASIS, so that scripts written for its databases keep working.

Where OASIS numbers from 1 (posts, comments, messages, groups, products, records), so does the
export; users keep their agent id. `trace` holds only what was carried out.
"""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hubbub.actions.spec import Kind
from hubbub.store.codec import slate_of
from hubbub.store.export.oasis_records import RecordNumbers
from hubbub.store.export.oasis_source import OasisSource, Rows
from hubbub.store.export.oasis_trace import Trace
from hubbub.store.ledger import Ledger

if TYPE_CHECKING:
    from hubbub.store.run import RunStore

_ID, _TIME = "INTEGER", "DATETIME"
_RATING = {"user_id": _ID, "post_id": _ID, "created_at": _TIME}
_RATED = {"user_id": _ID, "comment_id": _ID, "created_at": _TIME}
#: Tables and columns of OASIS. The first column is the primary key, with the exceptions below.
SCHEMA: dict[str, dict[str, str]] = {
    "user": {"user_id": _ID, "agent_id": _ID, "user_name": "TEXT", "name": "TEXT", "bio": "TEXT",
             "created_at": _TIME, "num_followings": _ID, "num_followers": _ID},
    "post": {"post_id": _ID, "user_id": _ID, "original_post_id": _ID, "content": "TEXT",
             "quote_content": "TEXT", "created_at": _TIME, "num_likes": _ID, "num_dislikes": _ID,
             "num_shares": _ID, "num_reports": _ID},
    "comment": {"comment_id": _ID, "post_id": _ID, "user_id": _ID, "content": "TEXT",
                "created_at": _TIME, "num_likes": _ID, "num_dislikes": _ID},
    "like": {"like_id": _ID, **_RATING},
    "dislike": {"dislike_id": _ID, **_RATING},
    "comment_like": {"comment_like_id": _ID, **_RATED},
    "comment_dislike": {"comment_dislike_id": _ID, **_RATED},
    "follow": {"follow_id": _ID, "follower_id": _ID, "followee_id": _ID, "created_at": _TIME},
    "mute": {"mute_id": _ID, "muter_id": _ID, "mutee_id": _ID, "created_at": _TIME},
    "report": {"report_id": _ID, "user_id": _ID, "post_id": _ID, "report_reason": "TEXT",
               "created_at": _TIME},
    "product": {"product_id": _ID, "product_name": "TEXT", "sales": _ID},
    "chat_group": {"group_id": _ID, "name": "TEXT", "created_at": _TIME},
    "group_members": {"group_id": _ID, "agent_id": _ID, "joined_at": _TIME},
    "group_messages": {"message_id": _ID, "group_id": _ID, "sender_id": _ID, "content": "TEXT",
                       "sent_at": _TIME},
    "trace": {"user_id": _ID, "created_at": _TIME, "action": "TEXT", "info": "TEXT"},
    "rec": {"user_id": _ID, "post_id": _ID},
}  # fmt: skip
_WITHOUT_KEY = ("group_members", "trace", "rec")


def export_oasis(store: RunStore, out: Path) -> None:
    """Write the run as an OASIS database to the new file `out`."""
    with store.database.snapshot(), closing(sqlite3.connect(out, isolation_level=None)) as db:
        try:
            _write(db, OasisSource.of(store))
        except sqlite3.Error as error:  # of the new file: the run's own come as RunError
            raise OSError(errno.EIO, str(error)) from error


def _write(db: sqlite3.Connection, source: OasisSource) -> None:
    # an incomplete file is thrown away, so it needs no journal
    db.execute("PRAGMA journal_mode = OFF")
    db.execute("PRAGMA synchronous = OFF")
    db.execute("BEGIN")
    for table, rows in _tables(source):
        columns = SCHEMA[table]
        first = next(iter(columns))
        key = "" if table in _WITHOUT_KEY else f", PRIMARY KEY ({first})"
        described = ", ".join(f"{n} {t}" for n, t in columns.items())
        db.execute(f'CREATE TABLE "{table}" ({described}{key})')
        marks = ", ".join("?" * len(columns))
        db.executemany(f'INSERT INTO "{table}" VALUES ({marks})', rows)
    db.execute("COMMIT")


def _tables(source: OasisSource) -> Iterator[tuple[str, Rows]]:
    ledger = Ledger(source.db)
    yield "user", _users(source)
    yield "post", _posts(source)
    yield "comment", _comments(source)
    for name in ("like", "dislike"):
        rows = list(_records(source, ledger, name))
        on_post = source.is_post[ledger.standing(name).right].tolist()
        yield name, (row for row, post in zip(rows, on_post, strict=True) if post)
        yield f"comment_{name}", (row for row, post in zip(rows, on_post, strict=True) if not post)
    for name in ("follow", "mute"):
        yield name, _records(source, ledger, name)
    yield "report", _reports(source, ledger)
    products = source.db.rows("SELECT id + 1, name, sales FROM product ORDER BY id")
    yield "product", iter(products)
    yield from _groups(source, ledger)
    yield "trace", Trace(source, ledger).rows()
    yield "rec", _recommendations(source)


def _users(source: OasisSource) -> Rows:
    sql = "SELECT id, user_name, name, bio, joined, followings, followers FROM agent ORDER BY id"
    for agent, user_name, name, bio, joined, *counts in source.db.rows(sql):
        yield agent, agent, user_name, name, bio, source.when(joined), *counts


def _posts(source: OasisSource) -> Rows:
    names = ("id", "kind", "author", "step", "ref", "text", "likes", "dislikes", "shares",
             "reports")  # fmt: skip
    all_texts = source.items["text"].tolist()
    number = source.number.tolist()
    for item, kind, author, step, ref, text, *counts in source.rows(source.is_post, *names):
        original = number[ref] if ref >= 0 else None
        content, quoted = source.text(text), None
        if kind == Kind.quote:
            content, quoted = source.text(all_texts[ref]), content
        yield number[item], author, original, content, quoted, source.when(step), *counts


def _comments(source: OasisSource) -> Rows:
    names = ("id", "ref", "author", "text", "step", "likes", "dislikes")
    number = source.number.tolist()
    chosen = source.items["kind"] == Kind.comment
    for item, post, author, text, step, *counts in source.rows(chosen, *names):
        when = source.when(step)
        yield number[item], number[post], author, source.text(text), when, *counts


def _records(source: OasisSource, ledger: Ledger, pair_set: str) -> Rows:
    """Return the current pairs: number, left, right, time."""
    pairs = ledger.standing(pair_set)
    right = source.number[pairs.right] if ledger.pair_sets[pair_set] == "item" else pairs.right
    numbers = RecordNumbers(ledger, pair_set, source).of(pairs)
    times = map(source.when, pairs.step.tolist())
    return zip(numbers, pairs.left.tolist(), right.tolist(), times, strict=True)


def _reports(source: OasisSource, ledger: Ledger) -> Rows:
    sql = "SELECT id, text FROM event WHERE reason = 0 AND action IN (SELECT action FROM effect "
    reasons = dict(source.db.rows(f"{sql} WHERE pair_set = 'report')"))
    events = ledger.standing("report").event.tolist()
    for (number, user, post, when), event in zip(
        _records(source, ledger, "report"), events, strict=True
    ):
        yield number, user, post, source.text(reasons[event]), when


def _groups(source: OasisSource, ledger: Ledger) -> Iterator[tuple[str, Rows]]:
    groups = source.db.rows("SELECT id + 1, name, step FROM chat_group ORDER BY id")
    yield "chat_group", ((number, name, source.when(step)) for number, name, step in groups)
    pairs = ledger.standing("member")
    rows = zip(pairs.left.tolist(), pairs.right.tolist(), pairs.step.tolist(), strict=True)
    yield "group_members", ((group + 1, agent, source.when(s)) for agent, group, s in rows)
    chosen = source.items["kind"] == Kind.message
    messages = enumerate(source.rows(chosen, "ref", "author", "text", "step"), 1)
    yield (
        "group_messages",
        ((n, g + 1, a, source.text(t), source.when(s)) for n, (g, a, t, s) in messages),
    )


def _recommendations(source: OasisSource) -> Rows:
    """Return each agent's last slate, by agent, in the order shown."""
    ((agents,),) = source.db.rows("SELECT count(*) FROM agent")
    seen = np.zeros(agents, np.bool_)
    found = [np.empty((0, 2), np.int64)]
    for (part,) in source.db.rows("SELECT part FROM slate ORDER BY part DESC"):
        slate = slate_of(source.db.rows("SELECT data FROM slate WHERE part = ?", part)[0][0])
        rows = slate.rows()
        new = ~seen[slate.agents[rows]]
        pairs = (slate.agents[rows[new]], source.number[slate.items[new]])
        found.append(np.stack(pairs, axis=1).astype(np.int64))
        seen[slate.agents] = True
    users, posts = np.concatenate(found).T
    order = np.argsort(users, kind="stable")
    return zip(users[order].tolist(), posts[order].tolist(), strict=True)
