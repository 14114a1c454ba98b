"""What queries find, as text for the next call of a turn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hubbub.actions import Action
from hubbub.actions.spec import Query
from hubbub.mind.groups import GroupList, NewMessages
from hubbub.mind.prompt import Prompter
from hubbub.mind.quoting import called, handle, one_line
from hubbub.mind.turn_records import Reference
from hubbub.mind.words import Words
from hubbub.platform import Platform, queries
from hubbub.policy import Observation

#: Characters of a bio in a list of users.
BIO_CHARS = 100
_Found = tuple[str, tuple[Reference, ...]]


class Lookup:
    """Answers the queries of the agents of one observation, as of the moment it is made.

    The world may move on: what can change (likes, members, who is awake) is read at once; posts,
    texts and profiles never change, and those that come later are not looked at.
    """

    def __init__(self, obs: Observation, prompter: Prompter, platform: Platform) -> None:
        world = obs.world
        self._world, self._prompter = world, prompter
        self._step, self._step_minutes = obs.step, obs.step_minutes
        self._items, self._agents = len(world.items), len(world.agents)
        self._trending: list[int] = []
        if _allowed(obs, "trend"):
            since = obs.step - 1 - round(platform.trend_days * 1440 / obs.step_minutes)
            self._trending = queries.trend(world, since, platform.trend_size)
        self._groups = GroupList(obs)
        self._messages = NewMessages(obs, self._groups, prompter.quotes)
        self._searched: dict[tuple[str, str], list[int]] = {}

    def answer(self, agent: int, action: Action, things: tuple[Reference, ...]) -> _Found:
        """Return what the agent's query found, in words, and all things it may refer to now.

        These are the given ones, and after them what was found: the text has their numbers. An
        action that asks for nothing, or only to see the feed again, gets "" and the given things.
        """
        spec = self._world.table.spec(action.name)
        query = next((e.name for e in spec.effects if isinstance(e, Query)), None)
        arg = spec.arg("text")
        asked = str(action.args.get(arg.name, "")) if arg else ""
        words = self._prompter.words(agent)
        match query:
            case "search_posts" | "search_user":
                found = self._search(query, asked)
                result = (
                    self._posts(found, words) if query == "search_posts" else self._users(found)
                )
            case "trend":
                result = self._posts(self._trending, words)
            case "groups":
                result = self._group_lines(agent, words)
            case _:
                return "", things
        lines, known = _numbered(result, things)
        return "\n".join([f"{action.name}:", *(lines or [words.none_found])]), known

    def _search(self, query: str, asked: str) -> list[int]:
        key = (query, asked)
        if key not in self._searched:
            search = self._prompter.search
            if query == "search_posts":
                self._searched[key] = search.posts(asked, self._items)
            else:
                self._searched[key] = search.users(asked, self._agents)
        return self._searched[key]

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

    def _group_lines(self, agent: int, words: Words) -> list[tuple[Reference | None, str]]:
        found: list[tuple[Reference | None, str]] = []
        messages = self._messages.of(agent)
        listed = self._groups.things(agent)
        for group in listed:
            found.append((group, self._groups.line(agent, group.id, words)))
            found += ((None, line) for of, line in messages if of == group.id)
        return found


def _allowed(obs: Observation, query: str) -> bool:
    specs = zip(obs.world.table, obs.allowed, strict=True)
    return any(on and any(e == Query(query) for e in spec.effects) for spec, on in specs)  # type: ignore[arg-type]


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
