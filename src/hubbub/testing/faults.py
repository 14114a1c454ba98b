"""What a model server can be told to do wrong, and how slow to be."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Literal

from hubbub.testing.dice import Dice

#: How a request ended: `ok`, or the name of a field of Faults.
Fate = str


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """The shares of requests, each in [0, 1], that meet each fault; together at most 1.

    A request's fate is drawn from the server's seed, the request itself and how often the server
    has seen it: a run with the same requests meets the same faults, and a retry can succeed.

    Answers with an error: `errors` (500), `overloaded` (503), `rate_limited` (429 with
    Retry-After: `retry_after` seconds), `echo_key` (401 whose message repeats the Authorization
    header), `unknown_model` (404), `too_long` (400, prompt over the context length).
    No answer: `hangs` (nothing ever), `drips` (a byte now and then for ever), `drops` (closes the
    connection in mid-reply). Bad answers with status 200: `malformed` (the body is broken
    JSON), `invalid_utf8` (so is its text), `nonsense` (not what was asked for), `truncated`
    (finish_reason length, cut in the middle), `huge` (10 MB of text), `nested` (a million opening
    brackets), `null` (no content).

    Always, if set: `refuses_schema` (400 to a response_format with a schema), `refuses_tools`
    (400 to tools), `requests_per_minute` (429 above this number in any 60 seconds),
    `context_tokens` (400 to a prompt of more tokens).
    """

    errors: float = 0.0
    overloaded: float = 0.0
    rate_limited: float = 0.0
    echo_key: float = 0.0
    unknown_model: float = 0.0
    too_long: float = 0.0
    hangs: float = 0.0
    drips: float = 0.0
    drops: float = 0.0
    malformed: float = 0.0
    invalid_utf8: float = 0.0
    nonsense: float = 0.0
    truncated: float = 0.0
    huge: float = 0.0
    nested: float = 0.0
    null: float = 0.0
    retry_after: float = 1.0
    refuses_schema: bool = False
    refuses_tools: bool = False
    requests_per_minute: int | None = None
    context_tokens: int | None = None

    def __post_init__(self) -> None:
        for name in SHARES:
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is a share of requests: from 0 to 1")
        if sum(getattr(self, name) for name in SHARES) > 1 + 1e-9:
            raise ValueError("the shares of faults add up to more than 1")

        for name in ("requests_per_minute", "context_tokens"):
            limit = getattr(self, name)
            if limit is not None and limit < 1:
                raise ValueError(f"{name} is at least 1, or None for no limit")

    def draw(self, seed: int, request: bytes, seen: int) -> Fate:
        """Return the fate of a request that was seen `seen` times before."""
        shares = [(name, share) for name in SHARES if (share := getattr(self, name))]
        if not shares:
            return "ok"
        drawn = Dice(seed, request, seen).unit()
        for name, share in shares:
            drawn -= share
            if drawn < 0:
                return name
        return "ok"


SHARES: tuple[str, ...] = tuple(
    f.name for f in fields(Faults) if f.name != "retry_after" and isinstance(f.default, float)
)


@dataclass(frozen=True, slots=True)
class Latency:
    """How long a request is worked on: lognormal with this median (seconds) and sigma.

    With `sigma` 0 it is the same for all. It is a function of `seed` and the request, so that
    equal requests are equally slow; `by="arrival"` draws anew for each.
    """

    median: float = 0.0
    sigma: float = 0.0
    seed: int = 0
    by: Literal["request", "arrival"] = "request"

    def __post_init__(self) -> None:
        if self.median < 0 or self.sigma < 0:
            raise ValueError("median and sigma of a latency are at least 0")

    def seconds(self, request: bytes, arrival: int) -> float:
        """Return the seconds for this request, the `arrival`-th one."""
        if not self.median or not self.sigma:
            return self.median
        address = request if self.by == "request" else arrival
        return self.median * math.exp(self.sigma * Dice(self.seed, address).normal())
