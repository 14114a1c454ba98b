"""What the feed promises, case by case."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from town import CLOCK, Town, lively

from hubbub.config.scenario import FeedConfig
from hubbub.feed.feed import make_feed
from hubbub.feed.settings import resolve
from hubbub.time import Clock
from hubbub.world import SOURCES

ALL = ["chronological", "following-top", "hot", "interest", "x", "random"]


@pytest.mark.parametrize("preset", ALL)
@pytest.mark.parametrize("platform", ["x", "reddit"])
def test_an_empty_world_has_empty_slates(preset, platform):
    town = Town(3, [])
    slate = town.slate(town.feed(platform, preset=preset, explore=0.5), 1)
    assert slate.offsets.tolist() == [0, 0, 0, 0]
    assert len(slate.items) == 0


@pytest.mark.parametrize("preset", ALL)
def test_no_viewers_make_an_empty_slate(preset):
    town = lively(1)
    slate = town.slate(town.feed(preset=preset), 9, np.empty(0, np.int32))
    assert slate.offsets.tolist() == [0]


def test_platforms_have_their_own_defaults():
    x, reddit = resolve(FeedConfig(), "x"), resolve(FeedConfig(), "reddit")
    assert (x.preset, x.following, x.recommended) == ("interest", 3, 4)
    assert (reddit.preset, reddit.following, reddit.recommended) == ("hot", 0, 5)


def test_a_chronological_feed_shows_followees_alone_unless_told_otherwise():
    by_time = resolve(FeedConfig(preset="chronological"), "x")
    assert (by_time.following, by_time.recommended) == (7, 0)
    assert resolve(FeedConfig(preset="chronological", recommended=2), "x").recommended == 2
    assert resolve(FeedConfig(preset="chronological"), "reddit").recommended == 5


def test_authors_are_diversified_only_where_scores_measure_worth():
    decays = {p: resolve(FeedConfig(preset=p), "x").author_decay for p in ALL}
    assert decays == {p: 0.7 if p in ("interest", "x") else 1.0 for p in ALL}


def test_top_posts_of_followees_come_first_then_recommendations():
    town = Town(6, [(0, 1), (0, 2)])
    old, liked, other = town.post(1, 1), town.post(1, 2), town.post(1, 3, "politics health")
    town.like(2, liked, 3, 4)
    slate = town.slate(town.feed("x"), 3, [0])
    assert slate.items.tolist() == [liked, old, other]
    assert [SOURCES[s] for s in slate.sources] == ["in_network", "in_network", "interest"]
    assert slate.scores[:2].tolist() == [2.0, 0.0]


def test_equal_posts_come_newest_first():
    town = Town(5, [(0, 1), (0, 2), (0, 3)])
    first, second, third = town.post(1, 3), town.post(1, 1), town.post(2, 2)
    assert town.shown(town.feed(following=2, recommended=0), 3, 0) == [third, second]
    assert town.why(town.feed(following=2, recommended=0), 3, 0)[first] == "outranked"


def test_a_repost_is_shown_as_such_and_its_target_once():
    town = Town(5, [(0, 1), (0, 2), (0, 3)])
    post = town.post(1, 1)
    town.do(2, 2, "repost", post_id=post)
    newest = town.do(3, 3, "repost", post_id=post)
    feed = town.feed()
    assert town.shown(feed, 4, 0) == [newest]
    assert town.why(feed, 4, 0)[post] == "duplicate"


def test_comments_and_messages_are_never_shown():
    town = Town(4, [(0, 1)])
    post = town.post(1, 2)
    comment = town.do(2, 1, "create_comment", post_id=post, content="well")
    group = town.do(2, 1, "create_group", name="g")
    message = town.do(3, 1, "send_to_group", group_id=group, content="hello")
    assert comment >= 0
    assert message >= 0
    for preset in ALL:
        assert set(town.shown(town.feed(preset=preset, recommended=9), 4, 0)) <= {post}


def test_a_followee_who_comments_does_not_hide_its_posts():
    town = Town(4, [(0, 1)])
    mine = [town.post(step, 1) for step in (1, 2, 3, 4)]
    for step in (5, 6, 7):
        town.do(step, 1, "create_comment", post_id=mine[0], content=f"note {step}")
    feed = town.feed(preset="chronological")
    assert town.shown(feed, 8, 0) == mine[:0:-1]  # the newest three of each followee


def test_social_proof_is_what_a_followee_answered_last():
    town = Town(4, [(0, 1)])
    post = town.post(1, 2, "cats")
    town.do(2, 1, "create_comment", post_id=post, content="well")
    slate = town.slate(town.feed(preset="x"), 3, [0])
    assert [SOURCES[s] for s in slate.sources] == ["social_proof"]
    assert slate.items.tolist() == [post]


def test_own_and_seen_posts_are_not_shown():
    town = Town(4, [(0, 1)])
    own, other = town.post(1, 0), town.post(1, 1)
    feed = town.feed()
    assert town.show(feed, 2, [0]).items.tolist() == [other]
    assert town.shown(feed, 3, 0) == []
    assert town.why(feed, 3, 0) == {own: "own", other: "seen"}


def test_muted_authors_are_hidden_and_their_posts_reposted_by_others():
    town = Town(5, [(0, 1), (0, 2)])
    post, fine = town.post(1, 3), town.post(1, 4)
    repost = town.do(2, 1, "repost", post_id=post)
    by_muted = town.do(2, 2, "repost", post_id=fine)
    town.do(3, 0, "mute", user_id=3)
    town.do(3, 0, "mute", user_id=2)
    feed = town.feed()
    assert town.shown(feed, 4, 0) == [fine]
    why = town.why(feed, 4, 0)
    assert (why[repost], why[by_muted], why[post]) == ("muted",) * 3
    town.do(4, 0, "unmute", user_id=3)
    assert set(town.shown(feed, 5, 0)) == {repost, fine}


def test_a_block_keeps_both_apart():
    town = Town(3, [])
    posts = [town.post(1, agent) for agent in range(3)]
    town.do(2, 0, "block", user_id=1)
    feed = town.feed()
    assert town.shown(feed, 3, 0) == [posts[2]]
    assert town.shown(feed, 3, 1) == [posts[2]]
    assert town.why(feed, 3, 1)[posts[0]] == "blocked"


def test_reported_posts_are_hidden_where_the_scenario_says_so():
    town = Town(5, [(0, 1), (0, 2)])
    post = town.post(1, 1)
    repost = town.do(1, 2, "repost", post_id=post)
    for agent in (3, 4):
        town.do(2, agent, "report_post", post_id=post)
    assert town.shown(town.feed(), 3, 0) == [repost]
    assert town.shown(town.feed(hide_reported=3), 3, 0) == [repost]
    feed = town.feed(hide_reported=2)
    assert town.shown(feed, 3, 0) == []
    assert town.why(feed, 3, 0) == {post: "moderated", repost: "moderated"}


def test_posts_leave_the_window():
    town = Town(3, [(0, 1)])
    post = town.post(5, 1)
    feed = town.feed(window=10)
    assert town.shown(feed, 14, 0) == [post]
    assert town.shown(feed, 15, 0) == []


def test_someone_who_signed_up_later_has_a_slate():
    town = Town(3, [])
    post = town.post(1, 1)
    profile = {"user_name": "new", "name": "New", "bio": "cats"}
    agent = town.do(2, -1, "sign_up", profile=profile)
    town.do(3, agent, "follow", user_id=1)
    slate = town.slate(town.feed(), 4, [agent])
    assert slate.items.tolist() == [post]
    assert SOURCES[slate.sources[0]] == "in_network"


def test_further_posts_of_one_author_count_less():
    town = Town(4, [])
    loud = [town.post(1, 1, "politics health") for _ in range(3)]
    quiet = town.post(1, 2, "politics health rain")
    even = town.feed(author_decay=1.0, recommended=4)
    assert town.shown(even, 2, 0)[-1] == quiet
    fair = town.feed(author_decay=0.5, recommended=4)
    assert town.shown(fair, 2, 0) == [loud[2], quiet, loud[1], loud[0]]
    scores = town.slate(fair, 2, [0]).scores
    assert scores[0] == scores[2] == scores[3]  # the score itself stays that of the post


def test_a_score_does_not_depend_on_the_other_candidates():
    town = Town(5, [])
    post = town.post(1, 1, "politics")
    feed = town.feed()
    before = dict(_scores(town, feed))[post]
    for agent in (2, 3, 4):
        town.post(1, agent, "politics health")
    assert dict(_scores(town, feed))[post] == before


def _scores(town, feed):
    slate = town.slate(feed, 3, [0])
    return zip(slate.items.tolist(), slate.scores.tolist(), strict=True)


def test_exploration_gives_slots_at_random():
    town = Town(30, [])
    for agent in range(1, 30):
        town.post(1, agent, "politics health" if agent < 6 else "rain")
    best = set(range(5))
    assert set(town.shown(town.feed("reddit", preset="interest"), 2, 0)) == best
    slate = town.slate(town.feed("reddit", preset="interest", explore=1.0), 2)
    assert {SOURCES[s] for s in slate.sources} == {"random"}
    counts = np.bincount(slate.items, minlength=29)
    assert counts.min() > 0
    assert counts.max() < 15
    half = town.slate(town.feed("reddit", preset="interest", explore=0.5), 2)
    share = np.mean(half.sources == SOURCES.index("random"))
    assert 0.35 < share < 0.65


def test_a_random_feed_differs_by_viewer_step_and_seed():
    def slates(step, seed):
        town = Town(20, [], seed)
        for agent in range(20):
            town.post(1, agent)
        return town.slate(town.feed("reddit", preset="random"), step)

    one = slates(2, 1)
    assert len({tuple(one.items[one.of(a)]) for a in range(20)}) > 15
    assert one.items.tolist() == slates(2, 1).items.tolist()
    assert one.items.tolist() != slates(3, 1).items.tolist()
    assert one.items.tolist() != slates(2, 2).items.tolist()
    counts = np.bincount(one.items, minlength=20)
    assert counts.min() > 0


def test_a_small_pool_holds_fresh_and_trending_posts():
    town = Town(30, [])
    talked_about = town.post(1, 29, "cats")
    town.like(2, talked_about, *range(1, 25))
    for step in range(3, 60):
        town.post(step, 1 + step % 28)
    frame = town.frame(town.feed(pool=8), 60)
    assert talked_about in frame.pool.item
    assert len(frame.pool) == 8
    assert sorted(frame.pool.item)[-6:] == list(range(52, 58))


def test_hot_uses_the_calendar():
    """One power of ten of votes is worth 12.5 hours: 250 steps of 3 minutes."""
    for minutes, winner in ((3.0, 0), (30.0, 1)):
        town = Town(14, [])
        first = town.post(1, 1)
        town.like(1, first, *range(2, 12))
        town.post(100, 2)
        clock = Clock(datetime(2024, 1, 1, 8, tzinfo=UTC), minutes)
        feed = make_feed(FeedConfig(), "reddit", clock)
        assert town.shown(feed, 101, 0)[0] == winner
        scores = town.slate(feed, 101, [0]).scores
        epoch = clock.epoch(1 if winner == 0 else 100)
        votes = 1.0 if winner == 0 else 0.0
        assert scores[0] == pytest.approx(votes + (epoch - 1134028003) / 45000, abs=1e-3)
    assert CLOCK.epoch(1) == 1704096000.0
