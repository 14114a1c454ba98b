"""What the engine asks of workers. Threads, processes and a Ray cluster all give the same run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hubbub.engine.decider import Decider, Shard, ShardSlates, ShardTurns
from hubbub.world import Events, Slate


class Workers(Protocol):
    """Compute what agents are shown and do, shard by shard, in the order of the shards."""

    def start(self) -> None:
        """Begin to start the workers. Every other method starts them if need be."""
        ...

    def prepare(self, decider: Decider, t: int) -> None:
        """Prepare for step `t`, on the world as it stands."""
        ...

    def see(self, decider: Decider, t: int, shards: Sequence[Shard]) -> list[ShardSlates]:
        """Return what each shard is shown in step `t`."""
        ...

    def decide(self, decider: Decider, t: int, shards: Sequence[Shard]) -> list[ShardTurns]:
        """Return what each shard is shown and does in step `t`."""
        ...

    def share(
        self,
        decider: Decider,
        t: int,
        events: Events,
        slate: Slate | None,
        behind: NDArray[np.int32] | int,
    ) -> None:
        """Bring the workers' worlds up to date with what happened since the last call.

        `slate` was shown in step `t`, to agents who saw the world as it was `behind` steps before.
        """
        ...

    def map(self, work: Callable[[slice], None], parts: Sequence[slice], /) -> Iterable[None]:
        """Do the work on each part, in any order; the caller must exhaust the iterable."""
        ...

    def close(self) -> None:
        """End the workers; they start again when they are needed."""
        ...
