"""The reference pages in docs/ are what the code says."""

from __future__ import annotations

from pathlib import Path

import pytest

from hubbub.actions import SOCIAL
from hubbub.actions.spec import Reason
from hubbub.cli.docs import pages
from hubbub.config.describe import sections
from hubbub.config.scenario import Scenario

DOCS = Path(__file__).parents[2] / "docs"
PAGES = pages()


@pytest.mark.parametrize("name", PAGES)
def test_pages_are_fresh(name: str) -> None:
    kept = (DOCS / name).read_text(encoding="utf-8")
    assert kept == PAGES[name], "stale: run  python -m hubbub.cli.docs docs"


def test_pages_are_complete() -> None:
    for spec in SOCIAL:
        assert f"- `{spec.name}(" in PAGES["actions.md"]
    for reason in Reason:
        assert reason is Reason.ok or f"| `{reason.name}` |" in PAGES["actions.md"]
    for _, model in sections(Scenario):
        for field in model.model_fields:
            assert f"- `{field}` (" in PAGES["scenario.md"]
