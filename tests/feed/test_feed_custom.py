"""Custom sources and filters of a feed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from town import Town, lively

from hubbub.actions import Kind
from hubbub.config.scenario import FeedConfig
from hubbub.errors import ScenarioError
from hubbub.feed.feed import Feed
from hubbub.world import CUSTOM_SOURCES, SOURCES, source_names

HERE = __name__


def commented(world, agents, step):
    """Posts that followees commented on, one viewer after the other."""
    pairs = []
    for viewer in agents.tolist():
        for friend in world.sets["follow"].partners(viewer).tolist():
            item = int(world.agents["last_item"][friend])
            while item >= 0:
                if world.items["kind"][item] == Kind.comment:
                    pairs.append((viewer, int(world.items["ref"][item])))
                item = int(world.items["previous"][item])
    viewers, posts = zip(*pairs, strict=True) if pairs else ((), ())
    return viewers, posts


def reposts(world, agents, step):
    """All reposts for everyone, the oldest first."""
    items = np.flatnonzero(world.items["kind"] == Kind.repost)
    viewers, items = np.tile(agents, len(items)), np.repeat(items, len(agents))
    return viewers[::-1], items[::-1], (step - world.items["step"][items] - 0.5)[::-1]


def nothing(world, agents, step):
    return [], []  # replaced below


class EvenOnly:
    """Keeps posts with an even id; viewers with an odd id see all."""

    def __call__(self, world, agents, items, step):
        return (items % 2 == 0) | (agents % 2 == 1)


def no_quotes(world, agents, items, step):
    return world.items["kind"][items] != Kind.quote


def rows(town: Town, feed: Feed, step: int) -> dict[int, list[tuple[int, str, float]]]:
    slate = town.slate(feed, step)
    names = source_names(["commented", "reposts"])
    sources = [names[s] for s in slate.sources]
    both = list(zip(slate.items.tolist(), sources, slate.scores.tolist(), strict=True))
    return {agent: both[slate.of(agent)] for agent in slate.agents.tolist()}


def small() -> Town:
    """0 follows 1, who comments on the first of two posts by 2 and 3."""
    town = Town(4, [(0, 1)])
    town.post(1, 2)
    town.post(1, 3)
    town.do(2, 1, "create_comment", post_id=0, content="well")
    return town


def test_a_source_with_slots_of_its_own():
    town = small()
    feed = town.feed("reddit", recommended=2, sources=[{"source": f"{HERE}:commented", "slots": 1}])
    slate = town.slate(feed, 3, [0, 1])
    assert slate.items[slate.of(0)].tolist() == [0, 1]
    assert slate.items[slate.of(1)].tolist() == [1, 0]
    assert slate.sources[slate.of(0)].tolist() == [CUSTOM_SOURCES, SOURCES.index("trending")]
    assert slate.scores[0] == 1.0  # without scores of its own: the step, so the newest leads
    first = feed.explain(town.world, town.frame(feed, 3), 0)[0]
    assert first == (0, "commented", "shown", 1.0)


def test_a_source_without_slots_competes_for_the_recommended_ones():
    town = small()
    town.like(2, 1, 0)
    plain = town.slate(town.feed("reddit", recommended=2), 3, [2])
    feed = town.feed("reddit", recommended=2, sources=[{"source": f"{HERE}:commented"}])
    slate = town.slate(feed, 3, [0, 2])
    assert slate.items[slate.of(2)].tolist() == plain.items.tolist()
    assert slate.items[slate.of(0)].tolist() == [1, 0]
    assert slate.sources[slate.of(0)].tolist() == [SOURCES.index("trending"), CUSTOM_SOURCES]


def test_a_source_that_is_switched_off_is_not_asked():
    town = small()
    feed = town.feed("reddit", sources=[{"source": f"{HERE}:nothing", "slots": 0}])
    assert town.shown(feed, 3, 0) == town.shown(town.feed("reddit"), 3, 0)


def test_a_filter_removes_posts_and_is_named():
    town = small()
    feed = town.feed("reddit", filters=[f"{HERE}:EvenOnly"])
    assert town.shown(feed, 3, 0) == [0]
    assert town.shown(feed, 3, 1) == [1, 0]
    assert town.why(feed, 3, 0) == {0: "shown", 1: "EvenOnly"}


@pytest.mark.parametrize(
    "preset", ["chronological", "following-top", "hot", "interest", "x", "random"]
)
@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    pool=st.sampled_from([1, 5, 256]),
    explore=st.sampled_from([0.0, 0.5]),
    slots=st.tuples(st.sampled_from([None, 0, 2]), st.sampled_from([None, 3])),
    filters=st.sampled_from([[], ["EvenOnly"], ["no_quotes", "EvenOnly"]]),
    hide=st.sampled_from([None, 1]),
)
def test_explanations_are_exactly_the_slates(preset, seed, pool, explore, slots, filters, hide):
    town = lively(seed, n=8)
    feed = town.feed(
        preset=preset,
        pool=pool,
        explore=explore,
        recommended=4,
        hide_reported=hide,
        sources=[
            {"source": f"{HERE}:{name}", "slots": n}
            for name, n in zip(["commented", "reposts"], slots, strict=True)
        ],
        filters=[f"{HERE}:{name}" for name in filters],
    )
    frame = town.frame(feed, 9)
    together = rows(town, feed, 9)
    for agent, got in together.items():
        told = feed.explain(town.world, frame, agent)
        assert got == [(e.item, e.source, e.score) for e in told if e.verdict == "shown"]
        alone = town.slate(feed, 9, [agent])
        assert alone.items.tolist() == [item for item, _, _ in got]
        if "no_quotes" in filters:
            assert not (town.world.items["kind"][alone.items] == Kind.quote).any()


def test_a_filter_that_keeps_everything_changes_nothing():
    town = lively(5)
    for preset in ("interest", "x", "hot"):
        feeds = (
            town.feed(preset=preset, explore=0.2),
            town.feed(preset=preset, explore=0.2, filters=[f"{HERE}:keep_all"]),
        )
        assert rows(town, feeds[0], 9) == rows(town, feeds[1], 9)


def keep_all(world, agents, items, step):
    return np.ones(len(items), bool)


ANSWERS = {
    "a list": (lambda a: [a, a], r"must return \(viewers, items\) or .*, not list"),
    "one array": (lambda a: a, r"must return .*, not ndarray"),
    "a single": (lambda a: (a,), "not a tuple of 1"),
    "two lengths": (lambda a: (a, a[:1]), r"of one length, not of the shapes \(4,\), \(1,\)"),
    "floats": (lambda a: (a, a * 1.0), "must return items as integer ids, not float64"),
    "a stranger": (lambda a: (a + 7, a * 0), "the viewer 7, who is not among `agents`"),
    "no such item": (lambda a: (a, a + 99), "item 99, which does not exist: ids end at 2"),
    "a comment": (lambda a: (a, a * 0 + 2), "item 2, which is a comment; return posts"),
    "words": (lambda a: (a, a * 0, ["x"] * 4), "scores as numbers, not <U1"),
    "nan": (lambda a: (a, a * 0, a * np.nan), "the score nan for agent 0, item 0"),
}


class Told:
    """A source that returns what the test says."""

    answer = staticmethod(lambda a: (a, a))

    def __call__(self, world, agents, step):
        return Told.answer(agents)


@pytest.mark.parametrize("case", ANSWERS)
def test_a_wrong_answer_of_a_source_is_named(case, monkeypatch):
    answer, message = ANSWERS[case]
    monkeypatch.setattr(Told, "answer", staticmethod(answer))
    town = small()
    feed = town.feed(sources=[{"source": f"{HERE}:Told", "slots": 1}])
    with pytest.raises(ScenarioError, match=f"feed.sources '{HERE}:Told' .*{message}"):
        town.slate(feed, 3)


def ones(world, agents, items, step):
    return np.ones(len(items))


def test_a_wrong_answer_of_a_filter_is_named():
    town = small()
    with pytest.raises(ScenarioError, match=r"feed.filters '.*:ones' must return True .* float64"):
        town.slate(town.feed(filters=[f"{HERE}:ones"]), 3)


def seen(world, agents, items, step):
    return np.ones(len(items), bool)


def random(world, agents, step):
    return agents, agents


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"sources": [{"source": "no_such_module:f"}]}, "feed.sources.0: cannot import"),
        ({"sources": [{"source": f"{HERE}:HERE"}]}, "is not a function"),
        ({"sources": [{"source": f"{HERE}:random"}]}, "a built-in source is named 'random', too"),
        ({"filters": [f"{HERE}:seen"]}, "`explain` says 'seen' of something else"),
        (
            {"preset": "chronological", "sources": [{"source": f"{HERE}:commented"}]},
            "feed.sources.0: this feed has no recommended slots",
        ),
        ({"sources": ["a:b"]}, r"write it as a section: \{source: 'a:b', slots: 2\}"),
        ({"sources": [{"source": "ab"}]}, "'ab' must have the form 'module:name'"),
        ({"filters": ["a:b", "c:b"]}, "two of sources and filters are named 'b'"),
    ],
)
def test_a_feed_that_cannot_be_made_says_why(config, message):
    with pytest.raises(ScenarioError, match=message):
        Town(2, []).feed(**config)


def test_a_scenario_without_them_is_written_as_before():
    assert not {"sources", "filters"} & set(FeedConfig().model_dump(mode="json"))
    config = FeedConfig(sources=[{"source": "a:b"}], filters=["c:d"])
    assert FeedConfig(**config.model_dump(mode="json")) == config
