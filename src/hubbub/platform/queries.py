"""Queries: what an agent learns when it searches, looks at trends or listens to its groups."""

from __future__ import annotations

import numpy as np

from hubbub.actions import Kind
from hubbub.actions.spec import POST_KINDS
from hubbub.platform.search import FOUND, Search
from hubbub.world import World


def search_posts(world: World, query: str, limit: int = FOUND) -> list[int]:
    """Return ids of the newest posts that contain the query (any case) or have it as id."""
    return Search(world).posts(query, limit=limit)


def search_user(world: World, query: str, limit: int = FOUND) -> list[int]:
    """Return ids of agents whose user name, name or bio contains the query, or whose id it is."""
    return Search(world).users(query, limit=limit)


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


def groups(world: World, agent: int, limit: int = 20) -> dict[str, list[dict[str, object]]]:
    """Return all groups, and what was written in the agent's own since it was last awake.

    At most the `limit` newest messages, oldest first.
    """
    mine = set(world.sets["member"].partners(agent).tolist())
    listed: list[dict[str, object]] = [
        {
            "group_id": g,
            "name": world.texts[int(world.groups["text"][g])],
            "members": int(world.groups["members"][g]),
            "joined": g in mine,
        }
        for g in range(len(world.groups))
    ]
    sent = world.items["kind"] == Kind.message
    sent &= np.isin(world.items["ref"], list(mine))
    sent &= world.items["step"] >= world.agents["last_awake"][agent]
    messages: list[dict[str, object]] = [
        {
            "group_id": int(world.items["ref"][i]),
            "user_id": int(world.items["author"][i]),
            "step": int(world.items["step"][i]),
            "content": world.texts[int(world.items["text"][i])],
        }
        for i in np.flatnonzero(sent)[-limit:]
    ]
    return {"groups": listed, "messages": messages}
