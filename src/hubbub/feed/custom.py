"""Custom sources and filters of a feed: functions of the user, named by dotted paths."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hubbub.actions import Kind
from hubbub.config.scenario import SourceConfig
from hubbub.config.user_code import blamed_on, load_function
from hubbub.errors import ScenarioError
from hubbub.feed.frame import NetworkCandidates
from hubbub.feed.network_kernel import SCORE
from hubbub.feed.pipeline import Candidates, filters
from hubbub.world import CUSTOM_SOURCES, SOURCES, World

Ids = NDArray[np.int32]
_POSTS = (Kind.post, Kind.repost, Kind.quote)
_VERDICTS = {"shown", "outranked", "duplicate", *(f.reason for f in filters(None))}


class SourceFunction(Protocol):
    """A custom feed source, named in `feed.sources`: it finds posts for each viewer."""

    def __call__(self, world: World, agents: Ids, step: int, /) -> Any:
        """Return (viewers, items) or (viewers, items, scores) for these k viewers.

        Each is an array of length m: the item items[i] is a candidate for viewers[i].
        """


class FilterFunction(Protocol):
    """A custom feed filter, named in `feed.filters`: it says which posts a viewer may see."""

    def __call__(self, world: World, agents: Ids, items: Ids, step: int, /) -> Any:
        """Return bool[m]: whether to keep each of the m pairs of a viewer and an item."""


@dataclass(frozen=True, slots=True)
class CustomSource:
    """Finds candidates by a function of the user; slates record them under `code`."""

    function: SourceFunction
    path: str
    code: int
    slots: int | None = None

    def find(self, world: World, step: int, agents: Ids) -> NetworkCandidates:
        """Return the candidates of these viewers (ascending ids) with the source's own scores.

        ScenarioError if the function does not return pairs of these viewers and posts.
        """
        if not len(agents):
            return NetworkCandidates.nobody(0)
        with blamed_on(f"feed.sources '{self.path}'", step):
            found = self.function(world, agents.copy(), step)
        viewers, items, scores = self._checked(world, agents, found)
        place = np.searchsorted(agents, viewers)
        targets = world.targets(items)
        rows = np.stack([items, targets, world.items["author"][targets], np.zeros_like(items)], 1)
        rows = np.ascontiguousarray(rows, np.int32)
        rows.view(np.float32)[:, SCORE] = scores
        return grouped(place, rows, np.full(len(rows), self.code, np.uint8), len(agents))

    def _checked(
        self, world: World, agents: Ids, found: Any
    ) -> tuple[Ids, Ids, NDArray[np.float32]]:
        """Return viewers, items and scores of equal length; ScenarioError if they are wrong."""
        what = "(viewers, items) or (viewers, items, scores)"
        if not isinstance(found, tuple) or len(found) not in (2, 3):
            shown = type(found).__name__
            shown = f"a tuple of {len(found)}" if isinstance(found, tuple) else shown
            raise self._wrong(f"must return {what}, not {shown}")
        columns = [np.asarray(column) for column in found]
        if any(c.ndim != 1 or len(c) != len(columns[0]) for c in columns):
            shapes = ", ".join(str(c.shape) for c in columns)
            raise self._wrong(f"must return arrays of one length, not of the shapes {shapes}")
        for name, column in zip(("viewers", "items"), columns, strict=False):
            if len(column) and column.dtype.kind not in "iu":
                raise self._wrong(f"must return {name} as integer ids, not {column.dtype}")
        viewers, items = columns[0].astype(np.int64), columns[1].astype(np.int64)
        strange = viewers[~np.isin(viewers, agents)]
        if len(strange):
            raise self._wrong(f"returned the viewer {strange[0]}, who is not among `agents`")
        beyond = items[(items < 0) | (items >= len(world.items))]
        if len(beyond):
            last = len(world.items) - 1
            raise self._wrong(f"returned item {beyond[0]}, which does not exist: ids end at {last}")
        kinds = world.items["kind"][items]
        other = np.flatnonzero(~np.isin(kinds, _POSTS))
        if len(other):
            kind = Kind(int(kinds[other[0]])).name
            raise self._wrong(
                f"returned item {items[other[0]]}, which is a {kind}; return posts, reposts or "
                "quotes (the post of a comment is world.items['ref'])"
            )
        scores = world.items["step"][items] if len(columns) == 2 else columns[2]
        if len(scores) and scores.dtype.kind not in "fiub":
            raise self._wrong(f"must return scores as numbers, not {scores.dtype}")
        with np.errstate(over="ignore"):
            small = scores.astype(np.float32) + np.float32(0.0)  # one zero, not two
        if not np.isfinite(small).all():
            at = int(np.flatnonzero(~np.isfinite(small))[0])
            raise self._wrong(
                f"returned the score {scores[at]} for agent {viewers[at]}, item {items[at]}: "
                "scores must be finite, and below 3e38"
            )
        return viewers.astype(np.int32), items.astype(np.int32), small

    def _wrong(self, what: str) -> ScenarioError:
        return ScenarioError(f"feed.sources '{self.path}' {what}")


@dataclass(frozen=True, slots=True)
class CustomFilter:
    """Removes candidates that a function of the user does not keep. A `pipeline.Filter`."""

    function: FilterFunction
    path: str
    step: int = 0

    @property
    def reason(self) -> str:
        """The name of the function."""
        return self.path.partition(":")[2]

    def at(self, step: int) -> CustomFilter:
        """Return the filter of a step."""
        return replace(self, step=step)

    def removes(self, world: World, c: Candidates) -> NDArray[np.bool_]:
        """Return where the function does not keep the pair of viewer and item, bool[m]."""
        return ~self.keeps(world, c.viewer, c.item)

    def keeps(self, world: World, viewers: Ids, items: Ids) -> NDArray[np.bool_]:
        """Return which pairs the function keeps, bool[m]; ScenarioError if it returns no bool."""
        if not len(items):
            return np.ones(0, np.bool_)
        with blamed_on(f"feed.filters '{self.path}'", self.step):
            keep = np.asarray(self.function(world, viewers.copy(), items.copy(), self.step))
        if keep.shape != items.shape or keep.dtype != np.bool_:
            raise ScenarioError(
                f"feed.filters '{self.path}' must return True (show it) or False for each of the "
                f"{len(items)} pairs; it returned an array of {keep.dtype} of shape {keep.shape}"
            )
        return keep


def load_sources(configs: tuple[SourceConfig, ...]) -> list[CustomSource]:
    """Return the sources of a scenario that have slots, or compete for them.

    ScenarioError for one that cannot be imported, or has the name of a built-in source.
    """
    found = []
    for i, config in enumerate(configs):
        place = f"feed.sources.{i}"
        function = load_function(config.source, place)
        if config.name in SOURCES:
            raise ScenarioError(
                f"{place}: a built-in source is named '{config.name}', too; rename the function"
            )
        if config.slots != 0:
            code = CUSTOM_SOURCES + i
            found.append(CustomSource(function, config.source, code, config.slots))
    return found


def load_filters(paths: tuple[str, ...]) -> list[CustomFilter]:
    """Return the filters of a scenario.

    ScenarioError for one that cannot be imported, or has the name of a built-in verdict.
    """
    found = []
    for i, path in enumerate(paths):
        place = f"feed.filters.{i}"
        one = CustomFilter(load_function(path, place), path)
        if one.reason in _VERDICTS:
            raise ScenarioError(
                f"{place}: `explain` says '{one.reason}' of something else; rename the function"
            )
        found.append(one)
    return found


def grouped(place: NDArray[Any], rows: Ids, source: NDArray[np.uint8], k: int) -> NetworkCandidates:
    """Return candidates of k viewers in the order of viewers; place[i] is the viewer of rows[i]."""
    order = np.argsort(place, kind="stable")
    ends = np.zeros(k + 1, np.int64)
    np.cumsum(np.bincount(place, minlength=k), out=ends[1:])
    return NetworkCandidates(ends, rows[order], source[order])


def joined(parts: list[NetworkCandidates], k: int) -> NetworkCandidates:
    """Return the candidates of all parts; those of one viewer in the order of the parts."""
    parts = [part for part in parts if len(part.rows)]
    if len(parts) < 2:
        return parts[0] if parts else NetworkCandidates.nobody(k)
    place = np.concatenate([np.repeat(np.arange(k), np.diff(part.ends)) for part in parts])
    rows = np.concatenate([part.rows for part in parts])
    return grouped(place, rows, np.concatenate([part.source for part in parts]), k)
