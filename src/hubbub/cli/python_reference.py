"""docs/python.md: the public names with their signatures and docstrings."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from enum import Enum
from importlib import import_module
from textwrap import fill
from types import GenericAlias, UnionType
from typing import Any

#: The places whose names are public, with what they are for.
PLACES = {
    "hubbub": "A simulation, its results and its errors.",
    "hubbub.actions": "What an action is made of, and what policies return.",
    "hubbub.policy": "How agents decide, and what they see.",
    "hubbub.feed": "What agents are shown.",
    "hubbub.studies": "Arms, trials, hypotheses and findings.",
    "hubbub.testing": "Stand-ins for language models, and checks of your own code.",
}
_WIDTH = 92
_INTRODUCTION = """
A name on this page is public: it keeps its meaning within a minor version, and CHANGELOG.md lists
every change. Everything else may change at any time. Import public names from the places given
here, for example `from hubbub.actions import ActionSpec`.
"""


def python_page() -> Iterator[str]:
    """Yield the parts of the page, after its title."""
    yield _INTRODUCTION.strip() + "\n"
    for place, purpose in PLACES.items():
        module = import_module(place)
        yield f"## `{place}`\n\n{purpose}\n"
        for name in sorted(module.__all__, key=str.lower):
            if not name.startswith("_"):
                yield from _entry(place, name, getattr(module, name))


def _entry(place: str, name: str, value: Any) -> Iterator[str]:
    yield f"### `{name}`\n"
    match value:
        case type() if issubclass(value, Enum):
            yield _text(value)
            yield fill("Members: " + ", ".join(f"`{m.name}`" for m in value) + ".", 98) + "\n"
        case type():
            yield from _class(name, value)
        case GenericAlias() | UnionType():
            yield f"A type: `{value}`.\n"
        case _ if inspect.isroutine(value):
            yield _signature(name, value) + "\n" + _text(value)
        case _ if hasattr(value, "__origin__"):
            yield f"A type: `{str(value).replace('typing.', '')}`.\n"
        case int() | float() | str():
            yield f"`{value!r}`\n"
        case _:
            yield f"{_an(type(value).__name__)}; see `{place}.{type(value).__name__}`.\n"


def _class(name: str, value: type) -> Iterator[str]:
    parent = next((b.__name__ for b in value.__bases__ if b.__module__.startswith("hubbub")), "")
    if parent:
        yield f"A `{parent}`.\n"
    if not issubclass(value, BaseException):
        yield _signature(name, value)
    yield _text(value)
    for member, attribute in vars(value).items():
        if member.startswith("_"):
            continue
        plain = (
            attribute.__func__ if isinstance(attribute, classmethod | staticmethod) else attribute
        )
        if isinstance(plain, property):
            yield item(f"- `.{member}`: {_first_line(plain.fget)}")
        elif inspect.isfunction(plain) and plain.__doc__:
            yield item(f"- `.{_call(member, plain)}`: {_paragraph(plain)}")
    yield ""


def _signature(name: str, value: Any) -> str:
    """Return the signature as a block of code, empty if there is none."""
    try:
        call = _call(name, value)
    except (TypeError, ValueError):
        return ""
    if len(call) > _WIDTH:
        inner = call.removeprefix(f"{name}(").removesuffix(")")
        indented = fill(inner, _WIDTH, initial_indent="    ", subsequent_indent="    ")
        call = f"{name}(\n{indented}\n)"
    return f"```python\n{call}\n```\n"


def _call(name: str, value: Any) -> str:
    found = inspect.signature(value)
    shown = [
        p.replace(annotation=inspect.Parameter.empty, default=_default(p.default))
        for p in found.parameters.values()
        if p.name not in ("self", "cls")
    ]
    return f"{name}{found.replace(parameters=shown, return_annotation=found.empty)}"


def item(text: str) -> str:
    """Return a list item, wrapped."""
    return fill(text, 98, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


class _Source:
    """A default as it is written in the source."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def _default(value: Any) -> Any:
    if value is inspect.Parameter.empty or value is None:
        return value
    if isinstance(value, Enum):
        return _Source(f"{type(value).__name__}.{value.name}")
    plain = isinstance(value, str | int | float | tuple)
    return value if plain else _Source("...")


def _text(value: Any) -> str:
    return _escaped(inspect.getdoc(value) or "") + "\n"


def _paragraph(value: Any) -> str:
    return " ".join(_escaped(inspect.getdoc(value) or "").split())


def _first_line(value: Any) -> str:
    return _escaped(inspect.getdoc(value) or "").split("\n\n")[0].replace("\n", " ")


def _escaped(text: str) -> str:
    """Return a docstring as Markdown: indented blocks as code."""
    lines: list[str] = []
    code = False
    for line in text.replace("::\n", "\n").replace("``", "`").splitlines():
        starts = line.startswith(("    ", ">>>"))
        if starts and not code:
            lines.append("```")
        if code and not line.strip():
            lines.append("```")
            starts = False
        elif code and not starts and not lines[-1].startswith((">>>", "```")):
            starts = True
        lines.append(line.removeprefix("    ") if starts else line)
        code = starts or (code and bool(line.strip()))
    if code:
        lines.append("```")
    return "\n".join(lines)


def _an(name: str) -> str:
    return f"{'An' if name[0] in 'AEIOU' else 'A'} `{name}`"
