"""The house: no circles of imports, one name for one thing, SQL and addresses where they belong."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import grimp

from hubbub.actions import SOCIAL, Kind
from hubbub.platform import PRESETS
from hubbub.platform.queries import QUERIES
from hubbub.policy.choice_set import BASE

SRC = Path(__file__).parent.parent / "src" / "hubbub"
FILES = sorted(SRC.rglob("*.py"))
#: Packages inside a room: their name says what a module in them is about.
INNER = {
    p.parent.relative_to(SRC).as_posix()
    for p in SRC.rglob("__init__.py")
    if len(p.relative_to(SRC).parts) > 2
} | {"bench", "cli"}  # one module for each benchmark, and for each command


def test_no_circles_of_imports() -> None:
    graph = grimp.build_graph("hubbub", exclude_type_checking_imports=False, cache_dir=None)
    order: list[str] = []
    low, index = dict[str, int](), dict[str, int]()
    stack: list[str] = []
    circles: list[list[str]] = []

    def visit(module: str) -> None:  # Tarjan's strongly connected components
        low[module] = index[module] = len(order)
        order.append(module)
        stack.append(module)
        for other in sorted(graph.find_modules_directly_imported_by(module)):
            if other not in index:
                visit(other)
            if other in stack:
                low[module] = min(low[module], low[other])
        if low[module] == index[module]:
            found = stack[stack.index(module) :]
            del stack[stack.index(module) :]
            if len(found) > 1:
                circles.append(sorted(found))

    for module in sorted(graph.modules):
        if module not in index:
            visit(module)
    assert circles == []


def test_a_public_class_name_is_defined_once() -> None:
    homes = defaultdict(list)
    for path in FILES:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].append(path.relative_to(SRC).as_posix())
    assert {name: files for name, files in homes.items() if len(files) > 1} == {}


def test_a_module_name_repeats_only_in_a_package_that_makes_it_unambiguous() -> None:
    homes = defaultdict(list)
    for path in FILES:
        where = path.relative_to(SRC)
        if path.stem != "__init__" and where.parent.as_posix() not in INNER:
            homes[path.stem].append(where.as_posix())
    assert {name: files for name, files in homes.items() if len(files) > 1} == {}


#: A statement of SQL: uppercase keywords, as all of hubbub's own are written.
_SQL = re.compile(
    r"\b(SELECT\b.+\bFROM|INSERT\s+INTO|REPLACE\s+INTO|UPDATE\b.+\bSET|DELETE\s+FROM|PRAGMA\s"
    r"|CREATE\s+(TABLE|VIEW|INDEX)|DROP\s+(TABLE|VIEW|INDEX))\b",
    re.DOTALL,
)
#: It runs in OASIS's own environment, without hubbub, and reads OASIS's database.
_OTHER_DATABASES = {"bench/oasis_side.py"}


#: Rooms that find actions by their effects, and what in them may name some all the same.
_NAMELESS = ("engine", "feed", "mind", "platform", "policy", "store", "time", "world")
_NAMES_STAND_IN = {
    "engine/models/surveys.py": {"interview"},  # the name of a survey
    "platform/rules.py": {n for preset in PRESETS.values() for n in preset.actions},
    "policy/choice_set.py": set(BASE),
    "store/export/oasis_trace.py": set(SOCIAL.names),
    "world/world.py": {"sign_up"},  # the name of a random stream
}


def test_no_action_is_known_by_its_name() -> None:
    others = {p.name for p in SOCIAL.pairs} | {k.name for k in Kind} | set(QUERIES)
    found = {}
    for path in FILES:
        where = path.relative_to(SRC)
        if where.parts[0] in _NAMELESS:
            tree = ast.parse(path.read_text(encoding="utf-8"))
            named = set(_strings(tree)) & set(SOCIAL.names) - others
            named -= _NAMES_STAND_IN.get(where.as_posix(), set())
            if named:
                found[where.as_posix()] = named
    assert found == {}


def _strings(tree: ast.AST) -> Iterator[str]:
    """Yield the constant strings of a module; of f-strings what stands around the values."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = (p.value for p in node.values if isinstance(p, ast.Constant))
            yield " x ".join(map(str, parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_sql_stands_in_the_store_alone() -> None:
    found = {}
    for path in FILES:
        where = path.relative_to(SRC).as_posix()
        if where.startswith("store/") or where in _OTHER_DATABASES:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        statements = [text for text in _strings(tree) if _SQL.search(text)]
        statements += [
            ast.unparse(node)
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and node.attr == "database"
        ]
        if statements:
            found[where] = statements
    assert found == {}
