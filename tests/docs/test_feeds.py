"""docs/feeds.md names every setting of the feed, and its numbers are those of the code."""

from __future__ import annotations

from typing import get_args

import pytest
from pages import DOCS

from hubbub.config.scenario import FeedConfig
from hubbub.feed import formulas
from hubbub.feed.frame import PER_AUTHOR
from hubbub.feed.settings import Preset, resolve
from hubbub.world.fold import TASTE_RETURN, TASTE_STEP
from hubbub.world.world import SEEN

PAGE = (DOCS / "feeds.md").read_text(encoding="utf-8")


def test_every_setting_and_preset_is_named() -> None:
    for name in {*FeedConfig.model_fields} - {"preset"}:
        assert f"`{name}`" in PAGE, name
    for preset in get_args(Preset):
        assert f"| `{preset}` |" in PAGE


@pytest.mark.parametrize("name", ["window", "pool", "author_decay", "comments"])
def test_defaults_are_as_told(name: str) -> None:
    assert f"`{name}` ({FeedConfig.model_fields[name].default})" in PAGE


@pytest.mark.parametrize("platform", ["x", "reddit"])
def test_slots_are_as_told(platform: str) -> None:
    made = resolve(FeedConfig(), platform)
    assert f"| `{platform}` | {made.following} | {made.recommended} | `{made.preset}` |" in PAGE


def test_numbers_of_the_formulas_are_as_told() -> None:
    for count, weight in formulas.X_WEIGHTS.items():
        assert f"| `{count}` | {weight} |" in PAGE
    assert f"{formulas.X_OUT_OF_NETWORK} of it for posts from outside" in " ".join(PAGE.split())
    assert f"age in minutes / {formulas.X_HALF_LIFE:.0f}" in PAGE
    assert f"(t - {formulas.REDDIT_EPOCH:.0f}) / 45000" in PAGE
    assert f"the {PER_AUTHOR} newest posts" in PAGE
    assert f"the last {SEEN} that one was shown" in PAGE
    assert f"moves it {TASTE_STEP:.0%}".replace("%", " %") in PAGE
    assert f"and {TASTE_RETURN:.0%}".replace("%", " %") in PAGE
