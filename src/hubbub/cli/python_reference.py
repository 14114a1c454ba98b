"""docs/python.md: the public names with their signatures and docstrings."""

from __future__ import annotations

import inspect
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from importlib import import_module
from textwrap import fill
from types import GenericAlias, UnionType
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel

#: The places whose names are public, with what they are for.
PLACES = {
    "hubbub": "A simulation, its results and its errors.",
    "hubbub.actions": "What an action is made of, and what policies return.",
    "hubbub.policy": "How agents decide, and what they see.",
    "hubbub.feed": "What agents are shown.",
    "hubbub.studies": "Arms, trials, hypotheses and findings.",
    "hubbub.testing": "Stand-ins for models, model providers, and checks of your own code.",
}
#: What constants and types are for, which have no docstring.
MEANINGS = {
    "Answering": "A stand-in for a model: a function from the request to the reply.",
    "COMMENT": "The argument of actions on a comment.",
    "CONTENT": "The argument that carries a text.",
    "CUSTOM_SOURCES": "In `Slate.sources`: the i-th of `feed.sources` has this code + i.",
    "Effect": "What an action changes if none of its preconditions refuses it.",
    "GROUP": "The argument of actions on a group.",
    "NOTHING": "In a batch: no target, text or topic.",
    "NO_STANCE": "In a batch: a stance that is not known.",
    "POST": "The argument of actions on a post.",
    "Precondition": "What must hold, or the action is refused.",
    "QUERY": "The argument of actions that search for a text.",
    "SCALE": "Opinions and stances in columns are whole numbers: this one stands for 1.0.",
    "SOCIAL": "The built-in actions ([actions.md](actions.md)).",
    "SOURCES": "In `Slate.sources`: the names of the built-in sources, by code.",
    "USER": "The argument of actions on another agent.",
}
#: Members of public classes for hubbub itself; they are not public.
INTERNAL = {
    "ActionBatch": {"from_actions"},
    "ActionTable": {"find", "having", "with_extra"},
    "Faults": {"draw"},
    "Latency": {"seconds"},
    "PairSet": {"add", "nbytes", "remove", "waiting"},
    "Platform": {"from_config", "without_limits"},
    "RunStore": {
        "add_answers",
        "checkpoint",
        "commit",
        "create",
        "database",
        "failed",
        "keep",
        "kept",
        "population_blobs",
        "recorded",
        "replay",
        "reread",
        "restore",
        "save_scenario",
        "settle",
    },
    "Slate": {"concat", "merge"},
    "Trial": {"key"},
    "World": {"nbytes"},
}
#: Classes whose objects come from hubbub alone: how they are made is not public.
GIVEN = {"AgentRow", "ItemRow", "PairSet", "RecordedModel", "RunStore", "World"}
_WIDTH = 98
_INTRODUCTION = """
A name on this page is public: it keeps its meaning within a minor version, and
[CHANGELOG.md](../CHANGELOG.md) lists every change. Import it from the place given here, for
example `from hubbub.actions import ActionSpec`. In examples, `hb` is `hubbub`.

Two more pages belong to the promise: the keys of a scenario ([scenario.md](scenario.md)), which
are the fields of `Scenario` and its sections, and the measures of `hubbub.analysis`
([measures.md](measures.md)). Everything else may change at any time.

A scenario and its sections take plain values, `hb.Scenario(steps=10, feed={"preset": "random"})`.
`int32[n]` in a text means a numpy array of n numbers of that type.
"""


def python_page() -> Iterator[str]:
    """Yield the parts of the page, after its title."""
    yield _INTRODUCTION.strip() + "\n"
    shown: dict[str, str] = {}
    anchors = Counter[str]()
    for place, purpose in PLACES.items():
        module = import_module(place)
        names = sorted((n for n in module.__all__ if not n.startswith("_")), key=str.lower)
        new = [name for name in names if name not in shown]
        yield f"## `{place}`\n\n{purpose}\n"
        yield _wrapped(" · ".join(_link(name, anchors) for name in new))
        if again := [name for name in names if name in shown]:
            also = ", ".join(f"`{name}` (see `{shown[name]}`)" for name in again)
            yield _wrapped(f"Also here: {also}.")
        for name in new:
            shown[name] = place
            yield f"### `{name}`\n"
            yield from _entry(name, getattr(module, name))


def _link(name: str, anchors: Counter[str]) -> str:
    """Return a link to the entry of a name; `anchors` counts those taken so far."""
    anchor = name.lower()
    taken = anchors[anchor]
    anchors[anchor] += 1
    return f"[{name}](#{anchor}{f'-{taken}' if taken else ''})"


def _entry(name: str, value: Any) -> Iterator[str]:
    if inspect.isclass(value) and not isinstance(value, GenericAlias):
        yield from _class(name, value)
    elif inspect.isroutine(value):
        yield _block(_call(name, value, types=True))
        yield _markdown(inspect.getdoc(value))
    else:
        yield MEANINGS[name] + "\n"
        if isinstance(value, UnionType):
            yield _wrapped(
                "One of " + ", ".join(f"`{_type_text(o)}`" for o in get_args(value)) + "."
            )
        elif get_origin(value) is not None:
            yield _block(f"{name} = {_type_text(value)}")
        elif " object at " not in repr(value):
            yield _block(f"{name} = {value!r}".replace("'", '"'))


def _class(name: str, value: type) -> Iterator[str]:
    parents = [b.__name__ for b in value.__bases__ if b.__module__.startswith("hubbub")]
    if parents and issubclass(value, Exception):
        yield f"A `{parents[0]}`.\n"
    protocol = getattr(value, "_is_protocol", False)
    if protocol and "__call__" in vars(value):
        yield "A function with this signature.\n"
        called = name.removesuffix("Function").lower()
        yield _block(_call(called, value.__call__, types=True).replace(", /", ""))
        yield _markdown(inspect.getdoc(value)) + "\n" + _markdown(inspect.getdoc(value.__call__))
        return
    if protocol:
        yield "Any class with these methods will do.\n"
    made = not (protocol or name in GIVEN or issubclass(value, BaseException | Enum | BaseModel))
    if made:
        yield _block(_call(name, value, types=True))
    yield _markdown(inspect.getdoc(value))
    if issubclass(value, Enum):
        yield _wrapped("Members: " + ", ".join(f"`{m.name}`" for m in value) + ".")
    if issubclass(value, BaseModel):
        keys = ", ".join(f"`{key}`" for key in value.model_fields)
        yield _wrapped(f"Its fields are keys of [scenario.md](scenario.md): {keys}.")
        return
    members = [*_attributes(name, value), *_methods(name, value)]
    if members and (inspect.getdoc(value) or "").rpartition("\n\n")[2].startswith("- "):
        yield "Methods:\n"
    yield from members
    yield ""


def _attributes(name: str, value: type) -> Iterator[str]:
    """Yield attributes that stand in the class but not in its signature."""
    if is_dataclass(value) or issubclass(value, Enum | tuple):
        return
    for member, kind in inspect.get_annotations(value).items():
        if not member.startswith("_") and member not in INTERNAL.get(name, ()):
            default = vars(value).get(member, inspect.Parameter.empty)
            tail = "" if default is inspect.Parameter.empty else f" = {_default(default, None)}"
            yield item(f"- `.{member}: {_shown(kind, value.__module__)}{tail}`")


def _methods(name: str, value: type) -> Iterator[str]:
    for member, attribute in vars(value).items():
        if member in INTERNAL.get(name, ()) or member.startswith("_"):
            continue
        plain = getattr(attribute, "__func__", attribute)
        if isinstance(plain, property) and plain.fget is not None:
            result = _result(plain.fget).replace(" ->", ":")
            yield item(f"- `.{member}{result}`: {_paragraph(plain.fget)}")
        elif inspect.isfunction(plain) and plain.__doc__:
            call = _call(f".{member}", plain, types=False)
            result = _result(plain).replace("Self", name)
            yield item(f"- `{call}{result}`: {_paragraph(plain)}")


def _call(name: str, value: Any, *, types: bool) -> str:
    """Return how a function or class is called, on several lines if it is long."""
    module = value.__module__
    factories = (
        {f.name: f.default_factory for f in fields(value) if f.default_factory is not MISSING}
        if is_dataclass(value)
        else {}
    )
    shown = []
    for p in inspect.signature(value).parameters.values():
        if p.name in ("self", "cls"):
            continue
        kind = p.annotation
        note = kind is not p.empty and types and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
        default = _Text(_default(p.default, factories.get(p.name)))
        shown.append(
            p.replace(
                annotation=_Text(_shown(kind, module)) if note else p.empty,
                default=p.empty if p.default is p.empty else default,
            )
        )
    result = _result(value) if types and inspect.isroutine(value) else ""
    call = f"{name}{inspect.Signature(shown)}{result}"
    if not types or len(call) <= _WIDTH - 6:
        return call
    lines = [f"    {part},\n" for part in _parts(shown)]
    return f"{name}(\n{''.join(lines)}){result}"


def _parts(parameters: Iterable[inspect.Parameter]) -> Iterator[str]:
    """Yield the parameters one by one, with the marks between them."""
    marked = False
    for p in parameters:
        if p.kind is p.KEYWORD_ONLY and not marked:
            yield "*"
            marked = True
        yield str(p)


def _result(function: Any) -> str:
    kind = function.__annotations__.get("return", inspect.Parameter.empty)
    if kind in (inspect.Parameter.empty, None, "None", "Any"):
        return ""
    return f" -> {_shown(kind, function.__module__)}"


def _default(value: Any, factory: Any) -> str:
    if isinstance(value, Enum):
        return f"{type(value).__name__}.{value.name}"
    if factory in (dict, list):
        return repr(factory())
    plain = value in (None, {}) or isinstance(value, str | int | float | tuple | frozenset)
    return repr(value).replace("'", '"') if plain else "..."


def _shown(kind: Any, module: str) -> str:
    """Return an annotation as text, in which aliases of this module are written out."""
    kind = getattr(kind, "__forward_arg__", kind)  # of a named tuple
    if not isinstance(kind, str):
        return _type_text(kind)
    space = vars(sys.modules[module])

    def written_out(match: re.Match[str]) -> str:
        word = match.group()
        value = space.get(word)
        alias = get_origin(value) is not None or isinstance(value, UnionType | type)
        open_ended = getattr(value, "__parameters__", ()) and get_origin(value) is not None
        return word if word in MEANINGS or open_ended or not alias else _type_text(value)

    text = re.sub(r"(?<![\w.\"'])[A-Z]\w*(?![\w\"'])", written_out, kind)
    return re.sub(r"Literal\[([^]]*)\]", lambda m: m.group(1).replace(", ", " | "), text).replace(
        "'", '"'
    )


def _type_text(kind: Any) -> str:
    """Return a type as text."""
    if get_origin(kind) is Literal:
        return " | ".join(f'"{value}"' for value in get_args(kind))
    if isinstance(kind, UnionType):
        return " | ".join(_type_text(one) for one in get_args(kind))
    if isinstance(kind, type) and not isinstance(kind, GenericAlias):
        return kind.__name__
    text = str(getattr(kind, "__forward_arg__", kind))
    text = re.sub(r"\b(?:[a-z_]\w*\.)+(?=[A-Z])", "", text).replace("'", "")
    return re.sub(r"(?:numpy\.)?ndarray\[.*dtype\[(?:numpy\.)?(\w+)\]\]", r"NDArray[np.\1]", text)


class _Text:
    """A text that a signature shows as it is."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def item(text: str) -> str:
    """Return a list item, wrapped."""
    return fill(text, _WIDTH, subsequent_indent="  ", **_WHOLE_WORDS)


def _wrapped(text: str) -> str:
    return fill(text, _WIDTH, **_WHOLE_WORDS) + "\n" if text else ""


_WHOLE_WORDS: dict[str, Any] = {"break_long_words": False, "break_on_hyphens": False}


def _block(code: str) -> str:
    return f"```python\n{code}\n```\n"


def _paragraph(value: Any) -> str:
    return _linked(" ".join((inspect.getdoc(value) or "").split()))


def _linked(text: str) -> str:
    """Return a text as Markdown, in which pages are links."""
    return re.sub(r"docs/(\w+\.md)", r"[\1](\1)", text.replace("``", "`"))


def _markdown(text: str | None) -> str:
    """Return a docstring as Markdown: examples, and what is indented after `::`, as code."""
    lines: list[str] = []
    for paragraph in _linked(text or "").split("\n\n"):
        code = paragraph.startswith(("    ", ">>>"))
        if code:
            indent = min(len(ln) - len(ln.lstrip()) for ln in paragraph.splitlines() if ln.strip())
            cut = "\n".join(line[indent:] for line in paragraph.splitlines())
            lines += ["```python", cut, "```", ""]
        elif paragraph.startswith("- "):
            lines += [*map(item, re.sub(r"\n  +", " ", paragraph).splitlines()), ""]
        elif paragraph != "::":
            lines.append(_wrapped(re.sub(r"::$", ":", paragraph)))
    return "\n".join(lines)
