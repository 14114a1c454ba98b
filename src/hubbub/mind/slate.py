"""Slates as text: each post and comment of an observation is written once."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from hubbub.actions import Kind
from hubbub.actions.social import custom_counters
from hubbub.config.prompts import PromptConfig
from hubbub.mind.quoting import called, one_line
from hubbub.mind.turn_records import Reference
from hubbub.mind.words import Words
from hubbub.policy import Observation
from hubbub.world import World

_KEPT = 100_000  # names and texts kept ready, of each kind


class Quotes:
    """Names and texts of a world, made safe for a prompt. They never change."""

    def __init__(self, world: World, prompt: PromptConfig) -> None:
        self._world = world
        self._limits = {"post": prompt.post_chars, "comment": prompt.comment_chars}
        self._texts: dict[tuple[int, str], str] = {}
        self._names: dict[int, str] = {}

    def text(self, text: int, kind: str = "post") -> str:
        """Return a text of the world by its id, cut to the length of posts or comments."""
        known = self._texts.get((text, kind))
        if known is None:
            if len(self._texts) >= _KEPT:
                self._texts.clear()
            known = self._texts[text, kind] = self.cut(self._world.texts[text], kind)
        return known

    def cut(self, text: str, kind: str = "post") -> str:
        """Return a text cut as posts or comments are."""
        return one_line(text, self._limits[kind])

    def names(self, agents: NDArray[np.int32]) -> list[str]:
        """Return the names of these agents; "" for negative ids."""
        wanted = agents.tolist()
        names = self._names
        missing = [a for a in dict.fromkeys(wanted) if a not in names]
        if missing:
            if len(names) >= _KEPT:
                names.clear()
                missing = list(dict.fromkeys(wanted))
            missing = [a for a in missing if a >= 0]
            rows = self._world.profiles.rows(missing, ("user_name", "name"))
            found = [called(str(r["name"]), str(r["user_name"])) for r in rows]
            names |= zip(missing, found, strict=True)
            names[-1] = ""
        return [names[a] for a in wanted]

    def ago(self, minutes: float, words: Words) -> str:
        """Return an age in one unit: minutes, hours, or days from two days on."""
        if minutes < 60:
            return f"{int(minutes)}{words.minutes}"
        if minutes < 2 * 1440:
            return f"{int(minutes / 60)}{words.hours}"
        return f"{int(minutes / 1440)}{words.days}"


class SlateLines:
    """Lines and references of everything that an observation shows.

    `posts` int64[m] and `comments` int64[c] give, for every shown item and comment of the
    observation, the row of its line. Lines are requested by row and written at the first request,
    once per language.
    """

    def __init__(self, obs: Observation, quotes: Quotes) -> None:
        self._obs, self._quotes = obs, quotes
        shown, self.posts = np.unique(obs.slate.items, return_inverse=True)
        below, self.comments = np.unique(obs.comments[1], return_inverse=True)
        items = obs.world.items
        target = obs.world.targets(shown)
        author = items["author"][target]
        quoting = items["kind"][target] == Kind.quote
        original = np.where(quoting, items["ref"][target], -1)
        sharer = np.where(target != shown, items["author"][shown], -1)
        self.quoted = np.where(original >= 0, items["author"][original], -1)
        self._post_rows = list(
            zip(
                target.tolist(),
                quotes.names(author),
                quotes.names(sharer),
                np.where(original >= 0, items["text"][original], -1).tolist(),
                items["reports"][target].tolist(),
                strict=True,
            )
        )
        commenter = items["author"][below]
        self._comment_rows = list(zip(below.tolist(), quotes.names(commenter), strict=True))
        self.post_things = _things("post", shown, author)
        self.comment_things = _things("comment", below, commenter)
        custom = custom_counters(obs.world.table, "item")
        self._custom = [name.replace("_", " ") for name in custom]
        counters = ("step", "text", "likes", "dislikes", "shares", *custom)
        self._columns = {
            item: row
            for ids in (target, below)
            for item, row in zip(
                ids.tolist(),
                zip(*(items[c][ids].tolist() for c in counters), strict=True),
                strict=True,
            )
        }

    def post(self, row: int, words: Words, *, quoted: bool = True) -> str:
        """Return the line of a post without its number, with or without what it quotes."""
        item, name, sharer, original, reports = self._post_rows[row]
        step, text, *counts = self._columns[item]
        obs = self._obs
        age = self._quotes.ago((obs.step - step) * obs.step_minutes, words)
        parts = [f"{name} {age}{self._counts(counts, words)}"]
        if sharer:
            parts.append(f"{words.shared_by} {sharer}")
        if reports >= obs.report_threshold:
            parts.append(f"{words.reported_by} {reports}")
        line = f"{', '.join(parts)}: {self._quotes.text(text)}"
        if quoted and original >= 0:
            line += f" «{self._quotes.text(original, 'comment')}»"
        return line

    def comment(self, row: int, words: Words) -> str:
        """Return the line of a comment without its number."""
        item, name = self._comment_rows[row]
        _, text, *counts = self._columns[item]
        body = self._quotes.text(text, "comment")
        return f"{name}{self._counts(counts, words)}: {body}"

    def _counts(self, counts: Iterable[int], words: Words) -> str:
        """Return the counts after a blank, zeros left out: score, or likes, dislikes and reposts.

        The counters of custom actions follow.
        """
        likes, dislikes, shares, *custom = counts
        text = ""
        named: list[tuple[int, str]] = []
        if self._obs.show_score:
            score = likes - dislikes
            text = f" {score:+d}" if score else ""
        else:
            named += ((likes, words.likes), (dislikes, words.dislikes), (shares, words.shares))
        named += zip(custom, self._custom, strict=True)
        return text + "".join(f" {count} {name}" for count, name in named if count)


def _things(kind: str, ids: NDArray[np.int32], authors: NDArray[np.int32]) -> list[Reference]:
    pairs = zip(ids.tolist(), authors.tolist(), strict=True)
    return [Reference(kind, i, a) for i, a in pairs]  # type: ignore[arg-type]
