"""Workers that are threads of this process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from hubbub.cores import usable_cores
from hubbub.engine.decider import Decider, Shard, ShardSlates, ShardTurns
from hubbub.feed.frame import Frame
from hubbub.world import Events, Slate

Done = TypeVar("Done")


class Threads:
    """Threads of this process, by default one per core that this process may use."""

    def __init__(self, count: int | None = None) -> None:
        self._count = count or usable_cores()
        self._pool: ThreadPoolExecutor | None = None
        self._preparing: Future[Frame] | None = None

    def start(self) -> None:
        """Do nothing: threads start at once."""

    def prepare(self, decider: Decider, t: int) -> None:
        """Make what all viewers share in a thread, while the driver draws who is awake."""
        self._preparing = self._threads().submit(decider.frame, t)

    def see(self, decider: Decider, t: int, shards: Sequence[Shard]) -> list[ShardSlates]:
        """Return what each shard is shown in step `t`."""
        return self._each(decider, t, partial(decider.see, t), shards)

    def decide(self, decider: Decider, t: int, shards: Sequence[Shard]) -> list[ShardTurns]:
        """Return what each shard is shown and does in step `t`."""
        return self._each(decider, t, partial(decider.decide, t), shards)

    def share(
        self,
        decider: Decider,
        t: int,
        events: Events,
        slate: Slate | None,
        behind: NDArray[np.int32] | int,
    ) -> None:
        """Do nothing: the threads see the world itself."""

    def map(self, work: Callable[[slice], None], parts: Sequence[slice], /) -> Iterable[None]:
        """Do the work on each part, in any order; the caller must exhaust the iterable."""
        return self._threads().map(work, parts)

    def close(self) -> None:
        """End the threads."""
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None

    def _each(
        self, decider: Decider, t: int, work: Callable[[Shard], Done], shards: Sequence[Shard]
    ) -> list[Done]:
        preparing, self._preparing = self._preparing, None
        if preparing is not None:
            wait([preparing])
        decider.frame(t)  # made here if preparing failed; never by several threads at once
        return list(self._threads().map(work, shards))

    def _threads(self) -> ThreadPoolExecutor:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._count)
        return self._pool
