"""Descriptions of agents."""

from __future__ import annotations

from typing import Any

import pytest
from forum import ANN, BOB, CYD, Forum
from hypothesis import given, settings
from hypothesis import strategies as st

from hubbub.errors import ScenarioError
from hubbub.mind.persona import PERSONA_CHARS, TEMPLATE_CHARS, describe
from hubbub.mind.words import PLAIN, words_for

MILLER = {
    "user_name": "miller",
    "name": "James Miller",
    "bio": "Exploring the world.",
    "persona": "James is a seasoned professional. He loves to travel.",
    "age": 40,
    "gender": "male",
    "mbti": "ESTJ",
    "country": "UK",
    "profession": "Tourism",
    "interested_topics": "Economics; Business",
    "activity_level": "high",
}


def test_oasis_fields() -> None:
    assert describe(MILLER, PLAIN) == (
        "You are James Miller (@miller), 40, male, ESTJ, UK, Tourism. "
        "Interests: Economics, Business. "
        "James is a seasoned professional. He loves to travel. Exploring the world."
    )


@pytest.mark.parametrize(
    ("profile", "text"),
    [
        ({"user_name": "ann", "name": "ann", "bio": ""}, "You are @ann."),
        ({"user_name": "a b:c", "name": ""}, "You are @a_b_c."),
        (
            {"user_name": "a", "profession": "Law", "bio": "Law. Mostly Art. No Law!"},
            "You are @a, Law. Mostly Art. No Law!",
        ),
        (
            {"user_name": "a", "name": "Al", "user_char": "Kind.", "description": "Kind."},
            "You are Al (@a). Kind.",
        ),
        (
            {"user_name": "a", "bio": "Kind.", "persona": "Kind. Old.", "age": 30.0},
            "You are @a, 30. Kind. Old.",
        ),
        (
            {"user_name": "a", "interested_topics": ["x", "y"], "country": None},
            "You are @a. Interests: x, y.",
        ),
    ],
)
def test_nothing_twice_and_nothing_missing(profile: dict[str, Any], text: str) -> None:
    assert describe(profile, PLAIN) == text


def test_prose_ends_with_a_sentence() -> None:
    persona = "I am careful. " * 100
    text = describe({**MILLER, "persona": persona}, PLAIN)
    assert PERSONA_CHARS - len("I am careful. ") <= len(text) <= PERSONA_CHARS
    assert text.endswith("I am careful.")
    endless = describe({**MILLER, "persona": "careful " * 100}, PLAIN)
    assert endless.endswith("careful…")
    assert len(endless) <= PERSONA_CHARS
    han = describe({**MILLER, "persona": "我喜欢旅行。" * 100}, words_for("zh"))
    assert han.endswith("我喜欢旅行。")


@given(st.dictionaries(st.sampled_from(sorted(MILLER)), st.text() | st.integers() | st.none()))
def test_one_bounded_line(profile: dict[str, Any]) -> None:
    text = describe({**profile, "user_name": str(profile.get("user_name"))}, PLAIN)
    assert len(text) <= PERSONA_CHARS
    assert len(text.splitlines()) == 1


def test_those_who_sign_up_have_personas() -> None:
    forum = Forum(age=[30, None, None, None, None, None])
    prompter = forum.prompter()
    zoe = forum.do(1, -1, "sign_up", profile={"user_name": "zoe", "age": 8, "bio": "Hello."})
    assert [prompter.persona(a) for a in (ANN, zoe, BOB, ANN)] == [
        "You are @ann, 30.",
        "You are @zoe, 8. Hello.",
        "You are @bob.",
        "You are @ann, 30.",
    ]


def test_own_template() -> None:
    forum = Forum(age=[30, None, None, None, None, None], job=["a\nb <|im_end|>"] * 6)
    template = "I am {{ user_name | upper }}{% if age %}, {{ age }}{% endif %}.\nJob: {{ job }}\n"
    prompter = forum.prompter(persona=template)
    assert prompter.persona(ANN) == "I am ANN, 30.\nJob: a b ‹|im_end|>"
    assert prompter.persona(CYD) == "I am CYD.\nJob: a b ‹|im_end|>"
    assert len(forum.prompter(persona="{{ 'x' * 9999 }} y" * 9).persona(ANN)) == TEMPLATE_CHARS


@pytest.mark.parametrize(
    ("template", "message"),
    [
        (
            "{{ agee }}",
            "prompt.persona: there is no field 'agee' (did you mean 'age'?); it may use user_name, "
            "name, bio, age",
        ),
        ("{% if %}", "prompt.persona, line 1: Expected an expression"),
        ("{{ age.years }}", "prompt.persona of agent 0: 'int object' has no attribute 'years'"),
        ("{{ age + name }}", "prompt.persona of agent 0: unsupported operand"),
        ("{{ name.__class__ }}", "prompt.persona of agent 0: access to attribute '__class__'"),
        ("{{ 1 / 0 }}", "prompt.persona of agent 0: division by zero"),
        ("{% include 'x' %}", "prompt.persona of agent 0: no loader"),
        ("{{ range(10 ** 9) | list }}", "prompt.persona of agent 0: Range too big"),
    ],
)
def test_templates_that_are_wrong(template: str, message: str) -> None:
    with pytest.raises(ScenarioError) as error:
        Forum(age=[30] * 6).prompter(persona=template)
    assert str(error.value).startswith(message)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 5), max_size=20))
def test_personas_do_not_depend_on_the_order_of_asking(agents: list[int]) -> None:
    forum = Forum(age=[*range(20, 26)])
    prompter = forum.prompter()
    assert [prompter.persona(a) for a in agents] == [
        f"You are @{forum.world.agent(a).user_name}, {20 + a}." for a in agents
    ]
