"""The settings of a feed: the scenario's section with the presets resolved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hubbub.config.scenario import FeedConfig, SourceConfig
from hubbub.errors import ScenarioError

Preset = Literal["chronological", "following-top", "hot", "interest", "x", "random"]

#: Slots (posts of followees, recommended) of the platforms, as in OASIS.
_SLOTS = {"x": (3, 4), "reddit": (0, 5)}
_PRESETS: dict[str, Preset] = {"x": "interest", "reddit": "hot"}


@dataclass(frozen=True, slots=True)
class FeedSettings:
    """How slates are made.

    A slate has `following` slots for posts of followees and `recommended` slots for posts of anyone
    (`pool` candidates a step, younger than `window` steps), of which a share `explore` is filled at
    random. A `joint` feed ranks both kinds of candidates together and gives all slots to the best.
    The m-th further post of one author counts author_decay**m of its score. Posts with
    `hide_reported` reports are not shown. `ranker` is the dotted path of a user's ranker, `filters`
    are those of custom filters. Custom `sources` may have further slots.
    """

    preset: Preset
    following: int
    recommended: int
    pool: int = 256
    window: int = 480
    author_decay: float = 0.7
    explore: float = 0.0
    hide_reported: int | None = None
    ranker: str | None = None
    sources: tuple[SourceConfig, ...] = ()
    filters: tuple[str, ...] = ()

    @property
    def joint(self) -> bool:
        """Whether posts of followees and others are ranked together."""
        return self.preset == "x" or self.ranker is not None

    @property
    def width(self) -> int:
        """Slots of a slate."""
        own = sum(source.slots or 0 for source in self.sources)
        return self.following + self.recommended + own


def resolve(config: FeedConfig, platform_preset: Literal["x", "reddit"]) -> FeedSettings:
    """Return the settings with every default of preset and platform filled in.

    ScenarioError for a custom source without slots that no slots are left for.

    On a platform with slots for followees, the presets `chronological` and `following-top` show
    only followees' posts, unless the scenario says how many posts are recommended. Authors are
    diversified where scores measure worth (`interest`, `x`, a user's ranker), not where they are a
    time or a count.
    """
    preset = _PRESETS[platform_preset] if config.preset == "auto" else config.preset
    following, recommended = _SLOTS[platform_preset]
    own = config.ranker is not None
    if preset in ("chronological", "following-top") and following and not own:
        following, recommended = following + recommended, 0
    worth = preset in ("interest", "x") or own
    settings = FeedSettings(
        preset=preset,
        following=following if config.following is None else config.following,
        recommended=recommended if config.recommended is None else config.recommended,
        pool=config.pool,
        window=config.window,
        author_decay=config.author_decay if worth else 1.0,
        explore=config.explore,
        hide_reported=config.hide_reported,
        ranker=config.ranker,
        sources=tuple(config.sources),
        filters=tuple(config.filters),
    )
    for i, source in enumerate(config.sources):
        if source.slots is None and not settings.recommended and not settings.joint:
            raise ScenarioError(
                f"feed.sources.{i}: this feed has no recommended slots to compete for: give the "
                "source slots, e.g.  slots: 2"
            )
    return settings
