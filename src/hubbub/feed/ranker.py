"""A user's ranker: one function, named by a dotted path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hubbub.config.user_code import blamed_on, load_function
from hubbub.errors import ScenarioError
from hubbub.feed.frame import Frame, NetworkCandidates
from hubbub.feed.sources import LivePosts
from hubbub.world import World


class RankerFunction(Protocol):
    """A custom ranker, named in `feed.ranker`: it scores pairs of a viewer and an item."""

    def __call__(
        self, world: World, agents: NDArray[np.int32], items: NDArray[np.int32], step: int, /
    ) -> Any:
        """Return one number for each of the m pairs; the higher, the better."""


def load_ranker(path: str) -> RankerFunction:
    """Return the function that 'module:function' names; the working folder is searched, too."""
    ranker: RankerFunction = load_function(path, "feed.ranker")
    return ranker


@dataclass(frozen=True, slots=True)
class ByRanker:
    """Scores by a user's function of (viewer, item) pairs."""

    ranker: RankerFunction
    path: str
    compares_texts: bool = False

    def base(self, live: LivePosts) -> NDArray[np.float32]:
        """Return zeros: the ranker decides alone."""
        return np.zeros(len(live.items), np.float32)

    def network(
        self, world: World, frame: Frame, agents: NDArray[np.int32], network: NetworkCandidates
    ) -> NDArray[np.float32]:
        """Return the ranker's scores of in-network candidates, float32[m]."""
        viewers = np.repeat(agents, np.diff(network.ends))
        return self.scores(world, viewers, network.item.copy(), frame.step)

    def pool(self, world: World, frame: Frame, agents: NDArray[np.int32]) -> NDArray[np.float32]:
        """Return the ranker's scores of the pool, float32[k, p]."""
        shape = len(agents), len(frame.pool)
        viewers, items = np.repeat(agents, shape[1]), np.tile(frame.pool.item, shape[0])
        return self.scores(world, viewers, items, frame.step).reshape(shape)

    def scores(
        self, world: World, viewers: NDArray[np.int32], items: NDArray[np.int32], step: int
    ) -> NDArray[np.float32]:
        """Return the ranker's scores of pairs, float32[m]; ScenarioError if they are wrong."""
        if not len(items):
            return np.empty(0, np.float32)
        with blamed_on(f"feed.ranker '{self.path}'", step):
            scores = np.asarray(self.ranker(world, viewers, items, step))
        if scores.shape != items.shape or scores.dtype.kind not in "fiub":
            raise ScenarioError(
                f"feed.ranker '{self.path}' must return one number for each of the {len(items)} "
                f"pairs; it returned an array of {scores.dtype} of shape {scores.shape}"
            )
        with np.errstate(over="ignore"):
            small = scores.astype(np.float32)
        if not np.isfinite(small).all():
            at = int(np.flatnonzero(~np.isfinite(small))[0])
            raise ScenarioError(
                f"feed.ranker '{self.path}' returned {scores[at]} for agent {viewers[at]}, item "
                f"{items[at]}: scores must be finite, and below 3e38"
            )
        return small
