"""One endpoint's state, with a clock that tests turn: limits, overload, the circuit, rates."""

from __future__ import annotations

import heapq
from math import inf
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hubbub.config.models import LimitsConfig
from hubbub.llm.endpoint import FAILURES_TO_OPEN, LAST_PROBE, Bucket, Endpoint, RequestSlot


def make(concurrency: int = 32, **limits: int) -> Endpoint:
    return Endpoint(
        "http://a/v1", LimitsConfig(concurrency=concurrency, **limits), longest_pause=60.0
    )


def fill(endpoint: Endpoint, now: float) -> list[RequestSlot]:
    """Begin as many requests as may be begun."""
    tickets = []
    while endpoint.ready_at(now, 1) <= now:
        tickets.append(endpoint.begin(now, 1))
    return tickets


def open_circuit(endpoint: Endpoint, now: float = 0.0) -> None:
    for _ in range(FAILURES_TO_OPEN):
        endpoint.broke(endpoint.begin(now, 1), now, "HTTP 500")
    assert endpoint.state == "open"


def test_it_begins_at_the_ceiling() -> None:
    endpoint = make(32)
    assert len(fill(endpoint, 0.0)) == 32
    assert endpoint.ready_at(0.0, 1) == inf


def test_overload_halves_the_limit_once_per_round_trip_and_replies_raise_it_again() -> None:
    endpoint = make(32)
    for ticket in fill(endpoint, 0.0):
        endpoint.overloaded(ticket, 1.0, "HTTP 429", None)
    assert (endpoint.limit, endpoint.in_flight) == (16, 0)
    assert 1.0 < endpoint.ready_at(1.0, 1) < 2.0
    tickets = fill(endpoint, 2.0)
    assert len(tickets) == 16
    endpoint.overloaded(tickets.pop(), 3.0, "HTTP 429", None)
    assert endpoint.limit == 8
    for ticket in tickets:
        endpoint.replied(ticket, 3.5, tokens=1)
    assert 8 < endpoint.limit < 16
    now = 10.0
    for _ in range(20):
        for ticket in fill(endpoint, now):
            endpoint.replied(ticket, now + 1, tokens=1)
        now += 2
    assert endpoint.limit == 32


def test_retry_after_is_kept_up_to_the_longest_pause() -> None:
    endpoint = make()
    endpoint.overloaded(endpoint.begin(0.0, 1), 1.0, "HTTP 429", 7.5)
    assert endpoint.ready_at(1.0, 1) == 8.5
    endpoint.overloaded(endpoint.begin(8.5, 1), 9.0, "HTTP 429", 1e9)
    assert endpoint.ready_at(9.0, 1) == 69.0


@pytest.mark.parametrize("rest", [None, 0.0])
def test_pauses_double_while_nothing_is_served(rest: float | None) -> None:
    endpoint, now, pauses = make(), 0.0, []
    for _ in range(12):
        endpoint.overloaded(endpoint.begin(now, 1), now + 0.01, "HTTP 429", rest)
        now += 0.01
        pauses.append(endpoint.ready_at(now, 1) - now)
        now += pauses[-1] + 0.001
    assert pauses[:3] == pytest.approx([0.1, 0.2, 0.4])
    assert pauses[-1] == pytest.approx(30.0)
    assert endpoint.limit == 1
    endpoint.replied(endpoint.begin(now, 1), now + 1, tokens=1)
    endpoint.overloaded(endpoint.begin(now + 2, 1), now + 3, "HTTP 429", None)
    assert endpoint.ready_at(now + 3, 1) == pytest.approx(now + 3.1)


def test_failures_in_a_row_open_the_circuit_and_a_probe_closes_it() -> None:
    endpoint = make()
    for _ in range(FAILURES_TO_OPEN - 1):
        endpoint.broke(endpoint.begin(0.0, 1), 0.0, "HTTP 500")
    endpoint.replied(endpoint.begin(0.0, 1), 0.1, tokens=1)
    open_circuit(endpoint)
    now, waits = 0.0, []
    for _ in range(10):
        waits.append(endpoint.ready_at(now, 1) - now)
        now += waits[-1]
        probe = endpoint.begin(now, 1)
        assert probe.probe
        assert endpoint.ready_at(now, 1) == inf  # one probe at a time
        endpoint.broke(probe, now, "HTTP 500")
    assert waits[:3] == [0.25, 0.5, 1.0]
    assert waits[-1] == LAST_PROBE
    now = endpoint.ready_at(now, 1)
    endpoint.replied(endpoint.begin(now, 1), now + 1, tokens=1)
    assert endpoint.state == "closed"
    assert len(fill(endpoint, now + 1)) == 32


def test_requests_that_failed_before_do_not_open_the_circuit() -> None:
    endpoint = make()
    for _ in range(3 * FAILURES_TO_OPEN):
        endpoint.broke(endpoint.begin(0.0, 1, fresh=False), 0.0, "HTTP 500")
    assert endpoint.state == "closed"


def test_what_cannot_be_reached_is_out_of_use_at_once() -> None:
    endpoint = make()
    endpoint.unreachable(endpoint.begin(0.0, 1), 0.0, "refused")
    assert endpoint.state == "open"


def test_what_is_unavailable_is_still_starting_unless_it_has_served() -> None:
    endpoint = make()
    endpoint.unavailable(endpoint.begin(0.0, 1), 0.0, "HTTP 503: loading", None)
    assert endpoint.state == "open"
    endpoint.replied(endpoint.begin(1.0, 1), 2.0, tokens=1)
    endpoint.unavailable(endpoint.begin(3.0, 1), 4.0, "HTTP 503", None)
    assert endpoint.state == "closed"


def test_a_forgotten_probe_lets_another_one_follow() -> None:
    endpoint = make()
    open_circuit(endpoint)
    endpoint.forgotten(endpoint.begin(1.0, 1), 2.0)
    assert endpoint.state == "open"
    assert endpoint.ready_at(2.0, 1) < inf
    assert endpoint.in_flight == 0


def test_busy_seconds_are_the_integral_of_requests_in_flight() -> None:
    endpoint = make()
    first, second = endpoint.begin(0.0, 1), endpoint.begin(1.0, 1)
    endpoint.replied(first, 3.0, tokens=1)
    endpoint.forgotten(second, 6.0)
    assert endpoint.busy_seconds(100.0) == 8.0


def simulate(endpoint: Endpoint, n: int, latency, *, steps: int) -> list[int]:
    """Serve `steps` bursts of n requests each; return the limits after each."""
    now, limits = 0.0, []
    for _ in range(steps):
        left, flying = n, []
        while left or flying:
            while left and endpoint.ready_at(now, 1) <= now:
                left -= 1
                ticket = endpoint.begin(now, 1)
                done = now + latency(endpoint.in_flight)
                heapq.heappush(flying, (done, left, ticket))
            now, _, ticket = heapq.heappop(flying)
            endpoint.replied(ticket, now, tokens=1)
        limits.append(int(endpoint.limit))
    return limits


@pytest.mark.parametrize("burst", [32, 100, 500])
def test_a_heavy_tail_is_not_taken_for_overload(burst: int) -> None:
    for seed in range(5):
        random = Random(seed)
        limits = simulate(
            make(32),
            burst,
            lambda _, random=random: random.lognormvariate(-1.6, 1.0),
            steps=30_000 // burst,
        )
        assert set(limits) == {32}


def test_a_queue_inside_the_endpoint_lowers_the_limit() -> None:
    random, slow = Random(0), [1.0]
    endpoint = make(32)

    def latency(_: int) -> float:
        return slow[0] * random.lognormvariate(-1.6, 1.0)

    simulate(endpoint, 500, latency, steps=4)
    slow[0] = 8.0
    assert min(simulate(endpoint, 500, latency, steps=1)) < 32
    assert endpoint.limit >= 8
    slow[0] = 1.0
    assert simulate(endpoint, 500, latency, steps=4)[-1] == 32


@given(
    per_minute=st.integers(1, 2000),
    costs=st.lists(st.tuples(st.floats(0.01, 40.0), st.floats(0, 3.0)), min_size=1, max_size=300),
)
@settings(max_examples=60)
def test_no_minute_has_more_than_its_rate(
    per_minute: int, costs: list[tuple[float, float]]
) -> None:
    bucket = Bucket(per_minute)
    now, taken = 0.0, []
    for amount, pause in costs:
        cost = min(amount, bucket.burst)
        now = max(now + pause, bucket.ready_at(cost, now + pause))
        assert bucket.ready_at(cost, now) <= now + 1e-6
        bucket.take(cost, now)
        taken.append((now, cost))
    for i, (start, _) in enumerate(taken):
        window = sum(cost for at, cost in taken[i:] if at < start + 60)
        assert window <= per_minute + 1 + 1e-6


def test_requests_per_minute_are_kept_exactly_and_used_fully() -> None:
    endpoint = make(1000, requests_per_minute=120)
    now, begun = 0.0, []
    while now < 600:
        now = max(now, endpoint.ready_at(now, 1))
        endpoint.replied(endpoint.begin(now, 1), now, tokens=1)
        begun.append(now)
    windows = [sum(1 for at in begun if start <= at < start + 60) for start in begun[:600]]
    assert max(windows) <= 120
    assert len(begun) > 0.95 * 1200


def test_tokens_are_estimated_before_and_corrected_after() -> None:
    endpoint = make(1000, tokens_per_minute=60_000)  # 3,000 at once
    ticket = endpoint.begin(0.0, 2_900)
    assert endpoint.ready_at(0.0, 500) > 0.3
    endpoint.replied(ticket, 0.0, tokens=400)
    assert endpoint.ready_at(0.0, 500) == 0.0
    ticket = endpoint.begin(0.0, 100)
    endpoint.replied(ticket, 0.0, tokens=6_000)
    assert endpoint.ready_at(0.0, 500) > 3.0


def test_a_request_larger_than_a_burst_goes_out_on_its_own() -> None:
    endpoint = make(1000, tokens_per_minute=1_000)
    assert endpoint.ready_at(0.0, 5_000) == 0.0
    endpoint.begin(0.0, 5_000)
    assert endpoint.ready_at(0.0, 5_000) > 250


def conclude(endpoint: Endpoint, ticket: RequestSlot, now: float, outcome: str) -> None:
    match outcome:
        case "reply":
            endpoint.replied(ticket, now, tokens=1)
        case "decline":
            endpoint.declined(ticket, now, "no")
        case "429":
            endpoint.overloaded(ticket, now, "later", None)
        case "503":
            endpoint.unavailable(ticket, now, "later", 2.0)
        case "500":
            endpoint.broke(ticket, now, "oh")
        case "refused":
            endpoint.unreachable(ticket, now, "gone")
        case "forget":
            endpoint.forgotten(ticket, now)


@given(st.data())
@settings(max_examples=150)
def test_never_more_in_flight_than_the_limit(data: st.DataObject) -> None:
    ceiling = data.draw(st.integers(1, 8))
    endpoint = make(ceiling)
    now, flying = 0.0, []
    outcomes = ("begin", "reply", "decline", "429", "503", "500", "refused", "forget")
    for outcome in data.draw(st.lists(st.sampled_from(outcomes), max_size=80)):
        now += data.draw(st.sampled_from([0.0, 0.1, 1.0, 40.0]))
        if outcome == "begin":
            if endpoint.ready_at(now, 1) <= now:
                assert endpoint.in_flight < endpoint.limit
                flying.append(endpoint.begin(now, 1))
        elif flying:
            ticket = flying.pop(data.draw(st.integers(0, len(flying) - 1)))
            conclude(endpoint, ticket, now, outcome)
        assert endpoint.in_flight == len(flying)
        assert 1 <= endpoint.limit <= ceiling
        if not flying:  # whatever happened, it gets another chance
            assert endpoint.state != "probing"
            assert endpoint.ready_at(now, 1) <= now + 60
