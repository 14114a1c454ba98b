"""docs/measures.md: its example runs as written, and every public measure is named."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path

import pytest
from pages import DOCS, blocks

import hubbub as hb

PAGE = (DOCS / "measures.md").read_text(encoding="utf-8")
MODULES = (
    "growth",
    "polarization",
    "inequality",
    "network",
    "exposure",
    "activity",
    "survey_tables",
)


@pytest.mark.parametrize("name", MODULES)
def test_every_function_is_named(name: str) -> None:
    module = importlib.import_module(f"hubbub.analysis.{name}")
    functions = {
        n
        for n, f in vars(module).items()
        if inspect.isfunction(f) and f.__module__ == module.__name__ and not n.startswith("_")
    }
    assert {n for n in functions if f"`{n}" not in PAGE} == set()
    assert f"`{name}`)" in PAGE


def test_the_example_runs_as_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    scenario = hb.Scenario(
        steps=20,
        population={"synthetic": {"agents": 80, "core": 5, "posts_per_core": 2}},
        encoder={"kind": "hashing"},
    )
    with hb.Simulation(scenario, out=tmp_path / "first") as sim:
        sim.run()
    for block in blocks("measures.md", "python"):
        exec(compile(block, "measures.md", "exec"), {})  # noqa: S102
