"""Calls of language models from many workers: each has its own connections and share of the limits.

What a call is for stays with the head: prompts, turns, budget, records. A worker knows only the
calls that are out, so one that dies can be replaced, and its calls are asked again elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import cycle
from pathlib import Path
from time import monotonic

from hubbub.config.models import LimitsConfig, ModelConfig
from hubbub.engine.workers.base import Live
from hubbub.engine.workers.pool import Died, Ticket, Worker, WorkerPool
from hubbub.engine.workers.worker import Failure, Figures
from hubbub.llm.chat import ChatRequest, Completion
from hubbub.llm.usage import EndpointUsage, Meter, ModelUsage
from hubbub.mind.turn_records import Call

#: Longest that a worker waits for a reply before it looks whether there is more to ask, in seconds.
_SLICE = 0.02
#: Seconds after which the head looks whether a worker that has not answered is there at all.
_LOOK = 1.0
#: Limits of which each worker has a share.
_SHARED = ("concurrency", "requests_per_minute", "tokens_per_minute")

Calls = Sequence[tuple[Call, ChatRequest]]


@dataclass(slots=True, eq=False)
class _Desk:
    """The calls of one worker: its models with their shares of the limits, and what is out.

    `figures` are the last that it told.
    """

    models: dict[str, ModelConfig]
    figures: Figures = field(default_factory=dict)
    worker: Worker | None = None
    out: dict[Call, ChatRequest] = field(default_factory=dict)
    question: Ticket | None = None


class Correspondence:
    """Asks some models from the workers, and all others from `here`. Implements `Inferencer`."""

    def __init__(
        self, pool: WorkerPool, here: Live, models: Mapping[str, ModelConfig], base: Path
    ) -> None:
        self._pool, self._here, self._base = pool, here, base.resolve()
        self._here_out = 0
        self._models, self._meters = models, {name: Meter() for name in models}
        self._past: list[Figures] = []  # of workers that are no more
        self._desks: list[_Desk] = []
        self._turn: dict[str, Iterator[_Desk]] = {}

    def submit(self, asked: Calls) -> None:
        """Begin these calls; each `key` comes back with its completion."""
        here = [each for each in asked if each[1].model not in self._models]
        if here:
            self._here.submit(here)
            self._here_out += len(here)
        there = {call: request for call, request in asked if request.model in self._models}
        if there:
            self._arrange()
            for request in there.values():
                self._meters[request.model].requests += 1
            self._spread(there)

    def _spread(self, calls: Mapping[Call, ChatRequest]) -> None:
        """Give calls to the workers that have their models, by turns."""
        new: dict[_Desk, dict[Call, ChatRequest]] = {}
        for call, request in calls.items():
            new.setdefault(next(self._turn[request.model]), {})[call] = request
        for desk, calls in new.items():
            worker = self._present(desk)
            desk.out |= calls
            worker.tell("desk", "begin", list(calls.items()))

    def wait(self, timeout: float | None = None) -> list[tuple[Call, Completion]]:
        """Return what has come in since the last call, waiting for at least one.

        Empty if nothing is outstanding, or after `timeout` seconds.
        """
        until = None if timeout is None else monotonic() + timeout
        while self._here_out or any(desk.out for desk in self._desks):
            left = _SLICE if until is None else min(_SLICE, max(0.0, until - monotonic()))
            found = self._from_here(left) + self._from_workers(left)
            if found or (until is not None and monotonic() >= until):
                return found
        return []

    def cancel(self) -> None:
        """Forget all that is outstanding."""
        self._here.cancel()
        self._here_out = 0
        for desk in self._desks:
            desk.question = None
            desk.out.clear()
            if desk.worker is not None:
                desk.worker.tell("desk", "cancel")

    def close(self) -> None:
        """Let go of all connections."""
        self.cancel()
        self._here.close()
        for desk in self._desks:
            if desk.worker is not None:
                desk.worker.tell("desk", "close")
                desk.worker = None

    def usage(self) -> dict[str, ModelUsage]:
        """Return the figures of each model, of all workers together, those that died among them.

        What a worker met after its last report (retries, copies, endpoints) dies with it; calls,
        replies, tokens and latencies are counted here.
        """
        for desk in self._desks:
            self._ask_figures(desk)
        parts = [*self._past, *(desk.figures for desk in self._desks)]
        here = {n: u for n, u in self._here.usage().items() if n not in self._models}
        return here | {
            name: together(meter, [p[name] for p in parts if name in p])
            for name, meter in self._meters.items()
        }

    # -- inside -------------------------------------------------------------------------------

    def _from_here(self, left: float) -> list[tuple[Call, Completion]]:
        if not self._here_out:
            return []
        found = self._here.wait(left)
        self._here_out -= len(found)
        return found

    def _from_workers(self, left: float) -> list[tuple[Call, Completion]]:
        """Return what has come in at any worker; each is asked once at a time."""
        waiting: dict[Ticket, _Desk] = {}
        if self._desks:
            self._pool.tend()
            self._arrange()
        for desk in self._desks:
            if desk.out:
                worker = self._present(desk)
                desk.question = desk.question or worker.ask("desk", "collect", left)
                waiting[desk.question] = desk
        found = []
        for ticket in self._pool.site.wait(list(waiting), _LOOK) if waiting else ():
            found += self._answers(waiting[ticket])
        return found

    def _answers(self, desk: _Desk) -> list[tuple[Call, Completion]]:
        """Return the answers to the question that a worker has been asked."""
        question, desk.question = desk.question, None
        assert question is not None and desk.worker is not None  # noqa: S101, PT018
        try:
            answer: tuple[list[tuple[Call, Completion]], Figures] | Failure = question.result()
        except Died as death:
            self._pool.replace(desk.worker, death)
            return []
        if isinstance(answer, Failure):
            self.cancel()
            raise answer.error()
        came, figures = answer
        desk.figures = figures or desk.figures
        for call, completion in came:
            request = desk.out.pop(call, None)
            if request is not None:
                self._meters[request.model].add(completion)
        return came

    def _arrange(self) -> None:
        """See to it that each worker has a desk; if there are fewer now, share all anew."""
        self._pool.start()
        count = len(self._pool.members)
        if len(self._desks) == count:
            return
        calls = {call: request for desk in self._desks for call, request in desk.out.items()}
        self._past += [_at_rest(desk.figures) for desk in self._desks]
        self._desks = [_Desk(shared(self._models, i, count)) for i in range(count)]
        self._turn = {n: cycle([d for d in self._desks if n in d.models]) for n in self._models}
        self._spread(calls)

    def _present(self, desk: _Desk) -> Worker:
        """Return the worker of a desk; to one that is new, give the models and what was out."""
        worker = self._pool.members[self._desks.index(desk)]
        if worker is not desk.worker:
            self._past.append(_at_rest(desk.figures))
            desk.figures = {}
            desk.worker, desk.question = worker, None
            worker.tell("desk", "open", desk.models, self._base)
            worker.tell("desk", "begin", list(desk.out.items()))
        return worker

    def _ask_figures(self, desk: _Desk) -> None:
        """Take down what a worker knows now."""
        if desk.worker is None or desk.worker not in self._pool.members:
            return
        question = desk.worker.ask("desk", "usage")
        if question not in self._pool.site.wait([question], _LOOK):  # not there yet
            return
        try:
            figures = question.result()
        except Died:
            return
        if isinstance(figures, dict):
            desk.figures = figures


def shared(models: Mapping[str, ModelConfig], worker: int, workers: int) -> dict[str, ModelConfig]:
    """Return the models of one of so many workers, each with its share of the limits.

    The shares of all add up to the limits; with less than one request for each, some have none.
    """
    mine = {}
    for name, model in models.items():
        whole = {what: n for what in _SHARED if (n := getattr(model.limits, what)) is not None}
        among = min(workers, *whole.values())
        if worker < among:
            share = {what: n // among + (worker < n % among) for what, n in whole.items()}
            limits = LimitsConfig(**(model.limits.model_dump() | share))
            mine[name] = model.model_copy(update={"limits": limits})
    return mine


def together(meter: Meter, parts: Sequence[ModelUsage]) -> ModelUsage:
    """Return the figures of a model: what was counted here, and the sums of what workers met."""
    endpoints: dict[str, EndpointUsage] = {}
    for part in parts:
        for url, one in part.endpoints.items():
            endpoints[url] = _joined(endpoints[url], one) if url in endpoints else one
    done = max(1, sum(part.completions for part in parts))
    busy = sum(part.busy_share * part.completions for part in parts) / done
    return replace(
        meter.usage(endpoints, busy),
        retries=sum(part.retries for part in parts),
        rate_limited=sum(part.rate_limited for part in parts),
        copies=sum(part.copies for part in parts),
    )


def _at_rest(figures: Figures) -> Figures:
    """Return the figures of a worker that is no more: its endpoints have no requests from it."""
    return {
        name: replace(
            usage,
            endpoints={
                url: replace(one, limit=0, in_flight=0, state="closed")
                for url, one in usage.endpoints.items()
            },
        )
        for name, usage in figures.items()
    }


def _joined(a: EndpointUsage, b: EndpointUsage) -> EndpointUsage:
    """Return what two workers know of one endpoint; its state is that of the worse off."""
    state = a.state if a.state != "closed" else b.state
    return EndpointUsage(
        a.limit + b.limit,
        a.in_flight + b.in_flight,
        state,
        a.served + b.served,
        a.failed + b.failed,
    )
