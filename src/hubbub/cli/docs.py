"""The reference pages that are made from the code: `python -m hubbub.cli.docs docs`.

A test fails when a page in docs/ is not what this module makes.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from inspect import Parameter, signature
from pathlib import Path
from textwrap import fill
from typing import Any, get_args, get_origin, get_type_hints

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from typer.models import ArgumentInfo, OptionInfo

from hubbub.actions import SOCIAL, ActionSpec
from hubbub.actions.spec import Reason
from hubbub.cli.actions import arguments, on
from hubbub.cli.app import app
from hubbub.cli.python_reference import item, python_page
from hubbub.config.describe import in_words, sections
from hubbub.config.scenario import Scenario
from hubbub.platform import PRESETS

_MADE = "<!-- Made from the code by `python -m hubbub.cli.docs docs`. Do not edit. -->"
_REASONS = {
    Reason.not_allowed: "the action is not switched on, or is the environment's alone",
    Reason.not_found: "there is no such post, comment, user, group or product",
    Reason.duplicate: "it has been done already, or the name is taken",
    Reason.absent: "there is nothing to take back",
    Reason.self_rating: "one's own post, where the platform forbids rating it",
    Reason.self_target: "oneself",
    Reason.not_member: "the agent is not in the group",
    Reason.bad_text: "the text is empty or too long",
    Reason.bad_quantity: "the number is below 1",
    Reason.invalid_reply: "a language model's reply could not be read",
    Reason.no_reply: "a language model did not reply",
}


def pages() -> dict[str, str]:
    """Return all pages by file name."""
    return {
        "scenario.md": "\n".join(_scenario()),
        "actions.md": "\n".join(_actions()),
        "cli.md": "\n".join(_commands()),
        "python.md": _single_spaced([f"{_MADE}\n\n# Python reference\n", *python_page()]),
    }


def _single_spaced(parts: Iterable[str]) -> str:
    """Return the parts as a page, without repeated blank lines."""
    return re.sub("\n{3,}", "\n\n", "\n".join(parts))


def _scenario() -> Iterator[str]:
    yield f"{_MADE}\n\n# Scenario reference\n"
    yield _paragraph(
        "A scenario is a YAML file. Every key is optional unless it is marked as required. Each "
        "entry says in brackets which values a key takes, and its default. `--set` and "
        "`events[].set` take dotted names of keys: `--set feed.preset=random`, "
        "`--set events.0.step=3`. `hubbub schema` prints this reference as a JSON Schema."
    )
    for path, model in sections(Scenario):
        yield f"## {_heading(path)}\n"
        yield _paragraph(_plain(model.__doc__))
        for name, field in model.model_fields.items():
            kind = in_words(field.annotation, field.metadata).replace(" with keys and values", "")
            default = _default(field)
            brackets = f"{kind}; {default}" if default else kind
            what = field.description or _inner_doc(field)
            yield item(f"- `{name}` ({brackets}): {what}")
        yield ""


def _paragraph(text: str) -> str:
    return fill(text, 98, break_long_words=False, break_on_hyphens=False) + "\n"


def _heading(path: tuple[str, ...]) -> str:
    return f"`{'.'.join(path)}`" if path else "The file"


def _plain(doc: str | None) -> str:
    return " ".join((doc or "").split())


def _inner_doc(field: FieldInfo) -> str:
    """Return the first sentence of the section a field holds."""
    inner = [m for _, m in sections(Scenario) if m.__name__ in repr(field.annotation)]
    return _plain(inner[0].__doc__).split(". ")[0].rstrip(".") + "." if inner else ""


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value: Any = field.get_default(call_default_factory=True, validated_data={})
    if isinstance(value, BaseModel) or (
        isinstance(value, list) and any(isinstance(v, BaseModel) for v in value)
    ):
        return "see below"
    if value is None:
        return ""
    if isinstance(value, bool | int | float | list | dict | tuple):
        return f"default `{json.dumps(value)}`"
    return f"default `{value}`"


def _row(*cells: str) -> str:
    return "| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |"


def _actions() -> Iterator[str]:
    yield f"{_MADE}\n\n# Action reference\n"
    yield _paragraph(
        "What agents can do. All actions exist on every platform; `platform.actions` of the "
        "scenario says which are switched on. A refused action changes nothing and is logged with "
        "its reason."
    )
    yield _paragraph(
        "A *post* is an original, a *repost* (without a text of its own) or a *quote* (with a text "
        "and an original). An action on a repost is an action on the original; a quote is a post "
        "of its own."
    )
    for spec in SOCIAL:
        yield item(_action_item(spec))
    yield "\n## Arguments\n"
    args = {(a.name, a.summary): a for spec in SOCIAL for a in spec.args}
    for arg in args.values():
        yield item(f"- `{arg.name}` ({arg.kind}){f': {arg.summary}' if arg.summary else ''}")
    yield "\n## Reasons\n"
    yield "| reason | meaning |"
    yield "|---|---|"
    for reason, meaning in _REASONS.items():
        yield _row(f"`{reason.name}`", meaning)
    yield "\n## Platforms\n"
    yield "| rule | " + " | ".join(f"`{name}`" for name in PRESETS) + " |"
    yield "|---|" + "---|" * len(PRESETS)
    for rule in ("allow_self_rating", "exclusive_reactions", "show_score", "max_text_length"):
        values = [getattr(p, rule) for p in PRESETS.values()]
        words = [("yes" if v else "no") if isinstance(v, bool) else f"{v:,}" for v in values]
        yield _row(f"`{rule}`", *words)
    yield ""


def _on(spec: ActionSpec) -> str:
    where = on(spec)
    if not where:
        return "Off by default"
    return where.capitalize() if spec.environment_only else f"On by default: {where}"


def _action_item(spec: ActionSpec) -> str:
    reasons = ", ".join(f"`{r.name}`" for r in spec.reasons)
    refused = f" Refused: {reasons}." if reasons else ""
    return f"- `{spec.name}({arguments(spec)})`: {spec.summary}.{refused} {_on(spec)}."


def _commands() -> Iterator[str]:
    yield f"{_MADE}\n\n# Commands\n"
    yield _paragraph(
        "`python -m hubbub` is the same as `hubbub`. A command that fails prints one message that "
        "says why, and exits with code 1, or with 2 if its arguments are wrong. Ctrl-C and SIGTERM "
        "end a run after a whole step, with code 130; `hubbub resume` goes on from there. A run "
        "that ends before step 1 leaves nothing behind. Progress and notes go to standard error, "
        "results to standard output. Without a terminal, or with `NO_COLOR` set, there are no "
        "colours."
    )
    yield from _group("hubbub", app)


def _group(name: str, group: typer.Typer) -> Iterator[str]:
    itself = group.registered_callback
    if itself is not None and itself.invoke_without_command is True:
        assert itself.callback is not None  # noqa: S101 - it is made by decorating a function
        yield from _command(name, itself.callback)
    for command in group.registered_commands:
        assert command.callback is not None  # noqa: S101 - all of ours are functions
        yield from _command(f"{name} {command.name or command.callback.__name__}", command.callback)
    for inner in group.registered_groups:
        assert inner.typer_instance is not None  # noqa: S101
        yield from _group(f"{name} {inner.name}", inner.typer_instance)


def _command(name: str, function: Callable[..., Any]) -> Iterator[str]:
    hints = get_type_hints(function, include_extras=True)
    params = [
        (*get_args(hints[p.name])[:2], p.default)
        for p in signature(function).parameters.values()
        if hints[p.name] is not typer.Context
    ]
    words = [
        str(info.metavar) if default is Parameter.empty else f"[{info.metavar}]"
        for _, info, default in params
        if isinstance(info, ArgumentInfo)
    ]
    yield f"## `{' '.join([name, *words])}`\n"
    yield _paragraph(_plain(function.__doc__))
    if params:
        for kind, info, default in params:
            yield item(f"- `{_usage(kind, info, default)}`: {info.help or ''}")
        yield ""


def _usage(kind: Any, info: ArgumentInfo | OptionInfo, default: Any) -> str:
    if isinstance(info, ArgumentInfo):
        return str(info.metavar)
    flag = next(n for n in (info.default, *(info.param_decls or ())) if isinstance(n, str))
    if kind is bool:
        return flag
    inner = next((a for a in get_args(kind) if a is not type(None)), kind)
    is_choice = get_origin(inner) is None and issubclass(inner, Enum)
    choices = [str(m) for m in inner] if is_choice else []
    value = info.metavar or "|".join(choices) or {int: "N", float: "X"}[inner]
    standard = "" if default in (None, Parameter.empty) else f" (default {default})"
    return f"{flag} {value}{standard}"


if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs")
    for file_name, text in pages().items():
        (folder / file_name).write_text(text, encoding="utf-8")
