"""Replies of stand-ins are valid under any schema of the kind that is understood."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubbub.errors import ModelError
from hubbub.testing.dice import Dice
from hubbub.testing.instances import UNSUPPORTED, instance, sentence

NAMES = st.sampled_from(["action", "id", "text", "ü", "a b"])
VALUES = st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5)
BOUNDS = st.integers(-50, 50)


@st.composite
def numbers(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(["integer", "number"]))
    schema: dict[str, Any] = {"type": kind}
    low = draw(BOUNDS)
    for name, bound in (
        ("minimum", low),
        ("exclusiveMinimum", low - 1),
        ("maximum", low + draw(st.integers(0, 9))),
        ("exclusiveMaximum", low + draw(st.integers(1, 9))),
    ):
        if draw(st.booleans()):
            schema[name] = bound
    return schema


@st.composite
def strings(draw: st.DrawFn) -> dict[str, Any]:
    fewest = draw(st.integers(0, 200))
    schema: dict[str, Any] = {"type": "string"}
    if draw(st.booleans()):
        schema["minLength"] = fewest
    if draw(st.booleans()):
        schema["maxLength"] = fewest + draw(st.integers(0, 20))
    return schema


@st.composite
def objects(draw: st.DrawFn, parts: st.SearchStrategy[dict[str, Any]]) -> dict[str, Any]:
    properties = draw(st.dictionaries(NAMES, parts, max_size=4))
    required = [n for n in properties if draw(st.booleans())]
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def compound(parts: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    lists = st.builds(
        lambda items, n: {"type": "array", "items": items, "minItems": n, "maxItems": n + 1},
        parts,
        st.integers(0, 3),
    )
    choices = st.lists(parts, min_size=1, max_size=3).map(lambda c: {"anyOf": c})
    return objects(parts) | lists | choices


SIMPLE = (
    numbers()
    | strings()
    | VALUES.map(lambda v: {"const": v})
    | st.lists(VALUES, min_size=1, max_size=4).map(lambda v: {"enum": v})
    | st.sampled_from([{"type": "boolean"}, {"type": "null"}, {"type": ["null", "boolean"]}])
)
SCHEMAS = st.recursive(SIMPLE, compound, max_leaves=12)
TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


def same(a: Any, b: Any) -> bool:
    return type(a) is type(b) and a == b


def has_type(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, TYPES[kind])


def valid(value: Any, schema: dict[str, Any]) -> bool:
    """The definition, keyword by keyword."""
    kinds = schema.get("type", list(TYPES))
    size = len(value) if isinstance(value, str | list | dict) else 0
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else None
    rules = [
        any(has_type(value, k) for k in ([kinds] if isinstance(kinds, str) else kinds)),
        "const" not in schema or same(value, schema["const"]),
        "enum" not in schema or any(same(value, v) for v in schema["enum"]),
        "anyOf" not in schema or any(valid(value, s) for s in schema["anyOf"]),
    ]
    if number is not None:
        rules += [
            number >= schema.get("minimum", number),
            number <= schema.get("maximum", number),
            number > schema.get("exclusiveMinimum", number - 1),
            number < schema.get("exclusiveMaximum", number + 1),
        ]
    if isinstance(value, str):
        rules.append(schema.get("minLength", 0) <= size <= schema.get("maxLength", size))
    if isinstance(value, list):
        rules.append(schema.get("minItems", 0) <= size <= schema.get("maxItems", size))
        rules += [valid(v, schema.get("items", {})) for v in value]
    if isinstance(value, dict) and "properties" in schema:
        rules += [name in value for name in schema["required"]]
        rules += [
            n in schema["properties"] and valid(v, schema["properties"][n])
            for n, v in value.items()
        ]
    return all(rules)


@given(SCHEMAS, st.integers(0, 2**40))
def test_an_instance_is_valid(schema: dict[str, Any], seed: int) -> None:
    made = instance(schema, Dice(seed))
    assert valid(made, schema), made
    assert instance(schema, Dice(seed)) == made


@given(st.integers(0, 2**40))
def test_a_schema_with_definitions_in_itself(seed: int) -> None:
    schema = {
        "$defs": {"leaf": {"type": "integer", "minimum": 5, "maximum": 6}},
        "type": "array",
        "items": {"oneOf": [{"$ref": "#/$defs/leaf"}, {"type": "boolean"}]},
        "minItems": 4,
    }
    made = instance(schema, Dice(seed))
    assert len(made) == 4
    assert all(v in (5, 6) or isinstance(v, bool) for v in made)


def test_every_choice_is_made_at_times() -> None:
    schema = {"anyOf": [{"enum": [1, 2]}, {"type": "integer", "minimum": 3, "maximum": 5}]}
    assert {instance(schema, Dice(i)) for i in range(200)} == {1, 2, 3, 4, 5}


@pytest.mark.parametrize("word", sorted(UNSUPPORTED))
def test_what_cannot_be_followed_is_named(word: str) -> None:
    with pytest.raises(ModelError, match=word):
        instance({"type": "string", word: []}, Dice(0))


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ({"enum": []}, "nothing fits"),
        ({"type": "integer", "minimum": 3, "maximum": 2}, "no number from 3 to 2"),
        ({"type": "integer", "exclusiveMinimum": 1, "exclusiveMaximum": 2}, "no number"),
        ({"type": "word"}, "'word'"),
        ({"$ref": "#/$defs/x"}, "which it does not hold"),
        ({"$ref": "https://example.org/x"}, "which it does not hold"),
        ({"$ref": "#"}, "nested too deeply"),
    ],
)
def test_what_no_value_fits_is_an_error(schema: dict[str, Any], why: str) -> None:
    with pytest.raises(ModelError, match=why):
        instance(schema, Dice(0))


def test_sentences_are_plain_and_many() -> None:
    made = [sentence(Dice(i)) for i in range(500)]
    assert all(s.isascii() and 40 < len(s) <= 80 and s.endswith(".") for s in made)
    assert len(set(made)) > 490


def test_dice_are_fair_and_fall_the_same_everywhere() -> None:
    assert [Dice(b"ab", 3).below(1000), Dice(b"a", b"b3").below(1000)] == [562, 95]
    dice = Dice()
    dice._state = 1234567  # the published test vector of SplitMix64
    assert [dice.word(), dice.word()] == [6457827717110365317, 3203168211198807973]
    dice = Dice(1)
    rolls = [dice.below(6) for _ in range(6000)]
    assert all(abs(rolls.count(k) - 1000) < 120 for k in range(6))
    normal = [dice.normal() for _ in range(4000)]
    assert abs(sum(normal) / 4000) < 0.06
    assert abs(sum(x * x for x in normal) / 4000 - 1) < 0.1
