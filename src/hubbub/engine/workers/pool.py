"""The head's side of workers elsewhere: keeps worlds in step, deals shards, replaces workers."""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any, Protocol
from weakref import ref

from hubbub.config.models import ModelConfig
from hubbub.engine.society import Society
from hubbub.engine.workers.base import Live, Shard, ShardSlates, ShardTurns
from hubbub.engine.workers.worker import Change, Failure, Packed
from hubbub.errors import RunError
from hubbub.world import Events, Slate

#: So many deaths in one step, in one place or over one shard, end the run.
_DEATHS = 3
#: Seconds in which a worker must have started; after that the others go on without it.
_PATIENCE = 60.0

_log = logging.getLogger(__name__)


class Died(Exception):  # noqa: N818 - it is an end, not an error
    """A worker has ended. The message says which, and how."""


class Ticket(Protocol):
    """A question to a worker."""

    def result(self) -> Any:
        """Wait for the answer and return it, or the Failure that it came to. Died if none comes."""
        ...


class Worker(Protocol):
    """A worker, reached from the head. Parts are `replica` and `desk`; each answers in order."""

    def tell(self, part: str, what: str, *args: Any) -> None:
        """Let a part do something that has no answer. Silent if the worker has died."""
        ...

    def ask(self, part: str, what: str, *args: Any) -> Ticket:
        """Let a part do something. What was asked of it before must have been answered."""
        ...


class Site(Protocol):
    """A place where workers live."""

    @property
    def size(self) -> int:
        """The number of workers there is room for."""
        ...

    def start(self) -> Worker:
        """Start a worker. It may take its time, or never come to life."""
        ...

    def tell(self, workers: Sequence[Worker], what: str, *args: Any, packed: Packed) -> None:
        """Tell the replicas of several workers the same; what is packed is shared between them."""
        ...

    def wait(self, tickets: Sequence[Ticket], timeout: float | None) -> list[Ticket]:
        """Return those of the questions that are answered, waiting for at least one.

        None of them after `timeout` seconds.
        """
        ...

    def end(self, workers: Sequence[Worker]) -> None:
        """End these workers, dead ones among them."""
        ...

    def close(self) -> None:
        """Let go of the place, once its workers have ended."""
        ...


@dataclass(slots=True, eq=False)
class _Place:
    """A place for one worker at a time.

    `hello` is out until the worker has started, which it must have by `until`; `settled` says that
    it has the world.
    """

    worker: Worker
    hello: Ticket | None
    until: float
    settled: bool = False


class WorkerPool:
    """Workers that share no memory with this process. They are started when they are needed."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._places: list[_Place] = []
        self._society: ref[Society] | None = None  # a society that is left must not live on here
        self._texts = 0
        self._deaths: Counter[_Place | int] = Counter()  # in this step: by place, and by shard

    @property
    def members(self) -> list[Worker]:
        """The workers, one of each place. Some may not have started yet."""
        return [place.worker for place in self._places]

    # -- deciding -----------------------------------------------------------------------------

    def prepare(self, society: Society, t: int) -> None:
        """Let the workers get ready while the head goes on."""
        self._settle(society)
        for place in self._settled():
            place.worker.tell("replica", "prepare", t)

    def see(self, society: Society, t: int, shards: Sequence[Shard]) -> list[ShardSlates]:
        """Return what each shard is shown in step `t`."""
        return self._deal(society, "see", t, shards)

    def decide(self, society: Society, t: int, shards: Sequence[Shard]) -> list[ShardTurns]:
        """Return what each shard is shown and does in step `t`."""
        return self._deal(society, "decide", t, shards)

    def _deal(self, society: Society, what: str, t: int, shards: Sequence[Shard]) -> list[Any]:
        """Give each worker that is idle the next shard, until all are done, or one failed.

        Of several that failed, the first shard's error is raised, as if they had come in order.
        """
        self._settle(society)
        results: dict[int, Any] = {}
        failed: dict[int, Failure] = {}
        todo = deque(range(len(shards)))
        idle = deque(self._settled())
        out: dict[Ticket, tuple[_Place, int]] = {}
        while todo or out:
            while todo and idle:
                place, shard = idle.popleft(), todo.popleft()
                out[place.worker.ask("replica", what, t, shards[shard])] = place, shard
            for ticket in self._answered(out):
                place, shard = out.pop(ticket)
                try:
                    result = ticket.result()
                except Died as death:
                    self._replace(place, death, shard)
                    todo.appendleft(shard)
                    continue
                idle.append(place)
                if isinstance(result, Failure):
                    failed[shard] = result
                    todo.clear()
                results[shard] = result
            idle += self._hand_over(society)
        if failed:
            raise failed[min(failed)].error()
        return [results[shard] for shard in range(len(shards))]

    # -- the world ----------------------------------------------------------------------------

    def share(self, society: Society, t: int, events: Events, slate: Slate | None) -> None:
        """Tell the workers what has happened, if it is this society's world that they have."""
        if self._now() is not society:
            return
        texts = society.world.texts.since(self._texts)
        self._texts += len(texts)
        behind = 0 if slate is None else society.behind(slate)
        change = Packed.of(Change(t, texts, events, slate, behind))
        self.site.tell([place.worker for place in self._settled()], "fold", packed=change)
        if slate is not None:
            self._deaths.clear()

    def map(self, work: Callable[[slice], None], parts: Sequence[slice], /) -> Iterable[None]:
        """Do the work on each part here: the workers do not have the head's world."""
        return map(work, parts)

    def _settle(self, society: Society) -> None:
        """See to it that all workers have this society's world, but those that replace others."""
        self.start()
        if self._now() is society:
            return
        self._society = ref(society)
        self._texts = len(society.world.texts)
        self._deaths.clear()
        for place in self._places:
            place.settled = False
        while any(place.hello for place in self._places):
            self._answered(())
        self._hand_over(society)

    def _settled(self) -> list[_Place]:
        return [place for place in self._places if place.settled]

    def _now(self) -> Society | None:
        """Return the society whose world the workers have."""
        return None if self._society is None else self._society()

    def _hand_over(self, society: Society) -> list[_Place]:
        """Give the whole world as it stands to those that have started and lack it; return them."""
        new = [p for p in self._places if p.hello is None and not p.settled]
        if new:
            world = Packed.of(society.world)
            self.site.tell([p.worker for p in new], "settle", society.scenario, packed=world)
        for place in new:
            place.settled = True
        return new

    # -- workers ------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the workers, unless they are there. They are ready a second or two later."""
        if not self._places:
            self._places = [_Place(*self._new()) for _ in range(self.site.size)]

    def tend(self) -> None:
        """Look who has started, and give up those that take too long."""
        self._answered((), 0.0)

    def replace(self, worker: Worker, death: Died) -> None:
        """Put a new worker in the place of one that died; RunError if too many have."""
        (place,) = [place for place in self._places if place.worker is worker]
        self._replace(place, death)

    def _replace(self, place: _Place, death: Died, shard: int | None = None) -> None:
        self.site.end([place.worker])
        self._deaths.update([place] if shard is None else [place, shard])
        if self._deaths[place] >= _DEATHS or (shard is not None and self._deaths[shard] >= _DEATHS):
            raise RunError(
                f"{death}; it was the third to do so at the same work in this step. If memory is "
                "short, use fewer workers; the run is kept up to its last whole step"
            )
        place.settled = False
        place.worker, place.hello, place.until = self._new()

    def _new(self) -> tuple[Worker, Ticket, float]:
        """Start a worker; return it, the question whether it is there, and when it must be."""
        worker = self.site.start()
        return worker, worker.ask("replica", "present"), monotonic() + _PATIENCE

    def _answered(self, asked: Collection[Ticket], timeout: float | None = None) -> list[Ticket]:
        """Return which of these questions are answered, waiting for one, or for a worker to start.

        Those that have not started in time are given up.
        """
        starting = {place.hello: place for place in self._places if place.hello is not None}
        if starting and timeout is None:
            timeout = max(0.0, min(place.until for place in starting.values()) - monotonic())
        tickets = [*asked, *starting]
        ready = self.site.wait(tickets, timeout) if tickets else []
        for ticket, place in starting.items():
            if ticket in ready:
                place.hello = None
                try:
                    ticket.result()
                except Died as death:
                    self._replace(place, death)
        for place in starting.values():
            if place.hello is not None and place.until < monotonic():
                self._give_up(place)
        return [ticket for ticket in ready if ticket not in starting]

    def _give_up(self, place: _Place) -> None:
        """Go on without the worker of a place; RunError if no other is left."""
        self.site.end([place.worker])
        self._places.remove(place)
        late = f"a worker has not started within {_PATIENCE:g} seconds"
        if not self._places:
            raise RunError(
                f"{late}, and no other is left. On a cluster its CPUs may be taken by others, or "
                "its nodes gone; the run is kept up to its last whole step"
            )
        _log.warning("%s; the run goes on with %d", late, len(self._places))

    def inferencer(self, here: Live, models: Mapping[str, ModelConfig], base: Path) -> Live:
        """Return an inferencer that asks these models from the workers, all others from `here`."""
        from hubbub.engine.workers.remote_models import Correspondence

        return Correspondence(self, here, models, base)

    def close(self) -> None:
        """End the workers."""
        self.site.end(self.members)
        self._places = []
        self._society = None
        self.site.close()
