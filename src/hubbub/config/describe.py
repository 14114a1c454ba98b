"""Descriptions of the scenario's fields, for error messages and docs/scenario.md."""

from __future__ import annotations

import types
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from hubbub.errors import did_you_mean

_Path = tuple[str | int, ...]
_PLAIN: dict[Any, str] = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "a text",
    Path: "a file path",
    datetime: "a date and time such as 2024-01-01 08:00",
    Any: "anything",
    type(None): "null",
}
_ONE = {"entries": "entry", "characters": "character"}
_BOUNDS = {Ge: "at least", Gt: "above", Le: "at most", Lt: "below"}


@dataclass(frozen=True, slots=True)
class Wording:
    """Metadata of a type: what its values are called, one and many."""

    one: str
    many: str


@dataclass(frozen=True, slots=True)
class Place:
    """A field of the model: its path, its type, its limits, and its section."""

    path: _Path
    annotation: Any
    limits: tuple[Any, ...] = ()
    section: type[BaseModel] | None = None

    @property
    def dotted(self) -> str:
        """The path as users write it: events.0.step."""
        return ".".join(str(p) for p in self.path)

    def expected(self) -> str:
        """Return a description of the values allowed here."""
        return in_words(self.annotation, self.limits)


def in_words(annotation: Any, limits: Sequence[Any] = ()) -> str:
    """Describe the values that an annotation allows: 'a whole number, at least 1'."""
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return in_words(args[0], [*_flat(args[1:]), *limits])
    if _is_union(annotation):
        arms = [a for a in args if a is not type(None)]
        words = [
            w for a in arms for w in (get_args(a) if _is_literal(a) else [in_words(a, limits)])
        ]
        return choices(words)
    if origin is Literal:
        return choices(args)
    if origin is list:
        return f"a list of {_plural(args[0])}" + _bounds(limits)
    if origin is tuple:
        return f"a list of {len(args)} {_plural(args[0])}"
    if origin is dict:
        return "keys with values" if args[1] is Any else f"keys with {_plural(args[1])}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "a section with keys and values"
    wording = next((x for x in limits if isinstance(x, Wording)), None)
    if wording is not None:
        return wording.one
    return _PLAIN[annotation] + _bounds(limits, "characters")


def _is_literal(annotation: Any) -> bool:
    return get_origin(annotation) is Literal


def _is_union(annotation: Any) -> bool:
    return get_origin(annotation) in (Union, types.UnionType)


def choices(values: Sequence[Any]) -> str:
    """Return 'a, b or c'."""
    names = [str(v) for v in values]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def _plural(annotation: Any) -> str:
    if get_origin(annotation) is Annotated:
        annotation, *limits = get_args(annotation)
        for limit in limits:
            if isinstance(limit, Wording):
                return limit.many
    if get_origin(annotation) in (list, dict) or annotation is Any:
        return "entries"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "entries"
    return {str: "texts", int: "whole numbers", float: "numbers"}[annotation]


def _counted(number: int, unit: str) -> str:
    return f"{number} {unit}" if number != 1 else f"1 {_ONE[unit]}"


def _bounds(limits: Sequence[Any], unit: str = "entries") -> str:
    words = []
    for limit in _flat(limits):
        name = next((n for n in ("ge", "gt", "le", "lt") if hasattr(limit, n)), None)
        if name is not None and type(limit) in _BOUNDS:
            words.append(f"{_BOUNDS[type(limit)]} {_number(getattr(limit, name))}")
        elif isinstance(limit, MinLen):
            words.append(f"at least {_counted(limit.min_length, unit)}")
        elif isinstance(limit, MaxLen):
            words.append(f"at most {_counted(limit.max_length, unit)}")
    return ", " + " and ".join(words) if words else ""


def _number(value: Any) -> str:
    return "2**63" if value == 2**63 else f"{value:g}"


def _flat(limits: Sequence[Any]) -> list[Any]:
    found: list[Any] = []
    for limit in limits:
        found += limit.metadata if isinstance(limit, FieldInfo) else [limit]
    return found


def locate(loc: Sequence[str | int], model: type[BaseModel]) -> Place:
    """Return the place in a model to which an error location of pydantic refers.

    Locations also name the alternative of a union that was tried, and mark keys; both are left out.
    """
    parent = here = Place((), model)
    for part in loc:
        if part == "[key]":
            here = Place(here.path, get_args(_bare(parent.annotation))[0])
            continue
        parent, here = here, _step(here, part)
    return here


def _step(here: Place, part: str | int) -> Place:
    annotation = _bare(here.annotation)
    origin, args = get_origin(annotation), get_args(annotation)
    path = (*here.path, part)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        field = annotation.model_fields.get(str(part))
        if field is None:
            return Place(path, Any, (), annotation)
        return Place(path, field.annotation, tuple(field.metadata), annotation)
    if _is_union(annotation):  # `part` only says which arm was tried
        return here
    if origin in (list, tuple) and isinstance(part, int):
        return Place(path, args[0])
    if origin is dict:
        return Place(path, args[1])
    return Place(path, Any)


def _bare(annotation: Any) -> Any:
    """Return the annotation without its limits and without 'or null'."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if _is_union(annotation):
        arms = [a for a in get_args(annotation) if a is not type(None)]
        return _bare(arms[0]) if len(arms) == 1 else Union[tuple(arms)]  # noqa: UP007
    return annotation


def sections(
    model: type[BaseModel], path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], type[BaseModel]]]:
    """Yield all sections as (path, model), each before those inside it."""
    yield path, model
    for name, field in model.model_fields.items():
        inner = _bare(field.annotation)
        if get_origin(inner) is list:
            inner, name = _bare(get_args(inner)[0]), f"{name}[]"
        elif get_origin(inner) is dict:
            inner, name = _bare(get_args(inner)[1]), f"{name}.NAME"
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from sections(inner, (*path, name))


def unknown_key(place: Place, model: type[BaseModel]) -> str:
    """Return the message for an unknown key; it may suggest a key of another section."""
    key = str(place.path[-1])
    known = list(place.section.model_fields) if place.section else []
    hint = did_you_mean(key, known)
    if not hint:  # perhaps the right key in the wrong section
        homes = [".".join((*p, key)) for p, m in sections(model) if key in m.model_fields]
        hint = f" (did you mean '{homes[0]}'?)" if homes else ""
    return f"there is no such key{hint or '; the keys here are ' + ', '.join(known)}"


def wrong_value(place: Place, value: Any) -> str:
    """Return the message for a value of a wrong type or out of range."""
    annotation = _bare(place.annotation)
    hint = ""
    arms = get_args(annotation) if _is_union(annotation) else [annotation]
    names = [str(name) for arm in arms if _is_literal(arm) for name in get_args(arm)]
    if names and isinstance(value, str):
        hint = did_you_mean(value, names)
    elif annotation is str and isinstance(value, bool | int | float):
        hint = f"; put it in quotes: '{value}'"
    shown = "nothing" if value is None else repr(value)
    if len(shown) > 60:
        shown = shown[:57] + "..."
    return f"must be {place.expected()}, not {shown}{hint}"
