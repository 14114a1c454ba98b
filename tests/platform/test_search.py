"""Searching agrees with looking at everything, and bounds hold while the world grows."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hubbub.actions import SOCIAL, Action, ActionBatch
from hubbub.config.scenario import PlatformConfig
from hubbub.embed import make_encoder
from hubbub.platform import Platform, apply
from hubbub.platform.queries import trend
from hubbub.platform.search import Search
from hubbub.world import World
from societies import TOPICS, small_population

EVERYTHING = Platform.from_config(PlatformConfig(actions="all"), SOCIAL)
words = st.text("aAbßS0\n\ud800é ", min_size=1, max_size=4)


def do(world: World, agent: int, name: str, /, **args: Any) -> None:
    batch = ActionBatch.from_actions(SOCIAL, [(agent, [Action(name, **args)])], world.product)
    apply(EVERYTHING, world, batch, world.step + 1, environment=True)


def posts_by_looking(world: World, needle: str, items: int) -> list[int]:
    found = [
        i
        for i in reversed(range(items))
        if world.item(i).kind in ("post", "quote") and needle in world.item(i).content.casefold()
    ]
    if needle.isdecimal() and int(needle) < items and world.item(int(needle)).kind == "post":
        found = [int(needle), *(i for i in found if i != int(needle))]
    return found[:10]


def users_by_looking(world: World, needle: str, agents: int) -> list[int]:
    found = [
        i
        for i in range(agents)
        if any(needle in str(world.profiles[i][f]).casefold() for f in ("user_name", "name", "bio"))
    ]
    if needle.isdecimal() and int(needle) < agents:
        found = [int(needle), *(i for i in found if i != int(needle))]
    return found[:10]


@given(st.lists(words, max_size=20), st.lists(words, max_size=10), words)
def test_finds_what_looking_finds(texts: list[str], bios: list[str], query: str) -> None:
    world = World(SOCIAL, list(TOPICS), make_encoder("hashing", 64), small_population(3))
    search = Search(world)
    needle = query.strip().casefold()
    bounds = []
    for k in range(max(len(texts), len(bios))):
        if k < len(texts):
            do(world, 0, "create_post", content=texts[k])
        if k < len(bios):
            profile = {"user_name": f"new{k}", "name": f"new{k}", "bio": bios[k]}
            do(world, -1, "sign_up", profile=profile)
        bounds.append((len(world.items), len(world.agents)))
        search.posts(query)
        search.users(query)
    for items, agents in bounds:
        usable = bool(needle) and "\ud800" not in needle
        expected = posts_by_looking(world, needle, items) if usable else []
        assert search.posts(query, items) == expected
        usable = usable and "\n" not in needle
        expected = users_by_looking(world, needle, agents) if usable else []
        assert search.users(query, agents) == expected


@given(st.lists(st.integers(0, 3), max_size=30), st.integers(0, 8))
def test_trend_is_the_first_of_all_by_likes(likes: list[int], size: int) -> None:
    world = World(SOCIAL, list(TOPICS), make_encoder("hashing", 64), small_population(3))
    for k in range(len(likes)):
        do(world, 0, "create_post", content=f"post {k}")
    world.items["likes"][:] = likes
    order = sorted(range(len(likes)), key=lambda i: (-likes[i], i))
    assert trend(world, 0, size) == order[:size]
