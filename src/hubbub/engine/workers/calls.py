"""Calls of language models from many workers: each has its own connections and share of the limits.

What a call is for stays with the head: prompts, turns, budget, records. A worker knows only the
calls that are out, so one that dies can be replaced, and its calls are asked again elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from time import monotonic
from typing import Any

from hubbub.config.minds import LimitsConfig, ModelConfig
from hubbub.engine.workers.base import Live
from hubbub.engine.workers.crew import Crew, Died, Ticket, Worker
from hubbub.engine.workers.replica import Failure
from hubbub.llm.chat import ChatRequest, Completion
from hubbub.llm.usage import EndpointUsage, ModelUsage
from hubbub.mind.records import Call

#: Longest that a worker waits for a reply before it looks whether there is more to ask, in seconds.
_SLICE = 0.02
#: Limits of which each worker has a share.
_SHARED = ("concurrency", "requests_per_minute", "tokens_per_minute")

Calls = Sequence[tuple[Call, ChatRequest]]


@dataclass(slots=True, eq=False)
class _Desk:
    """The calls of one worker: its models with their shares of the limits, and what is out."""

    models: dict[str, ModelConfig]
    worker: Worker | None = None
    out: dict[Call, ChatRequest] = field(default_factory=dict)
    question: Ticket | None = None


class Correspondence:
    """Asks some models from the workers, and all others from `here`. Implements `Inferencer`."""

    def __init__(
        self, crew: Crew, here: Live, models: Mapping[str, ModelConfig], base: Path
    ) -> None:
        self._crew, self._here, self._base = crew, here, base.resolve()
        self._here_out = 0
        count = crew.site.size
        self._desks = [_Desk(shared(models, i, count)) for i in range(count)]
        self._turn = {name: cycle([d for d in self._desks if name in d.models]) for name in models}

    def submit(self, asked: Calls) -> None:
        """Begin these calls; each `key` comes back with its completion."""
        here = [each for each in asked if each[1].model not in self._turn]
        if here:
            self._here.submit(here)
            self._here_out += len(here)
        new: dict[_Desk, dict[Call, ChatRequest]] = {}
        for call, request in asked:
            if request.model in self._turn:
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
        """Return the figures of each model, of all workers together."""
        parts = [self._usage_of(desk) for desk in self._desks]
        here = {n: u for n, u in self._here.usage().items() if n not in self._turn}
        return here | {name: together([p[name] for p in parts if name in p]) for name in self._turn}

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
        for desk in self._desks:
            if desk.out:
                worker = self._present(desk)
                desk.question = desk.question or worker.ask("desk", "collect", left)
                waiting[desk.question] = desk
        found = []
        for ticket in self._crew.site.wait(list(waiting), None) if waiting else ():
            found += self._answers(waiting[ticket])
        return found

    def _answers(self, desk: _Desk) -> list[tuple[Call, Completion]]:
        """Return the answers to the question that a worker has been asked."""
        question, desk.question = desk.question, None
        assert question is not None and desk.worker is not None  # noqa: S101, PT018
        try:
            came: list[tuple[Call, Completion]] | Failure = question.result()
        except Died as death:
            self._crew.replace(desk.worker, death)
            return []
        if isinstance(came, Failure):
            self.cancel()
            raise came.error()
        for call, _ in came:
            desk.out.pop(call, None)
        return came

    def _present(self, desk: _Desk) -> Worker:
        """Return the worker of a desk; to one that is new, give the models and what was out."""
        self._crew.start()
        worker = self._crew.members[self._desks.index(desk)]
        if worker is not desk.worker:
            desk.worker, desk.question = worker, None
            worker.tell("desk", "open", desk.models, self._base)
            worker.tell("desk", "begin", list(desk.out.items()))
        return worker

    def _usage_of(self, desk: _Desk) -> dict[str, ModelUsage]:
        if desk.worker is None:
            return {}
        try:
            usage = desk.worker.ask("desk", "usage").result()
        except Died:
            return {}
        return usage if isinstance(usage, dict) else {}


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


def together(parts: Sequence[ModelUsage]) -> ModelUsage:
    """Return the figures of several workers as one: sums, and averages of quantiles and shares."""
    if not parts:
        return ModelUsage(0, 0, {}, 0, 0, 0, 0, 0, 0, 0.0, 0.0, 0.0, {}, 0.0)

    def total(name: str) -> Any:
        return sum(getattr(p, name) for p in parts)

    def average(name: str) -> Any:
        done = max(1, total("completions"))
        return sum(getattr(p, name) * p.completions for p in parts) / done

    failures: dict[str, int] = {}
    endpoints: dict[str, EndpointUsage] = {}
    for part in parts:
        for why, count in part.failures.items():
            failures[why] = failures.get(why, 0) + count
        for url, one in part.endpoints.items():
            endpoints[url] = _joined(endpoints[url], one) if url in endpoints else one
    counts = ("requests", "completions", "retries", "rate_limited", "copies")
    tokens = ("prompt_tokens", "cached_tokens", "completion_tokens")
    return ModelUsage(
        failures=failures,
        endpoints=endpoints,
        **{name: total(name) for name in (*counts, *tokens)},
        **{name: average(name) for name in ("p50", "p90", "p99", "busy_share")},
    )


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
