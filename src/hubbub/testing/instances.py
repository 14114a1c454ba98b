"""Small valid instances of JSON Schemas, drawn with dice."""

from __future__ import annotations

from math import ceil, floor, inf, nextafter
from typing import Any, TypeVar

from hubbub.errors import ModelError
from hubbub.testing.dice import Dice

#: Keywords that narrow a value in ways that are not followed here.
UNSUPPORTED = frozenset(
    (
        *("allOf", "not", "if", "pattern", "patternProperties", "propertyNames", "uniqueItems"),
        *("contains", "prefixItems", "multipleOf", "minProperties", "dependentRequired", "format"),
    )
)
DEEPEST = 64

N = TypeVar("N", int, float)

# one sentence of twelve words: a word of each row
_WORDS = (
    ("I", "We", "They", "People", "Many", "Some"),
    ("think", "hope", "doubt", "say", "know"),
    ("that",),
    ("the", "this", "our", "every"),
    ("new", "old", "local", "small", "big"),
    ("park", "school", "market", "road", "plan", "game"),
    ("will", "may", "should", "could"),
    ("bring", "need", "change", "cost"),
    ("much", "a little", "far"),
    ("more", "less"),
    ("work", "time", "care", "money", "joy"),
    ("soon", "today", "here", "again", "now"),
)


def sentence(dice: Dice) -> str:
    """Return a plain English sentence of twelve words or so, at most 80 characters."""
    drawn, words = dice.word(), []
    for row in _WORDS:
        drawn, k = divmod(drawn, len(row))
        words.append(row[k])
    return " ".join(words) + "."


def instance(schema: dict[str, Any], dice: Dice) -> Any:
    """Return a small value that is valid under the schema.

    Understood: type (or a list of types), const, enum, $ref within the schema, anyOf and oneOf
    with no other constraints beside them, properties with required, items with minItems, minimum
    and maximum (also exclusive), minLength and maxLength. An object gets its required properties,
    a list its fewest items, a string one sentence. ModelError names any other keyword that would
    narrow a value, a schema that nothing fits, and one that needs more than 64 levels.
    """
    return _value(schema, schema, dice, DEEPEST)


def _value(schema: dict[str, Any], root: dict[str, Any], dice: Dice, depth: int) -> Any:
    if depth == 0:
        raise ModelError("this JSON Schema needs a value nested too deeply")
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return _pick(schema["enum"], dice)
    if unknown := UNSUPPORTED.intersection(schema):
        raise ModelError(f"stand-ins can't follow the JSON Schema keyword '{min(unknown)}'")
    if "$ref" in schema:
        return _value(_target(schema["$ref"], root), root, dice, depth - 1)
    if choices := schema.get("anyOf") or schema.get("oneOf"):
        return _value(_pick(choices, dice), root, dice, depth - 1)
    return _typed(schema, root, dice, depth)


def _typed(schema: dict[str, Any], root: dict[str, Any], dice: Dice, depth: int) -> Any:
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if isinstance(kind, list):
        kind = _pick(kind, dice)
    match kind:
        case "object":
            properties = schema.get("properties", {})
            return {
                name: _value(properties.get(name, {}), root, dice, depth - 1)
                for name in schema.get("required", ())
            }
        case "array":
            items = schema.get("items", {})
            n = schema.get("minItems", 0)
            return [_value(items, root, dice, depth - 1) for _ in range(n)]
        case _:
            return _plain(kind, schema, dice)


def _plain(kind: str, schema: dict[str, Any], dice: Dice) -> str | float | bool | None:
    match kind:
        case "string":
            return _text(schema, dice)
        case "integer":
            return _integer(schema, dice)
        case "number":
            return _number(schema, dice)
        case "boolean":
            return dice.below(2) == 1
        case "null":
            return None
        case _:
            raise ModelError(f"no JSON Schema type is called {kind!r}")


def _pick(choices: list[Any], dice: Dice) -> Any:
    if not choices:
        raise ModelError("nothing fits this JSON Schema: a list of choices is empty")
    return choices[dice.below(len(choices))]


def _target(reference: str, root: dict[str, Any]) -> dict[str, Any]:
    place: Any = root
    for name in reference.removeprefix("#").split("/")[1:]:
        place = place.get(name) if isinstance(place, dict) else None
    if not reference.startswith("#") or not isinstance(place, dict):
        raise ModelError(f"this JSON Schema refers to '{reference}', which it does not hold")
    return place


def _text(schema: dict[str, Any], dice: Dice) -> str:
    fewest, most = schema.get("minLength", 0), schema.get("maxLength")
    text = sentence(dice)
    while len(text) < fewest:
        text += " " + sentence(dice)
    return text[:most]


def _integer(schema: dict[str, Any], dice: Dice) -> int:
    lows: list[int] = []
    highs: list[int] = []
    if "minimum" in schema:
        lows.append(ceil(schema["minimum"]))
    if "exclusiveMinimum" in schema:
        lows.append(floor(schema["exclusiveMinimum"]) + 1)
    if "maximum" in schema:
        highs.append(floor(schema["maximum"]))
    if "exclusiveMaximum" in schema:
        highs.append(ceil(schema["exclusiveMaximum"]) - 1)
    low, high = _range(lows, highs)
    return low + dice.below(high - low + 1)


def _number(schema: dict[str, Any], dice: Dice) -> float:
    lows: list[float] = []
    highs: list[float] = []
    if "minimum" in schema:
        lows.append(float(schema["minimum"]))
    if "exclusiveMinimum" in schema:
        lows.append(nextafter(schema["exclusiveMinimum"], inf))
    if "maximum" in schema:
        highs.append(float(schema["maximum"]))
    if "exclusiveMaximum" in schema:
        highs.append(nextafter(schema["exclusiveMaximum"], -inf))
    low, high = _range(lows, highs)
    return min(max(round(low + dice.unit() * (high - low), 3), low), high)


def _range(lows: list[N], highs: list[N]) -> tuple[N, N]:
    """Return the tightest bounds; where one is not given, a range of 100 about 0."""
    low = max(lows) if lows else min(0, *highs) if highs else 0
    high = min(highs) if highs else low + 100
    if low > high:
        raise ModelError(f"nothing fits this JSON Schema: no number from {low} to {high}")
    return low, high
