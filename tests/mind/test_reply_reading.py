"""JSON in whatever dress a model gives it."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubbub.mind.json_reading import MAX_REPLY, Unreadable, clean, json_values, spoken, whole_number

LIKE = {"do": [{"action": "like_post", "id": 2}]}
PLAIN = '{"do":[{"action":"like_post","id":2}]}'

leaves = st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.text(max_size=12)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=12,
)
roots = st.lists(values, max_size=3) | st.dictionaries(st.text(max_size=5), values, max_size=3)


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        f"```json\n{PLAIN}\n```",
        f"Sure, here you are:\n\n{PLAIN}\n\nIs it what you wanted?",
        f"<think>{{'do': 'this or [that'</think>{PLAIN}",
        f"{{sigh}} I don't know. {{well}} {PLAIN}",
        json.dumps(PLAIN),
        '{"do":[{"action":"like_post","id":2,},],}',
        "{'do': [{'action': 'like_post', 'id': 2}]}",
        "{do: [{action: like_post, id: 2}]}",
        '{"do":[{"action":"like_post","id":2}}',
        '{"do":[{"action":"like_post","id":2]}',
        '{"do":[{"action":"like_post","id":2}',
        '{"do":[{"action":"like_post","id":2},{"action":"create_post","text":"It ',
        '{"do":[{"action":"like_post","id":2},{"action":"follow","id":1',
        "{“do”: [{“action”: “like_post” “id”: 2}]}",
    ],
)
def test_one_reply_in_many_dresses(text: str) -> None:
    assert json_values(text) == [LIKE]


def test_values_of_several_lines_come_in_their_order() -> None:
    assert json_values('{"a":1}\n{"a":2}\nand [3]') == [{"a": 1}, {"a": 2}, [3]]


def test_a_missing_value_takes_no_other() -> None:
    assert json_values('{"action":, "id": 2,}') == [{"id": 2}]
    assert json_values('{"action":"like_post" "id": 2}') == [{"action": "like_post", "id": 2}]


def test_what_a_literal_and_an_escape_stand_for() -> None:
    text = r"""{'a': True, b: None, "c": [1, -2, 2.5, 1e3, false, null, x],
               d: "caf\u00e9 \"x\"\n\t\\ \/", 'e': 'it\'s', "f": "two
lines",}"""
    assert json_values(text) == [
        {
            "a": True,
            "b": None,
            "c": [1, -2, 2.5, 1000.0, False, None, "x"],
            "d": 'café "x"\n\t\\ /',
            "e": "it's",
            "f": "two\nlines",
        }
    ]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it was empty"),
        (" \n", "it was empty"),
        ("<think>I would like to {'do': [", "it was empty"),
        ("I like the second post.", "it was not JSON"),
        ("17", "it was not JSON"),
        ('"like_post"', "it was not JSON"),
        ('{"do":[{"action":"create_post","text":"It is', "it was not JSON"),
        ('{"action":"like_post","id":2', "it was not JSON"),
        ("x" * (MAX_REPLY + 1), "it was too long"),
        ("[" * 10**6, "it was too long"),
    ],
)
def test_what_is_no_reply_says_why(text: str, why: str) -> None:
    with pytest.raises(Unreadable) as problem:
        json_values(text)
    assert problem.value.why == why


@pytest.mark.parametrize(
    "text",
    [
        # a text that breaks off, or stands where a colon should be, is never searched for JSON
        """{"action":"create_post","text":"he wrote {'action':'follow','id':1} and""",
        """{"action" "create_post","text":"he wrote {'action':'follow','id':1} and"}""",
        """{'text': 'he wrote {"action":"follow","id":1} and""",
    ],
)
def test_json_within_a_broken_text_is_not_read(text: str) -> None:
    with pytest.raises(Unreadable):
        json_values(text)


@pytest.mark.parametrize(
    "unit",
    ["[", "{", '{"a":', "{a:[", '{"', '"', "\\", " ", '{"\\"', "[1", "{a ", "}", "“", "[]", "{'"],
)
def test_hostile_nesting_costs_next_to_nothing(unit: str) -> None:
    text = "{" + unit * ((MAX_REPLY - 1) // len(unit))
    began = time.process_time()
    with suppress(Unreadable):
        json_values(text)
    assert time.process_time() - began < 0.5  # all are linear: some 50 ms at most


@given(roots)
def test_any_json_is_read_as_json(value: Any) -> None:
    assert json_values(json.dumps(value)) == [value]
    assert json_values(json.dumps(value, ensure_ascii=False)) == [value]


@given(roots.filter(bool))
def test_json_in_prose_is_read_as_json(value: Any) -> None:
    assert json_values(f"I'd say: {json.dumps(value)}, and no more") == [value]


@given(st.text() | st.text("{}[]:,='\"\\ \n01ae“”</think>", max_size=60))
def test_any_text_is_read_or_unreadable(text: str) -> None:
    try:
        found = json_values(text)
    except Unreadable:
        return
    assert found
    assert all(isinstance(v, dict | list) for v in found)


def test_cleaned_texts_can_be_kept_anywhere() -> None:
    assert clean("  so \ud83d\ude00 \ud83d!\x00\x1b[31m\tred\r\nnext\rlast\x85 ") == (
        "so 😀 �![31m red\nnext\nlast"
    )
    assert clean("plain words ") == "plain words"


@given(st.text(st.characters()))
def test_cleaning_once_is_enough(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    assert once.encode().decode() == once
    assert not {c for c in once if c < " "} - {"\n"}


def test_thoughts_are_not_spoken() -> None:
    assert spoken("<think>well</think> Yes.") == " Yes."
    assert spoken("well</think>Yes.") == "Yes."
    assert spoken(" <think>well") == ""
    assert spoken("Yes.") == "Yes."


@pytest.mark.parametrize(
    ("value", "number"),
    [(2, 2), (2.0, 2), ("2", 2), (" #2", 2), ("-1", -1), (10**30, 10**30), (True, None)]
    + [(v, None) for v in (2.5, float("inf"), float("nan"), "two", "", "9" * 5000, [2], None, "٣")],
)
def test_numbers(value: Any, number: int | None) -> None:
    assert whole_number(value) == number


def test_huge_numbers_are_read() -> None:
    digits = "9" * 5000
    assert whole_number(json_values(f'{{"id":{digits}}}')[0]["id"]) is None
    assert json_values(f"{{id:{digits},}}") == [{"id": digits}]
    assert isinstance(msgspec.json.decode("[9999999999999999999999]")[0], int | float)
