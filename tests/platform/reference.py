"""A platform in plain Python, one action at a time: what `hubbub.platform` must agree with.

Nothing here is vectorised, and every action is written out by hand from the table of meanings
(docs/actions.md), so that neither the action table nor the columns are taken on trust.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hubbub.rng import Streams

ENVIRONMENT_ONLY = {"interview", "sign_up", "sign_up_product", "configure", "reflect"}
POSTS = ("post", "repost", "quote")
#: Name of the pair set and of the counter that an agent's reaction to an item changes.
REACTIONS = {"like": "likes", "dislike": "dislikes", "report": "reports", "boost": "boosts"}


class RefusedError(Exception):
    """An action that changes nothing, with the reason."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What one agent asks for, with ids as it names them."""

    agent: int
    wave: int
    name: str
    target: int = -1
    reply_to: int = -1
    text: str | None = None
    amount: int = 0
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """The result."""

    ask: Ask
    reason: str
    target: int
    created: int


@dataclass(slots=True)
class Item:
    kind: str
    author: int
    step: int
    ref: int
    parent: int
    text: str
    counters: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Rules:
    allowed: set[str]
    allow_self_rating: bool
    exclusive_reactions: bool
    max_text_length: int


class Reference:
    """A society as lists, dicts and sets."""

    def __init__(
        self, names: Iterable[str], follows: Iterable[tuple[int, int]], rules: Rules, seed: int
    ) -> None:
        self.rules = rules
        self.step = 0
        self.names = list(names)
        self.joined = [0] * len(self.names)
        self.noticed = [-1] * len(self.names)
        self.items: list[Item] = []
        self.groups: list[tuple[int, int, str]] = []  # founder, step, name
        self.products: list[str] = []
        self.sales: Counter[int] = Counter()
        self.sets: dict[str, set[tuple[int, int]]] = {
            name: set() for name in ("mute", "member", "repost", *REACTIONS)
        }
        self.sets["follow"] = set(follows)
        self.notes: list[tuple[int, int, str, int, int]] = []
        self.settings: dict[str, Any] = {}
        self._streams = Streams(seed)
        self._mark()

    def carry_out(
        self, asks: Iterable[Ask], step: int, *, environment: bool = False
    ) -> list[Result]:
        """Do what is asked, one after the other, and return the result of each."""
        self.step = step
        asks = list(asks)
        key = {a.agent: self._key(a.agent) for a in asks}
        results = []
        for wave in sorted({a.wave for a in asks}):
            self._mark()
            now = [a for a in asks if a.wave == wave]
            for ask in sorted(now, key=lambda a: (key[a.agent], a.agent)):
                results.append(self._one(ask, environment=environment))
        return results

    # -- one action -----------------------------------------------------------------------------

    def _one(self, ask: Ask, *, environment: bool) -> Result:
        self._target = ask.target
        self._created = -1
        if ask.refused:
            return Result(ask, ask.refused, -1, -1)
        try:
            self._allowed(ask.name, environment=environment)
            getattr(self, ask.name)(ask)
        except RefusedError as refused:
            return Result(ask, str(refused), self._target, -1)
        return Result(ask, "ok", self._target, self._created)

    def do_nothing(self, ask: Ask) -> None:
        """Change nothing."""

    refresh = search_posts = search_user = trend = listen_from_group = do_nothing

    def create_post(self, ask: Ask) -> None:
        self._good(ask.text)
        self._insert("post", ask, ref=-1, parent=-1)

    def repost(self, ask: Ask) -> None:
        target = self._post(ask.target)
        self._new_pair("repost", ask.agent, target)
        self._insert("repost", ask, ref=target, parent=ask.target)
        self.items[target].counters["shares"] += 1
        self._note(self.items[target].author, ask, self._created)

    def quote_post(self, ask: Ask) -> None:
        target = self._post(ask.target)
        if self.items[target].kind == "quote":
            target = self._target = self.items[target].ref
        self._good(ask.text)
        self._insert("quote", ask, ref=target, parent=ask.target)
        self.items[target].counters["shares"] += 1
        self._note(self.items[target].author, ask, self._created)

    def create_comment(self, ask: Ask) -> None:
        target = answered = self._post(ask.target)
        if ask.reply_to != -1:
            answered = ask.reply_to
            if not self._is(answered, ("comment",)) or self.items[answered].ref != target:
                raise RefusedError("not_found")
        self._good(ask.text)
        self._insert("comment", ask, ref=target, parent=answered)
        self.items[target].counters["comments"] += 1
        author = self.items[answered].author
        self._note(author, ask, self._created)
        if author != ask.agent:
            self.noticed[author] = self.step

    def like_post(self, ask: Ask) -> None:
        self._react("like", ask, self._post(ask.target), "dislike")

    def dislike_post(self, ask: Ask) -> None:
        self._react("dislike", ask, self._post(ask.target), "like")

    def like_comment(self, ask: Ask) -> None:
        self._react("like", ask, self._comment(ask.target), "dislike")

    def dislike_comment(self, ask: Ask) -> None:
        self._react("dislike", ask, self._comment(ask.target), "like")

    def unlike_post(self, ask: Ask) -> None:
        self._undo("like", ask, self._post(ask.target))

    def undo_dislike_post(self, ask: Ask) -> None:
        self._undo("dislike", ask, self._post(ask.target))

    def unlike_comment(self, ask: Ask) -> None:
        self._undo("like", ask, self._comment(ask.target))

    def undo_dislike_comment(self, ask: Ask) -> None:
        self._undo("dislike", ask, self._comment(ask.target))

    def report_post(self, ask: Ask) -> None:
        target = self._post(ask.target)
        self._new_pair("report", ask.agent, target)
        self.items[target].counters["reports"] += 1

    def follow(self, ask: Ask) -> None:
        self._new_pair("follow", ask.agent, self._other(ask))
        self._note(ask.target, ask, -1)

    def unfollow(self, ask: Ask) -> None:
        self._old_pair("follow", ask.agent, self._other(ask), "absent")

    def mute(self, ask: Ask) -> None:
        self._new_pair("mute", ask.agent, self._other(ask))

    def unmute(self, ask: Ask) -> None:
        self._old_pair("mute", ask.agent, self._other(ask), "absent")

    def create_group(self, ask: Ask) -> None:
        self._good(ask.text)
        self._created = len(self.groups)
        self.groups.append((ask.agent, self.step, str(ask.text)))
        self.sets["member"].add((ask.agent, self._created))

    def join_group(self, ask: Ask) -> None:
        self._known(ask.target, self._groups)
        self._new_pair("member", ask.agent, ask.target)

    def leave_group(self, ask: Ask) -> None:
        self._known(ask.target, self._groups)
        self._old_pair("member", ask.agent, ask.target, "not_member")

    def send_to_group(self, ask: Ask) -> None:
        self._known(ask.target, self._groups)
        if (ask.agent, ask.target) not in self.sets["member"]:
            raise RefusedError("not_member")
        self._good(ask.text)
        self._insert("message", ask, ref=ask.target, parent=-1)

    def purchase_product(self, ask: Ask) -> None:
        self._known(ask.target, self._products)
        if ask.amount < 1:
            raise RefusedError("bad_quantity")
        self.sales[ask.target] += ask.amount

    def interview(self, ask: Ask) -> None:
        self._good(ask.text)

    reflect = interview

    def sign_up(self, ask: Ask) -> None:
        name = json.loads(str(ask.text))["user_name"]
        if name in self.names:
            raise RefusedError("duplicate")
        self._created = len(self.names)
        self.names.append(name)
        self.joined.append(self.step)
        self.noticed.append(-1)

    def sign_up_product(self, ask: Ask) -> None:
        self._good(ask.text)
        if ask.text in self.products:
            raise RefusedError("duplicate")
        self._created = len(self.products)
        self.products.append(str(ask.text))

    def configure(self, ask: Ask) -> None:
        self.settings.update(json.loads(str(ask.text)))

    # -- own actions, as a user would add them ----------------------------------------------------

    def boost(self, ask: Ask) -> None:
        target = self._post(ask.target)
        self._react("boost", ask, target)
        self._note(self.items[target].author, ask, target)

    def look_at_comment(self, ask: Ask) -> None:
        self.items[self._comment(ask.target)].counters["views"] += 1

    def shun(self, ask: Ask) -> None:
        pair = (ask.agent, self._other(ask))
        self.sets["mute"].add(pair)
        self.sets["follow"].discard(pair)

    def open_channel(self, ask: Ask) -> None:
        self.create_group(ask)

    # -- preconditions ----------------------------------------------------------------------------

    def _mark(self) -> None:
        """Remember what exists as a wave begins: an action may name nothing newer."""
        self._items, self._agents = len(self.items), len(self.names)
        self._groups, self._products = len(self.groups), len(self.products)

    def _allowed(self, name: str, *, environment: bool) -> None:
        if not (environment if name in ENVIRONMENT_ONLY else name in self.rules.allowed):
            raise RefusedError("not_allowed")

    def _known(self, id_: int, size: int) -> None:
        if not 0 <= id_ < size:
            raise RefusedError("not_found")

    def _is(self, item: int, kinds: tuple[str, ...]) -> bool:
        return 0 <= item < self._items and self.items[item].kind in kinds

    def _post(self, item: int) -> int:
        if not self._is(item, POSTS):
            raise RefusedError("not_found")
        if self.items[item].kind == "repost":
            item = self.items[item].ref
        self._target = item
        return item

    def _comment(self, item: int) -> int:
        if not self._is(item, ("comment",)):
            raise RefusedError("not_found")
        return item

    def _other(self, ask: Ask) -> int:
        self._known(ask.target, self._agents)
        if ask.target == ask.agent:
            raise RefusedError("self_target")
        return ask.target

    def _good(self, text: str | None) -> None:
        if not (text or "").strip() or len(str(text)) > self.rules.max_text_length:
            raise RefusedError("bad_text")

    def _new_pair(self, name: str, agent: int, target: int) -> None:
        if (agent, target) in self.sets[name]:
            raise RefusedError("duplicate")
        self.sets[name].add((agent, target))

    def _old_pair(self, name: str, agent: int, target: int, reason: str) -> None:
        if (agent, target) not in self.sets[name]:
            raise RefusedError(reason)
        self.sets[name].remove((agent, target))

    # -- effects ----------------------------------------------------------------------------------

    def _react(self, name: str, ask: Ask, target: int, other: str | None = None) -> None:
        if self.items[target].author == ask.agent and not self.rules.allow_self_rating:
            raise RefusedError("self_rating")
        self._new_pair(name, ask.agent, target)
        self.items[target].counters[REACTIONS[name]] += 1
        if other and self.rules.exclusive_reactions and (ask.agent, target) in self.sets[other]:
            self.sets[other].remove((ask.agent, target))
            self.items[target].counters[REACTIONS[other]] -= 1

    def _undo(self, name: str, ask: Ask, target: int) -> None:
        self._old_pair(name, ask.agent, target, "absent")
        self.items[target].counters[REACTIONS[name]] -= 1

    def _insert(self, kind: str, ask: Ask, *, ref: int, parent: int) -> None:
        self._created = len(self.items)
        text = ask.text or ""
        self.items.append(Item(kind, ask.agent, self.step, ref, parent, text))
        if kind == "message":
            return
        for name in dict.fromkeys(re.findall(r"@(\w+)", text)):
            if name in self.names[: self._agents]:
                agent = self.names.index(name)
                if agent != ask.agent:
                    self.noticed[agent] = self.step
                    self.notes.append((agent, ask.agent, "mention", self._created, self.step))

    def _note(self, recipient: int, ask: Ask, item: int) -> None:
        if recipient != ask.agent:
            self.notes.append((recipient, ask.agent, ask.name, item, self.step))

    def _key(self, agent: int) -> int:
        stream = self._streams.at("order", self.step)
        return int(stream.scramble(np.array([agent], np.int32))[0])
