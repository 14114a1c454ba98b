"""Second copies of requests that are out much longer than most."""

from __future__ import annotations

import time
from math import inf

from hubbub.config.models import LimitsConfig, ModelConfig
from hubbub.llm.chat import ChatRequest
from hubbub.llm.hedging import Hedging
from hubbub.llm.inferencer import LiveInferencer
from hubbub.llm.usage import Latencies
from hubbub.testing import Latency, ModelServer


def latencies(count: int, seconds: float) -> Latencies:
    known = Latencies()
    for _ in range(count):
        known.add(seconds)
    return known


def test_a_request_is_late_by_the_median_and_the_oldest_comes_first() -> None:
    late: Hedging[str] = Hedging(10.0, latencies(100, 0.1))
    late.out("a", 0.0)
    late.out("b", 0.5)
    job, at = late.latest(0.9)
    assert job is None
    assert 0.95 < at < 1.05
    assert late.latest(1.1)[0] == "a"
    late.back("a")
    assert late.latest(1.1)[0] is None
    assert late.latest(1.6)[0] == "b"
    late.clear()
    assert late.latest(99.0) == (None, inf)


def test_nothing_is_late_before_it_is_known_how_long_replies_take_or_if_it_is_switched_off() -> (
    None
):
    for late in (Hedging(10.0, latencies(5, 0.1)), Hedging(None, latencies(100, 0.1))):
        late.out("a", 0.0)
        assert late.latest(1000.0)[0] is None


def ask(copy_after: float | None) -> tuple[float, int, int]:
    """Ask 200 requests of which one in 100 takes 100 times as long; seconds, copies, requests."""
    slow = Latency(0.02, 1.4, by="arrival")
    with ModelServer(latency=slow, slots=16) as one, ModelServer(latency=slow, slots=16) as two:
        limits = LimitsConfig(concurrency=16, copy_after=copy_after)
        model = ModelConfig(urls=[one.url, two.url], limits=limits)
        with LiveInferencer[int]({"m": model}) as inferencer:
            began = time.monotonic()
            inferencer.submit([(i, ChatRequest("m", "s", f"u{i}")) for i in range(400)])
            found = []
            while len(found) < 400:
                found += inferencer.wait()
            seconds = time.monotonic() - began
            usage = inferencer.usage()["m"]
            assert sorted(key for key, _ in found) == list(range(400))
            assert all(c.text for _, c in found)
            assert usage.completions == 400
            assert {e.in_flight for e in usage.endpoints.values()} <= {0, 1, 2, 3, 4, 5}
        return seconds, usage.copies, len(one.log) + len(two.log)


def test_stragglers_are_asked_again_and_the_first_reply_counts() -> None:
    _, copies, requests = ask(10.0)
    assert copies > 0
    assert copies < 40  # few: only what is late, and only where a slot is idle
    assert 400 < requests <= 400 + copies  # a copy may be broken off before it is sent
    assert ask(None)[1:] == (0, 400)
