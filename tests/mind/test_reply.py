"""What a model may answer, and what its answer means."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubbub.actions import SOCIAL, Action, ActionBatch, ActionSpec, ActionTable
from hubbub.actions.spec import Arg, Exists, GoodText, Positive, Query
from hubbub.mind.json_reading import Unreadable, clean
from hubbub.mind.reply import LONGEST_TEXT, ReplyForm
from hubbub.mind.turn_records import Reference
from hubbub.platform.rules import PRESETS

REDDIT = PRESETS["reddit"].actions
AGENTS = [s.name for s in SOCIAL if not s.environment_only]
PRODUCTS = ["lamp", 'big "chair"']
USER = Arg("whom", "user")
#: Numbers 1 and 2 are posts, 3 and 4 comments on post 70, 5 is a user, 6 a group.
THINGS = (
    Reference("post", 70, 1),
    Reference("post", 71, 2),
    Reference("comment", 80, 3),
    Reference("comment", 81, 1),
    Reference("user", 9, 9),
    Reference("group", 0, -1),
)
POST_OF = {80: 70, 81: 70}
OWN = SOCIAL.with_extra(
    [
        ActionSpec("rate", "give a post stars", (Arg("post", "post"), Arg("stars", "number"))),
        ActionSpec("wave_at", "wave at a user", (USER, Arg("word", "text", "", False))),
        ActionSpec("tip", "tip a user", (Arg("to", "user"), Arg("sum", "number")), (Positive(),)),
        ActionSpec("fill_in", "fill in a form", (Arg("form", "record"),)),
        ActionSpec("shout", "shout", (Arg("cry", "text"), Arg("echo", "text"))),
    ]
)  # fmt: skip


def form(
    names: Sequence[str] = REDDIT, *, table: ActionTable = SOCIAL, **options: Any
) -> ReplyForm:
    options = {"max_text": 10_000, "products": PRODUCTS, **options}
    return ReplyForm(table, np.isin(table.names, names), **options)


EVERYTHING = form(OWN.names, table=OWN, max_actions=3)


def read(text: Any, names: Sequence[str] = REDDIT, **options: Any) -> list[Action]:
    text = text if isinstance(text, str) else json.dumps(text)
    queries = options.pop("queries", True)
    some = form(names, **options)
    return some.read(text, THINGS, post_of=POST_OF.__getitem__, queries=queries)


def one(name: str, /, **fields: Any) -> dict[str, Any]:
    return {"do": [{"action": name, **fields}]}


def why(text: Any, *args: Any, **options: Any) -> str:
    with pytest.raises(Unreadable) as problem:
        read(text, *args, **options)
    return problem.value.why


# -- the words ------------------------------------------------------------------------------------


def test_the_guide_tells_the_form_and_every_action_once() -> None:
    assert form().guide() == (
        'Reply with JSON only, one action: {"do":[{"action":"create_comment","id":2,"text":"..."}]}'
        """
id is a number shown to you; for a user, that of anything by them.
Actions by their fields:
none: do_nothing, trend
text: create_post, search_posts, search_user
id: like_post, dislike_post, like_comment, dislike_comment, follow, mute
id text: create_comment"""
    )


def test_the_guide_of_own_actions_and_of_products() -> None:
    guide = EVERYTHING.guide().splitlines()
    assert guide[0].startswith("Reply with JSON only, 1 to 3 actions: ")
    assert 'product is one of "lamp", "big \\"chair\\"".' in guide
    assert "amount product: purchase_product" in guide
    assert guide[-3:] == [
        "id amount: rate, give a post stars",
        "id text: wave_at, wave at a user",
        "id amount: tip, tip a user",
    ]


def test_the_guide_leaves_out_what_there_is_no_use_for() -> None:
    assert form(["do_nothing", "create_post"]).guide() == (
        'Reply with JSON only, one action: {"do":[{"action":"create_post","text":"..."}]}\n'
        "Actions by their fields:\nnone: do_nothing\ntext: create_post"
    )
    assert form(["purchase_product"], products=[]).guide() == (
        'Reply with JSON only, one action: {"do":[]}\nActions by their fields:'
    )
    assert "refresh" in form(["refresh"]).guide()


# -- the schema -----------------------------------------------------------------------------------


def choices(
    some: ReplyForm, things: Sequence[Reference], **options: Any
) -> dict[str, dict[str, Any]]:
    """Return the schemas of the fields of each action in the form's shape."""
    do = some.shape(things, **options).schema["properties"]["do"]
    found: dict[str, dict[str, Any]] = {}
    for choice in do["items"].get("anyOf", ()):
        fields = {k: v for k, v in choice["properties"].items() if k != "action"}
        found |= dict.fromkeys(choice["properties"]["action"]["enum"], fields)
    return found


def test_the_schema_limits_every_field_to_what_is_on_the_slate() -> None:
    text = {"type": "string", "minLength": 1, "maxLength": LONGEST_TEXT}

    def ids(*numbers: int) -> dict[str, Any]:
        return {"type": "integer", "enum": list(numbers)}

    found = choices(form(AGENTS), THINGS)
    assert found["do_nothing"] == found["trend"] == {}
    assert found["create_post"] == found["search_posts"] == {"text": text}
    assert found["like_post"] == found["repost"] == {"id": ids(1, 2)}
    assert found["like_comment"] == {"id": ids(3, 4)}
    assert found["create_comment"] == {"id": ids(1, 2, 3, 4), "text": text}
    assert found["quote_post"] == {"id": ids(1, 2), "text": text}
    assert found["follow"] == found["mute"] == {"id": ids(1, 2, 3, 4, 5)}
    assert found["join_group"] == {"id": ids(6)}
    assert found["report_post"]["text"] == {"type": "string", "maxLength": LONGEST_TEXT}
    assert found["purchase_product"] == {
        "amount": {"type": "integer", "minimum": 1, "maximum": 2**31 - 1},
        "product": {"type": "string", "enum": PRODUCTS},
    }
    assert found.keys() == set(AGENTS) - {"refresh"}
    own = choices(EVERYTHING, THINGS)
    assert own["rate"]["amount"]["minimum"] < 0 < own["tip"]["amount"]["minimum"]
    assert not own.keys() & {"fill_in", "shout", "sign_up", "configure", "interview"}


def test_the_schema_keeps_to_what_strict_endpoints_take() -> None:
    def check(schema: Any) -> None:
        if isinstance(schema, dict):
            assert not schema.keys() & {"oneOf", "allOf", "const", "$ref", "pattern"}
            if schema.get("type") == "object":
                assert schema["required"] == list(schema["properties"])
                assert schema["additionalProperties"] is False
            schema = list(schema.values())
        if isinstance(schema, list):
            for part in schema:
                check(part)

    for things in (THINGS, ()):
        root = EVERYTHING.shape(things).schema
        check(root)
        assert root["type"] == "object"
        assert root["properties"]["do"]["minItems"] == 1
        assert root["properties"]["do"]["maxItems"] == 3


def test_what_has_nothing_to_aim_at_or_may_not_look_is_left_out() -> None:
    assert choices(form(), ()).keys() == {
        *("do_nothing", "create_post", "search_posts", "search_user", "trend")
    }
    assert choices(form(), (), queries=False).keys() == {"do_nothing", "create_post"}
    assert choices(form(), THINGS[4:5]).keys() >= {"follow", "mute"}
    assert choices(form(["purchase_product"], products=[]), THINGS) == {}
    nothing = form(["like_post"]).shape(()).schema["properties"]["do"]
    assert (nothing["minItems"], nothing["maxItems"]) == (0, 0)


def test_slates_that_are_alike_share_a_shape() -> None:
    some = form()
    moved = [t._replace(id=t.id + 1000, user=t.user and t.user + 5) for t in THINGS[:5]]
    assert some.shape(THINGS[:5]) is some.shape(moved)
    assert some.shape(THINGS) is not some.shape(THINGS, queries=False)
    assert some.shape(THINGS[:2]) is not some.shape(THINGS[:3])


def test_a_short_platform_has_short_texts() -> None:
    assert choices(form(max_text=140), ())["create_post"]["text"]["maxLength"] == 140


# -- reading --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "action"),
    [
        (one("do_nothing"), Action("do_nothing")),
        (one("like_post", id=2), Action("like_post", post_id=71)),
        (one("like_comment", id=3), Action("like_comment", comment_id=80)),
        (one("create_post", text=" Hi\x00\nthere "), Action("create_post", content="Hi\nthere")),
        (one("create_comment", id=2, text="a"), Action("create_comment", post_id=71, content="a")),
        (
            one("create_comment", id=3, text="so"),
            Action("create_comment", post_id=70, comment_id=80, content="so"),
        ),
        (one("follow", id=1), Action("follow", user_id=1)),
        (one("follow", id=3), Action("follow", user_id=3)),
        (one("mute", id=5), Action("mute", user_id=9)),
        (one("send_to_group", id=6, text="x"), Action("send_to_group", group_id=0, content="x")),
        (one("create_group", text="Cats"), Action("create_group", name="Cats")),
        (one("create_group", name="Cats"), Action("create_group", name="Cats")),
        (one("search_user", query="ann"), Action("search_user", query="ann")),
        (one("report_post", id=1, text=""), Action("report_post", post_id=70)),
        (one("report_post", id=1, text="spam"), Action("report_post", post_id=70, reason="spam")),
        (one("refresh"), Action("refresh")),
        (
            one("purchase_product", product="Lamp", amount="3"),
            Action("purchase_product", product_name="lamp", quantity=3),
        ),
        (
            one("purchase_product", product_name="lamp", quantity=0),
            Action("purchase_product", product_name="lamp", quantity=0),
        ),
        # other ways to say it
        ({"action": "like_post", "id": 2}, Action("like_post", post_id=71)),
        ([{"action": "like_post", "id": "#2"}], Action("like_post", post_id=71)),
        ({"do": {"action": "like_post", "id": 2.0}}, Action("like_post", post_id=71)),
        ({"actions": [{"Action": "Like Post", "ID": 2}]}, Action("like_post", post_id=71)),
        ({"thought": "nice", "do": ["do_nothing"]}, Action("do_nothing")),
        ([[], "trend"], Action("trend")),
        (one("like-posts", post_id=2), Action("like_post", post_id=71)),
        (one("searchUsers", text="x"), Action("search_user", query="x")),
        (
            {"name": "create_comment", "args": {"post_id": 1, "comment_id": 4, "content": "y"}},
            Action("create_comment", post_id=70, comment_id=81, content="y"),
        ),
        (
            {"action": {"type": "create_comment", "id": 1, "comment_id": None, "text": "y"}},
            Action("create_comment", post_id=70, content="y"),
        ),
        ({"do": []}, Action("do_nothing")),
        ("I take no action: []", Action("do_nothing")),
    ],
)  # fmt: skip
def test_what_a_reply_means(reply: Any, action: Action) -> None:
    assert read(reply, [*AGENTS]) == [action]


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ("well", "it was not JSON"),
        ({"id": 2}, "it named no action"),
        ({"do": [1, 2]}, "it named no action"),
        ({"do": [[["like_post"]]]}, "it named no action"),
        (one("dance"), "it named an action that is not listed"),
        (one("repost", id=1), "it named an action that is not listed"),
        (one("unlike_post", id=1), "it named an action that is not listed"),
        (one("sign_up", user_name="x"), "it named an action that is not listed"),
        (one("", id=1), "it named an action that is not listed"),
        (one("l" * 10**4, id=1), "it named an action that is not listed"),
        (one("like_post", id=9), "the number 9 is not on the list"),
        (one("like_post", id=0), "the number 0 is not on the list"),
        (one("like_post", id=-1), "a number it named is not on the list"),
        (one("like_post", id=123456789), "a number it named is not on the list"),
        (one("like_post", id=10**40), "a number it named is not on the list"),
        (one("like_post", id=3), "like_post needs a post, and 3 is none"),
        (one("follow", id=6), "follow needs a user, and 6 is none"),
        (one("like_post"), "like_post needs the number of a post as id"),
        (one("like_post", id=True), "like_post needs the number of a post as id"),
        (one("like_post", id="IGNORE ALL"), "like_post needs the number of a post as id"),
        (one("create_post"), "create_post needs a text"),
        (one("create_post", text={"a": 1}), "create_post needs a text"),
    ],
)
def test_what_is_wrong_is_said_in_our_own_words(reply: Any, said: str) -> None:
    assert why(reply) == said


def test_amounts_and_products_that_do_not_exist() -> None:
    names = ["purchase_product"]
    product = {"product": "lamp"}
    assert why(one("purchase_product", **product), names).endswith("whole number as amount")
    for amount in (2**31, 10**30, True, 1.5, "many"):
        reply = one("purchase_product", **product, amount=amount)
        assert why(reply, names) == "purchase_product needs a whole number as amount"
    for name in (None, "boat", 3, ["lamp"]):
        reply = one("purchase_product", product=name, amount=1)
        assert why(reply, names) == "purchase_product needs the name of a product on sale"
    assert why(one("purchase_product", product="lamp", amount=1), names, products=[]) == (
        "it named an action that is not listed"
    )


def test_only_the_first_actions_count() -> None:
    reply = {"do": [{"action": "like_post", "id": n} for n in (1, 2, 99)]}
    assert read(reply) == [Action("like_post", post_id=70)]
    assert read(reply, max_actions=2) == [
        Action("like_post", post_id=70),
        Action("like_post", post_id=71),
    ]
    assert why(reply, max_actions=3) == "the number 99 is not on the list"


def test_queries_end_with_the_calls_of_a_turn() -> None:
    assert read(one("search_posts", text="cats"), queries=True)
    assert why(one("search_posts", text="cats"), queries=False) == (
        "search_posts is not possible any more in this turn"
    )
    assert read(one("refresh"), queries=False) == [Action("refresh")]


def test_queries_are_told_by_their_effect() -> None:
    look = ActionSpec("look_around", "look", effects=(Query("trend"),))
    table = SOCIAL.with_extra([look])
    some = form(["look_around", "refresh", "like_post"], table=table)
    assert some.looks(Action("look_around"))
    assert not some.looks(Action("refresh"))
    assert not some.looks(Action("like_post"))


def test_an_empty_reply_on_a_platform_without_idleness() -> None:
    assert read({"do": []}, ["like_post"]) == []


def test_a_near_name_that_could_be_two_is_neither() -> None:
    twins = [ActionSpec(f"praise_it_{end}", "praise", (), (GoodText(),)) for end in "ab"]
    assert why(one("praise_it"), ["praise_it_a", "praise_it_b"], table=ActionTable(twins)) == (
        "it named an action that is not listed"
    )
    assert read(one("praise-it"), ["praise_it_a"], table=ActionTable(twins[:1])) == [
        Action("praise_it_a")
    ]


# -- any reply ------------------------------------------------------------------------------------

kinds = st.lists(st.sampled_from(["post", "comment", "user", "group"]), max_size=6)
slates = kinds.map(
    lambda kinds: tuple(
        Reference(k, 100 + i, -1 if k == "group" else 10 + i) for i, k in enumerate(kinds)
    )
)


def instances(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Return what fits a schema."""
    if "anyOf" in schema:
        return st.one_of([instances(s) for s in schema["anyOf"]])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema["type"]:
        case "object":
            return st.fixed_dictionaries({k: instances(s) for k, s in schema["properties"].items()})
        case "array":
            low, high = schema["minItems"], schema["maxItems"]
            return st.lists(instances(schema["items"]), min_size=low, max_size=high)
        case "integer":
            return st.integers(schema["minimum"], schema["maximum"])
    return st.text(min_size=schema.get("minLength", 0), max_size=20)


def meant(entry: dict[str, Any], things: Sequence[Reference]) -> Action:
    """Return the action of an entry, the slow and plain way."""
    spec, args = OWN.spec(entry["action"]), {}
    for arg in spec.args:
        match arg.kind:
            case "text" if arg.required or clean(entry["text"]):
                args[arg.name] = clean(entry["text"])
            case "number":
                args[arg.name] = entry["amount"]
            case "product":
                args[arg.name] = entry["product"]
            case "post" | "comment" | "user" | "group":
                thing = things[entry["id"] - 1]
                if arg.kind == "user":
                    args[arg.name] = thing.user
                elif arg.kind == thing.kind:
                    args[arg.name] = thing.id
                elif arg.kind == "post" and thing.kind == "comment":
                    args[arg.name] = thing.id + 1000
    return Action(spec.name, **args)


@given(slates, st.booleans(), st.data())
def test_whatever_fits_the_schema_is_read_as_it_is_meant(
    things: tuple[Reference, ...], queries: bool, data: st.DataObject
) -> None:
    reply = data.draw(instances(EVERYTHING.shape(things, queries=queries).schema))
    found = EVERYTHING.read(
        json.dumps(reply), things, post_of=lambda comment: comment + 1000, queries=queries
    )
    assert found == [meant(entry, things) for entry in reply["do"]]
    batch = ActionBatch.from_actions(OWN, [(0, found)], {p: i for i, p in enumerate(PRODUCTS)}.get)
    assert len(batch) == len(found)


junk = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from([*OWN.names, "lamp", 1, 2, "2"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["do", "action", "id", "text", "amount", "product", "arguments", "x"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=8,
)
replies = (
    st.text()
    | junk.map(json.dumps)
    | junk.map(repr)
    | st.tuples(junk.map(json.dumps), st.integers(0, 40)).map(lambda t: t[0][: -t[1] or None])
    | st.binary().map(lambda b: b.decode("utf-8", "surrogateescape"))
)


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """Return a good reply of which a part has been lost or replaced."""
    good = json.dumps(draw(instances(EVERYTHING.shape(THINGS).schema)))
    begin, end = sorted(draw(st.tuples(*[st.integers(0, len(good))] * 2)))
    put_in = draw(st.text("{}[]:,'\"\\0129x", max_size=3))
    return good[:begin] + put_in + good[end if draw(st.booleans()) else begin :]


@given(replies | damaged(), slates | st.just(THINGS), st.booleans())
def test_any_reply_is_actions_a_batch_takes_or_unreadable(
    reply: str, things: tuple[Reference, ...], queries: bool
) -> None:
    try:
        found = EVERYTHING.read(reply, things, post_of=lambda c: c + 1000, queries=queries)
    except Unreadable:
        return
    assert 1 <= len(found) <= 3
    batch = ActionBatch.from_actions(OWN, [(0, found)], {p: i for i, p in enumerate(PRODUCTS)}.get)
    shown = {t.id for t in things} | {t.user for t in things} | {t.id + 1000 for t in things}
    aimed = {OWN[c].target_kind for c in batch.action} - {None, "product"}
    assert not aimed or set(batch.target.tolist()) & shown
    assert queries or not any(EVERYTHING.looks(a) for a in found)


def test_specifications_of_any_kind_make_a_form() -> None:
    odd = ActionTable(
        [
            ActionSpec("only_optional", "x", (Arg("post", "post", "", False),), (Exists(),)),
            ActionSpec("two_posts", "x", (Arg("a", "post"), Arg("b", "post"))),
        ]
    )
    some = form(odd.names, table=odd)
    assert choices(some, THINGS).keys() == {"only_optional"}
    assert some.read('["only_optional"]', THINGS, post_of=lambda c: c) == [Action("only_optional")]


def test_reading_and_shapes_are_fast() -> None:
    some, reply = form(), json.dumps(one("create_comment", id=3, text="That is well said. " * 3))

    def best(work: Any) -> float:
        times = []
        for _ in range(20):
            began = time.process_time()
            for _ in range(50):
                work()
            times.append((time.process_time() - began) / 50)
        return min(times)

    # about 10 and 3 microseconds
    assert best(lambda: some.read(reply, THINGS, post_of=POST_OF.__getitem__)) < 60e-6
    assert best(lambda: some.shape(THINGS)) < 30e-6
