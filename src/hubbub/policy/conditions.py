"""Conditions on agents: which agents meet the `where` of a group."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from hubbub.errors import ScenarioError, did_you_mean
from hubbub.world import World

_OWN_FIELDS = ("id", "core", "topics")
_RANGE = ("min", "max")


def check_conditions(world: World, where: dict[str, Any], place: str) -> None:
    """Raise ScenarioError for unknown fields, unknown topics, and invalid ranges."""
    known = [*_OWN_FIELDS, *world.profiles.fields]
    for field, condition in where.items():
        if field not in known:
            hint = did_you_mean(field, known)
            raise ScenarioError(f"{place}: agents have no field '{field}'{hint}")
        if isinstance(condition, dict):
            _check_range(condition, f"{place}.{field}")
        elif field == "topics":
            for topic in _as_list(condition):
                if topic not in world.topics:
                    hint = did_you_mean(str(topic), world.topics)
                    raise ScenarioError(f"{place}.topics: there is no topic '{topic}'{hint}")


def _check_range(condition: dict[str, Any], place: str) -> None:
    numbers = all(_is_number(v) for v in condition.values())
    if not condition or not numbers or not set(condition) <= set(_RANGE) or "topics" in place:
        raise ScenarioError(
            f"{place}: give a value, a list of values, or a range of numbers "
            f"such as {{min: 18, max: 30}}, not {condition!r}"
        )


def matching(world: World, where: dict[str, Any], first: int, end: int) -> NDArray[np.bool_]:
    """Return which of the agents first, ..., end - 1 meet all conditions, bool[end - first].

    A condition is a value, a list of values of which one must match, or {min:, max:} (inclusive).
    An agent without the field does not meet it. `topics` is met by an interest in any of them.
    """
    result = np.ones(end - first, np.bool_)
    for field, condition in where.items():
        if field == "topics":
            bits = [1 << world.topics.index(t) for t in _as_list(condition)]
            mask = np.uint64(sum(dict.fromkeys(bits)))
            result &= (world.agents["topics"][first:end] & mask) != 0
            continue
        values, index = _values(world, field, first, end)
        meets = np.array([_meets(v, condition) for v in values], np.bool_)
        result &= meets[index] if len(values) else False
    return result


def _values(world: World, field: str, first: int, end: int) -> tuple[list[Any], NDArray[Any]]:
    """Return the distinct values of a field and, for each agent, the row of its value."""
    if field == "id":
        return list(range(first, end)), np.arange(end - first)
    if field == "core":
        return [False, True], world.agents["core"][first:end].astype(np.int64)
    if first > 0:  # agents who signed up: few, so one by one
        return [world.profiles[a].get(field) for a in range(first, end)], np.arange(end - first)
    column = world.profiles.table().column(field).slice(first, end - first)
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    index = column.indices.fill_null(len(column.dictionary)).to_numpy(zero_copy_only=False)
    return [*column.dictionary.to_pylist(), None], index.astype(np.int64)


def _meets(value: Any, condition: Any) -> bool:
    if value is None:
        return False
    if isinstance(condition, dict):
        low, high = condition.get("min"), condition.get("max")
        return (
            _is_number(value) and (low is None or value >= low) and (high is None or value <= high)
        )
    return any(_same(value, wanted) for wanted in _as_list(condition))


def _same(value: Any, wanted: Any) -> bool:
    # True is not 1 here, and a list-valued field is met by any of its members
    if isinstance(value, list):
        return any(_same(v, wanted) for v in value)
    return bool(value == wanted) and isinstance(value, bool) == isinstance(wanted, bool)


def _as_list(condition: Any) -> list[Any]:
    return condition if isinstance(condition, list) else [condition]


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
