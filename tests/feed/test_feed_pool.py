"""The pool is the same whether all posts of the window are scored or only the contenders."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from town import Town

from hubbub.actions import Kind
from hubbub.feed import sources
from hubbub.feed.sources import Interest, LivePosts, Trending, draw_pool
from hubbub.time import Clock
from hubbub.world import World

MIXED = ((Interest(), 0.75), (Trending(), 0.25))


def crowded(posts: int, steps: int, seed: int, year: int = 2024) -> LivePosts:
    """Return many posts, a few of which have many likes or authors with many followers."""
    town = Town(300, [])
    world: World = town.world
    rng = np.random.default_rng(seed)
    world.agents["followers"][:] = np.floor(rng.pareto(0.5, 300) * 50).clip(max=200_000)
    world.items.extend(
        posts,
        kind=int(Kind.post),
        author=rng.integers(0, 300, posts),
        step=np.sort(rng.integers(1, steps + 1, posts)),
        likes=np.floor(rng.pareto(0.6, posts)).clip(max=50_000),
        dislikes=np.floor(rng.pareto(0.9, posts) * 0.5).clip(max=50_000),
    )
    clock = Clock(datetime(year, 1, 1, tzinfo=UTC), 3.0)
    items = np.arange(posts, dtype=np.int32)
    return LivePosts(world, steps + 1, clock, items, items)


@pytest.mark.parametrize("year", [1990, 2024, 9990])
@pytest.mark.parametrize("steps", [1, 30, 170, 479])
@pytest.mark.parametrize("size", [1, 7, 64])
def test_leaving_out_who_has_no_chance_changes_nothing(
    steps: int, size: int, year: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    left_out = 0
    for seed in range(5):
        live = crowded(3000, steps, seed, year)
        pool = draw_pool(live, MIXED, size, salt=seed)
        for source, _ in MIXED:
            left_out += len(live.items) - len(sources.contenders(source, live, size))
        with monkeypatch.context() as patch:
            patch.setattr(sources, "_FEW", 10**6)
            assert len(sources.contenders(MIXED[0][0], live, size)) == 3000
            plain = draw_pool(live, MIXED, size, salt=seed)
        np.testing.assert_array_equal(pool.item, plain.item)
        np.testing.assert_array_equal(pool.source, plain.source)
    assert left_out > 5000  # of 30,000


def test_posts_that_nobody_likes_by_authors_whom_nobody_follows() -> None:
    live = crowded(1000, 200, 1)
    live.world.agents["followers"][:] = 0
    live.world.items["likes"][:] = live.world.items["dislikes"][:] = 0
    pool = draw_pool(live, MIXED, 40, salt=3)
    assert len(pool) == 40
    assert live.world.items["step"][pool.item].min() > 150
