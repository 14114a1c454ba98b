"""One request on its way through a pool, and its completion."""

from __future__ import annotations

from asyncio import Task
from collections.abc import Hashable
from dataclasses import dataclass, field
from math import inf

from hubbub.llm.chat import ChatRequest, Completion
from hubbub.llm.endpoint import Endpoint
from hubbub.llm.tokens import estimate_tokens
from hubbub.llm.wire import Refusal, Reply, Rung

#: The result of asking an endpoint, and the form of reply requested in the end.
Asked = tuple[Rung, Reply | Refusal]


@dataclass(slots=True, eq=False)
class Job:
    """One request on its way. Times are of the event loop's clock; `out` holds its pending copies.

    `served_before` is how many requests the pool had served when this one was first tried.
    """

    key: Hashable
    request: ChatRequest
    tokens: int
    asked: float
    first_try: float = inf
    attempts: int = 0
    probes: int = 0
    served_before: int = 0
    answered: bool = False
    avoid: Endpoint | None = None
    out: set[Task[Asked]] = field(default_factory=set)


def prompt_tokens(request: ChatRequest) -> int:
    """Return the approximate number of tokens of a request's prompt."""
    return estimate_tokens(request.system) + estimate_tokens(request.user)


def completion_of(
    job: Job, url: str, rung: Rung, reply: Reply, began: float, now: float
) -> Completion:
    """Return the completion; tokens that an endpoint does not count are estimated."""
    prompt = reply.prompt_tokens or prompt_tokens(job.request)
    return Completion(
        reply.text,
        prompt_tokens=prompt,
        cached_tokens=min(reply.cached_tokens, prompt),
        completion_tokens=reply.completion_tokens or estimate_tokens(reply.text),
        latency=now - began,
        waited=began - job.asked,
        attempts=job.attempts,
        endpoint=url,
        mode=rung,
        finish=reply.finish,
    )
