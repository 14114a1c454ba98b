"""The compiled feed, its pipeline of objects, and plain Python agree on random towns."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_feed import PlainFeed
from town import Town, lively

from hubbub.feed.feed import Feed
from hubbub.world import SOURCES

PRESETS = ["chronological", "following-top", "hot", "interest", "x"]


def rows(town: Town, feed: Feed, step: int) -> dict[int, list[tuple[int, str, float]]]:
    """Each agent's slate, as all agents are ranked at once."""
    slate = town.slate(feed, step)
    names = [SOURCES[s] for s in slate.sources]
    both = list(zip(slate.items.tolist(), names, slate.scores.tolist(), strict=True))
    return {agent: both[slate.of(agent)] for agent in slate.agents.tolist()}


@pytest.mark.parametrize("preset", PRESETS)
@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    platform=st.sampled_from(["x", "reddit"]),
    window=st.sampled_from([3, 480]),
    decay=st.sampled_from([0.0, 0.7, 1.0]),
    hide=st.sampled_from([None, 1, 2]),
)
def test_slates_are_those_of_plain_python(preset, seed, platform, window, decay, hide):
    town = lively(seed)
    feed = town.feed(platform, preset=preset, window=window, author_decay=decay, hide_reported=hide)
    for step in (9, 10):
        plain = PlainFeed(town.world, feed.settings, step)
        for agent, got in rows(town, feed, step).items():
            expected = plain.slate(agent)
            assert len(got) == len(expected)
            for mine, same in zip(got, expected, strict=True):
                assert mine[2] == pytest.approx(same[2], rel=2e-5, abs=2e-5)
                # the feed rounds logarithms: what is nearly equal may change places
                near = [r[:2] for r in expected if abs(r[2] - same[2]) <= 4e-5 * (1 + abs(same[2]))]
                assert mine[:2] in near
        town.show(feed, step)


@pytest.mark.parametrize("preset", [*PRESETS, "random"])
@settings(max_examples=10, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    pool=st.sampled_from([1, 5, 17, 256]),
    explore=st.sampled_from([0.0, 0.5, 1.0]),
    slots=st.tuples(st.integers(0, 5), st.integers(0, 20)),
)
def test_explanations_are_exactly_the_slates(preset, seed, pool, explore, slots):
    town = lively(seed, n=8)
    feed = town.feed(
        preset=preset, pool=pool, explore=explore, following=slots[0], recommended=slots[1]
    )
    frame = town.frame(feed, 9)
    for agent, got in rows(town, feed, 9).items():
        told = feed.explain(town.world, frame, agent)
        assert got == [(e.item, e.source, e.score) for e in told if e.verdict == "shown"]


@pytest.mark.parametrize("preset", [*PRESETS, "random"])
def test_a_slate_does_not_depend_on_who_else_is_ranked(preset):
    town = lively(3)
    feed = town.feed(preset=preset, explore=0.3)
    together = rows(town, feed, 9)
    for agent in range(12):
        alone = town.slate(feed, 9, [agent])
        assert alone.items.tolist() == [item for item, _, _ in together[agent]]
