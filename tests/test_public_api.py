"""The public names: each exists, is documented, and is all that examples and extensions need."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from hubbub.cli.python_reference import GIVEN, INTERNAL, MEANINGS, PLACES

ROOT = Path(__file__).parent.parent
NAMES = [(place, name) for place in PLACES for name in import_module(place).__all__]
PAGE = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
#: A package with a page of its own, docs/measures.md.
MEASURES = "hubbub.analysis"
#: What pages name that is no Python name to import: a logger.
LOGGERS = {"hubbub.engine.workers.pool"}
#: Types in signatures that are not hubbub's.
FOREIGN = {
    "Any", "Callable", "Counter", "DataFrame", "False", "Iterable", "Iterator", "Literal",
    "Mapping", "NDArray", "None", "Path", "Sequence", "True",
}  # fmt: skip
PAGES = [
    *ROOT.glob("examples/**/*.py"),
    *ROOT.glob("examples/**/*.md"),
    *ROOT.glob("tests/extension_package/**/*.py"),
    *(p for p in ROOT.glob("docs/*.md") if p.name != "design.md"),
    ROOT / "README.md",
]


@pytest.mark.parametrize(("place", "name"), NAMES)
def test_every_public_name_exists_and_is_on_the_page(place: str, name: str) -> None:
    value = getattr(import_module(place), name)
    assert value is not None
    if name.startswith("_"):
        return
    section = PAGE.split(f"## `{place}`\n")[1].split("\n## ")[0]
    assert f"### `{name}`\n" in section or f"`{name}` (see `" in section
    if inspect.isclass(value) or inspect.isroutine(value):
        assert value.__doc__
        assert name not in MEANINGS
    else:
        assert name in MEANINGS


def public_values() -> dict[str, object]:
    return {name: getattr(import_module(place), name) for place, name in NAMES}


def test_public_methods_and_properties_have_a_docstring() -> None:
    silent = [
        f"{name}.{member}"
        for name, value in public_values().items()
        if inspect.isclass(value) and value.__module__.startswith("hubbub")
        for member, attribute in vars(value).items()
        if not member.startswith("_")
        and (isinstance(attribute, property | classmethod) or inspect.isfunction(attribute))
        and not inspect.getdoc(attribute)
        and not hasattr(value, "model_fields")
    ]
    assert silent == []


def test_what_the_reference_leaves_out_is_there() -> None:
    values = public_values()
    assert set(MEANINGS) | set(INTERNAL) | GIVEN <= set(values)
    for name, members in INTERNAL.items():
        assert [m for m in members if not hasattr(values[name], m)] == []
        assert not [m for m in members if f"- `.{m}(" in section_of(name)]


def section_of(name: str) -> str:
    return PAGE.split(f"### `{name}`\n")[1].split("\n## ")[0].split("\n### ")[0]


def test_types_in_signatures_are_public_too() -> None:
    code = re.findall(r"^```python\n(.*?)^```", PAGE, re.M | re.S)
    code += re.findall(r"^- `(\..+?)`", PAGE.replace("\n  ", " "), re.M)
    words = {w for text in code for w in re.findall(r"\b[A-Z]\w+", re.sub(r'"[^"]*"', "", text))}
    assert words - FOREIGN - set(public_values()) == set()


def test_the_page_is_readable() -> None:
    assert not re.search(r" at 0x|~_|ForwardRef|<factory>|numpy\.|<class", PAGE)
    prose = re.sub(r"^```python\n.*?^```", "", PAGE, flags=re.M | re.S)
    assert [line for line in prose.splitlines() if len(line) > 100] == []


def code_of(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return [text]
    return re.findall(r"^```python\n(.*?)^```", text, re.M | re.S)


def names_used(code: str) -> Iterator[tuple[str, str]]:
    """Yield (place, name) of every name of hubbub's that a piece of code imports or uses."""
    tree = ast.parse(code)
    known = {"hubbub": "hubbub"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.partition(".")[0] == "hubbub":
                    known[alias.asname or "hubbub"] = alias.name if alias.asname else "hubbub"
                    assert alias.name in PLACES, f"{alias.name} is not public"
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("hubbub"):
            yield from ((str(node.module), alias.name) for alias in node.names)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            place = known.get(node.value.id)
            if place and f"{place}.{node.attr}" not in PLACES:
                yield place, node.attr


@pytest.mark.parametrize("path", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_examples_and_docs_use_public_names_only(path: Path) -> None:
    used = [pair for code in code_of(path) if ">>>" not in code for pair in _parsed(code)]
    used += [
        tuple(dotted.rpartition(".")[::2])
        for dotted in re.findall(r"`(hubbub(?:\.\w+)+)`", path.read_text(encoding="utf-8"))
        if dotted not in LOGGERS and dotted not in PLACES
    ]
    private = [
        f"{place}.{name}"
        for place, name in used
        if not f"{place}.{name}".startswith(MEASURES)
        and f"{place}.{name}" not in PLACES
        and (place not in PLACES or name not in import_module(place).__all__)
    ]
    assert private == []


def _parsed(code: str) -> list[tuple[str, str]]:
    try:
        return list(names_used(code))
    except SyntaxError:  # a signature
        return []


def test_importing_the_package_loads_nothing_heavy() -> None:
    heavy = ("numpy", "numba", "pyarrow", "pydantic", "aiohttp", "typer")
    code = (
        "import sys, hubbub, hubbub.studies; "
        f"print(sorted(m for m in {heavy!r} if m in sys.modules))"
    )
    began = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
    assert time.perf_counter() - began < 5  # half a second, on a machine that is not busy
