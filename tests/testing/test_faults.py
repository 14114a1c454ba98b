"""Every fault of the model server as a client meets it, and who meets it."""

from __future__ import annotations

import asyncio
from collections import Counter

import aiohttp
import msgspec
import pytest
from chat_client import ask, body
from hypothesis import given
from hypothesis import strategies as st

from hubbub.testing import Faults, Latency, ModelServer
from hubbub.testing.faults import SHARES


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("errors", 500, "internal_error"),
        ("overloaded", 503, "overloaded"),
        ("rate_limited", 429, "rate_limit_exceeded"),
        ("echo_key", 401, "invalid_api_key"),
        ("unknown_model", 404, "model_not_found"),
        ("too_long", 400, "context_length_exceeded"),
    ],
)
def test_an_answer_with_an_error(fault: str, status: int, code: str) -> None:
    with ModelServer(faults=Faults(**{fault: 1.0}, retry_after=2.5)) as server:
        (answer,) = ask(server.url, body(), key="sk-secret")
    assert (answer.status, answer.data["error"]["code"]) == (status, code)
    assert answer.headers.get("Retry-After") == ("2.5" if fault == "rate_limited" else None)
    assert (b"Bearer sk-secret" in answer.body) == (fault == "echo_key")
    assert server.counts == {fault: 1}


@pytest.mark.parametrize("fault", ["hangs", "drips"])
def test_no_answer(fault: str) -> None:
    with ModelServer(faults=Faults(**{fault: 1.0})) as server:
        with pytest.raises(TimeoutError):
            ask(server.url, body(), timeout=0.2)
        server.faults = Faults()
        assert ask(server.url, body())[0].status == 200


def test_a_drip_is_bytes_that_never_end() -> None:
    async def first_bytes(url: str) -> list[bytes]:
        limit = aiohttp.ClientTimeout(total=5)
        async with (
            aiohttp.ClientSession(timeout=limit) as session,
            session.post(f"{url}/chat/completions", json=body()) as response,
        ):
            assert response.status == 200
            return [await response.content.read(1) for _ in range(4)]

    with ModelServer(faults=Faults(drips=1.0)) as server:
        assert asyncio.run(first_bytes(server.url)) == [b" "] * 4


def test_a_drop_ends_in_mid_reply() -> None:
    with (
        ModelServer(faults=Faults(drops=1.0)) as server,
        pytest.raises(aiohttp.ClientPayloadError),
    ):
        ask(server.url, body())


def test_bad_answers_with_status_200() -> None:
    def meet(server: ModelServer, mode: str = "json_schema", **fault: float) -> bytes:
        server.faults = Faults(**fault)
        (answer,) = ask(server.url, body(mode=mode))
        assert answer.status == 200
        return answer.body

    def content(data: bytes) -> str:
        return str(msgspec.json.decode(data)["choices"][0]["message"]["content"])

    with ModelServer() as server:
        whole = meet(server)
        with pytest.raises(msgspec.DecodeError):
            msgspec.json.decode(meet(server, malformed=1))
        with pytest.raises(UnicodeDecodeError):
            meet(server, invalid_utf8=1).decode()
        with pytest.raises(msgspec.DecodeError):
            msgspec.json.decode(content(meet(server, nonsense=1)))
        assert len(content(meet(server, huge=1))) == 10**7
        assert content(meet(server, nested=1)) == "[" * 10**6
        assert msgspec.json.decode(meet(server, null=1))["choices"][0]["message"] == {
            "role": "assistant",
            "content": None,
        }
        cut = meet(server, truncated=1)
        assert msgspec.json.decode(cut)["choices"][0]["finish_reason"] == "length"
        assert content(whole).startswith(content(cut))
        assert len(content(cut)) < len(content(whole))
        arguments = msgspec.json.decode(meet(server, "tools", nested=1))["choices"][0]["message"]
        assert arguments["tool_calls"][0]["function"]["arguments"] == "[" * 10**6


def test_what_a_server_refuses_always() -> None:
    with ModelServer(faults=Faults(refuses_schema=True)) as server:
        asked = [body(mode=m) for m in ("json_schema", "tools", "text")]
        assert [a.status for a in ask(server.url, *asked)] == [400, 200, 200]
        server.faults = Faults(refuses_schema=True, refuses_tools=True)
        assert [a.status for a in ask(server.url, *asked)] == [400, 400, 200]
        server.faults = Faults(context_tokens=20)
        short, long = ask(server.url, body("short"), body("long " * 20))
        assert (short.status, long.status) == (200, 400)
        assert long.data["error"]["code"] == "context_length_exceeded"


def test_no_more_requests_a_minute_than_the_limit() -> None:
    with ModelServer(faults=Faults(requests_per_minute=3)) as server:
        answers = ask(server.url, *(body(str(i)) for i in range(5)))
    assert [a.status for a in answers] == [200, 200, 200, 429, 429]
    assert 50 < float(answers[-1].headers["Retry-After"]) <= 60


def test_a_run_meets_the_same_faults_again_and_a_retry_can_succeed() -> None:
    def fates(seed: int) -> list[str]:
        with ModelServer(faults=Faults(errors=0.3, malformed=0.2), seed=seed) as server:
            ask(server.url, *(body(str(i)) for i in range(60)), *(body("same") for _ in range(20)))
            return [a.fate for a in server.log]

    first = fates(1)
    assert first == fates(1) != fates(2)
    assert set(first[60:]) == {"ok", "errors", "malformed"}


def test_shares_are_kept_to() -> None:
    faults = Faults(errors=0.2, hangs=0.05, malformed=0.05)
    drawn = Counter(faults.draw(0, b"%d" % i, 0) for i in range(20_000))
    assert set(drawn) == {"ok", "errors", "hangs", "malformed"}
    assert drawn["errors"] == pytest.approx(4000, abs=250)
    assert drawn["hangs"] == pytest.approx(1000, abs=150)
    assert drawn["malformed"] == pytest.approx(1000, abs=150)


@pytest.mark.parametrize("name", SHARES)
def test_a_share_is_from_0_to_1(name: str) -> None:
    assert Faults(**{name: 1.0}).draw(0, b"", 0) == name
    with pytest.raises(ValueError, match=name):
        Faults(**{name: 1.1})
    with pytest.raises(ValueError, match="more than 1"):
        Faults(**{name: 0.6, SHARES[SHARES.index(name) - 1]: 0.6})


def test_limits_are_at_least_1() -> None:
    with pytest.raises(ValueError, match="requests_per_minute"):
        Faults(requests_per_minute=0)


@given(st.integers(0, 5), st.binary(max_size=8), st.integers(0, 99), st.integers(0, 99))
def test_equal_requests_are_equally_slow(seed: int, asked: bytes, one: int, other: int) -> None:
    latency = Latency(0.2, sigma=1.0, seed=seed)
    assert latency.seconds(asked, one) == latency.seconds(asked, other) > 0
    anew = Latency(0.2, sigma=1.0, seed=seed, by="arrival")
    assert (anew.seconds(asked, one) == anew.seconds(asked, other)) == (one == other)
    assert Latency(0.2).seconds(asked, one) == 0.2


def test_latency_is_lognormal() -> None:
    drawn = sorted(Latency(0.2, sigma=1.0).seconds(b"%d" % i, 0) for i in range(10_001))
    assert drawn[5000] == pytest.approx(0.2, rel=0.05)
    assert drawn[8413] == pytest.approx(0.2 * 2.718, rel=0.08)  # one sigma up
    assert drawn[1587] == pytest.approx(0.2 / 2.718, rel=0.08)
