"""The head's side of workers elsewhere: keeps worlds in step, deals shards, replaces workers."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol
from weakref import ref

from hubbub.config.minds import ModelConfig
from hubbub.engine.society import Society
from hubbub.engine.workers.base import Deed, Live, Seen, Shard
from hubbub.engine.workers.replica import Change, Failure, Packed
from hubbub.errors import RunError
from hubbub.world import Events, Slate

#: So many workers may die in one step and be replaced.
_DEATHS = 3


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
        """The number of workers there."""
        ...

    def start(self) -> Worker:
        """Start a worker."""
        ...

    def tell(self, workers: Sequence[Worker], what: str, *args: Any, packed: Packed) -> None:
        """Tell the replicas of several workers the same; what is packed is shared between them."""
        ...

    def wait(self, tickets: Sequence[Ticket], timeout: float | None) -> list[Ticket]:
        """Return those of the questions that are answered, waiting for at least one."""
        ...

    def end(self, workers: Sequence[Worker]) -> None:
        """End these workers, dead ones among them."""
        ...

    def close(self) -> None:
        """Let go of the place, once its workers have ended."""
        ...


class Crew:
    """Workers that share no memory with this process. They are started when they are needed."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.members: list[Worker] = []
        self._society: ref[Society] | None = None  # a society that is left must not live on here
        self._texts = 0
        self._deaths = 0

    # -- deciding -----------------------------------------------------------------------------

    def prepare(self, society: Society, t: int) -> None:
        """Let the workers get ready while the head goes on."""
        self._settle(society)
        for worker in self.members:
            worker.tell("replica", "prepare", t)

    def see(self, society: Society, t: int, shards: Sequence[Shard]) -> list[Seen]:
        """Return what each shard is shown in step `t`."""
        return self._deal(society, "see", t, shards)

    def decide(self, society: Society, t: int, shards: Sequence[Shard]) -> list[Deed]:
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
        idle = deque(range(len(self.members)))
        out: dict[Ticket, tuple[int, int]] = {}
        while todo or out:
            while todo and idle:
                member, shard = idle.popleft(), todo.popleft()
                ticket = self.members[member].ask("replica", what, t, shards[shard])
                out[ticket] = member, shard
            for ticket in self.site.wait(list(out), None):
                member, shard = out.pop(ticket)
                idle.append(member)
                try:
                    result = ticket.result()
                except Died as death:
                    self.replace(self.members[member], death)
                    todo.appendleft(shard)
                    continue
                if isinstance(result, Failure):
                    failed[shard] = result
                    todo.clear()
                results[shard] = result
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
        self.site.tell(self.members, "fold", packed=change)
        if slate is not None:
            self._deaths = 0

    def _settle(self, society: Society) -> None:
        """See to it that all workers have this society's world."""
        self.start()
        if self._now() is not society:
            self._society = ref(society)
            self._texts = len(society.world.texts)
            self._deaths = 0
            self._hand_over(society, self.members)

    def _now(self) -> Society | None:
        """Return the society whose world the workers have."""
        return None if self._society is None else self._society()

    def _hand_over(self, society: Society, workers: Sequence[Worker]) -> None:
        """Give workers the whole world as it stands."""
        world = Packed.of(society.world)
        self.site.tell(workers, "settle", society.scenario, packed=world)

    # -- workers ------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the workers, unless they are there. They are ready a second or two later."""
        while len(self.members) < self.site.size:
            self.members.append(self.site.start())

    def replace(self, worker: Worker, death: Died) -> None:
        """Put a new worker in the place of one that died; RunError if too many have."""
        self.site.end([worker])
        self._deaths += 1
        if self._deaths > _DEATHS:
            raise RunError(
                f"{death}; {_DEATHS} workers were replaced in this step already. If memory is "
                "short, use fewer workers; the run is kept up to its last whole step"
            )
        new = self.site.start()
        self.members[self.members.index(worker)] = new
        if (society := self._now()) is not None:
            self._hand_over(society, [new])

    def inferencer(self, here: Live, models: Mapping[str, ModelConfig], base: Path) -> Live:
        """Return an inferencer that asks these models from the workers, all others from `here`."""
        from hubbub.engine.workers.calls import Correspondence

        return Correspondence(self, here, models, base)

    def close(self) -> None:
        """End the workers."""
        self.site.end(self.members)
        self.members = []
        self._society = None
        self.site.close()
