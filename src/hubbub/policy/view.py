"""What one agent sees, as text: for users, scripts and anything else that reads text."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hubbub.actions import Kind
from hubbub.actions.social import custom_counters
from hubbub.policy.base import Observation
from hubbub.policy.notices import recent_notices
from hubbub.world import World
from hubbub.world.world import MENTION


@dataclass(frozen=True, slots=True)
class CommentView:
    """A comment as it is shown. Counts are None where the platform shows scores, and vice versa.

    `counters` are those of custom actions, by name.
    """

    id: int
    user_name: str
    content: str
    age_minutes: float
    likes: int | None
    dislikes: int | None
    score: int | None
    counters: dict[str, int] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class PostView:
    """A post as it is shown.

    `id` is what actions refer to; `shared_by` is the agent whose repost it came through; `quoted`
    the text of the post that it quotes (not if its author is muted). `warning` mentions reports,
    from the platform's threshold on. `counters` are those of custom actions, by name.
    """

    id: int
    user_id: int
    user_name: str
    content: str
    quoted: str | None
    shared_by: str | None
    age_minutes: float
    likes: int | None
    dislikes: int | None
    shares: int
    score: int | None
    warning: str | None
    comments: tuple[CommentView, ...]
    counters: dict[str, int] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that happened to the agent since it was last awake.

    `what` is the action (follow, repost, create_comment, ...) or `mention`.
    """

    what: str
    user_id: int
    user_name: str
    item: int | None


@dataclass(frozen=True, slots=True)
class GroupView:
    """A group that the agent is in."""

    id: int
    name: str
    members: int


@dataclass(frozen=True, slots=True)
class AgentView:
    """All that an agent is shown when it wakes.

    `counters` are the agent's own counters of custom actions, by name.
    """

    user_id: int
    user_name: str
    followers: int
    followings: int
    posts: tuple[PostView, ...]
    notices: tuple[Notice, ...]
    groups: tuple[GroupView, ...]
    counters: dict[str, int] = field(default_factory=dict, hash=False)


def view(obs: Observation, row: int) -> AgentView:
    """Return what the agent in this row of the observation is shown."""
    world, agent = obs.world, int(obs.agents[row])
    shown = slice(int(obs.slate.offsets[row]), int(obs.slate.offsets[row + 1]))
    _, notes = recent_notices(world, np.array([agent]))
    names = _names(obs, agent, shown, notes)
    return AgentView(
        user_id=agent,
        user_name=names[agent],
        followers=int(world.agents["followers"][agent]),
        followings=int(world.agents["followings"][agent]),
        posts=tuple(_post(obs, agent, at, names) for at in range(shown.start, shown.stop)),
        notices=tuple(_notice(world, int(note), names) for note in notes),
        groups=tuple(_groups(world, agent)),
        counters={n: int(world.agents[n][agent]) for n in custom_counters(world.table, "agent")},
    )


def _names(obs: Observation, agent: int, shown: slice, notes: NDArray[np.int32]) -> dict[int, str]:
    """Return the user names of all who are in the view."""
    world, (offsets, comments) = obs.world, obs.comments
    posts = obs.slate.items[shown]
    below = comments[offsets[shown.start] : offsets[shown.stop]]
    items = np.concatenate([posts, world.targets(posts), below])
    actors = world.notes["actor"][notes]
    ids = np.unique(np.concatenate([[agent], world.items["author"][items], actors])).tolist()
    return dict(zip(ids, world.profiles.user_names(ids), strict=True))


def _post(obs: Observation, agent: int, at: int, names: dict[int, str]) -> PostView:
    world, items = obs.world, obs.world.items
    shown = int(obs.slate.items[at])
    post = int(world.targets(np.array([shown]))[0])
    author, reports = int(items["author"][post]), int(items["reports"][post])
    original = int(items["ref"][post]) if items["kind"][post] == Kind.quote else -1
    if original >= 0 and _muted(world, agent, int(items["author"][original])):
        original = -1
    below = obs.comments[1][obs.comments[0][at] : obs.comments[0][at + 1]]
    return PostView(
        id=shown,
        user_id=author,
        user_name=names[author],
        content=world.item(post).content,
        quoted=world.item(original).content if original >= 0 else None,
        shared_by=names[int(items["author"][shown])] if shown != post else None,
        age_minutes=_age(obs, post),
        likes=_count(obs, "likes", post),
        dislikes=_count(obs, "dislikes", post),
        shares=int(items["shares"][post]),
        score=_score(obs, post),
        warning=f"reported by {reports} users" if reports >= obs.report_threshold else None,
        comments=tuple(_comment(obs, int(c), names) for c in below),
        counters=_counters(world, post),
    )


def _comment(obs: Observation, item: int, names: dict[int, str]) -> CommentView:
    return CommentView(
        id=item,
        user_name=names[int(obs.world.items["author"][item])],
        content=obs.world.item(item).content,
        age_minutes=_age(obs, item),
        likes=_count(obs, "likes", item),
        dislikes=_count(obs, "dislikes", item),
        score=_score(obs, item),
        counters=_counters(obs.world, item),
    )


def _counters(world: World, item: int) -> dict[str, int]:
    return {n: int(world.items[n][item]) for n in custom_counters(world.table, "item")}


def _notice(world: World, note: int, names: dict[int, str]) -> Notice:
    code, item = int(world.notes["action"][note]), int(world.notes["item"][note])
    actor = int(world.notes["actor"][note])
    what = "mention" if code == MENTION else world.table[code].name
    return Notice(what, actor, names[actor], item if item >= 0 else None)


def _groups(world: World, agent: int) -> list[GroupView]:
    if not len(world.groups):
        return []
    names, members = world.groups["text"], world.groups["members"]
    return [
        GroupView(int(g), world.texts[int(names[g])], int(members[g]))
        for g in world.sets["member"].rows(np.array([agent]))[1]
    ]


def _muted(world: World, agent: int, author: int) -> bool:
    return bool(world.sets["mute"].contains(np.array([agent]), np.array([author]))[0])


def _age(obs: Observation, item: int) -> float:
    return float((obs.step - int(obs.world.items["step"][item])) * obs.step_minutes)


def _count(obs: Observation, name: str, item: int) -> int | None:
    return None if obs.show_score else int(obs.world.items[name][item])


def _score(obs: Observation, item: int) -> int | None:
    if not obs.show_score:
        return None
    return int(obs.world.items["likes"][item]) - int(obs.world.items["dislikes"][item])
