"""What queries find: the same whenever it is asked."""

from __future__ import annotations

import pytest
from forum import ANN, BOB, CYD, DAN, FAY, Forum

from hubbub.actions import SOCIAL, Action, ActionSpec
from hubbub.actions.social import QUERY
from hubbub.actions.spec import Query
from hubbub.mind.lookup import Lookup
from hubbub.mind.turn_records import Reference
from hubbub.platform import queries
from hubbub.platform.queries import Answer, Moment, QueryType

LAMPS = Action("search_posts", query="LAMP")
SHOWN = (Reference("post", 0, ANN),)


@pytest.fixture
def forum() -> Forum:
    made = Forum(bio=["", "lamp maker", "", "", "", ""])
    made.do(1, ANN, "create_post", content="A lamp\nis lit")
    made.do(2, BOB, "create_post", content="My lamps are better")
    made.do(2, CYD, "create_post", content="It is dark")
    made.do(3, DAN, "create_comment", post_id=0, content="lamp!")
    for agent in (BOB, CYD, DAN):
        made.do(3, agent, "like_post", post_id=2)
    made.do(3, ANN, "like_post", post_id=1)
    made.do(4, ANN, "create_group", name="Chess")
    made.do(4, BOB, "join_group", group_id=0)
    made.do(4, BOB, "send_to_group", group_id=0, content="e4")
    made.do(4, CYD, "create_group", name="Go")
    made.do(4, CYD, "send_to_group", group_id=1, content="secret")
    return made


def lookup(forum: Forum, step: int = 5, *agents: int) -> Lookup:
    obs = forum.observe(step, {a: [] for a in agents or range(6)})
    return Lookup(obs, forum.prompter(), forum.platform)


def test_posts_are_found_and_numbered_on(forum: Forum) -> None:
    text, things = lookup(forum).answer(FAY, LAMPS, SHOWN)
    assert text == "search_posts:\n2 bob 3h: My lamps are better\n1 ann 4h: A lamp is lit"
    assert things == (*SHOWN, Reference("post", 1, BOB))


def test_users(forum: Forum) -> None:
    text, things = lookup(forum).answer(FAY, Action("search_user", query="lamp"), ())
    assert (text, things) == ("search_user:\n1 bob: lamp maker", (Reference("user", BOB, BOB),))


def test_trend(forum: Forum) -> None:
    text, things = lookup(forum).answer(FAY, Action("trend"), SHOWN)
    assert text.splitlines() == [
        "trend:",
        "2 cyd 3h: It is dark",
        "3 bob 3h: My lamps are better",
        "1 ann 4h: A lamp is lit",
    ]
    assert [t.id for t in things] == [0, 2, 1]


def test_groups_with_the_new_messages_of_ones_own(forum: Forum) -> None:
    ask = Action("listen_from_group")
    found = lookup(forum)
    assert found.answer(ANN, ask, SHOWN) == (
        "listen_from_group:\n2 «Chess» 2 members, yours\n bob: e4\n3 «Go» 1 members",
        (*SHOWN, Reference("group", 0, -1), Reference("group", 1, -1)),
    )
    assert found.answer(FAY, ask, ())[0].splitlines() == [
        "listen_from_group:",
        "1 «Chess» 2 members",
        "2 «Go» 1 members",
    ]
    forum.awake(5, ANN)
    assert "e4" not in lookup(forum).answer(ANN, ask, ())[0]


def test_nothing_found_and_nothing_asked(forum: Forum) -> None:
    found = lookup(forum)
    for query in ("xyz", "", "\ud800", "99"):
        asked = Action("search_posts", query=query)
        assert found.answer(FAY, asked, SHOWN) == ("search_posts:\nNothing found.", SHOWN)
    assert found.answer(FAY, Action("refresh"), SHOWN) == ("", SHOWN)
    assert found.answer(FAY, Action("like_post", post_id=0), SHOWN) == ("", SHOWN)


def test_own_query_actions_and_languages() -> None:
    spec = ActionSpec("look_for", "look", (QUERY,), effects=(Query("search_posts"),))
    forum = Forum(table=SOCIAL.with_extra([spec]), language=["de"] * 6)
    forum.do(1, BOB, "create_post", content="Licht")
    asked = Action("look_for", query="licht")
    assert lookup(forum).answer(ANN, asked, ())[0] == "look_for:\n1 bob 4Std: Licht"
    missed = Action("look_for", query="?")
    assert lookup(forum).answer(ANN, missed, ())[0] == "look_for:\nNichts gefunden."


def test_a_new_query_takes_one_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    def prepare(moment: Moment) -> Answer:
        authors = moment.world.items["author"][: moment.items].copy()
        return lambda agent, text: [p for p, a in enumerate(authors.tolist()) if a == agent]

    monkeypatch.setitem(queries.QUERIES, "my_posts", QueryType("posts", prepare))
    spec = ActionSpec("look_back", "look at what you wrote", effects=(Query("my_posts"),))
    forum = Forum(table=SOCIAL.with_extra([spec]))
    forum.do(1, BOB, "create_post", content="one")
    forum.do(2, ANN, "create_post", content="two")
    found = lookup(forum)
    forum.do(5, BOB, "create_post", content="three")
    assert found.answer(BOB, Action("look_back"), ()) == (
        "look_back:\n1 bob 4h: one",
        (Reference("post", 0, BOB),),
    )
    assert found.answer(CYD, Action("look_back"), ())[0] == "look_back:\nNothing found."


ASKED = [
    LAMPS,
    Action("search_posts", query="12"),
    Action("search_user", query="lamp"),
    Action("search_user", query="6"),
    Action("trend"),
    Action("listen_from_group"),
]


@pytest.mark.parametrize("asked_before", [True, False])
def test_the_world_may_move_on(forum: Forum, asked_before: bool) -> None:
    expected = [lookup(forum).answer(a, q, SHOWN) for a in range(6) for q in ASKED]
    found = lookup(forum)
    if asked_before:
        assert [found.answer(a, q, SHOWN) for a in range(6) for q in ASKED] == expected
    forum.do(5, FAY, "create_post", content="the best lamp of all")
    forum.do(5, -1, "sign_up", profile={"user_name": "lampard", "name": "L", "bio": "lamp"})
    for agent in (BOB, CYD, DAN, FAY):
        forum.do(6, agent, "like_post", post_id=0)
        forum.do(6, agent, "create_comment", post_id=0, content="lamp lamp")
    forum.do(6, FAY, "join_group", group_id=1)
    forum.do(6, BOB, "leave_group", group_id=0)
    forum.do(6, CYD, "send_to_group", group_id=1, content="more")
    forum.do(6, DAN, "create_group", name="Bridge")
    forum.do(6, ANN, "send_to_group", group_id=0, content="anyone?")
    forum.awake(7, *range(6))
    assert [found.answer(a, q, SHOWN) for a in range(6) for q in ASKED] == expected
    assert [lookup(forum).answer(a, q, SHOWN) for a in range(6) for q in ASKED] != expected


def test_at_most_ten_are_found(forum: Forum) -> None:
    for k in range(30):
        forum.do(5, BOB, "create_post", content=f"lamp {k}")
    text, things = lookup(forum, 6).answer(FAY, LAMPS, ())
    assert [t.id for t in things] == sorted((t.id for t in things), reverse=True)
    assert len(things) == len(text.splitlines()) - 1 == 10
