"""`--workers`: another way to the same run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hubbub.store import RunStore

if TYPE_CHECKING:
    from .conftest import Command


def digest(folder: Path) -> str:
    with RunStore.open(folder) as store:
        return store.digest()


def test_a_run_and_what_goes_on_with_it_are_the_same(
    hubbub: Command, scenario: Path, made: Path
) -> None:
    found = hubbub("run", scenario, "--steps", 5, "--out", "a", "--workers", "processes:1")
    assert found.code == 0, found.err
    found = hubbub("resume", "a", "--steps", 3, "--workers", "threads:1")
    assert found.code == 0, found.err
    assert digest(Path("a")) == digest(made)


def test_workers_that_are_none_leave_no_folder(hubbub: Command, scenario: Path) -> None:
    found = hubbub("run", scenario, "--out", "a", "--workers", "processes:many")
    assert found.code == 1
    assert "give their number" in found.err
    assert not Path("a").exists()
