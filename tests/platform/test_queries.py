"""What agents learn when they ask."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hubbub.actions import SOCIAL, Action, ActionBatch
from hubbub.config.scenario import PlatformConfig
from hubbub.platform import Platform, apply
from hubbub.platform.queries import MESSAGES, QUERIES, Moment, finds, trend, wanted
from hubbub.platform.search import FOUND
from hubbub.world import World

EVERYTHING = Platform.from_config(PlatformConfig(actions="all"), SOCIAL)


def do(world: World, agent: int, name: str, step: int = 1, /, **args: Any) -> None:
    batch = ActionBatch.from_actions(SOCIAL, [(agent, [Action(name, **args)])], world.product)
    events = apply(EVERYTHING, world, batch, step, environment=True)
    assert events.reason.tolist() == [0]


def moment(world: World, *agents: int, **options: Any) -> Moment:
    asking = np.array(agents or [0], np.int32)
    return Moment(world, EVERYTHING, asking, step=world.step, step_minutes=60, **options)


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
    assert moment(world).find("search_posts", 0, query) == found


def test_search_posts_has_a_limit(world: World) -> None:
    for number in range(FOUND):
        do(world, 0, "create_post", 6, content=f"lamp {number}")
    assert moment(world).find("search_posts", 0, "lamp") == list(range(14, 4, -1))
    assert moment(world).find("search_posts", 0, "0") == [0, 5, 2]


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
    assert moment(world).find("search_user", 0, query) == found


def test_trend(world: World) -> None:
    for agent, post in ((1, 2), (3, 2), (0, 1), (1, 4), (2, 4), (3, 4)):
        do(world, agent, "like_post", 6, post_id=post)
    assert trend(world, 0, 5) == [4, 2, 0]
    assert trend(world, 0, 2) == [4, 2]
    assert trend(world, 2, 5) == [4]
    assert trend(world, 7, 5) == []


def test_groups(world: World) -> None:
    do(world, 0, "create_group", 6, name="chess")
    do(world, 1, "create_group", 6, name="go")
    do(world, 2, "join_group", 6, group_id=0)
    do(world, 0, "send_to_group", 6, group_id=0, content="e4")
    do(world, 1, "send_to_group", 6, group_id=1, content="secret")
    do(world, 2, "send_to_group", 6, group_id=0, content="e5")
    seen = groups(world, 2)
    assert seen["groups"] == [
        {"group_id": 0, "name": "chess", "members": 2, "joined": True},
        {"group_id": 1, "name": "go", "members": 1, "joined": False},
    ]
    assert seen["messages"] == [
        {"group_id": 0, "user_id": 0, "step": 6, "content": "e4"},
        {"group_id": 0, "user_id": 2, "step": 6, "content": "e5"},
    ]
    assert groups(world, 4)["messages"] == []
    for number in range(MESSAGES):
        do(world, 0, "send_to_group", 7, group_id=0, content=f"move {number}")
    assert [m["content"] for m in groups(world, 2)["messages"]] == [
        f"move {number}" for number in range(MESSAGES)
    ]
    world.agents["last_awake"][2] = 8
    assert groups(world, 2)["messages"] == []


def groups(world: World, agent: int) -> Any:
    return moment(world, agent).find("groups", agent)


def test_trend_looks_back_some_days(world: World) -> None:
    world.step = 5 + 24 * EVERYTHING.trend_days
    assert moment(world).find("trend", 0) == [4]
    assert moment(world, names=QUERIES).find("trend", 0) == [4]


def test_what_is_prepared_is_answered_as_it_was(world: World) -> None:
    texts = {"search_posts": "lamp", "search_user": "lampard"}
    do(world, 0, "create_group", 6, name="chess")
    before = moment(world, 0, names=QUERIES)
    found = {name: moment(world, 0).find(name, 0, texts.get(name, "")) for name in QUERIES}
    do(world, 1, "like_post", 6, post_id=4)
    do(world, 1, "create_post", 6, content="Lamp!")
    do(world, 1, "join_group", 6, group_id=0)
    do(world, 0, "send_to_group", 6, group_id=0, content="e4")
    do(world, 4, "sign_up", 6, profile={"user_name": "newer", "name": "Lampard", "bio": "x"})
    assert {name: before.find(name, 0, texts.get(name, "")) for name in QUERIES} == found
    now = {name: moment(world, 0).find(name, 0, texts.get(name, "")) for name in QUERIES}
    assert {name for name in QUERIES if now[name] != found[name]} == {*QUERIES} - {"slate"}


def test_every_built_in_query_action_has_its_entry() -> None:
    made = {spec.name: (spec.query, finds(spec)) for spec in SOCIAL if spec.query is not None}
    assert made == {
        "refresh": ("slate", "feed"),
        "search_posts": ("search_posts", "posts"),
        "search_user": ("search_user", "users"),
        "trend": ("trend", "posts"),
        "listen_from_group": ("groups", "groups"),
    }
    assert finds(SOCIAL.spec("follow")) is None
    assert wanted(SOCIAL.spec("search_user"), {"query": "ann"}) == "ann"
    assert wanted(SOCIAL.spec("trend"), {}) == ""
