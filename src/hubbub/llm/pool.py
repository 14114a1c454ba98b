"""All endpoints of one model: which gets the next request, and what happens to failed ones.

Runs on one event loop, in one thread.
"""

from __future__ import annotations

from asyncio import AbstractEventLoop, Task, TimerHandle, gather
from collections import deque
from collections.abc import Callable, Hashable, Iterable
from functools import partial
from math import inf
from random import Random

from hubbub.config.models import ModelConfig
from hubbub.llm.asking import Asker
from hubbub.llm.chat import ChatRequest, Completion, Failure
from hubbub.llm.endpoint import Endpoint, RequestSlot
from hubbub.llm.endpoint_urls import EndpointUrls
from hubbub.llm.hedging import Hedging
from hubbub.llm.job import Asked, Job, completion_of, prompt_tokens
from hubbub.llm.unusable import refused, unanswered
from hubbub.llm.usage import EndpointUsage, Meter, ModelUsage
from hubbub.llm.wire import Refusal, Reply, Trouble

#: Approximate seconds until the second try of a request; doubled with each further one.
_FIRST_RETRY, _LAST_RETRY = 0.2, 8.0

#: Longest wait in seconds for endpoints of which none has ever answered.
_FIRST_PATIENCE = 60.0

#: The failure that a turn records, by trouble that ends a request. Other troubles end the run.
_FAILURES: dict[Trouble, Failure] = {
    "too_long": "too_long",
    "filtered": "refused",
    "form": "refused",
    "refused": "refused",
    "overloaded": "overloaded",
    "unavailable": "overloaded",
    "server_error": "server_error",
    "timeout": "timeout",
    "connection": "connection",
    "unreachable": "connection",
}
_FINAL: frozenset[Trouble] = frozenset({"too_long", "filtered", "form", "refused"})


class EndpointPool:
    """Spreads requests over a model's endpoints by least outstanding work, in order of arrival.

    `deliver` is called with each completion, `fail` once with the reason the model is unusable.
    """

    def __init__(
        self,
        name: str,
        config: ModelConfig,
        places: EndpointUrls,
        asker: Asker,
        loop: AbstractEventLoop,
        deliver: Callable[[Hashable, Completion], None],
        fail: Callable[[BaseException], None],
    ) -> None:
        self._name = name
        self._config = config
        self._limits = config.limits
        self._places = places
        self._loop = loop
        self._deliver = deliver
        self._fail = fail
        self._asker = asker
        self._meter = Meter()
        self._stragglers: Hedging[Job] = Hedging(config.limits.copy_after, self._meter.latencies)
        self._jitter = Random(0)  # noqa: S311 - timing is not part of a result
        self._known: dict[str, Endpoint] = {}
        self._endpoints: list[Endpoint] = []
        self._waiting: deque[Job] = deque()
        self._delayed: dict[Job, TimerHandle] = {}
        self._tasks: set[Task[Asked]] = set()
        self._broken_off: set[Task[Asked]] = set()
        self._timer: TimerHandle | None = None
        self._dark_since = inf
        self._outstanding = 0
        self._served = 0
        self._offered = 0.0
        self._offered_since = 0.0
        self._take_urls()

    def submit(self, asked: Iterable[tuple[Hashable, ChatRequest]]) -> None:
        """Add requests."""
        now = self._loop.time()
        self._count_offer(now)
        for key, request in asked:
            tokens = request.max_tokens
            if self._limits.tokens_per_minute is not None:
                tokens += prompt_tokens(request)
            self._waiting.append(Job(key, request, tokens, now))
            self._outstanding += 1
            self._meter.requests += 1
        self._dispatch()

    def cancel(self) -> None:
        """Cancel all pending requests."""
        self._count_offer(self._loop.time())
        self._outstanding = 0
        self._waiting.clear()
        for handle in self._delayed.values():
            handle.cancel()
        self._delayed.clear()
        self._stragglers.clear()
        for task in list(self._tasks):
            self._break_off(task)
        self._set_timer(inf)
        self._dark_since = inf

    async def close(self) -> None:
        """Cancel all pending requests and close the connections."""
        self.cancel()
        await gather(*self._broken_off, return_exceptions=True)
        await self._asker.close()

    def usage(self) -> ModelUsage:
        """Return the current figures."""
        now = self._loop.time()
        self._count_offer(now)
        busy = sum(endpoint.busy_seconds(now) for endpoint in self._known.values())
        figures = {
            url: EndpointUsage(
                limit=int(e.limit),
                in_flight=e.in_flight,
                state=e.state if e in self._endpoints else "removed",
                served=e.served,
                failed=e.failed,
            )
            for url, e in self._known.items()
        }
        return self._meter.usage(figures, min(1.0, busy / self._offered) if self._offered else 0.0)

    def _dispatch(self) -> None:
        """Start the requests that may start, and schedule a look at the others."""
        now = self._loop.time()
        if self._places.changed(now):
            self._count_offer(now)
            self._take_urls()
        wake = inf
        while self._waiting:
            job = self._waiting[0]
            endpoint, wake = self._choose(job, now)
            if endpoint is None:
                break
            self._waiting.popleft()
            self._start(job, endpoint, now)
        wake = min(wake, self._dark_until(now)) if self._waiting else self._hedge(now)
        if self._outstanding:
            self._set_timer(min(wake, self._places.next_look()))

    def _choose(self, job: Job, now: float) -> tuple[Endpoint | None, float]:
        """Return the least busy endpoint that may take the job, or the earliest such time."""
        best: Endpoint | None = None
        soonest = inf
        for endpoint in self._endpoints:
            at = endpoint.ready_at(now, job.tokens)
            if at > now:
                soonest = min(soonest, at)
            elif best is None or (endpoint is job.avoid, endpoint.load) < (
                best is job.avoid,
                best.load,
            ):
                best = endpoint
        return best, soonest

    def _hedge(self, now: float) -> float:
        """Send late requests a second time; return when to check the next."""
        while True:
            job, at = self._stragglers.latest(now)
            if job is None:
                return at
            endpoint, at = self._choose(job, now)
            if endpoint is None:
                return at
            self._stragglers.back(job)
            self._meter.copies += 1
            self._send(job, endpoint, now, fresh=False)

    def _start(self, job: Job, endpoint: Endpoint, now: float) -> None:
        fresh = job.first_try == inf
        self._meter.retries += not fresh
        job.attempts += 1
        if fresh:
            job.first_try, job.served_before = now, self._served
        job.avoid = endpoint  # for a second copy, or another attempt
        self._stragglers.out(job, now)
        self._send(job, endpoint, now, fresh=fresh)

    def _send(self, job: Job, endpoint: Endpoint, now: float, *, fresh: bool) -> None:
        ticket = endpoint.begin(now, job.tokens, fresh=fresh)
        task = self._loop.create_task(self._asker.ask(job.request, endpoint.url))
        self._tasks.add(task)
        job.out.add(task)
        task.add_done_callback(partial(self._done, job, endpoint, ticket))

    def _done(self, job: Job, endpoint: Endpoint, ticket: RequestSlot, task: Task[Asked]) -> None:
        now = self._loop.time()
        job.out.discard(task)
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if task in self._broken_off or task.cancelled() or error is not None:
            self._broken_off.discard(task)
            if job.answered:
                endpoint.overtaken(ticket, now)
            else:
                endpoint.forgotten(ticket, now)
            if error is not None:
                self._fail(error)
        else:
            rung, outcome = task.result()
            if isinstance(outcome, Reply):
                completion = completion_of(job, endpoint.url, rung, outcome, ticket.began, now)
                spent = completion.prompt_tokens + completion.completion_tokens
                endpoint.replied(ticket, now, tokens=spent)
                self._served += 1
                self._dark_since = inf
                self._finish(job, completion)
            else:
                self._note(endpoint, ticket, outcome, now)
                if endpoint.state == "closed":
                    self._dark_since = inf
                if not job.out:  # else another copy may still bring the reply
                    self._go_on(job, endpoint, ticket, outcome, now)
        self._dispatch()

    def _break_off(self, task: Task[Asked]) -> None:
        self._tasks.discard(task)
        self._broken_off.add(task)
        task.cancel()

    def _note(self, endpoint: Endpoint, ticket: RequestSlot, outcome: Refusal, now: float) -> None:
        """Record at the endpoint how it failed."""
        said, rest = outcome.said, outcome.retry_after
        match outcome.trouble:
            case "overloaded":
                self._meter.rate_limited += 1
                endpoint.overloaded(ticket, now, said, rest)
            case "unavailable":
                endpoint.unavailable(ticket, now, said, rest)
            case "server_error" | "timeout" | "connection":
                endpoint.broke(ticket, now, said)
            case "unreachable":
                endpoint.unreachable(ticket, now, said)
            case _:
                endpoint.declined(ticket, now, said)

    def _go_on(
        self, job: Job, endpoint: Endpoint, ticket: RequestSlot, outcome: Refusal, now: float
    ) -> None:
        """Decide about a job whose attempt failed: another try, an end, or an error."""
        trouble = outcome.trouble
        unheard = trouble in ("form", "refused") and not self._served
        if trouble not in _FAILURES or unheard:
            self._fail(refused(self._name, self._config, endpoint.url, outcome))
            return
        later = trouble in ("overloaded", "unavailable")
        if self._was_free(job, ticket, trouble, now):
            job.attempts -= 1
        elif later and self._served == job.served_before:
            patience = self._limits.patience_seconds
            self._fail(unanswered(self._name, self._config, self._endpoints, patience))
            return
        if trouble in _FINAL or job.attempts >= self._limits.attempts:
            self._finish(
                job,
                Completion(
                    None,
                    _FAILURES[trouble],
                    latency=now - ticket.began,
                    waited=ticket.began - job.asked,
                    attempts=max(1, job.attempts),
                    endpoint=endpoint.url,
                ),
            )
            return
        self._stragglers.back(job)
        job.avoid = endpoint
        delay = min(_LAST_RETRY, _FIRST_RETRY * 2.0 ** max(0, job.attempts - 1))
        delay *= self._jitter.uniform(0.5, 1.0)
        again = self._waiting.append if ticket.probe else self._waiting.appendleft
        self._delayed[job] = self._loop.call_later(delay, self._again, job, again)

    def _was_free(self, job: Job, ticket: RequestSlot, trouble: Trouble, now: float) -> bool:
        """Return whether an attempt does not count as one.

        These do not count: requests that were never sent, a few probes, and, within the patience,
        "too many requests", which only means a longer queue.
        """
        later = trouble in ("overloaded", "unavailable")
        if trouble == "unreachable" or (ticket.probe and later):
            return True
        if ticket.probe:
            job.probes += 1
            return job.probes <= self._limits.attempts
        return later and now - job.first_try < self._limits.patience_seconds

    def _again(self, job: Job, put_back: Callable[[Job], None]) -> None:
        del self._delayed[job]
        put_back(job)
        self._dispatch()

    def _finish(self, job: Job, completion: Completion) -> None:
        self._count_offer(self._loop.time())
        self._stragglers.back(job)
        job.answered = True
        for task in list(job.out):
            self._break_off(task)
        self._outstanding -= 1
        self._meter.add(completion)
        self._deliver(job.key, completion)
        if not self._outstanding:
            self._set_timer(inf)

    def _dark_until(self, now: float) -> float:
        """Return until when the model's endpoints may all be out of use; then give up."""
        if any(endpoint.state == "closed" for endpoint in self._endpoints):
            self._dark_since = inf
            return inf
        self._dark_since = min(self._dark_since, now)
        patience = self._limits.patience_seconds
        if not self._served:  # an address that is wrong is not worth much patience
            patience = min(patience, _FIRST_PATIENCE)
        until = self._dark_since + patience
        if now >= until:
            self._fail(unanswered(self._name, self._config, self._endpoints, patience))
            return inf
        return until

    def _set_timer(self, at: float) -> None:
        if self._timer is not None:
            if self._timer.when() == at:
                return
            self._timer.cancel()
            self._timer = None
        if at < inf:
            self._timer = self._loop.call_at(at, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._dispatch()

    def _take_urls(self) -> None:
        """Use the endpoints of the list; those no longer in it finish what they have."""
        for url in self._places.urls:
            if url not in self._known:
                self._known[url] = Endpoint(
                    url, self._limits, longest_pause=self._limits.patience_seconds
                )
        self._endpoints = [self._known[url] for url in self._places.urls]

    def _count_offer(self, now: float) -> None:
        """Add up the slot-seconds available while requests were pending."""
        if self._outstanding:
            slots = sum(endpoint.ceiling for endpoint in self._endpoints)
            self._offered += slots * (now - self._offered_since)
        else:  # while nobody asks, nobody waits for an answer
            self._dark_since += now - self._offered_since
        self._offered_since = now
