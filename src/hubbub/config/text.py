"""YAML in and out, read by the rules of YAML 1.2.

PyYAML follows YAML 1.1, in which the country NO is false, 8:30 is 510 and 1e-3 is a text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import yaml

from hubbub.errors import ScenarioError

_TAG = "tag:yaml.org,2002:"
_CORE = (
    ("null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""]),
    ("bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")),
    ("int", re.compile(r"^[-+]?[0-9]+$"), list("-+0123456789")),
    (
        "float",
        re.compile(
            r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
            r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
        ),
        list("-+.0123456789"),
    ),
    ("merge", re.compile(r"^<<$"), ["<"]),
)


class _Loader(yaml.SafeLoader):
    """A safe loader that refuses a key given twice."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - as declared by PyYAML

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        seen: dict[Any, int] = {}
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            line = key_node.start_mark.line + 1
            if isinstance(key, list | dict):
                raise yaml.MarkedYAMLError(
                    problem="a key must be a text or a number", problem_mark=key_node.start_mark
                )
            if key in seen and key != "<<":
                raise yaml.MarkedYAMLError(
                    problem=f"the key '{key}' is given twice, first in line {seen[key]}: "
                    "keep one of the two",
                    problem_mark=key_node.start_mark,
                )
            seen[key] = line
        return super().construct_mapping(node, deep)

    def construct_decimal(self, node: Any) -> int:
        return int(self.construct_scalar(node))


class _Dumper(yaml.SafeDumper):
    """A safe dumper that quotes what the loader would otherwise take for something else."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - as declared by PyYAML

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def text(self, data: str) -> Any:
        # PyYAML folds unusual line breaks (U+0085, U+2028) unless they are escaped
        style = '"' if len(data.splitlines()) > 1 or not data.isprintable() else None
        return self.represent_scalar(_TAG + "str", data, style)


for _name, _pattern, _first in _CORE:
    _Loader.add_implicit_resolver(_TAG + _name, _pattern, _first)
    _Dumper.add_implicit_resolver(_TAG + _name, _pattern, _first)
_Dumper.add_representer(str, _Dumper.text)
_Loader.add_constructor(_TAG + "int", _Loader.construct_decimal)


class Document:
    """A parsed YAML text that knows in which line each value stands."""

    def __init__(self, text: str, source: str) -> None:
        try:
            loader = _Loader(text)
            try:
                self._root = loader.get_single_node()
                self.data: Any = (
                    None if self._root is None else loader.construct_document(self._root)
                )
            finally:
                loader.dispose()
        except yaml.YAMLError as error:
            raise ScenarioError(f"{source}: {_yaml_problem(error)}") from None

    def line(self, path: Sequence[str | int]) -> int | None:
        """Return the line (from 1) of the value at this path, or of its nearest parent."""
        node, line = self._root, None
        for part in path:
            if isinstance(node, yaml.MappingNode):
                pairs = {str(k.value): (k, v) for k, v in node.value}
                if str(part) not in pairs:
                    break
                key, node = pairs[str(part)]
                line = key.start_mark.line + 1
            elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
                if part >= len(node.value):
                    break
                node = node.value[part]
                line = node.start_mark.line + 1
        return line


def parse_value(text: str, source: str) -> Any:
    """Return the value of a short YAML text, such as that of an override."""
    return Document(text, source).data


def dump(data: Any) -> str:
    """Return YAML that `Document` reads back as the same data."""
    return yaml.dump(
        data,
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=100,
        default_flow_style=None,
    )


def _yaml_problem(error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        what = error.problem or error.context or "this is not YAML"
        hint = ""
        if "'\\t'" in what:
            hint = "; indent with spaces, not tabs"
        elif what.endswith("but got '?'"):
            hint = "; if that ends a text, inside { } put it in quotes"
        elif "mapping values are not allowed" in what:
            hint = (
                "; a colon inside a text needs quotes around the text, or a line is badly indented"
            )
        return f"{where}{what}{hint}"
    if isinstance(error, yaml.reader.ReaderError):
        code = error.character if isinstance(error.character, int) else ord(error.character)
        return f"the character {chr(code)!r} at position {error.position} is not allowed"
    return str(error)
