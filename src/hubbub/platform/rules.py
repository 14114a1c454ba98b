"""The rules of a platform: which actions it allows, and their limits. Presets are data."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hubbub.actions import SOCIAL, ActionTable
from hubbub.config.scenario import PlatformConfig
from hubbub.errors import ScenarioError, did_you_mean


@dataclass(frozen=True, slots=True)
class Preset:
    """What a platform is when the scenario gives only its name."""

    actions: tuple[str, ...]
    allow_self_rating: bool
    exclusive_reactions: bool
    show_score: bool
    max_text_length: int


#: Default actions as in the presets of OASIS; see docs/actions.md for what each means.
PRESETS = {
    "x": Preset(
        ("create_post", "like_post", "repost", "follow", "do_nothing", "quote_post"),
        allow_self_rating=True,
        exclusive_reactions=False,
        show_score=False,
        max_text_length=1_000,
    ),
    "reddit": Preset(
        (
            "like_post",
            "dislike_post",
            "create_post",
            "create_comment",
            "like_comment",
            "dislike_comment",
            "search_posts",
            "search_user",
            "trend",
            "refresh",
            "do_nothing",
            "follow",
            "mute",
        ),
        allow_self_rating=False,
        exclusive_reactions=True,
        show_score=True,
        max_text_length=10_000,
    ),
}


@dataclass(frozen=True, slots=True)
class Platform:
    """The rules in force. `allowed` bool[a] says which action codes are switched on.

    The other fields are keys of `platform` in docs/scenario.md, with the preset's defaults.
    """

    table: ActionTable
    allowed: NDArray[np.bool_]
    allow_self_rating: bool
    exclusive_reactions: bool
    show_score: bool
    report_threshold: int
    max_text_length: int
    trend_days: int
    trend_size: int

    @classmethod
    def from_config(cls, config: PlatformConfig, table: ActionTable) -> Platform:
        """Return the platform of a scenario; ScenarioError for an action that does not exist."""
        preset = PRESETS[config.preset]

        def or_preset(name: str) -> int:
            given = getattr(config, name)
            return int(getattr(preset, name) if given is None else given)

        return cls(
            table=table,
            allowed=_switched_on(config, preset, table),
            allow_self_rating=bool(or_preset("allow_self_rating")),
            exclusive_reactions=bool(or_preset("exclusive_reactions")),
            show_score=bool(or_preset("show_score")),
            max_text_length=or_preset("max_text_length"),
            report_threshold=config.report_threshold,
            trend_days=config.trend_days,
            trend_size=config.trend_size,
        )

    def without_limits(self) -> Platform:
        """Return this platform with every action allowed and texts of any length."""
        return replace(self, allowed=np.ones_like(self.allowed), max_text_length=2**31 - 1)


def _switched_on(config: PlatformConfig, preset: Preset, table: ActionTable) -> NDArray[np.bool_]:
    extra = table.names[len(SOCIAL) :]
    if config.actions == "all":
        names = [s.name for s in table if not s.environment_only]
    elif config.actions == "default":
        names = [*preset.actions, *extra]
    else:
        names = [*(table[c].name for c in (table.idle,) if c >= 0), *config.actions]
    allowed = np.zeros(len(table), np.bool_)
    for name in names:
        if name not in table:
            hint = did_you_mean(name, table.names)
            raise ScenarioError(f"platform.actions: there is no action '{name}'{hint}")
        if table.spec(name).environment_only:
            raise ScenarioError(
                f"platform.actions: '{name}' is the environment's alone and cannot be switched "
                "on; schedule it under 'events'"
            )
        allowed[table.code(name)] = True
    return allowed
