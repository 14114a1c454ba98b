"""The table of actions: what it must go on being, since runs are stored by its codes."""

from __future__ import annotations

import pytest

from hubbub.actions import SOCIAL, ActionSpec, ActionTable, Kind, Pairs, Reason
from hubbub.actions.spec import Add, Arg, Bump, Exists, Without
from hubbub.errors import ActionError

#: The code of each action, and the reasons for which it may be refused, as documented.
EXPECTED = {
    "do_nothing": (0, ""),
    "refresh": (1, ""),
    "create_post": (2, "bad_text"),
    "repost": (3, "not_found duplicate"),
    "quote_post": (4, "not_found bad_text"),
    "like_post": (5, "not_found self_rating duplicate"),
    "unlike_post": (6, "not_found absent"),
    "dislike_post": (7, "not_found self_rating duplicate"),
    "undo_dislike_post": (8, "not_found absent"),
    "report_post": (9, "not_found duplicate"),
    "create_comment": (10, "not_found bad_text"),
    "like_comment": (11, "not_found self_rating duplicate"),
    "unlike_comment": (12, "not_found absent"),
    "dislike_comment": (13, "not_found self_rating duplicate"),
    "undo_dislike_comment": (14, "not_found absent"),
    "follow": (15, "not_found self_target duplicate"),
    "unfollow": (16, "not_found self_target absent"),
    "mute": (17, "not_found self_target duplicate"),
    "unmute": (18, "not_found self_target absent"),
    "search_posts": (19, ""),
    "search_user": (20, ""),
    "trend": (21, ""),
    "create_group": (22, "bad_text"),
    "join_group": (23, "not_found duplicate"),
    "leave_group": (24, "not_found not_member"),
    "send_to_group": (25, "not_found not_member bad_text"),
    "listen_from_group": (26, ""),
    "purchase_product": (27, "not_found bad_quantity"),
    "interview": (28, "bad_text"),
    "sign_up": (29, "duplicate"),
    "sign_up_product": (30, "bad_text duplicate"),
    "configure": (31, ""),
    "reflect": (32, "bad_text"),
}
ARGUMENTS = {
    "create_post": "content",
    "repost": "post_id",
    "quote_post": "post_id content",
    "report_post": "post_id reason?",
    "create_comment": "post_id content comment_id?",
    "follow": "user_id",
    "search_posts": "query",
    "search_user": "query",
    "create_group": "name",
    "join_group": "group_id",
    "send_to_group": "group_id content",
    "purchase_product": "product_name quantity",
    "interview": "question",
    "sign_up_product": "name",
    "reflect": "content",
    "trend": "",
    "listen_from_group": "",
}


def test_codes_and_reasons() -> None:
    found = {s.name: (i, " ".join(r.name for r in s.reasons)) for i, s in enumerate(SOCIAL)}
    assert found == EXPECTED


@pytest.mark.parametrize(("name", "arguments"), ARGUMENTS.items())
def test_arguments(name: str, arguments: str) -> None:
    spec = SOCIAL.spec(name)
    assert " ".join(a.name + "?" * (not a.required) for a in spec.args) == arguments


def test_reasons_and_kinds_are_stored_by_number() -> None:
    reasons = "ok not_allowed not_found duplicate absent self_rating self_target not_member"
    rest = "bad_text bad_quantity invalid_reply no_reply"
    assert [r.name for r in sorted(Reason)] == f"{reasons} {rest}".split()
    assert [int(r) for r in sorted(Reason)] == list(range(12))
    assert [(k.name, int(k)) for k in sorted(Kind)] == [
        ("post", 0),
        ("repost", 1),
        ("quote", 2),
        ("comment", 3),
        ("message", 4),
    ]


def test_the_environment_keeps_some_actions_to_itself() -> None:
    alone = {s.name for s in SOCIAL if s.environment_only}
    assert alone == {"interview", "sign_up", "sign_up_product", "configure", "reflect"}


def test_what_counts_as_engagement() -> None:
    assert {s.name for s in SOCIAL if s.engages} == {
        *("repost", "quote_post", "create_comment", "like_post", "like_comment")
    }


def test_every_action_says_what_it_does() -> None:
    for spec in SOCIAL:
        assert spec.summary
        assert all(a.summary for a in spec.args)
        text_columns = [a for a in spec.args if a.column == "text"]
        assert len(text_columns) <= 1  # a batch has one column for each
        assert len([a for a in spec.args if a.column == "target" and a.required]) <= 1


def test_sets_and_counters() -> None:
    assert {p.name for p in SOCIAL.pairs} == {
        *("repost", "like", "dislike", "report", "follow", "mute", "member")
    }
    assert set(SOCIAL.item_counters) == {"shares", "likes", "dislikes", "reports", "comments"}


def test_looking_up() -> None:
    assert SOCIAL.code("repost") == 3
    assert SOCIAL[3].name == "repost"
    assert SOCIAL.spec("repost") is SOCIAL[3]
    assert "repost" in SOCIAL
    assert "retweet" not in SOCIAL
    assert len(SOCIAL) == len(SOCIAL.names) == 33
    with pytest.raises(ActionError, match=r"no action 'likepost' \(did you mean 'like_post'\?\)"):
        SOCIAL.code("likepost")
    with pytest.raises(ActionError, match=r"no action 'zzz'$"):
        SOCIAL.spec("zzz")


def test_two_actions_of_one_name() -> None:
    spec = ActionSpec("wave", "wave a hand")
    with pytest.raises(ActionError, match="two actions are named 'wave'"):
        ActionTable([spec, ActionSpec("nod", "nod"), spec])
    with pytest.raises(ActionError, match="two actions are named 'repost'"):
        SOCIAL.with_extra([ActionSpec("repost", "mine")])


def test_own_actions_come_after_the_built_in_ones() -> None:
    boost = Pairs("boost", "item", counter="boosts")
    post = Arg("post_id", "post")
    requires, effects = (Exists(), Without(boost)), (Add(boost), Bump("views"))
    table = SOCIAL.with_extra([ActionSpec("boost", "boost", (post,), requires, effects)])
    assert table.names == [*SOCIAL.names, "boost"]
    assert table.pairs == (*SOCIAL.pairs, boost)
    assert set(table.item_counters) - set(SOCIAL.item_counters) == {"boosts", "views"}
    assert table.spec("boost").reasons == (Reason.not_found, Reason.duplicate)
    assert table.spec("boost").target_kind == "post"
    assert table.spec("boost").inserts is None
