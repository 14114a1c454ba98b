"""One endpoint as a state machine: when it may take a request, and what outcomes say about it.

No IO: times are numbers of seconds that are passed in and never decrease.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, log
from typing import Literal

from hubbub.config.models import LimitsConfig

#: Failures in a row that open the circuit. With 25 % random failures, one request in 65,000 does
#: so.
FAILURES_TO_OPEN = 8
#: Seconds until the first probe of an open circuit; each failed probe doubles them.
FIRST_PROBE, LAST_PROBE = 0.25, 30.0
#: Seconds an overloaded endpoint is left alone if it names no time, or a time of 0; doubled
#: likewise.
FIRST_PAUSE, LAST_PAUSE = 0.1, 30.0
#: A minute's rate may be used in bursts of this many seconds.
BURST_SECONDS = 3.0
#: Latencies in a window, and how much slower the fast quarter may get.
WINDOW, SLOWER = 64, log(3.0)
#: How fast the usual latency follows a faster window, and a slower one.
FOLLOW_DOWN, FOLLOW_UP = 0.2, 0.05

State = Literal["closed", "open", "probing"]


@dataclass(frozen=True, slots=True)
class RequestSlot:
    """One request at an endpoint: when it began, and the tokens set aside for it.

    A `probe` finds out whether an endpoint is back. A `fresh` request has not failed before.
    """

    began: float
    tokens: int
    probe: bool
    fresh: bool


class Bucket:
    """A limit per minute: no minute uses more than that (plus one request above `burst`).

    It refills a little slower than the rate, to allow for what was saved up before the minute.
    """

    def __init__(self, per_minute: float) -> None:
        self.burst = max(1.0, per_minute * BURST_SECONDS / 60)
        self._per_second = (per_minute - self.burst + 1) / 60.001  # a hair less, for rounding
        self._level = self.burst
        self._at = -inf

    def ready_at(self, amount: float, now: float) -> float:
        """Return when this amount may be taken. An amount above `burst` waits for a full bucket."""
        missing = min(amount, self.burst) - self._level_at(now)
        return now if missing <= 0 else now + missing / self._per_second

    def take(self, amount: float, now: float) -> None:
        """Take an amount; the caller has checked `ready_at`."""
        self._level = self._level_at(now) - amount
        self._at = now

    def give_back(self, amount: float) -> None:
        """Correct an estimate; a negative amount takes more."""
        self._level = min(self.burst, self._level + amount)

    def _level_at(self, now: float) -> float:
        if self._at == -inf:
            return self._level
        return min(self.burst, self._level + (now - self._at) * self._per_second)


class SlowdownDetector:
    """Detects that an endpoint has become slow as a whole.

    The first quartile of a window is compared with that of earlier windows: a few slow replies do
    not move it, a queue inside the endpoint does. Lognormal latencies of sigma 1 move it by a
    factor of exp(0.17) (one standard deviation), so a factor of 3 is far outside of chance. Two
    windows in a row must be slow, as one may be when a machine pauses.
    """

    def __init__(self) -> None:
        self._window: list[float] = []
        self._usual: float | None = None
        self._was_slow = False

    def is_slow(self, latency: float) -> bool:
        """Add a latency; return True if it completes a second window much slower than usual."""
        self._window.append(latency)
        if len(self._window) < WINDOW:
            return False
        quartile = log(max(sorted(self._window)[WINDOW // 4], 1e-6))
        self._window.clear()
        if self._usual is None:
            self._usual = quartile
            return False
        change = quartile - self._usual
        self._usual += change * (FOLLOW_DOWN if change < 0 else FOLLOW_UP)
        before, self._was_slow = self._was_slow, change > SLOWER
        return before and self._was_slow


class Endpoint:
    """The state of one endpoint, and how many requests it may have.

    `limit` is the number of requests it may have at once. It starts at the ceiling, is halved on
    overload (once per round trip), lowered to at least a quarter of the ceiling when all replies
    get slow, and grows again with each reply. The circuit opens after failures in a row, or at once
    if there is no connection; then one probe at a time checks whether the endpoint is back.
    """

    def __init__(self, url: str, limits: LimitsConfig, *, longest_pause: float) -> None:
        self.url = url
        self.ceiling = limits.concurrency
        self.limit = float(limits.concurrency)
        self.in_flight = 0
        self.state: State = "closed"
        self.served = 0
        self.failed = 0
        self.said = ""
        self._longest_pause = longest_pause
        self._requests = _bucket(limits.requests_per_minute)
        self._tokens = _bucket(limits.tokens_per_minute)
        self._pace = SlowdownDetector()
        self._proven = False
        self._alive_at = -inf
        self._failures_in_a_row = 0
        self._cut_at = -inf
        self._pause = FIRST_PAUSE
        self._resting_until = -inf
        self._probe_after = FIRST_PROBE
        self._probe_at = -inf
        self._busy = 0.0
        self._busy_since = 0.0

    @property
    def load(self) -> float:
        """Return the used share of the current limit."""
        return self.in_flight / self.limit

    def ready_at(self, now: float, tokens: int) -> float:
        """Return when it may take a request; infinity if an outcome must come first."""
        if self.in_flight >= int(self.limit) or self.state == "probing":
            return inf
        at = max(now, self._resting_until)
        if self.state == "open":
            at = max(at, self._probe_at)
        if self._requests is not None:
            at = max(at, self._requests.ready_at(1, now))
        if self._tokens is not None:
            at = max(at, self._tokens.ready_at(tokens, now))
        return at

    def begin(self, now: float, tokens: int, *, fresh: bool = True) -> RequestSlot:
        """Take a request that `ready_at` allows."""
        probe = self.state == "open"
        if probe:
            self.state = "probing"
        if self._requests is not None:
            self._requests.take(1, now)
        if self._tokens is not None:
            self._tokens.take(tokens, now)
        self._change(now, 1)
        return RequestSlot(now, tokens, probe, fresh)

    def replied(self, ticket: RequestSlot, now: float, *, tokens: int) -> None:
        """Record a reply, and the tokens it really cost."""
        if self._tokens is not None:
            self._tokens.give_back(ticket.tokens - tokens)
        crowded = self.in_flight >= self.limit / 2
        self.served += 1
        self.limit = min(self.ceiling, self.limit + max(1.0, self.ceiling / 16) / self.limit)
        if ticket.began > self._cut_at:
            self._pause = FIRST_PAUSE
        if crowded and self._pace.is_slow(now - ticket.began):
            self._cut(now, floor=max(1.0, self.ceiling / 4))
        self._alive(now)

    def declined(self, ticket: RequestSlot, now: float, said: str) -> None:
        """Record that the endpoint works, but refused this request."""
        self._lost(said)
        if self._tokens is not None:
            self._tokens.give_back(ticket.tokens)
        self._alive(now)

    def overloaded(self, ticket: RequestSlot, now: float, said: str, rest: float | None) -> None:
        """Record "too many requests", to be retried after `rest` seconds if it named a time."""
        self._turned_away(ticket, now, said, rest)
        self._alive(now)

    def unavailable(self, ticket: RequestSlot, now: float, said: str, rest: float | None) -> None:
        """Record "not available now". If it never served anything, it is still starting."""
        self._turned_away(ticket, now, said, rest)
        self._count_failure(ticket, now, by=1 if self._proven else FAILURES_TO_OPEN)

    def broke(self, ticket: RequestSlot, now: float, said: str) -> None:
        """Record an error, a broken connection, or a timeout.

        If the request has failed before, it may itself be the cause: such failures do not open the
        circuit, or a few hopeless requests could block all others.
        """
        self._lost(said)
        self._count_failure(ticket, now, by=int(ticket.fresh))

    def unreachable(self, ticket: RequestSlot, now: float, said: str) -> None:
        """Record that there was no connection at all, so that nothing was sent."""
        self._lost(said)
        self._count_failure(ticket, now, by=FAILURES_TO_OPEN)

    def overtaken(self, ticket: RequestSlot, now: float) -> None:
        """Record that the second copy was answered first; a failure if every slot is stuck."""
        if self._alive_at >= ticket.began:
            self.forgotten(ticket, now)
        else:
            self._lost("no reply for long")
            self._count_failure(ticket, now, by=1)

    def forgotten(self, ticket: RequestSlot, now: float) -> None:
        """Record that nobody waits for this request any more."""
        if ticket.probe and self.state == "probing":
            self._open(now)
        self._change(now, -1)

    def busy_seconds(self, now: float) -> float:
        """Return the seconds of requests in flight, summed over all."""
        return self._busy + self.in_flight * (now - self._busy_since)

    def _turned_away(self, ticket: RequestSlot, now: float, said: str, rest: float | None) -> None:
        self._lost(said)
        if self._tokens is not None:
            self._tokens.give_back(ticket.tokens)
        if ticket.began > self._cut_at:
            self._cut(now, floor=1.0)
            if rest is None or rest < FIRST_PAUSE:
                rest = self._pause
                self._pause = min(LAST_PAUSE, 2 * self._pause)
        if rest is not None:
            until = now + min(rest, self._longest_pause)
            self._resting_until = max(self._resting_until, until)

    def _count_failure(self, ticket: RequestSlot, now: float, *, by: int) -> None:
        if ticket.probe and self.state == "probing":
            self._probe_after = min(LAST_PROBE, 2 * self._probe_after)
            self._open(now)
        elif self.state == "closed":
            self._failures_in_a_row += by
            if self._failures_in_a_row >= FAILURES_TO_OPEN:
                self._open(now)
        self._change(now, -1)

    def _alive(self, now: float) -> None:
        self._proven = True
        self._alive_at = now
        self._failures_in_a_row = 0
        self._probe_after = FIRST_PROBE
        self.state = "closed"
        self._change(now, -1)

    def _lost(self, said: str) -> None:
        self.failed += 1
        self.said = said

    def _open(self, now: float) -> None:
        self.state = "open"
        self._proven = False
        self._failures_in_a_row = 0
        self._probe_at = now + self._probe_after

    def _cut(self, now: float, *, floor: float) -> None:
        if self.limit > floor:
            self.limit = max(floor, self.limit / 2)
        self._cut_at = now

    def _change(self, now: float, by: int) -> None:
        self._busy = self.busy_seconds(now)
        self._busy_since = now
        self.in_flight += by


def _bucket(per_minute: int | None) -> Bucket | None:
    return None if per_minute is None else Bucket(per_minute)
