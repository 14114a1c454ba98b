"""What agents learn when they ask."""

from __future__ import annotations

from typing import Any

import pytest

from hubbub.actions import SOCIAL, Action, ActionBatch
from hubbub.config.scenario import PlatformConfig
from hubbub.platform import Platform, apply, queries
from hubbub.world import World

EVERYTHING = Platform.from_config(PlatformConfig(actions="all"), SOCIAL)


def do(world: World, agent: int, name: str, step: int = 1, /, **args: Any) -> None:
    batch = ActionBatch.from_actions(SOCIAL, [(agent, [Action(name, **args)])], world.product)
    events = apply(EVERYTHING, world, batch, step, environment=True)
    assert events.reason.tolist() == [0]


@pytest.fixture
def world(make_world: Any) -> World:
    made: World = make_world(5, follows=0)
    do(made, 0, "create_post", content="The Lamp is lit")
    do(made, 1, "repost", post_id=0)
    do(made, 2, "quote_post", post_id=0, content="a lamp? STRASSE 0")
    do(made, 3, "create_comment", post_id=0, content="my lamp")
    do(made, 4, "create_post", 5, content="dark")
    do(made, 4, "sign_up", 5, profile={"user_name": "new", "name": "Lampard", "bio": "x"})
    return made


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("lamp", [2, 0]),  # newest first; neither reposts nor comments
        (" LAMP ", [2, 0]),
        ("straße", [2]),
        ("0", [0, 2]),  # the id, then texts
        ("1", []),  # a repost has no text of its own
        ("4", [4]),
        ("99", []),
        ("", []),
        ("  ", []),
        ("nothing", []),
        ("-1", []),
        ("²", []),
    ],
)
def test_search_posts(world: World, query: str, found: list[int]) -> None:
    assert queries.search_posts(world, query) == found


def test_search_posts_has_a_limit(world: World) -> None:
    assert queries.search_posts(world, "lamp", limit=1) == [2]
    assert queries.search_posts(world, "0", limit=1) == [0]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("USER_", [0, 1, 2, 3, 4]),
        ("lampard", [5]),
        ("3", [3]),
        ("5", [5]),
        ("6", []),
        ("", []),
        ("nobody", []),
    ],
)
def test_search_user(world: World, query: str, found: list[int]) -> None:
    assert queries.search_user(world, query) == found


def test_search_user_has_a_limit(world: World) -> None:
    assert queries.search_user(world, "user_", limit=2) == [0, 1]


def test_trend(world: World) -> None:
    for agent, post in ((1, 2), (3, 2), (0, 1), (1, 4), (2, 4), (3, 4)):
        do(world, agent, "like_post", 6, post_id=post)
    assert queries.trend(world, 0, 5) == [4, 2, 0]
    assert queries.trend(world, 0, 2) == [4, 2]
    assert queries.trend(world, 2, 5) == [4]
    assert queries.trend(world, 7, 5) == []


def test_groups(world: World) -> None:
    do(world, 0, "create_group", 6, name="chess")
    do(world, 1, "create_group", 6, name="go")
    do(world, 2, "join_group", 6, group_id=0)
    do(world, 0, "send_to_group", 6, group_id=0, content="e4")
    do(world, 1, "send_to_group", 6, group_id=1, content="secret")
    do(world, 2, "send_to_group", 6, group_id=0, content="e5")
    seen = queries.groups(world, 2)
    assert seen["groups"] == [
        {"group_id": 0, "name": "chess", "members": 2, "joined": True},
        {"group_id": 1, "name": "go", "members": 1, "joined": False},
    ]
    assert seen["messages"] == [
        {"group_id": 0, "user_id": 0, "step": 6, "content": "e4"},
        {"group_id": 0, "user_id": 2, "step": 6, "content": "e5"},
    ]
    assert [m["content"] for m in queries.groups(world, 2, limit=1)["messages"]] == ["e5"]
    assert queries.groups(world, 4)["messages"] == []
    world.agents["last_awake"][2] = 7
    assert queries.groups(world, 2)["messages"] == []
