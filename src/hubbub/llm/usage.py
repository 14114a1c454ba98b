"""The calls of a model, counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import ceil, log

from hubbub.llm.chat import Completion

_SHORTEST = 1e-4
_STEP = log(1.02)
_BINS = 1200


@dataclass(frozen=True, slots=True)
class EndpointUsage:
    """One endpoint: its current limit, requests in flight, replies and failures.

    `state` is closed (in use), open (out of use), probing, or removed (no longer in the list).
    """

    limit: int
    in_flight: int
    state: str
    served: int
    failed: int


@dataclass(frozen=True, slots=True)
class ModelUsage:
    """One model so far. Latencies (p50, p90, p99) are seconds of the attempts that succeeded.

    `requests` counts those submitted, `retries` further attempts at them, `rate_limited` attempts
    answered with "too many requests", `copies` hedged requests sent a second time. `busy_share` is
    the time slots were in use, of the time available while requests were pending (slots:
    `concurrency` per endpoint), 0 to 1.
    """

    requests: int
    completions: int
    failures: dict[str, int]
    retries: int
    rate_limited: int
    copies: int
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    p50: float
    p90: float
    p99: float
    endpoints: dict[str, EndpointUsage]
    busy_share: float


class Latencies:
    """A histogram of latencies from 0.1 ms on, in bins 2 % wide."""

    def __init__(self) -> None:
        self._bins = [0] * _BINS
        self.total = 0

    def add(self, seconds: float) -> None:
        place = int(log(seconds / _SHORTEST) / _STEP) if seconds > _SHORTEST else 0
        self._bins[min(place, _BINS - 1)] += 1
        self.total += 1

    def quantile(self, share: float) -> float:
        """Return the latency that this share does not exceed, within 2 %; 0 without any."""
        wanted = max(1, ceil(share * self.total))
        seen = 0
        for place, count in enumerate(self._bins):
            seen += count
            if seen >= wanted:
                return float(_SHORTEST * (1.02 ** (place + 0.5)))
        return 0.0


class Meter:
    """Counts the requests to one model and its replies."""

    def __init__(self) -> None:
        self.requests = 0
        self.retries = 0
        self.rate_limited = 0
        self.copies = 0
        self.latencies = Latencies()
        self._completions = 0
        self._failures: Counter[str] = Counter()
        self._prompt_tokens = 0
        self._cached_tokens = 0
        self._completion_tokens = 0

    def add(self, completion: Completion) -> None:
        """Count a completion, with or without a reply."""
        if completion.text is None:
            self._failures[completion.failure] += 1
            return
        self._completions += 1
        self._prompt_tokens += completion.prompt_tokens
        self._cached_tokens += completion.cached_tokens
        self._completion_tokens += completion.completion_tokens
        self.latencies.add(completion.latency)

    def usage(self, endpoints: dict[str, EndpointUsage], busy_share: float) -> ModelUsage:
        """Return the current figures."""
        return ModelUsage(
            requests=self.requests,
            completions=self._completions,
            failures=dict(self._failures),
            retries=self.retries,
            rate_limited=self.rate_limited,
            copies=self.copies,
            prompt_tokens=self._prompt_tokens,
            cached_tokens=self._cached_tokens,
            completion_tokens=self._completion_tokens,
            p50=self.latencies.quantile(0.5),
            p90=self.latencies.quantile(0.9),
            p99=self.latencies.quantile(0.99),
            endpoints=endpoints,
            busy_share=busy_share,
        )
