"""Queries: what an agent learns when it searches, looks at trends or listens to its groups.

`QUERIES` is the one list of them. Language models, `Simulation.act` and `hubbub play` all answer
from it and differ only in how they show what was found.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hubbub.actions import ActionSpec, Kind
from hubbub.actions.spec import POST_KINDS
from hubbub.platform.rules import Platform
from hubbub.platform.search import Search
from hubbub.world import World

#: Most messages from an agent's groups in one answer.
MESSAGES = 20

#: What a query finds: ids of posts, ids of users, groups with their messages (see `_groups`), or
#: the feed, which is not found here: who shows it has it already.
Finds = Literal["posts", "users", "groups", "feed"]
#: Returns what an agent finds with a text ("" for a query that takes none).
Answer = Callable[[int, str], Any]


@dataclass(frozen=True, slots=True)
class QueryType:
    """A query: what it finds, and how.

    `prepare` reads at once whatever may change later, and returns a function that finds.
    """

    finds: Finds
    prepare: Callable[[Moment], Answer]


class Moment:
    """The world at one moment, for the queries of some agents. The world may move on afterwards.

    What can change (likes, members, who is awake) is read when a query is prepared: the queries in
    `names` at once, others when they are first asked. Items, texts and profiles never change;
    those that come later are not looked at. `step` is the last step that is over, and `agents`
    int32[n] are those who may ask.
    """

    def __init__(
        self,
        world: World,
        platform: Platform,
        agents: NDArray[np.int32],
        *,
        step: int,
        step_minutes: float,
        search: Search | None = None,
        names: Collection[str] = (),
    ) -> None:
        self.world, self.platform, self.agents = world, platform, agents
        self.step, self.step_minutes = step, step_minutes
        self.items, self.people = len(world.items), len(world.agents)
        self.search = search or Search(world)
        self._answers = {name: QUERIES[name].prepare(self) for name in names}

    def find(self, query: str, agent: int, text: str = "") -> Any:
        """Return what an agent finds with a query: of the kind that `QUERIES` says."""
        if query not in self._answers:
            self._answers[query] = QUERIES[query].prepare(self)
        return self._answers[query](agent, text)


def finds(spec: ActionSpec) -> Finds | None:
    """Return what an action finds, None if it is not a query."""
    return None if spec.query is None else QUERIES[spec.query].finds


def wanted(spec: ActionSpec, args: Mapping[str, Any]) -> str:
    """Return the text that is looked for with these arguments, "" if the action takes none."""
    arg = spec.arg("text")
    return str(args.get(arg.name, "")) if arg else ""


def _search_posts(moment: Moment) -> Answer:
    """Find ids of the newest posts that contain the text (any case) or have it as id."""
    found = cache(lambda text: moment.search.posts(text, moment.items))
    return lambda agent, text: found(text)


def _search_user(moment: Moment) -> Answer:
    """Find ids of agents whose user name, name or bio contains the text, or whose id it is."""
    found = cache(lambda text: moment.search.users(text, moment.people))
    return lambda agent, text: found(text)


def _trend(moment: Moment) -> Answer:
    """Find ids of the most liked posts of the last days, best first."""
    platform = moment.platform
    since = moment.step - round(platform.trend_days * 1440 / moment.step_minutes)
    found = trend(moment.world, since, platform.trend_size)
    return lambda agent, text: found


def trend(world: World, since_step: int, size: int) -> list[int]:
    """Return the `size` most liked posts not older than `since_step`, best first."""
    posts = np.flatnonzero(
        np.isin(world.items["kind"], POST_KINDS)
        & (world.items["kind"] != Kind.repost)
        & (world.items["step"] >= since_step)
    )
    likes = world.items["likes"][posts]
    if len(posts) > size > 0:  # only those that can be among the first need be put in order
        last = np.partition(likes, len(posts) - size)[len(posts) - size]
        able = np.append(np.flatnonzero(likes > last), np.flatnonzero(likes == last)[:size])
        posts, likes = posts[able], likes[able]
    order = np.lexsort((posts, -likes))
    return [int(i) for i in posts[order[:size]]]


def _groups(moment: Moment) -> Answer:
    """Find all groups, and what was written in the agent's own since it was last awake.

    ``{"groups": [...], "messages": [...]}``, dicts of group_id, name, members, joined, and of
    group_id, user_id, step, content: at most the MESSAGES newest, the oldest first.
    """
    world, items = moment.world, moment.world.items
    members = world.groups["members"].tolist()
    names = world.groups["text"].tolist()
    offsets, groups = world.sets["member"].rows(moment.agents)
    agents = moment.agents.tolist()
    joined = {a: groups[offsets[i] : offsets[i + 1]].tolist() for i, a in enumerate(agents)}
    since = dict(zip(agents, world.agents["last_awake"][moment.agents].tolist(), strict=True))

    @cache
    def messages() -> NDArray[np.int64]:
        return np.flatnonzero(items["kind"][: moment.items] == Kind.message)

    def find(agent: int, text: str) -> dict[str, list[dict[str, object]]]:
        mine = joined[agent]
        listed: list[dict[str, object]] = [
            {"group_id": g, "name": world.texts[name], "members": size, "joined": g in mine}
            for g, (name, size) in enumerate(zip(names, members, strict=True))
        ]
        new = messages() if mine else np.empty(0, np.int64)
        new = new[np.isin(items["ref"][new], mine) & (items["step"][new] >= since[agent])]
        columns = (items[c][new[-MESSAGES:]].tolist() for c in ("ref", "author", "step", "text"))
        sent: list[dict[str, object]] = [
            {"group_id": group, "user_id": author, "step": step, "content": world.texts[content]}
            for group, author, step, content in zip(*columns, strict=True)
        ]
        return {"groups": listed, "messages": sent}

    return find


#: All queries by the names that `Query(name)` takes.
QUERIES: dict[str, QueryType] = {
    "search_posts": QueryType("posts", _search_posts),
    "search_user": QueryType("users", _search_user),
    "trend": QueryType("posts", _trend),
    "groups": QueryType("groups", _groups),
    "slate": QueryType("feed", lambda moment: lambda agent, text: None),
}
