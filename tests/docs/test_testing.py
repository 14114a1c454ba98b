"""docs/testing.md runs as written, and names every fault there is."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields
from inspect import signature
from pathlib import Path

import pytest
from pages import DOCS, blocks

import hubbub.testing
from hubbub.testing import Faults, ModelServer

PAGE = (DOCS / "testing.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("number", range(3))
def test_a_block_runs_as_written(number: int, tmp_path: Path) -> None:
    code = blocks("testing.md", "python")[number]
    subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=tmp_path, check=True)


def test_there_are_no_further_blocks() -> None:
    assert len(blocks("testing.md", "python")) == 3


#: Names that docs/python.md and docs/extending.md explain.
_ELSEWHERE = {"Answering", "Busy", "Provider", "ReplyShape", "ServedRequest"}


def test_every_fault_argument_and_stand_in_is_named() -> None:
    for fault in fields(Faults):
        assert f"`{fault.name}`" in PAGE, fault.name
    for argument in signature(ModelServer).parameters:
        assert f"- `{argument}`: " in PAGE, argument
    for name in hubbub.testing.__all__:
        assert name in PAGE or name in _ELSEWHERE, name
