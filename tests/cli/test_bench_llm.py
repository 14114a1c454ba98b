"""`hubbub bench llm` on tiny runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Command

TINY = ("--agents", 8, "--steps", 1)


@pytest.fixture(autouse=True)
def _no_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBBUB_CACHE", str(tmp_path))


def test_costs_as_a_table_and_as_json(hubbub: Command) -> None:
    table = hubbub("bench", "llm", *TINY)
    assert table.code == 0, table.err
    assert "us of CPU per decision, prompts" in table.out
    assert "tokens counted by an estimate by bytes" in table.out
    found = json.loads(hubbub("bench", "llm", *TINY, "--json").out)
    assert (found["agents"], found["steps"]) == (8, 1)
    assert f"digest {found['digest']}" in table.out


def test_one_thing_at_a_time(hubbub: Command) -> None:
    found = hubbub("bench", "llm", "--tails", "--faults")
    assert found.code == 2
    assert "not both" in found.err


@pytest.mark.slow
def test_tails_side_by_side(hubbub: Command) -> None:
    found = hubbub("bench", "llm", *TINY, "--tails")
    assert found.code == 0, found.err
    assert "staleness 0  staleness 1" in found.out
    assert found.out.split()[-2:] == ["yes", "yes"]


@pytest.mark.slow
def test_faults(hubbub: Command) -> None:
    found = hubbub("bench", "llm", *TINY, "--faults")
    assert found.code == 0, found.err
    assert "turns without any record        0" in found.out
    assert found.out.split()[-1] == "yes"
