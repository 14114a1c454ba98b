"""What a policy is given and what it returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hubbub.actions import Action, ActionBatch
from hubbub.rng import Streams
from hubbub.world import Slate, World


@dataclass(frozen=True, slots=True)
class Observation:
    """What the agents of one shard see in one step. The world is frozen: read it, never write.

    `slate.agents` are the deciding agents (ascending); `comments` are the top comments of each
    shown item as (offsets int64[m+1], item ids int32[c]), m = len(slate.items). `allowed` bool[a]
    says which action codes agents may use; `show_score` whether they see one score instead of
    counts; posts with `report_threshold` reports carry a warning
    (hubbub.policy.view turns all of it into text). A step lasts `step_minutes`. `rows` are the
    positions of these agents in the shard of `shard_size` agents.
    """

    world: World
    step: int
    slate: Slate
    comments: tuple[NDArray[np.int64], NDArray[np.int32]]
    allowed: NDArray[np.bool_]
    show_score: bool
    report_threshold: int
    step_minutes: float
    streams: Streams
    shard: int
    rows: NDArray[np.int64]
    shard_size: int

    @property
    def agents(self) -> NDArray[np.int32]:
        """The deciding agents, int32[k], ascending."""
        return self.slate.agents

    def uniform(self, name: str, width: int) -> NDArray[np.float64]:
        """Return uniform numbers of the stream `name`, float64[k, width].

        An agent's numbers do not depend on which other agents of the shard share its policy.
        """
        stream = self.streams.at(name, self.step, self.shard)
        return stream.uniform(self.shard_size, width)[self.rows]

    def batch(self, turns: Mapping[int, Sequence[Action]]) -> ActionBatch:
        """Return what agents do as a batch: agent id -> its actions, in order.

        ActionError for an unknown action or argument. Use this for up to a few thousand actions per
        step; for more, fill the columns of `ActionBatch.blank` yourself.
        """
        return ActionBatch.from_actions(self.world.table, turns.items(), self.world.product)

    def select(self, keep: NDArray[np.bool_]) -> Observation:
        """Return the observation of some of the agents (bool[k])."""
        if keep.all():
            return self
        shown = np.repeat(keep, np.diff(self.slate.offsets))
        slate = self.slate.select(keep)
        starts, items = self.comments
        per_item = np.diff(starts)
        comments = (_offsets(per_item[shown]), items[np.repeat(shown, per_item)])
        return replace(self, slate=slate, comments=comments, rows=self.rows[keep])


class Policy(Protocol):
    """Decides for all agents of an observation at once."""

    def decide(self, obs: Observation) -> ActionBatch:
        """Return what the agents do: at most one action per agent and wave. Must not change obs."""
        ...


def _offsets(counts: NDArray[Any]) -> NDArray[np.int64]:
    result = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=result[1:])
    return result
