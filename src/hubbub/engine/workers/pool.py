"""The driver's side of remote workers: it keeps worlds in step, deals shards, replaces workers."""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any
from weakref import ref

import numpy as np
from numpy.typing import NDArray

from hubbub.engine.decider import Decider, Shard, ShardSlates, ShardTurns
from hubbub.engine.workers.transport import Died, PendingAnswer, Transport, WorkerHandle
from hubbub.engine.workers.wire import Change, Failure, Packed
from hubbub.errors import RunError
from hubbub.world import Events, Slate

#: This many deaths in one step, in one place or over one shard, end the run.
_DEATHS = 3
#: Seconds that a worker may take to start; after that the others go on without it.
_PATIENCE = 60.0

_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Place:
    """A place for one worker at a time.

    `hello` is pending until the worker has started, at the latest at `until`; `settled` says that
    the worker has the world.
    """

    worker: WorkerHandle
    hello: PendingAnswer | None
    until: float
    settled: bool = False


class WorkerPool:
    """Workers that share no memory with this process. They start when they are needed."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self._places: list[_Place] = []
        self._decider: ref[Decider] | None = None  # weak: it must not outlive its society here
        self._texts = 0
        self._deaths: Counter[_Place | int] = Counter()  # in this step: by place, and by shard

    @property
    def members(self) -> list[WorkerHandle]:
        """The workers, one of each place. Some may not have started yet."""
        return [place.worker for place in self._places]

    # -- deciding -----------------------------------------------------------------------------

    def prepare(self, decider: Decider, t: int) -> None:
        """Have the workers prepare while the driver goes on."""
        self._settle(decider)
        for place in self._settled():
            place.worker.tell("prepare", t)

    def see(self, decider: Decider, t: int, shards: Sequence[Shard]) -> list[ShardSlates]:
        """Return what each shard is shown in step `t`."""
        return self._deal(decider, "see", t, shards)

    def decide(self, decider: Decider, t: int, shards: Sequence[Shard]) -> list[ShardTurns]:
        """Return what each shard is shown and does in step `t`."""
        return self._deal(decider, "decide", t, shards)

    def _deal(self, decider: Decider, what: str, t: int, shards: Sequence[Shard]) -> list[Any]:
        """Give each idle worker the next shard, until all are done or one failed.

        If several fail, the error of the first shard is raised, as if they had run in order.
        """
        self._settle(decider)
        results: dict[int, Any] = {}
        failed: dict[int, Failure] = {}
        todo = deque(range(len(shards)))
        idle = deque(self._settled())
        out: dict[PendingAnswer, tuple[_Place, int]] = {}
        while todo or out:
            while todo and idle:
                place, shard = idle.popleft(), todo.popleft()
                out[place.worker.ask(what, t, shards[shard])] = place, shard
            for answer in self._answered(out):
                place, shard = out.pop(answer)
                try:
                    result = answer.result()
                except Died as death:
                    self._replace(place, death, shard)
                    todo.appendleft(shard)
                    continue
                idle.append(place)
                if isinstance(result, Failure):
                    failed[shard] = result
                    todo.clear()
                results[shard] = result
            idle += self._hand_over(decider)
        if failed:
            raise failed[min(failed)].error()
        return [results[shard] for shard in range(len(shards))]

    # -- the world ----------------------------------------------------------------------------

    def share(
        self,
        decider: Decider,
        t: int,
        events: Events,
        slate: Slate | None,
        behind: NDArray[np.int32] | int,
    ) -> None:
        """Tell the workers what has happened, if they have this decider's world."""
        if self._now() is not decider:
            return
        texts = decider.world.texts.since(self._texts)
        self._texts += len(texts)
        change = Packed.of(Change(t, texts, events, slate, behind))
        self.transport.tell([place.worker for place in self._settled()], "fold", packed=change)
        if slate is not None:
            self._deaths.clear()

    def map(self, work: Callable[[slice], None], parts: Sequence[slice], /) -> Iterable[None]:
        """Do the work on each part here: the workers do not have the driver's world."""
        return map(work, parts)

    def _settle(self, decider: Decider) -> None:
        """Give this decider's world to all workers that have started."""
        self.start()
        if self._now() is decider:
            return
        self._decider = ref(decider)
        self._texts = len(decider.world.texts)
        self._deaths.clear()
        for place in self._places:
            place.settled = False
        while any(place.hello for place in self._places):
            self._answered(())
        self._hand_over(decider)

    def _settled(self) -> list[_Place]:
        return [place for place in self._places if place.settled]

    def _now(self) -> Decider | None:
        """Return the decider whose world the workers have."""
        return None if self._decider is None else self._decider()

    def _hand_over(self, decider: Decider) -> list[_Place]:
        """Give the whole world to started workers that lack it; return their places."""
        new = [p for p in self._places if p.hello is None and not p.settled]
        if new:
            world = Packed.of(decider.world)
            self.transport.tell([p.worker for p in new], "settle", decider.scenario, packed=world)
        for place in new:
            place.settled = True
        return new

    # -- workers ------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the workers if there are none. They are ready a second or two later."""
        if not self._places:
            self._places = [_Place(*self._new()) for _ in range(self.transport.size)]

    def _replace(self, place: _Place, death: Died, shard: int | None = None) -> None:
        self.transport.end([place.worker])
        self._deaths.update([place] if shard is None else [place, shard])
        if self._deaths[place] >= _DEATHS or (shard is not None and self._deaths[shard] >= _DEATHS):
            raise RunError(
                f"{death}; it was the third to do so at the same work in this step. If memory is "
                "short, use fewer workers; the run is kept up to its last whole step"
            )
        place.settled = False
        place.worker, place.hello, place.until = self._new()

    def _new(self) -> tuple[WorkerHandle, PendingAnswer, float]:
        """Start a worker; return it, its answer that it has started, and the deadline for that."""
        worker = self.transport.start()
        return worker, worker.ask("present"), monotonic() + _PATIENCE

    def _answered(
        self, asked: Collection[PendingAnswer], timeout: float | None = None
    ) -> list[PendingAnswer]:
        """Return which of these answers have come, waiting for one, or for a worker to start.

        Workers that have not started in time are given up.
        """
        starting = {place.hello: place for place in self._places if place.hello is not None}
        if starting and timeout is None:
            timeout = max(0.0, min(place.until for place in starting.values()) - monotonic())
        answers = [*asked, *starting]
        ready = self.transport.wait(answers, timeout) if answers else []
        for answer, place in starting.items():
            if answer in ready:
                place.hello = None
                try:
                    answer.result()
                except Died as death:
                    self._replace(place, death)
        for place in starting.values():
            if place.hello is not None and place.until < monotonic():
                self._give_up(place)
        return [answer for answer in ready if answer not in starting]

    def _give_up(self, place: _Place) -> None:
        """Go on without the worker of a place; RunError if no other is left."""
        self.transport.end([place.worker])
        self._places.remove(place)
        late = f"a worker has not started within {_PATIENCE:g} seconds"
        if not self._places:
            raise RunError(
                f"{late}, and no other is left. On a cluster its CPUs may be taken by others, or "
                "its nodes gone; the run is kept up to its last whole step"
            )
        _log.warning("%s; the run goes on with %d", late, len(self._places))

    def close(self) -> None:
        """End the workers."""
        self.transport.end(self.members)
        self._places = []
        self._decider = None
        self.transport.close()
