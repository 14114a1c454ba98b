"""Searching texts and users: texts are put into lower case once, then searched fast."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from hubbub.actions import Kind
from hubbub.world import World

#: Most results of a search.
FOUND = 10
_USER_FIELDS = ("user_name", "name", "bio")
_APART = "\n"  # between the fields of a user; a query that has it finds no one
_BLOCK = 1 << 16


class Search:
    """Searches of one world. What was created since the last search is added first.

    Texts and profiles never change, so a search limited to a number of items or agents always finds
    the same.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._texts = _Folded()
        self._users = _Folded()

    def posts(self, query: str, items: int | None = None, limit: int = FOUND) -> list[int]:
        """Return ids of the newest posts that contain the query (any case) or have it as id.

        Only the first `items` items are searched.
        """
        world, needle = self._world, _needle(query)
        if not needle:
            return []
        self._texts.extend(world.texts.since(len(self._texts)))
        end = len(world.items) if items is None else items
        kinds = np.isin(world.items["kind"][:end], (Kind.post, Kind.quote))
        text = world.items["text"][:end]
        hit = self._texts.containing(needle)
        posts = np.flatnonzero(kinds & (text >= 0))
        found = posts[hit[text[posts]]][::-1][:limit].tolist()
        if needle.isdecimal() and int(needle) < end and kinds[int(needle)]:
            found = [int(needle), *(i for i in found if i != int(needle))][:limit]
        return [int(i) for i in found]

    def users(self, query: str, agents: int | None = None, limit: int = FOUND) -> list[int]:
        """Return ids of agents whose user name, name or bio contains the query, or whose id it is.

        Only the first `agents` agents are searched.
        """
        world, needle = self._world, _needle(query)
        if not needle or _APART in needle:
            return []
        self._take_in_users()
        end = len(world.agents) if agents is None else agents
        found = np.flatnonzero(self._users.containing(needle)[:end])[: limit + 1].tolist()
        if needle.isdecimal() and int(needle) < end:
            found = [int(needle), *(i for i in found if i != int(needle))]
        return [int(i) for i in found[:limit]]

    def _take_in_users(self) -> None:
        world, known = self._world, len(self._users)
        for first in range(known, len(world.profiles), _BLOCK):
            some = range(first, min(first + _BLOCK, len(world.profiles)))
            rows = world.profiles.rows(some, _USER_FIELDS)
            lines = [_APART.join(str(r[f]) for f in _USER_FIELDS) for r in rows]
            self._users.extend(lines)


class _Folded:
    """A growing list of texts in lower case."""

    def __init__(self) -> None:
        self._blocks: list[pa.Array] = []
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def extend(self, texts: Sequence[str]) -> None:
        if not texts:
            return
        block = pa.array([_whole(t.casefold()) for t in texts], pa.large_string())
        self._size += len(block)
        while self._blocks and len(self._blocks[-1]) <= len(block):  # so that they stay few
            block = pa.concat_arrays([self._blocks.pop(), block])
        self._blocks.append(block)

    def containing(self, needle: str) -> NDArray[np.bool_]:
        """Return which texts contain the needle, bool[n]."""
        parts = [pc.match_substring(b, needle).to_numpy(zero_copy_only=False) for b in self._blocks]
        return np.concatenate([np.zeros(0, np.bool_), *parts])


def _needle(query: str) -> str:
    """Return the text to search for; '' for one that no text can contain."""
    needle = query.strip().casefold()
    return needle if _whole(needle) == needle else ""


def _whole(text: str) -> str:
    """Return the text with halves of surrogate pairs, which Arrow cannot hold, replaced."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
