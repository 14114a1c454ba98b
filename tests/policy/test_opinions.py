"""Opinions move as the three models say, against plain scalar code."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from views import add_item, observe

from hubbub.actions import NO_STANCE, SOCIAL, Kind, OpinionChanges
from hubbub.config.scenario import OpinionConfig
from hubbub.embed import make_encoder
from hubbub.errors import ScenarioError
from hubbub.policy.opinion_rules import opinion_changes, rule_of
from hubbub.policy.statistical import shown_posts
from hubbub.world import World
from societies import TOPICS, small_population

STEP, CONFIDENCE, STUBBORN, BIAS = 0.1, 0.6, 0.3, 1.5
MODELS = ["bounded-confidence", "friedkin-johnsen", "biased-assimilation"]


def moved(model: str, x: float, s: float, x0: float) -> float:
    """Return an opinion in [-1, 1] after a post of stance s."""
    if model == "bounded-confidence":
        return x + STEP * (s - x) if abs(s - x) <= CONFIDENCE else x
    if model == "friedkin-johnsen":
        return x + STEP * ((1 - STUBBORN) * (s - x) + STUBBORN * (x0 - x))
    y, z = (x + 1) / 2, (s + 1) / 2
    up, down = STEP * y**BIAS * z, STEP * (1 - y) ** BIAS * (1 - z)
    return 2 * (y + up) / (1 + up + down) - 1


def society(opinions: list[list[int]], posts: list[tuple[int, int]]) -> World:
    """Return a world of agents with these opinions (fixed-point) and posts (topic, stance)."""
    people = small_population(len(opinions), follows=0)
    people.opinions[:] = opinions
    world = World(SOCIAL, list(TOPICS), make_encoder("hashing", 64), people)
    for topic, stance in posts:
        add_item(world, 0, topic=topic, stance=stance)
    return world


def change(world: World, model: Any, slates: list[list[int]], **kwargs: Any) -> OpinionChanges:
    given_ = {"step": STEP, "confidence": CONFIDENCE, "stubbornness": STUBBORN, "bias": BIAS}
    rule = rule_of(OpinionConfig(model=model, **{**given_, **kwargs}))
    assert rule is not None
    obs = observe(world, range(len(slates)), slates)
    return opinion_changes(obs, shown_posts(obs), rule)


stances = st.integers(-10_000, 10_000)
topics = st.integers(-1, len(TOPICS) - 1)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(MODELS),
    st.lists(st.lists(stances, min_size=4, max_size=4), min_size=1, max_size=4),
    st.lists(st.tuples(topics, st.just(NO_STANCE) | stances), min_size=1, max_size=6),
    st.data(),
)
def test_opinions_move_as_a_scalar_reference_says(
    model: str, opinions: list[list[int]], posts: list[tuple[int, int]], data: Any
) -> None:
    world = society(opinions, posts)
    start = np.array(data.draw(st.lists(stances, min_size=4, max_size=4)))
    world.agents["opinion_start"][:] = start
    seen = st.lists(st.integers(0, len(posts) - 1), max_size=8)
    slates = [data.draw(seen) for _ in opinions]

    expected: list[tuple[int, int, float]] = []
    for agent, slate in enumerate(slates):
        now: dict[int, float] = {}
        for i in slate:
            topic, stance = posts[i]
            if topic >= 0 and stance != NO_STANCE:
                x = now.get(topic, opinions[agent][topic] / 10_000)
                x = moved(model, x, stance / 10_000, start[topic] / 10_000)
                now[topic] = round(x * 10_000) / 10_000
        for topic, x in now.items():
            expected.append((agent, topic, x * 10_000))

    changes = change(world, model, slates)
    got = dict(
        zip(
            zip(changes.agent.tolist(), changes.topic.tolist(), strict=True),
            changes.value.tolist(),
            strict=True,
        )
    )
    assert len(got) == len(changes)  # each agent and topic once
    order = [(a, t) for a, t, _ in expected if (a, t) in got]
    assert order == list(got)
    for agent, topic, value in expected:
        before = opinions[agent][topic]
        assert got.get((agent, topic), before) == pytest.approx(value, abs=8)  # ties round apart
        assert got.get((agent, topic)) != before


def test_far_opinions_are_not_heard() -> None:
    world = society([[-5000] * 4, [0] * 4], [(1, 5000)])
    changes = change(world, "bounded-confidence", [[0], [0]])
    assert (changes.agent.tolist(), changes.topic.tolist()) == ([1], [1])
    assert changes.value.tolist() == [500]
    assert changes.value.dtype == np.int16


def test_the_stubborn_rest_between_start_and_surroundings() -> None:
    world = society([[-8000] * 4], [(0, 8000)])
    for _ in range(300):
        changes = change(world, "friedkin-johnsen", [[0]])
        world.agents["opinion"][changes.agent, changes.topic] = changes.value
    assert world.agents["opinion"][0, 0] == pytest.approx(0.3 * -8000 + 0.7 * 8000, abs=20)


def test_mixed_news_polarises_the_biased() -> None:
    world = society([[3000] * 4], [(0, 10_000), (0, -10_000)])
    for _ in range(400):
        changes = change(world, "biased-assimilation", [[0, 1]], bias=2.0)
        world.agents["opinion"][changes.agent, changes.topic] = changes.value
    assert world.agents["opinion"][0, 0] > 9000


def test_a_repost_moves_as_its_post_does() -> None:
    world = society([[0] * 4], [(2, 5000)])
    repost = add_item(world, 0, kind=Kind.repost, ref=0)
    assert change(world, "bounded-confidence", [[repost]]).value.tolist() == [500]


def test_no_model_moves_nobody() -> None:
    assert rule_of(OpinionConfig(model="none")) is None


def by_hand(seen):
    """Bounded confidence, as a custom rule."""
    gap = seen.stance - seen.opinion
    return seen.opinion + seen.config.step * np.where(abs(gap) <= seen.config.confidence, gap, 0)


class Pulled:
    """Friedkin and Johnsen, as a custom rule."""

    def __call__(self, seen):
        g = seen.config.stubbornness
        drift = (1 - g) * (seen.stance - seen.opinion) + g * (seen.start - seen.opinion)
        return seen.opinion + seen.config.step * drift


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([("bounded-confidence", "by_hand"), ("friedkin-johnsen", "Pulled")]),
    st.lists(st.lists(stances, min_size=len(TOPICS), max_size=len(TOPICS)), min_size=1, max_size=5),
    st.lists(st.tuples(topics, stances | st.just(NO_STANCE)), min_size=1, max_size=6),
    st.data(),
)
def test_a_custom_rule_moves_opinions_as_the_built_in_one(names, opinions, posts, data):
    world = society(opinions, posts)
    slates = [data.draw(st.permutations(range(len(posts)))) for _ in opinions]
    expected = change(world, names[0], slates)
    got = change(world, f"{__name__}:{names[1]}", slates)
    assert got.agent.tolist() == expected.agent.tolist()
    assert got.topic.tolist() == expected.topic.tolist()
    assert np.abs(got.value.astype(int) - expected.value).max(initial=0) <= 1  # order of additions
    assert {c.dtype for c in (got.topic, got.value)} == {np.dtype(np.int16)}


def too_far(seen):
    return seen.opinion + 1.5


def one_number(seen):
    return 0.5


def lost(seen):
    return seen.opinion * np.nan


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("too_far", "moved the opinion 0.1 of agent 0 to 1.6: opinions must lie in"),
        ("one_number", "one number for each of the 1 opinions; it returned an array of float64"),
        ("lost", "to nan: opinions must lie in"),
        ("no_rule", "has no 'no_rule'"),
        ("STEP", "is not a function"),
    ],
)
def test_a_wrong_custom_rule_is_named(name, message):
    world = society([[1000] * len(TOPICS)], [(0, 5000)])
    with pytest.raises(ScenarioError, match=f"opinions.model.*{message}"):
        change(world, f"{__name__}:{name}", [[0]])


def test_a_misspelt_rule_has_a_hint():
    with pytest.raises(ScenarioError, match="did you mean 'friedkin-johnsen'"):
        OpinionConfig(model="friedkin-jonsen")
