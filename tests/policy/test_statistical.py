"""The built-in policy chooses as its formulas say."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
from views import IN_NETWORK, INTEREST, add_item, observe, statistical

from hubbub.actions import NO_STANCE, NOTHING, SOCIAL, ActionBatch, ActionSpec, Kind, Pairs
from hubbub.actions.social import POST
from hubbub.actions.spec import Add, Exists, Insert, Remove, With, Without
from hubbub.config.scenario import BehaviourConfig, OpinionConfig, PlatformConfig
from hubbub.embed import make_encoder
from hubbub.errors import ScenarioError
from hubbub.platform import Platform, apply
from hubbub.policy import Observation, StatisticalPolicy
from hubbub.world import World
from societies import TOPICS, small_population

CROWD = 20_000
#: Actions that nothing can refuse here, so that what is chosen is what is asked.
FREE = ["do_nothing", "create_post", "like_post", "repost", "dislike_post", "quote_post"]


@pytest.fixture(scope="module")
def crowd() -> World:
    """Return many agents alike: no traits, taste for politics, opinion 0.5 on it."""
    people = small_population(CROWD, follows=0)
    people.sharing[:] = people.verbosity[:] = 0.0
    people.contrary[:] = 0.9
    people.interest[:] = people.interest[0]
    people.topics[:] = 1
    people.opinions[:] = [5000, 0, 0, 0]
    people.interest[:] = make_encoder("hashing", 64).encode([TOPICS[0]])
    return World(SOCIAL, list(TOPICS), make_encoder("hashing", 64), people, seed=5)


def see(world: World, items: list[int], **kwargs: Any) -> Observation:
    """Let everyone but the first hundred (who write) see the same items."""
    agents = range(100, CROWD)
    n = len(agents)
    for name in ("sources", "comments"):
        if name in kwargs:
            kwargs[name] = kwargs[name] * n
    return observe(world, agents, [items] * n, **kwargs)


def counts(world: World, batch: ActionBatch) -> Counter[tuple[str, int]]:
    """Return how often each (action, target) was asked for."""
    names = [world.table[a].name for a in batch.action.tolist()]
    return Counter(zip(names, batch.target.tolist(), strict=True))


def softmax(world: World, obs: Observation, **weights: float) -> dict[tuple[str, int], float]:
    """Return the chances of one of the crowd, straight from docs/behaviour.md."""
    base = {"do_nothing": 0.0, "create_post": -3.0, "like_post": -4.6, "repost": -6.1,
            "dislike_post": -5.7, "quote_post": -7.4}  # fmt: skip
    utility = {(a, NOTHING): base[a] for a in ("do_nothing", "create_post")}
    items = world.items
    for at in range(int(obs.slate.offsets[1])):
        i = int(obs.slate.items[at])
        taste = world.agents["taste"][200].astype(int)
        similarity = taste @ world.texts.vectors[items["text"][i]].astype(int) / 127**2
        score = int(items["likes"][i] - items["dislikes"][i])
        attraction = 2.0 * similarity + 0.5 * (obs.slate.sources[at] == IN_NETWORK)
        if obs.show_score:
            attraction += 0.3 * math.copysign(math.log10(1 + abs(score)), score)
        else:
            attraction += 0.3 * math.log10(1 + int(items["likes"][i] + items["shares"][i]))
        if items["stance"][i] != NO_STANCE:
            attraction += 0.5 * items["stance"][i] / 10_000
        notice = 0.5 * 2 ** (-(obs.step - int(items["step"][i])) / 40)
        notice += 0.1 * math.log10(1 + int(world.agents["followers"][items["author"][i]]))
        for a in ("like_post", "repost", "quote_post"):
            utility[a, i] = base[a] + notice + attraction
        utility["dislike_post", i] = base["dislike_post"] + notice - attraction
    total = sum(math.exp(u) for u in utility.values())
    return {option: math.exp(u) / total for option, u in utility.items()}


@pytest.mark.parametrize("show_score", [False, True])
def test_choices_follow_the_multinomial_logit(crowd: World, show_score: bool) -> None:
    crowd.agents["followers"][3] = 5000
    items = [
        add_item(crowd, 1, "politics is fun", likes=40, shares=3, topic=0, stance=8000, step=9),
        add_item(crowd, 2, "cats", dislikes=400, step=0),
        add_item(crowd, 3, "more politics", topic=0, stance=-9000, likes=2000, step=4),
    ]
    sources = [[IN_NETWORK, INTEREST, INTEREST]]
    obs = see(crowd, items, sources=sources, allowed=FREE, show_score=show_score)
    seen = counts(crowd, statistical(crowd).decide(obs))
    n = len(obs.agents)
    chances = softmax(crowd, obs)
    assert set(seen) <= set(chances)
    for option, p in chances.items():
        assert abs(seen[option] - n * p) < 5 * math.sqrt(n * p * (1 - p)) + 1, option


def likes(world: World, item: int, **kwargs: Any) -> int:
    behaviour = {"base": {"like_post": -2.0}, **kwargs.pop("behaviour", {})}
    batch = statistical(world, **behaviour).decide(see(world, [item], **kwargs))
    return counts(world, batch)["like_post", item]


@pytest.mark.parametrize(
    ("more", "less"),
    [
        ({"text": "politics"}, {"text": "gardening"}),
        ({"likes": 500}, {"likes": 0}),
        ({"shares": 500}, {"shares": 0}),
        ({"step": 10}, {"step": -200}),
        ({"author": 7}, {"author": 8}),
        ({"topic": 0, "stance": 9000}, {"topic": 0, "stance": -9000}),
    ],
    ids=["similarity", "likes", "shares", "recency", "standing", "agreement"],
)
def test_each_feature_draws(crowd: World, more: dict[str, Any], less: dict[str, Any]) -> None:
    crowd.agents["followers"][7], crowd.agents["followers"][8] = 10_000_000, 0
    common = {"author": 5, "text": "hello"}
    strong, weak = (add_item(crowd, **{**common, **c}) for c in (more, less))
    assert likes(crowd, strong) > 1.05 * likes(crowd, weak)


def test_posts_of_followees_draw(crowd: World) -> None:
    item = add_item(crowd, 5, "hello")
    near, far = (likes(crowd, item, sources=[[s]]) for s in (IN_NETWORK, INTEREST))
    assert near > 1.1 * far


def test_a_displayed_score_herds_both_ways(crowd: World) -> None:
    up, even, down = (
        add_item(crowd, 5, "hello", likes=a, dislikes=b) for a, b in ((900, 0), (0, 0), (0, 900))
    )
    got = [likes(crowd, i, show_score=True) for i in (up, even, down)]
    assert got[0] > 1.2 * got[1] > 1.4 * got[2]


def test_contrarians_value_what_they_disagree_with(crowd: World) -> None:
    item = add_item(crowd, 5, "hello", topic=0, stance=9000)
    assert likes(crowd, item) > 1.2 * likes(crowd, item, behaviour={"contrarian_share": 1.0})


def test_sharing_and_verbosity_move_what_they_are_about(crowd: World) -> None:
    item = add_item(crowd, 5, "politics")
    half = np.arange(CROWD) % 2 == 0
    for trait, more, same in (
        ("sharing", "repost", "like_post"),
        ("verbosity", "create_post", "repost"),
    ):
        crowd.agents[trait][:] = np.where(half, 2.0, -2.0)
        batch = statistical(crowd, base={"repost": -3.0}).decide(see(crowd, [item], allowed=FREE))
        crowd.agents[trait][:] = 0.0

        def by_half(name: str, batch: ActionBatch = batch) -> tuple[int, int]:
            rows = batch.action == SOCIAL.code(name)
            return int(half[batch.agent[rows]].sum()), int((~half[batch.agent[rows]]).sum())

        high, low = by_half(more)
        assert high > 3 * low
        high, low = by_half(same)
        assert high < 1.3 * low


def test_a_repost_stands_for_its_post(crowd: World) -> None:
    post = add_item(crowd, 5, "politics", likes=300)
    repost = add_item(crowd, 6, kind=Kind.repost, ref=post, step=10)
    seen = counts(crowd, statistical(crowd).decide(see(crowd, [repost], allowed=["follow"])))
    assert set(seen) == {("follow", 5)}
    allowed = ["do_nothing", "like_post"]
    policy = statistical(crowd)
    through = counts(crowd, policy.decide(see(crowd, [repost], allowed=allowed)))
    straight = counts(crowd, policy.decide(see(crowd, [post], allowed=allowed)))
    assert through["like_post", repost] == straight["like_post", post]


def test_comments_can_be_liked_and_answered(crowd: World) -> None:
    post = add_item(crowd, 5, "politics", topic=0)
    comment = add_item(crowd, 6, "I agree on politics", kind=Kind.comment, ref=post, topic=0)
    obs = see(
        crowd, [post], comments=[[comment]], allowed=["create_comment", "like_comment", "repost"]
    )
    batch = statistical(crowd, base={"create_comment": 0.0, "like_comment": 0.0}).decide(obs)
    answers = batch.action == SOCIAL.code("create_comment")
    assert set(batch.target[answers].tolist()) == {post}
    assert set(batch.reply_to[answers].tolist()) == {NOTHING, comment}
    assert counts(crowd, batch)["like_comment", comment] > 100
    assert set(batch.topic[answers].tolist()) == {0}


def test_new_texts_carry_topic_and_opinion(crowd: World) -> None:
    quoted = add_item(crowd, 5, "sports today", topic=3, stance=100)
    batch = statistical(crowd, base={"quote_post": 0.0}).decide(see(crowd, [quoted], allowed=FREE))
    for name, topic, stance in (("create_post", 0, 5000), ("quote_post", 3, 0)):
        rows = batch.action == SOCIAL.code(name)
        assert rows.sum() > 100
        assert set(batch.topic[rows].tolist()) == {topic}
        assert set(batch.stance[rows].tolist()) == {stance}
        texts = [batch.texts[t] for t in batch.text[rows].tolist()]
        assert all(TOPICS[topic].lower() in text.lower() for text in texts)
        assert len(set(texts)) > 100
    quiet = batch.action == SOCIAL.code("do_nothing")
    assert set(batch.text[quiet].tolist()) == {-1}


def columns(batch: ActionBatch, agents: set[int]) -> list[tuple[Any, ...]]:
    names = ("agent", "wave", "action", "target", "reply_to", "amount", "topic", "stance")
    rows = zip(*(getattr(batch, n).tolist() for n in names), strict=True)
    texts = [batch.texts[t] if t >= 0 else "" for t in batch.text.tolist()]
    return sorted((*r, t) for r, t in zip(rows, texts, strict=True) if r[0] in agents)


def test_an_agent_decides_alike_whoever_else_decides(make_world: Any) -> None:
    obs = random_view(make_world(300), 300)
    policy = statistical(obs.world, "bounded-confidence", actions_per_turn=3)
    keep = np.arange(300) % 3 == 0
    mine = set(obs.agents[keep].tolist())
    whole, part = policy.decide(obs), policy.decide(obs.select(keep))
    assert columns(whole, mine) == columns(part, mine)
    assert columns(policy.decide(obs), mine) == columns(whole, mine)
    moved = [z for z in zip(*_opinions(whole), strict=True) if z[0] in mine]
    assert moved == list(zip(*_opinions(part), strict=True))


def _opinions(batch: ActionBatch) -> tuple[list[int], list[int], list[int]]:
    changes = batch.opinions
    return changes.agent.tolist(), changes.topic.tolist(), changes.value.tolist()


def random_view(world: World, n: int, seed: int = 0, show_score: bool = False) -> Observation:
    """Return n agents, each with five random posts, reposts or quotes and their comments."""
    stream = world.streams.at("view", seed)
    if not len(world.items):
        for i in range(60):
            author, topic = int(stream.integers(n, 1)[0]), i % 4
            text, stance = f"{TOPICS[topic]} number {i}", (i * 997) % 20_000 - 10_000
            kind = (Kind.post, Kind.post, Kind.repost, Kind.quote, Kind.comment)[i % 5]
            ref = i - i % 5 if kind != Kind.post else -1
            text = "" if kind == Kind.repost else text
            add_item(world, author, text, kind=kind, ref=ref, topic=topic, stance=stance)
    posts = np.flatnonzero(world.items["kind"] < Kind.comment)
    comments = np.flatnonzero(world.items["kind"] == Kind.comment)
    items = [posts[stream.permutation(len(posts))[:5]].tolist() for _ in range(n)]
    shown = world.targets(np.array(items).ravel())
    below = [comments[world.items["ref"][comments] == post][:2].tolist() for post in shown]
    return observe(world, range(n), items, comments=below, step=seed + 1, show_score=show_score)


@pytest.mark.parametrize("preset", ["x", "reddit"])
def test_asks_are_not_refused(make_world: Any, preset: Any) -> None:
    world = make_world(200)
    platform = Platform.from_config(PlatformConfig(preset=preset, actions="all"), world.table)
    lively = {name: -2.0 for name in world.table.names if name != "do_nothing"}
    policy = statistical(world, base={**lively, "unlike_post": 0.0})
    done: Counter[str] = Counter()
    for step in range(1, 30):
        obs = random_view(world, 200, step, platform.show_score)
        events = apply(platform, world, policy.decide(obs), step)
        refused = [world.table[a].name for a in events.action[events.reason != 0].tolist()]
        assert refused == []
        done.update(world.table[a].name for a in events.action.tolist())
    undone = {"undo_dislike_post", "undo_dislike_comment", "unlike_comment", "unmute", "unfollow"}
    offered = {s.name for s in world.table if not s.environment_only} - {"purchase_product"}
    assert offered - undone <= set(done) <= offered


def test_several_actions_in_a_turn_are_different_ones(make_world: Any) -> None:
    obs = random_view(make_world(300), 300)
    batch = statistical(obs.world, base={"like_post": 3.0}, actions_per_turn=4).decide(obs)
    assert batch.wave.max() == 3
    slots = list(zip(batch.agent.tolist(), batch.wave.tolist(), strict=True))
    assert len(set(slots)) == len(slots)
    asks = set(zip(batch.agent.tolist(), batch.action.tolist(), batch.target.tolist(), strict=True))
    assert len(asks) == len(batch)


def test_nothing_in_view_still_leaves_a_choice(crowd: World) -> None:
    obs = observe(crowd, range(1000), [[]] * 1000, allowed=FREE)
    seen = counts(crowd, statistical(crowd).decide(obs))
    assert set(seen) == {("do_nothing", -1), ("create_post", -1)}
    assert seen.total() == 1000


def test_where_doing_nothing_is_no_action_the_quiet_are_left_out(crowd: World) -> None:
    obs = observe(crowd, range(1000), [[]] * 1000, allowed=["create_post"])
    batch = statistical(crowd).decide(obs)
    assert 0 < len(batch) < 200


def test_nobody_awake_is_no_error(crowd: World) -> None:
    assert len(statistical(crowd, "friedkin-johnsen").decide(observe(crowd, [], []))) == 0


def test_own_actions_are_chosen_by_what_they_do() -> None:
    saved = Pairs("saved", "item", counter="saves")
    scorned = Pairs("scorned", "item", counter="scorns", approving=False)
    own = [
        ActionSpec("save", "", (POST,), (Exists(), Without(saved)), (Add(saved),)),
        ActionSpec("unsave", "", (POST,), (Exists(), With(saved)), (Remove(saved),)),
        ActionSpec("scorn", "", (POST,), (Exists(), Without(scorned)), (Add(scorned),)),
        ActionSpec("pass_on", "", (POST,), (Exists(),), (Insert(Kind.repost),)),
    ]
    world = World(
        SOCIAL.with_extra(own), list(TOPICS), make_encoder("hashing", 64), small_population(4000)
    )
    good = add_item(world, 1, "politics", likes=5000)
    obs = observe(world, range(4000), [[good]] * 4000, allowed=[s.name for s in own])
    seen = counts(world, statistical(world, base={"save": -3.0, "scorn": -3.0}).decide(obs))
    assert seen["save", good] > 3 * seen["scorn", good] > 0
    assert seen["pass_on", good] > 0
    assert seen["unsave", good] == 0


def test_a_utility_of_an_unknown_action_is_an_error(crowd: World) -> None:
    with pytest.raises(ScenarioError, match=r"no action 'like_pots' \(did you mean 'like_post'"):
        statistical(crowd, base={"like_pots": 1.0})


def test_texts_are_no_longer_than_allowed(crowd: World) -> None:
    policy = StatisticalPolicy(
        BehaviourConfig(), OpinionConfig(), crowd.table, crowd.topics, max_text_length=12
    )
    obs = observe(crowd, range(2000), [[]] * 2000, allowed=FREE)
    texts = policy.decide(obs).texts
    assert texts
    assert all(len(t) <= 12 for t in texts)
