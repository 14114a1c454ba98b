"""Every action and every reason for which it is refused, one example each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from hubbub.actions import SOCIAL, Action, ActionBatch, Reason
from hubbub.config.scenario import PlatformConfig
from hubbub.errors import ActionError, ScenarioError
from hubbub.platform import PRESETS, Platform, action_table, apply
from hubbub.world import Events, World

#: What happened before: the posts 0 and (a quote of it) 2, a repost 1 of 0, the comments 3 on 0
#: and 4 on 2, the group 0 of agent 0 with the message 5, and a lamp for sale.
STAGE: list[tuple[int, Action]] = [
    (0, Action("create_post", content="first")),
    (1, Action("repost", post_id=0)),
    (2, Action("quote_post", post_id=0, content="well said")),
    (1, Action("create_comment", post_id=0, content="no")),
    (3, Action("create_comment", post_id=2, content="why")),
    (0, Action("create_group", name="chess")),
    (0, Action("send_to_group", group_id=0, content="hi")),
    (0, Action("follow", user_id=1)),
    (0, Action("mute", user_id=1)),
    (3, Action("like_post", post_id=0)),
    (3, Action("dislike_post", post_id=2)),
    (3, Action("report_post", post_id=0, reason="spam")),
    (3, Action("like_comment", comment_id=3)),
    (0, Action("dislike_comment", comment_id=4)),
    (4, Action("like_post", post_id=2)),
    (4, Action("dislike_post", post_id=0)),
    (4, Action("like_comment", comment_id=4)),
    (4, Action("dislike_comment", comment_id=3)),
    (-1, Action("sign_up_product", name="lamp")),
]
HUGE = 2**40


Case = tuple[str, str, int, str, dict[str, Any]]


def case(reason: str, agent: int, name: str, preset: str = "x", /, **args: Any) -> Case:
    return reason, preset, agent, name, args


def texts() -> Iterator[Case]:
    """Texts that are empty, too long, or just right."""
    for text in ("", " \n\t ", "x" * 1001):
        yield case("bad_text", 0, "create_post", content=text)
        yield case("bad_text", 1, "quote_post", post_id=0, content=text)
        yield case("bad_text", 1, "create_comment", post_id=0, content=text)
        yield case("bad_text", 1, "create_group", name=text)
        yield case("bad_text", 0, "send_to_group", group_id=0, content=text)
        yield case("bad_text", 0, "interview", question=text)
        yield case("bad_text", 0, "reflect", content=text)
        yield case("bad_text", -1, "sign_up_product", name=text)
    yield case("bad_text", 0, "create_post", "reddit", content="x" * 10_001)
    yield case("ok", 0, "create_post", content="x" * 1000)
    yield case("ok", 0, "create_post", "reddit", content="x" * 10_000)


def wrong_items() -> Iterator[Case]:
    """Ids of items that are not there, or of another kind."""
    more = {"quote_post": {"content": "a"}, "create_comment": {"content": "a"}}
    on_posts = ("repost", "quote_post", "create_comment", "report_post", "like_post")
    for name in (*on_posts, "unlike_post", "dislike_post", "undo_dislike_post"):
        for wrong in (-1, -2, 3, 5, 6, HUGE, -HUGE):  # 3 is a comment, 5 a message
            yield case("not_found", 3, name, post_id=wrong, **more.get(name, {}))
    for name in ("like_comment", "unlike_comment", "dislike_comment", "undo_dislike_comment"):
        for wrong in (-1, 0, 1, 2, 5, 6, HUGE):
            yield case("not_found", 3, name, comment_id=wrong)
    for wrong in (0, 4, 5, 6, -2, HUGE):  # 4 is a comment on another post
        yield case("not_found", 2, "create_comment", post_id=0, comment_id=wrong, content="a")


def wrong_others() -> Iterator[Case]:
    """Ids of users, groups and products that are not there."""
    for name in ("follow", "unfollow", "mute", "unmute"):
        for wrong in (-1, 6, HUGE):
            yield case("not_found", 0, name, user_id=wrong)
        yield case("self_target", 0, name, user_id=0)
    for name in ("join_group", "leave_group"):
        for wrong in (-1, 1, HUGE):
            yield case("not_found", 0, name, group_id=wrong)
    yield case("not_found", 0, "send_to_group", group_id=1, content="a")
    yield case("not_found", 0, "purchase_product", product_name="mug", quantity=1)
    yield case("not_found", 0, "purchase_product", product_name="Lamp", quantity=1)


def posts() -> Iterator[Case]:
    """What can be done with a post, by itself or through its repost."""
    for post in (0, 1):  # the repost stands for the post
        yield case("duplicate", 1, "repost", post_id=post)
        yield case("duplicate", 3, "like_post", post_id=post)
        yield case("duplicate", 3, "report_post", post_id=post, reason="again")
        yield case("self_rating", 0, "like_post", "reddit", post_id=post)
        yield case("self_rating", 0, "dislike_post", "reddit", post_id=post)
        yield case("ok", 0, "like_post", post_id=post)
        yield case("ok", 0, "dislike_post", post_id=post)
        yield case("absent", 0, "unlike_post", post_id=post)
        yield case("absent", 0, "undo_dislike_post", post_id=post)
        yield case("ok", 3, "unlike_post", post_id=post)
        yield case("ok", 4, "undo_dislike_post", post_id=post)
        yield case("ok", 0, "repost", post_id=post)
        yield case("ok", 2, "quote_post", post_id=post, content="again")
        yield case("ok", 3, "create_comment", post_id=post, content="a", comment_id=3)
        yield case("ok", 4, "report_post", post_id=post)
    yield case("self_rating", 2, "like_post", "reddit", post_id=2)  # a quote is the quoter's own
    yield case("ok", 0, "like_post", "reddit", post_id=2)
    yield case("ok", 3, "repost", post_id=2)
    yield case("ok", 3, "quote_post", post_id=2, content="a")
    yield case("duplicate", 3, "dislike_post", post_id=2)


def comments() -> Iterator[Case]:
    """What can be done with a comment."""
    yield case("duplicate", 3, "like_comment", comment_id=3)
    yield case("duplicate", 0, "dislike_comment", comment_id=4)
    yield case("self_rating", 1, "like_comment", "reddit", comment_id=3)
    yield case("self_rating", 1, "dislike_comment", "reddit", comment_id=3)
    yield case("ok", 1, "like_comment", comment_id=3)
    yield case("ok", 1, "dislike_comment", comment_id=3)
    yield case("absent", 1, "unlike_comment", comment_id=3)
    yield case("absent", 1, "undo_dislike_comment", comment_id=3)
    yield case("ok", 3, "unlike_comment", comment_id=3)
    yield case("ok", 0, "undo_dislike_comment", comment_id=4)


def people() -> Iterator[Case]:
    """Relations to users."""
    yield case("duplicate", 0, "follow", user_id=1)
    yield case("duplicate", 0, "mute", user_id=1)
    yield case("absent", 0, "unfollow", user_id=2)
    yield case("absent", 0, "unmute", user_id=2)
    yield case("absent", 1, "unfollow", user_id=0)
    for name, user in (("follow", 2), ("mute", 2), ("unfollow", 1), ("unmute", 1)):
        yield case("ok", 0, name, user_id=user)


def groups_and_products() -> Iterator[Case]:
    """Groups and products."""
    yield case("ok", 3, "create_group", name="chess")  # two groups may have one name
    yield case("duplicate", 0, "join_group", group_id=0)
    yield case("ok", 3, "join_group", group_id=0)
    yield case("not_member", 3, "leave_group", group_id=0)
    yield case("ok", 0, "leave_group", group_id=0)
    yield case("not_member", 3, "send_to_group", group_id=0, content="a")
    yield case("ok", 0, "send_to_group", group_id=0, content="a")
    for wrong in (0, -1, -(2**31)):
        yield case("bad_quantity", 0, "purchase_product", product_name="lamp", quantity=wrong)
    yield case("ok", 0, "purchase_product", product_name="lamp", quantity=2**31 - 1)


def the_rest() -> Iterator[Case]:
    """What the environment does, and what cannot be refused."""
    yield case("duplicate", -1, "sign_up", profile={"user_name": "user_3"})
    yield case("ok", -1, "sign_up", profile={"user_name": "User_3"})
    yield case("duplicate", -1, "sign_up_product", name="lamp")
    yield case("ok", -1, "sign_up_product", name="mug")
    yield case("ok", -1, "configure", settings={"feed.explore": 0.1})
    yield case("ok", 0, "interview", question="Why?")
    yield case("ok", 0, "reflect", content="I like chess")
    yield case("ok", 0, "search_posts", query="nothing like it")
    yield case("ok", 0, "search_user", query="")
    for name in ("do_nothing", "refresh", "trend", "listen_from_group"):
        yield case("ok", 0, name)


CASES = [
    *(*texts(), *wrong_items(), *wrong_others(), *posts(), *comments(), *people()),
    *(*groups_and_products(), *the_rest()),
]


def platform(preset: str = "x", actions: Any = "all", **more: Any) -> Platform:
    return Platform.from_config(PlatformConfig(preset=preset, actions=actions, **more), SOCIAL)


def do(world: World, rules: Platform, agent: int, action: Action, step: int = 1) -> Events:
    batch = ActionBatch.from_actions(SOCIAL, [(agent, [action])], world.product)
    alone = SOCIAL.spec(action.name).environment_only
    return apply(rules, world, batch, step, environment=alone)


@pytest.fixture
def stage(make_world: Any) -> World:
    """Return a world of six agents, who follow nobody else, after what STAGE tells."""
    world: World = make_world(6, follows=0)
    for agent, action in STAGE:
        events = do(world, platform(), agent, action, step=0)
        assert events.reason.tolist() == [0], action
    return world


@pytest.mark.parametrize(("reason", "preset", "agent", "name", "args"), CASES)
def test_reason(
    stage: World, reason: str, preset: str, agent: int, name: str, args: dict[str, Any]
) -> None:
    events = do(stage, platform(preset), agent, Action(name, **args))
    assert Reason(int(events.reason[0])).name == reason
    assert int(events.action[0]) == SOCIAL.code(name)


def test_the_examples_cover_every_action_and_reason() -> None:
    shown = {(name, reason) for reason, _, _, name, _ in CASES}
    possible = {(s.name, r.name) for s in SOCIAL for r in (Reason.ok, *s.reasons)}
    assert shown == possible


@pytest.mark.parametrize("preset", ["x", "reddit"])
def test_what_is_not_switched_on_is_not_allowed(stage: World, preset: str) -> None:
    rules = platform(preset, "default")
    examples = {a.name: (agent, a) for agent, a in reversed(STAGE)}
    for name in set(examples) - {"sign_up_product"}:
        agent, action = examples[name]
        events = do(stage, rules, agent, action)
        off = name not in PRESETS[preset].actions
        assert (events.reason[0] == Reason.not_allowed) == off, name


def test_agents_may_not_do_what_is_the_environments(stage: World) -> None:
    batch = ActionBatch.from_actions(
        SOCIAL,
        [
            (0, [Action("sign_up", profile={"user_name": "new"})]),
            (1, [Action("configure", settings={"feed.explore": 1.0})]),
            (2, [Action("sign_up_product", name="mug")]),
            (3, [Action("interview", question="Why?")]),
            (4, [Action("reflect", content="I like chess")]),
        ],
        stage.product,
    )
    events = apply(platform(), stage, batch, 1)
    assert set(events.reason.tolist()) == {Reason.not_allowed}
    assert (len(stage.agents), len(stage.products), stage.settings) == (6, 1, {})


def test_agents_cannot_be_given_what_is_the_environments() -> None:
    with pytest.raises(ScenarioError, match=r"platform.actions: 'sign_up' is the environment's"):
        platform(actions=["sign_up"])


def test_unknown_action_in_the_scenario() -> None:
    with pytest.raises(ScenarioError, match="did you mean 'like_post'"):
        platform(actions=["like_pots"])


def test_a_listed_platform_can_always_do_nothing() -> None:
    rules = platform(actions=["create_post"])
    on = [n for n in SOCIAL.names if rules.allowed[SOCIAL.code(n)]]
    assert sorted(on) == ["create_post", "do_nothing"]


@pytest.mark.parametrize("preset", ["x", "reddit"])
def test_presets_switch_on_the_actions_of_oasis(preset: str) -> None:
    rules = platform(preset, "default")
    on = {n for n in SOCIAL.names if rules.allowed[SOCIAL.code(n)]}
    x = {"create_post", "like_post", "repost", "follow", "do_nothing", "quote_post"}
    reddit = {
        *("like_post", "dislike_post", "create_post", "create_comment", "like_comment"),
        *("dislike_comment", "search_posts", "search_user", "trend", "refresh", "do_nothing"),
        *("follow", "mute"),
    }
    assert on == (x if preset == "x" else reddit)
    assert rules.show_score == (preset == "reddit")


def test_own_actions_are_loaded_by_dotted_path_and_switched_on() -> None:
    table = action_table(["harness:BOOST_ACTION"])
    rules = Platform.from_config(PlatformConfig(), table)
    assert table.names[-1] == "boost"
    assert rules.allowed[-1]
    assert action_table([]) is SOCIAL
    for path, fault in (
        ("harness:NOTHING_HERE", "has no 'NOTHING_HERE'"),
        ("no_such_module:X", "cannot import"),
        ("harness", "must have the form"),
        ("harness:MAX_TEXT", "not an ActionSpec"),
        ("harness:MISSPELT_QUERY", "there is no query 'trends' .did you mean 'trend'"),
    ):
        with pytest.raises(ScenarioError, match=fault):
            action_table([path])


# -- what some of them come to --------------------------------------------------------------------


def test_a_like_withdraws_a_dislike_where_they_are_exclusive(stage: World) -> None:
    do(stage, platform("reddit"), 4, Action("like_post", post_id=1))
    assert (stage.item(0).likes, stage.item(0).dislikes) == (2, 0)
    do(stage, platform("x"), 4, Action("dislike_post", post_id=1))
    assert (stage.item(0).likes, stage.item(0).dislikes) == (2, 1)


def test_a_changed_rule_holds_from_the_event_on_as_in_a_replay(stage: World) -> None:
    for exclusive, counts in ((True, (2, 0)), (False, (2, 1))):
        change = {"platform.exclusive_reactions": exclusive}
        do(stage, platform("x"), -1, Action("configure", settings=change))
        name = "like_post" if exclusive else "dislike_post"
        do(stage, platform("reddit"), 4, Action(name, post_id=0))  # not yet told of the change
        assert (stage.item(0).likes, stage.item(0).dislikes) == counts


def test_a_quote_of_a_quote_or_of_its_repost_refers_to_the_original(stage: World) -> None:
    do(stage, platform(), 5, Action("repost", post_id=2))
    for seen in (2, 6):
        events = do(stage, platform(), 1, Action("quote_post", post_id=seen, content="so"))
        quote = stage.item(int(events.item[0]))
        assert (quote.kind, quote.ref, quote.parent, quote.content) == ("quote", 0, seen, "so")
    assert (stage.item(0).shares, stage.item(2).shares) == (4, 1)


def test_a_repost_of_a_repost_is_of_the_post(stage: World) -> None:
    events = do(stage, platform(), 5, Action("repost", post_id=1))
    repost = stage.item(int(events.item[0]))
    assert (repost.kind, repost.ref, repost.parent, repost.content) == ("repost", 0, 1, "")


def test_sales_do_not_overflow(stage: World) -> None:
    for agent in range(3):
        action = Action("purchase_product", product_name="lamp", quantity=2**31 - 1)
        do(stage, platform(), agent, action)
    assert stage.products["sales"].tolist() == [3 * (2**31 - 1)]


def test_a_new_item_has_the_topic_of_its_text_or_of_what_it_repeats(make_world: Any) -> None:
    world: World = make_world(6, follows=0)
    rules = platform()
    do(world, rules, 0, Action("create_post", content="Sports"))
    do(world, rules, 1, Action("create_post", content="qwxz"))
    do(world, rules, 2, Action("repost", post_id=0))
    do(world, rules, 2, Action("quote_post", post_id=0, content="Health"))
    given = ActionBatch.from_actions(
        SOCIAL, [(3, [Action("create_post", content="Sports")])], world.product
    )
    given.topic[:], given.stance[:] = 1, -5000
    apply(rules, world, given, 2)
    do(world, rules, 1, Action("repost", post_id=4))
    assert world.items["topic"].tolist() == [3, -1, 3, 2, 1, 1]
    assert world.items["stance"].tolist()[-2:] == [-5000, -5000]


def test_what_an_action_has_no_argument_for_is_ignored(stage: World) -> None:
    codes = [SOCIAL.code(n) for n in ("create_post", "repost", "like_post", "do_nothing")]
    batch = ActionBatch.blank(np.arange(2, 6), np.array(codes))
    batch.target[:], batch.amount[:], batch.text[:], batch.texts = 0, 7, 0, ["hello"]
    events = apply(platform(), stage, batch, 1)
    got = {
        SOCIAL[int(a)].name: (t, m, x >= 0)
        for a, t, m, x in zip(events.action, events.target, events.amount, events.text, strict=True)
    }
    assert got == {
        "create_post": (-1, 0, True),
        "repost": (0, 0, False),
        "like_post": (0, 0, False),
        "do_nothing": (-1, 0, False),
    }


def test_what_a_model_failed_to_say_is_kept_and_changes_nothing(stage: World) -> None:
    like, post = SOCIAL.code("like_post"), SOCIAL.code("create_post")
    batch = ActionBatch.blank(np.array([1, 2, 2, 5]), np.array([like, like, post, like]))
    batch.wave[:] = [0, 0, 1, 1]
    batch.target[:] = [0, 0, -1, 10**6]
    batch.amount[:] = 7
    batch.texts, batch.text[:] = ['{"do": [', "hello"], [0, -1, 1, 0]
    batch.refused[:] = [Reason.invalid_reply, 0, 0, Reason.no_reply]
    items, likes = len(stage.items), int(stage.items["likes"][0])
    events = apply(platform(), stage, batch, 2)
    found = {
        (int(a), Reason(int(r)).name, int(t), int(v), int(m)): stage.texts[int(x)]
        for a, r, t, v, m, x in zip(
            events.agent, events.reason, events.target, events.via, events.amount, events.text,
            strict=True,
        )
    }  # fmt: skip
    assert found == {
        (1, "invalid_reply", -1, -1, 0): '{"do": [',
        (2, "ok", 0, 0, 0): "",
        (2, "ok", -1, -1, 0): "hello",
        (5, "no_reply", -1, -1, 0): '{"do": [',
    }
    assert len(stage.items) == items + 1
    assert stage.items["likes"][0] == likes + 1


def test_an_action_may_name_only_what_existed_when_its_wave_began(make_world: Any) -> None:
    world: World = make_world(6, follows=0)
    like, post = Action("like_post", post_id=0), Action("create_post", content="a")
    turns = [(0, [post]), (1, [like, like]), (2, [like])]
    events = apply(platform(), world, ActionBatch.from_actions(SOCIAL, turns, world.product), 1)
    found = sorted(zip(events.wave.tolist(), events.agent.tolist(), events.reason, strict=True))
    assert found == [(0, 0, 0), (0, 1, Reason.not_found), (0, 2, Reason.not_found), (1, 1, 0)]


def test_the_first_to_ask_for_a_name_gets_it(make_world: Any) -> None:
    for seed in range(8):
        world: World = make_world(6, seed=seed)
        joining = [(a, [Action("sign_up", profile={"user_name": "new"})]) for a in range(5)]
        batch = ActionBatch.from_actions(SOCIAL, joining, world.product)
        events = apply(platform(), world, batch, 1, environment=True)
        assert events.reason.tolist() == [0, *[Reason.duplicate] * 4]
        order = np.argsort(world.streams.at("order", 1).scramble(np.arange(5)))
        assert events.agent.tolist() == order.tolist()


def test_lone_surrogates_and_nul_do_no_harm(make_world: Any) -> None:
    world: World = make_world(6)
    rules = platform()
    do(world, rules, 0, Action("create_post", content="a\ud83d b\x00c"))
    do(world, rules, 0, Action("create_post", content="a\ufffd b\x00c"))
    do(world, rules, 1, Action("sign_up", profile={"user_name": "x\udc00", "bio": "\ud800"}))
    assert world.item(0).content == "a\ufffd b\x00c"
    assert world.items["text"][0] == world.items["text"][1]
    assert world.agent(6).user_name == "x\ufffd"
    for text in world.texts.since(0):
        assert text.encode().decode() == text
    assert world.profiles.table().column("bio")[6].as_py() == "\ufffd"


def test_a_batch_that_would_damage_the_world_is_refused(stage: World) -> None:
    codes = np.array([SOCIAL.code("do_nothing")] * 2)
    for agents, fault in (([1, 1], "two actions of agent 1 in wave 0"), ([0, 6], "agent 6")):
        with pytest.raises(ActionError, match=fault):
            apply(platform(), stage, ActionBatch.blank(np.array(agents), codes), 1)
    with pytest.raises(ActionError, match="agent -1"):
        apply(platform(), stage, ActionBatch.blank(np.array([-1]), codes[:1]), 1)
    assert stage.step == 0


def test_an_empty_batch_only_moves_the_clock(stage: World) -> None:
    items = len(stage.items)
    events = apply(platform(), stage, ActionBatch.concat([]), 4)
    assert (len(events), stage.step, len(stage.items)) == (0, 4, items)
