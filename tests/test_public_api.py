"""The public names: each exists, is documented, and is all that examples and extensions need."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from hubbub.cli.python_reference import PLACES

ROOT = Path(__file__).parent.parent
NAMES = [(place, name) for place in PLACES for name in import_module(place).__all__]
#: Modules of functions of run tables, documented in docs/measures.md.
MEASURES = "hubbub.analysis"


@pytest.mark.parametrize(("place", "name"), NAMES)
def test_every_public_name_exists_and_is_on_the_page(place: str, name: str) -> None:
    value = getattr(import_module(place), name)
    assert value is not None
    if not name.startswith("_"):
        page = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
        assert f"### `{name}`" in page.split(f"## `{place}`\n")[1].split("\n## ")[0]
    if inspect.isclass(value) or inspect.isfunction(value):
        assert value.__doc__, "a public name says what it is"


@pytest.mark.parametrize(
    "path",
    [*ROOT.glob("examples/**/*.py"), *ROOT.glob("docs/*.md"), ROOT / "README.md"],
    ids=lambda p: str(p.relative_to(ROOT)),
)
def test_examples_and_docs_import_public_names_only(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    imported = re.findall(r"^from (hubbub[\w.]*) import (\([^)]*\)|[^\n#]+)", text, re.M)
    for place, names in imported:
        if place.startswith(MEASURES):
            continue
        assert place in PLACES, f"{path.name}: {place} is not public"
        public = import_module(place).__all__
        for name in re.findall(r"\w+", names):
            assert name in public, f"{path.name}: {place}.{name} is not public"


def test_importing_the_package_loads_nothing_heavy() -> None:
    heavy = ("numpy", "numba", "pyarrow", "pydantic", "aiohttp", "typer")
    code = (
        "import sys, hubbub, hubbub.studies; "
        f"print(sorted(m for m in {heavy!r} if m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
