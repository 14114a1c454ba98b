"""`hubbub bench compare oasis`, with figures of OASIS as it would give them."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hubbub.bench.oasis import Side

if TYPE_CHECKING:
    from .conftest import Command


def test_what_is_told_without_oasis(hubbub: Command) -> None:
    found = hubbub("bench", "compare", "oasis", "--python", sys.executable)
    assert found.code == 1
    assert "can't import OASIS" in found.err


def test_ratios_are_in_favour_of_hubbub(
    hubbub: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def oasis(python: Path, profiles: Path, steps: int) -> Side:
        assert profiles.is_file()
        return Side(30, 25.0, 24.0, 60.0, 16e3, 900.0, 4.0, 1.2, 0.6, {"like_post": 55})

    monkeypatch.setattr("hubbub.cli.bench.oasis.oasis_side", oasis)
    monkeypatch.setattr("hubbub.cli.bench.oasis.oasis_python", lambda *a, **k: Path("python"))
    options = ("--agents", 30, "--steps", 2, "--repeats", 1, "--out", "figures.json")
    found = hubbub("bench", "compare", "oasis", *options)
    assert found.code == 0, found.err
    assert "OASIS 0.2.5" in found.out
    written = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    figures, ratios = written["figures"], written["ratios"]
    for side in ("model", "statistical"):
        speed = figures[side]["turns_per_second"]["median"]
        assert ratios[side]["turns_per_second"]["median"] == pytest.approx(speed / 60)
        cost = figures[side]["ms_per_agent"]["median"]
        assert ratios[side]["ms_per_agent"]["median"] == pytest.approx(25 / cost)
    assert written["did"]["oasis"] == {"like_post": 55}
    assert written["did"]["model"] == {"like_post": 60}
    assert re.search(r"like_post +55 +60 ", found.out)
    assert written["warmup"] == 0
    assert written["verdicts"] == {"model": "not on file", "statistical": "not on file"}


def test_a_wrong_run_is_told_of(
    hubbub: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    side = Side(30, 25.0, 24.0, 60.0, 16e3, 900.0, 4.0, 1.2, 0.6, {"like_post": 55}, "abc")
    file = tmp_path / "digests.json"
    file.write_text("{}")
    monkeypatch.setattr("hubbub.cli.bench.oasis.FILE", file)
    monkeypatch.setattr("hubbub.cli.bench.oasis.oasis_python", lambda *a, **k: Path("python"))
    monkeypatch.setattr("hubbub.cli.bench.oasis.oasis_side", lambda *a: side)
    monkeypatch.setattr("hubbub.cli.bench.oasis._ours", lambda *a, **k: asdict(side))
    options = ("--agents", 30, "--steps", 2, "--repeats", 1)
    assert hubbub("bench", "compare", "oasis", *options, "--accept").code == 0
    kept = json.loads(file.read_text())
    assert kept["compare model agents=30 steps=2"] == "abc"
    assert "as expected" in hubbub("bench", "compare", "oasis", *options).out
    file.write_text(json.dumps({**kept, "compare model agents=30 steps=2": "another"}))
    wrong = hubbub("bench", "compare", "oasis", *options)
    assert wrong.code == 1
    assert "not the digest that is on file: compare model agents=30 steps=2" in wrong.err
