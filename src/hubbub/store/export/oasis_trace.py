"""The table trace of an OASIS export: everything that was carried out, in order.

As in OASIS, users sign up first, and looking at the feed is a row of its own before the user's
actions. `info` has OASIS's keys. Answers to surveys are interviews, after the step in which they
were given. Two things are shorter than in OASIS: a refresh lists the ids and authors of the posts
it showed, not their texts and counters at that moment; a trend lists none.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from json.encoder import encode_basestring as quoted
from typing import Any

import numpy as np

from hubbub.actions.spec import Kind
from hubbub.store.codec import slate_of
from hubbub.store.export.oasis_records import RecordNumbers
from hubbub.store.export.oasis_source import Moment, OasisSource, Rows
from hubbub.store.ledger import Ids, Ledger

#: What OASIS calls an argument in `info` where it differs from the argument's own name.
_INFO_NAMES = {
    ("repost", "post_id"): "reposted_id",
    ("quote_post", "post_id"): "quoted_id",
    ("create_comment", "comment_id"): "reply_to",  # OASIS has no replies to comments
    ("follow", "user_id"): "followee_id",
    ("unfollow", "user_id"): "followee_id",
    ("mute", "user_id"): "mutee_id",
    ("unmute", "user_id"): "mutee_id",
    ("create_group", "name"): "group_name",
    ("purchase_product", "quantity"): "purchase_num",
}
#: These name the post as the user did, which may be a repost; the others name the original.
_AS_NAMED = ("repost", "quote_post")
#: What `info` calls the number of the record that an action made or ended.
_RECORDS = {
    "like_post": "like_id",
    "unlike_post": "like_id",
    "dislike_post": "dislike_id",
    "undo_dislike_post": "dislike_id",
    "like_comment": "comment_like_id",
    "unlike_comment": "comment_like_id",
    "dislike_comment": "comment_dislike_id",
    "undo_dislike_comment": "comment_dislike_id",
    "follow": "follow_id",
    "report_post": "report_id",
}
_EVENT = ("id", "wave", "agent", "action", "target", "via", "item", "text", "amount")
_LOOK, _NO_POSTS = "refresh", '{"posts": []}'
_Row = tuple[int, Moment, str, str]


@dataclass(frozen=True, slots=True)
class _Action:
    """A row of the table action, with the pair set that it is about."""

    name: str
    args: list[dict[str, Any]]
    inserts: int | None
    founds: str | None
    pair_set: str | None


class Trace:
    """Turns the log, part by part, into rows of `trace`."""

    def __init__(self, source: OasisSource, ledger: Ledger) -> None:
        self._source, self._ledger = source, ledger
        self._records: dict[str, RecordNumbers] = {}
        self._told: set[tuple[int, str]] = set()  # remembered interviews of the step at hand
        self._texts = [quoted(text) for text in source.texts]
        products = source.db.rows("SELECT name FROM product ORDER BY id")
        self._products = [quoted(name) for (name,) in products]
        about = {e.action: e.pair_set for e in ledger.effects if e.pair_set and not e.exclusive}
        self._actions = {
            code: _Action(name, json.loads(args), inserts, founds, about.get(code))
            for code, name, args, inserts, founds in source.db.rows(
                "SELECT code, name, args, inserts, founds FROM action"
            )
        }
        authors = source.items["author"].tolist()
        self._posts = [
            f'{{"post_id": {number}, "user_id": {author}}}'
            for number, author in zip(source.number.tolist(), authors, strict=True)
        ]

    def rows(self) -> Rows:
        """Return the rows: sign-ups, then part by part what was shown and done."""
        yield from self._sign_ups()
        first = 1
        parts = self._source.db.rows("SELECT id, step, events FROM part ORDER BY id")
        for step, group in groupby(parts, key=lambda row: int(row[1])):
            self._told.clear()
            when = self._source.when(step)
            for part, _, count in group:
                yield from self._part(part, when, first, first + count)
                first += count
            yield from self._answers(step, when)

    def _answers(self, step: int, when: Moment) -> Rows:
        """Return the answers given after a step, except those that agents were told to remember."""
        sql = (
            "SELECT q.agent, p.content, q.answer FROM answer q JOIN prompt p ON p.id = q.asked "
            "WHERE q.step = ? AND q.answer IS NOT NULL ORDER BY q.id"
        )
        for agent, prompt, answer in self._source.db.rows(sql, step):
            if (agent, prompt) not in self._told:
                yield agent, when, "interview", _interview(prompt, answer, when, agent)

    def _sign_ups(self) -> Rows:
        ((agents,),) = self._source.db.rows("SELECT value FROM meta WHERE key = 'agents_start'")
        when = self._source.when(0)
        sql = "SELECT id, user_name, name, bio FROM agent WHERE id < ? ORDER BY id"
        for rows in self._source.db.chunks(sql, int(agents)):
            for agent, user_name, name, bio in rows:
                yield agent, when, "sign_up", _profile(name, user_name, bio)

    def _part(self, part: int, when: Moment, first: int, after: int) -> Rows:
        rest = "WHERE id >= ? AND id < ? AND reason = 0 ORDER BY id"
        columns = self._source.db.columns("event", _EVENT, rest, first, after)
        events = dict(zip(_EVENT, columns, strict=True))
        shown = self._shown(part)
        seen = [(agent, when, _LOOK, info) for agent, info in shown.items()]
        done = self._done(events, when, shown)
        early = int(np.searchsorted(events["wave"], 0))  # what the environment does comes first
        for row in (*done[:early], *seen, *done[early:]):
            if row[0] >= 0:  # the environment is no user
                yield row

    def _shown(self, part: int) -> dict[int, str]:
        """Return by agent the `info` on the posts it was shown."""
        for (data,) in self._source.db.rows("SELECT data FROM slate WHERE part = ?", part):
            slate = slate_of(data)
            posts = [self._posts[item] for item in slate.items.tolist()]
            at = slate.offsets.tolist()
            places = zip(slate.agents.tolist(), at[:-1], at[1:], strict=True)
            return {
                agent: f'{{"posts": [{", ".join(posts[a:b])}]}}' for agent, a, b in places if b > a
            }
        return {}

    def _done(
        self, events: Mapping[str, Ids], when: Moment, shown: Mapping[int, str]
    ) -> list[_Row]:
        """Return a row for each event, action by action and then put in order."""
        rows: list[_Row] = [(-1, when, "", "")] * len(events["id"])
        for code in np.unique(events["action"]).tolist():
            action, at = self._actions[code], np.flatnonzero(events["action"] == code)
            chosen = {name: column[at] for name, column in events.items()}
            agents = chosen["item" if action.founds == "agent" else "agent"].tolist()
            if action.founds == "agent":
                infos = [self._newcomer(text) for text in chosen["text"].tolist()]
            elif action.name == _LOOK:
                infos = [shown.get(agent, _NO_POSTS) for agent in agents]
            elif action.name == "interview":
                asked = zip(chosen["text"].tolist(), agents, strict=True)
                infos = [self._interview(text, when, agent) for text, agent in asked]
            elif action.name == "trend":
                infos = [_NO_POSTS] * len(agents)
            else:
                infos = _objects(self._fields(action, chosen), len(agents))
            for row, agent, info in zip(at.tolist(), agents, infos, strict=True):
                rows[row] = (agent, when, action.name, info)
        return rows

    def _newcomer(self, text: int) -> str:
        record = json.loads(self._source.texts[text])
        return _profile(*(str(record.get(n) or "") for n in ("name", "user_name", "bio")))

    def _interview(self, text: int, when: Moment, agent: int) -> str:
        """Return `info` of an interview; one that is remembered holds question and answer."""
        question, remembered, answer = self._source.texts[text].partition("\nA: ")
        if not (remembered and question.startswith("Q: ")):
            return _interview(self._source.texts[text], None, when, agent)
        prompt = question.removeprefix("Q: ")
        self._told.add((agent, prompt))
        return _interview(prompt, answer, when, agent)

    def _fields(
        self, action: _Action, events: Mapping[str, Ids]
    ) -> Iterator[tuple[str, Sequence[Any]]]:
        """Return the keys of `info`, each with its values as JSON or None."""
        for arg in action.args:
            name = _INFO_NAMES.get((action.name, arg["name"]), arg["name"])
            yield name, self._values(action, arg, events)
        if action.inserts is not None:
            yield _created(Kind(action.inserts)), self._source.number[events["item"]].tolist()
        elif action.founds is not None:
            yield f"{action.founds}_id", (events["item"] + 1).tolist()
        if action.name in _RECORDS and action.pair_set is not None:
            records = self._records_of(action.pair_set)
            yield _RECORDS[action.name], records.concerned(events["id"]).tolist()

    def _records_of(self, pair_set: str) -> RecordNumbers:
        if pair_set not in self._records:
            self._records[pair_set] = RecordNumbers(self._ledger, pair_set, self._source)
        return self._records[pair_set]

    def _values(
        self, action: _Action, arg: Mapping[str, Any], events: Mapping[str, Ids]
    ) -> list[Any]:
        target = events["target"]
        match arg["kind"]:
            case "text":
                return [self._texts[t] if t >= 0 else '""' for t in events["text"].tolist()]
            case "record":
                return [self._source.texts[t] for t in events["text"].tolist()]
            case "number":
                return list(events["amount"].tolist())
            case "product":
                return [self._products[t] for t in target.tolist()]
            case "group":
                return list((target + 1).tolist())
            case "user":
                return list(target.tolist())
        named = not arg["required"] or action.name in _AS_NAMED
        item = events["via"] if named else target
        fits = (item >= 0) & (self._source.is_post[item] == (arg["kind"] == "post"))
        numbers = zip(self._source.number[item].tolist(), fits.tolist(), strict=True)
        return [number if fit else None for number, fit in numbers]


def _created(kind: Kind) -> str:
    """Return what `info` calls the id of a new item of this kind, as OASIS does."""
    return "new_post_id" if kind in (Kind.repost, Kind.quote) else f"{kind.name}_id"


def _profile(name: str | None, user_name: str | None, bio: str | None) -> str:
    name, user_name, bio = (quoted(v or "") for v in (name, user_name, bio))
    return f'{{"name": {name}, "user_name": {user_name}, "bio": {bio}}}'


def _interview(prompt: str, response: str | None, when: Moment, agent: int) -> str:
    said = "" if response is None else f'"response": {quoted(response)}, '
    return f'{{"prompt": {quoted(prompt)}, {said}"interview_id": "{when}_{agent}"}}'


def _objects(fields: Iterable[tuple[str, Sequence[Any]]], count: int) -> list[str]:
    """Return JSON objects of these fields, one per row, without missing values."""
    columns = [
        ["" if value is None else f', "{name}": {value}' for value in values]
        for name, values in fields
    ]
    if not columns:
        return ["{}"] * count
    return [f"{{{''.join(parts)[2:]}}}" for parts in zip(*columns, strict=True)]
