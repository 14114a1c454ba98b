"""What queries find, as text for the next call of a turn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hubbub.actions import Action
from hubbub.mind.groups import MESSAGES, chosen, group_line, joins
from hubbub.mind.prompt import Prompter
from hubbub.mind.quoting import called, handle, one_line
from hubbub.mind.turn_records import Reference
from hubbub.mind.words import Words
from hubbub.platform import Platform
from hubbub.platform.queries import Moment, finds, wanted
from hubbub.policy import Observation

#: Characters of a bio in a list of users.
BIO_CHARS = 100
_Found = tuple[str, tuple[Reference, ...]]


class Lookup:
    """Answers the queries of the agents of one observation, as of the moment it is made."""

    def __init__(self, obs: Observation, prompter: Prompter, platform: Platform) -> None:
        world = obs.world
        self._world, self._prompter = world, prompter
        self._step, self._step_minutes = obs.step, obs.step_minutes
        allowed = [spec for spec, on in zip(world.table, obs.allowed, strict=True) if on]
        self._joinable = any(map(joins, allowed))
        self._moment = Moment(
            world,
            platform,
            obs.agents,
            step=obs.step - 1,
            step_minutes=obs.step_minutes,
            search=prompter.search,
            names={spec.query for spec in allowed if spec.query is not None},
        )

    def answer(self, agent: int, action: Action, things: tuple[Reference, ...]) -> _Found:
        """Return what the agent's query found, as text, and all things it may refer to now.

        These are the given ones, and after them what was found: the text has their numbers. An
        action that is not a query, or only shows the feed again, gets "" and the given things.
        """
        spec = self._world.table.spec(action.name)
        kind = finds(spec)
        if spec.query is None or kind == "feed":
            return "", things
        found = self._moment.find(spec.query, agent, wanted(spec, action.args))
        words = self._prompter.words(agent)
        match kind:
            case "posts":
                result = self._posts(found, words)
            case "users":
                result = self._users(found)
            case _:
                result = self._groups(found, words)
        lines, known = _numbered(result, things)
        return "\n".join([f"{action.name}:", *(lines or [words.none_found])]), known

    def _posts(self, ids: Sequence[int], words: Words) -> list[tuple[Reference | None, str]]:
        """Return the lines of these posts. They have no counts, since counts change."""
        items, quotes = self._world.items, self._prompter.quotes
        posts = np.array(ids, np.int32)
        authors = items["author"][posts]
        columns = (items[c][posts].tolist() for c in ("step", "text"))
        found: list[tuple[Reference | None, str]] = []
        for post, author, name, step, text in zip(
            ids, authors.tolist(), quotes.names(authors), *columns, strict=True
        ):
            age = quotes.ago((self._step - step) * self._step_minutes, words)
            found.append((Reference("post", post, author), f"{name} {age}: {quotes.text(text)}"))
        return found

    def _users(self, ids: Sequence[int]) -> list[tuple[Reference | None, str]]:
        fields = ("user_name", "name", "bio")
        rows = [
            {field: str(row[field]) for field in fields}
            for row in self._world.profiles.rows(ids, fields)
        ]
        found: list[tuple[Reference | None, str]] = []
        for user, row in zip(ids, rows, strict=True):
            name, user_name = called(row["name"], row["user_name"]), handle(row["user_name"])
            bio = one_line(row["bio"], BIO_CHARS)
            who = name if name == user_name else f"{name} (@{user_name})"
            found.append((Reference("user", user, user), f"{who}: {bio}" if bio else who))
        return found

    def _groups(self, found: Any, words: Words) -> list[tuple[Reference | None, str]]:
        """Return the lines of these groups, with the newest messages under the agent's own."""
        quotes, messages = self._prompter.quotes, found["messages"][-MESSAGES:]
        authors = quotes.names(np.array([m["user_id"] for m in messages], np.int32))
        groups = {group["group_id"]: group for group in found["groups"]}
        listed = chosen(
            [g for g, group in groups.items() if group["joined"]],
            groups if self._joinable else (),
            lambda g: groups[g]["members"],
        )
        lines: list[tuple[Reference | None, str]] = []
        for g in listed:
            group = groups[g]
            line = group_line(group["name"], group["members"], words, joined=group["joined"])
            lines.append((Reference("group", g, -1), line))
            lines += (
                (None, f"{author}: {quotes.cut(message['content'])}")
                for message, author in zip(messages, authors, strict=True)
                if message["group_id"] == g
            )
        return lines


def _numbered(
    found: Sequence[tuple[Reference | None, str]], things: tuple[Reference, ...]
) -> tuple[list[str], tuple[Reference, ...]]:
    """Return the lines with numbers; things that are new get the next ones."""
    known = list(things)
    numbers = {(t.kind, t.id): n for n, t in reversed(list(enumerate(known, start=1)))}
    lines = []
    for thing, line in found:
        if thing is None:
            lines.append(f" {line}")
            continue
        key = (thing.kind, thing.id)
        if key not in numbers:
            known.append(thing)
            numbers[key] = len(known)
        lines.append(f"{numbers[key]} {line}")
    return lines, tuple(known)
