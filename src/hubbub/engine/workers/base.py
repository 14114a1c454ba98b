"""Who ranks feeds and lets policies decide: threads of this process, processes, or a Ray cluster.

All give the same run. What a shard of agents is shown and does is a function of the frozen world,
the step and the shard alone, so it does not matter who works it out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from hubbub.actions import ActionBatch
from hubbub.config.models import ModelConfig
from hubbub.cores import usable_cores
from hubbub.errors import RunError
from hubbub.llm.chat import Inferencer
from hubbub.mind.turn_records import Call
from hubbub.world import Events, Slate

if TYPE_CHECKING:
    from hubbub.engine.society import Society
    from hubbub.feed import Frame
    from hubbub.llm.usage import ModelUsage

Ids = NDArray[np.int32]
Done = TypeVar("Done")


@dataclass(frozen=True, slots=True)
class Shard:
    """Agents who are shown something together, int32[k], ascending.

    They stand at `rows` int64[k] of the `number`-th shard of the step, of `size` agents; those
    `deciding`, bool[k], are asked what they do.
    """

    number: int
    size: int
    agents: Ids
    rows: NDArray[np.int64]
    deciding: NDArray[np.bool_]

    @classmethod
    def of(cls, number: int, agents: Ids, elsewhere: Ids, told: Ids) -> Self:
        """Return a shard of active agents, without those whose turns are decided `elsewhere`.

        Those who are `told` what to do do not decide.
        """
        here = ~np.isin(agents, elsewhere)
        deciding = ~np.isin(agents[here], told)
        return cls(number, len(agents), agents[here], np.flatnonzero(here), deciding)

    @classmethod
    def of_viewers(cls, agents: Ids) -> Self:
        """Return agents who are shown something, and decide elsewhere."""
        k = len(agents)
        return cls(0, k, agents, np.arange(k), np.zeros(k, np.bool_))


@dataclass(frozen=True, slots=True)
class ShardSlates:
    """What the agents of a shard are shown: slates, and the top comments of each shown item."""

    slate: Slate
    comments: tuple[NDArray[np.int64], Ids]


@dataclass(frozen=True, slots=True)
class ShardTurns:
    """What the agents of a shard were shown and did; the `seconds` of the feed and the policy."""

    slate: Slate
    batch: ActionBatch
    seconds: tuple[float, float]


class Live(Inferencer[Call], Protocol):
    """An inferencer with models behind it."""

    def usage(self) -> dict[str, ModelUsage]:
        """Return the figures of each model so far."""
        ...


class Workers(Protocol):
    """Work out what agents are shown and do, shard by shard, in the order of the shards."""

    def start(self) -> None:
        """Begin to start up, if need be. Whoever needs workers starts them anyway."""
        ...

    def prepare(self, society: Society, t: int) -> None:
        """Get ready for step `t`, on the world as it stands."""
        ...

    def see(self, society: Society, t: int, shards: Sequence[Shard]) -> list[ShardSlates]:
        """Return what each shard is shown in step `t`."""
        ...

    def decide(self, society: Society, t: int, shards: Sequence[Shard]) -> list[ShardTurns]:
        """Return what each shard is shown and does in step `t`."""
        ...

    def share(self, society: Society, t: int, events: Events, slate: Slate | None) -> None:
        """Learn what has happened to the society's world since the last time."""
        ...

    def map(self, work: Callable[[slice], None], parts: Sequence[slice], /) -> Iterable[None]:
        """Do the work on each part, in any order; what this returns must be run through."""
        ...

    def inferencer(self, here: Live, models: Mapping[str, ModelConfig], base: Path) -> Live:
        """Return an inferencer that asks these models from the workers, all others from `here`."""
        ...

    def close(self) -> None:
        """Let the workers go; they come back when they are needed again."""
        ...


class Threads:
    """Threads of this process, by default one per core that this process may use."""

    def __init__(self, count: int | None = None) -> None:
        self._count = count or usable_cores()
        self._pool: ThreadPoolExecutor | None = None
        self._preparing: Future[Frame] | None = None

    def start(self) -> None:
        """Do nothing: threads start in no time."""

    def prepare(self, society: Society, t: int) -> None:
        """Let a thread make what all viewers share, while it is found out who is awake."""
        self._preparing = self._threads().submit(society.frame, t)

    def see(self, society: Society, t: int, shards: Sequence[Shard]) -> list[ShardSlates]:
        """Return what each shard is shown in step `t`."""
        return self._each(society, t, partial(society.see, t), shards)

    def decide(self, society: Society, t: int, shards: Sequence[Shard]) -> list[ShardTurns]:
        """Return what each shard is shown and does in step `t`."""
        return self._each(society, t, partial(society.decide, t), shards)

    def share(self, society: Society, t: int, events: Events, slate: Slate | None) -> None:
        """Do nothing: the threads see the world itself."""

    def inferencer(self, here: Live, models: Mapping[str, ModelConfig], base: Path) -> Live:
        """Return the one of this process."""
        return here

    def close(self) -> None:
        """Let the threads go."""
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None

    def map(self, work: Callable[[slice], None], parts: Sequence[slice], /) -> Iterable[None]:
        """Do the work on each part, in any order; what this returns must be run through."""
        return self._threads().map(work, parts)

    def _each(
        self, society: Society, t: int, work: Callable[[Shard], Done], shards: Sequence[Shard]
    ) -> list[Done]:
        preparing, self._preparing = self._preparing, None
        if preparing is not None:
            wait([preparing])
        society.frame(t)  # made here if that came to nothing; never by several threads at once
        return list(self._threads().map(work, shards))

    def _threads(self) -> ThreadPoolExecutor:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._count)
        return self._pool


def open_workers(spec: str | None, threads: int | None = None) -> Workers:
    """Return the workers that `threads[:N]`, `processes:N`, `ray` or `ray:ADDRESS` names.

    None stands for `threads`, as many as are given. RunError for what is none of these.
    """
    kind, _, which = (spec or "threads").partition(":")
    if threads is not None and kind != "threads":
        raise RunError(f"give workers={spec!r} or threads={threads}, not both")
    match kind:
        case "threads":
            return Threads(_count(spec, which) if which else threads)
        case "processes":
            from hubbub.engine.workers.pool import WorkerPool
            from hubbub.engine.workers.processes import ProcessTransport

            return WorkerPool(ProcessTransport(_count(spec, which)))
        case "ray":
            from hubbub.engine.workers.on_ray import RayTransport
            from hubbub.engine.workers.pool import WorkerPool

            return WorkerPool(RayTransport(which or None))
    raise RunError(
        f"there are no workers '{spec}': give threads[:N], processes:N, ray or ray:ADDRESS"
    )


def _count(spec: str | None, text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise RunError(f"workers '{spec}': say how many, from 1 on, e.g. processes:4")
    return int(text)
