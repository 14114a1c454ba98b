"""The live inferencer with endpoints that fail in every way: what is tried again, what is told."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from threading import Timer

import pytest
from aiohttp import web
from endpoints import SHAPE, all_of, ask, body, endpoint, model, raw_endpoint, requests

from hubbub.errors import ModelError
from hubbub.llm.chat import ChatRequest, Completion
from hubbub.llm.inferencer import LiveInferencer
from hubbub.testing import Faults, ModelServer

NOWHERE = "http://127.0.0.1:9/v1"


def echo(request: ChatRequest) -> str:
    return request.user


@pytest.mark.parametrize(
    ("faults", "limits"),
    [
        (Faults(errors=0.2), {}),
        (Faults(overloaded=0.2), {}),
        (Faults(drops=0.2), {}),
        (Faults(malformed=0.2), {}),
        (Faults(huge=0.05), {}),
        (Faults(hangs=0.05), {"timeout_seconds": 0.1}),
        (Faults(drips=0.05), {"timeout_seconds": 0.1}),
        (Faults(rate_limited=0.2, retry_after=0.01), {}),
    ],
)
def test_chance_faults_are_tried_again(faults: Faults, limits: dict[str, float]) -> None:
    with ModelServer(echo, faults=faults) as server:
        found = ask(model(server.url, attempts=12, **limits), 60)
        assert [found[i].text for i in range(60)] == [f"agent {i}" for i in range(60)]
        assert server.counts["ok"] >= 60
        assert server.counts.total() > server.counts["ok"]


@pytest.mark.parametrize(
    ("faults", "failure"),
    [
        (Faults(errors=1), "server_error"),
        (Faults(malformed=1), "server_error"),
        (Faults(huge=1), "server_error"),
        (Faults(drops=1), "connection"),
        (Faults(hangs=1), "timeout"),
        (Faults(drips=1), "timeout"),
    ],
)
def test_after_so_many_attempts_there_is_no_reply_and_a_reason(
    faults: Faults, failure: str
) -> None:
    with ModelServer(echo, faults=faults) as server:
        config = model(server.url, attempts=2, timeout_seconds=0.2 if failure == "timeout" else 5)
        with LiveInferencer[int]({"m": config}) as inferencer:
            inferencer.submit(requests(2))
            found = all_of(inferencer)
            usage = inferencer.usage()["m"]
        assert [(c.text, c.failure, c.attempts) for c in found.values()] == [(None, failure, 2)] * 2
        assert (usage.completions, usage.failures, usage.retries) == (0, {failure: 2}, 2)


def test_retry_after_is_honoured_and_only_that_endpoint_rests() -> None:
    came: list[float] = []

    async def resting(_: web.Request) -> web.Response:
        came.append(time.monotonic())
        if len(came) == 1:
            return web.Response(status=429, headers={"Retry-After": "0.4"})
        return web.Response(body=body())

    with ModelServer(echo, latency=0.02) as other, endpoint(resting) as url:
        config = model(url, other.url, concurrency=1)
        found = ask(config, 40)
        assert all(c.text is not None for c in found.values())
        assert came[1] - came[0] >= 0.4
        assert other.counts["ok"] > 4


def test_retry_after_may_be_a_date() -> None:
    came: list[float] = []

    async def resting(_: web.Request) -> web.Response:
        came.append(time.monotonic())
        if len(came) == 1:
            date = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
            return web.Response(status=503, headers={"Retry-After": date})
        return web.Response(body=body())

    with endpoint(resting) as url:
        assert ask(model(url), 1)[0].text == "hello"
    assert came[1] - came[0] > 0.9  # dates have whole seconds


def test_being_told_to_come_back_later_is_no_attempt_while_others_are_served() -> None:
    came: list[int] = []
    others: dict[int, Completion] = {}

    async def busy(request: web.Request) -> web.Response:
        if (await request.json())["seed"] == 0:
            came.append(0)
            if len(came) < 4:
                while len(others) < len(came):  # another one is served meanwhile
                    await asyncio.sleep(0.005)
                return web.Response(status=429, headers={"Retry-After": "0"})
        return web.Response(body=body())

    with endpoint(busy) as url, LiveInferencer[int]({"m": model(url, attempts=1)}) as inferencer:
        asked = requests(4)
        inferencer.submit(asked[:1])
        for i in range(1, 4):
            until = time.monotonic() + 5
            while len(came) < i and time.monotonic() < until:
                time.sleep(0.005)
            inferencer.submit(asked[i : i + 1])
            others |= dict(inferencer.wait(timeout=5))
        assert [(key, c.text) for key, c in inferencer.wait(timeout=5)] == [(0, "hello")]
    assert (len(came), sorted(others)) == (4, [1, 2, 3])


def test_an_endpoint_that_is_starting_is_waited_for_without_spending_attempts() -> None:
    with ModelServer(echo, faults=Faults(overloaded=1)) as server:
        timer = Timer(0.6, lambda: setattr(server, "faults", Faults()))
        timer.start()
        found = ask(model(server.url, attempts=2), 5)
        timer.join()
        assert [c.text for _, c in sorted(found.items())] == [f"agent {i}" for i in range(5)]
        assert server.counts["overloaded"] >= 2


def test_one_of_four_endpoints_dies_and_comes_back() -> None:
    servers = [ModelServer(echo, latency=0.01) for _ in range(4)]
    for server in servers:
        server.start()
    try:
        config = model(*(s.url for s in servers), concurrency=4)
        with LiveInferencer[int]({"m": config}) as inferencer:
            inferencer.submit(requests(400))
            found = dict(inferencer.wait())
            servers[2].stop()
            found |= all_of(inferencer)
            assert {c.text for c in found.values()} == {f"agent {i}" for i in range(400)}
            before = servers[2].counts["ok"]
            inferencer.submit(requests(100))
            found = all_of(inferencer)
            assert all(c.text is not None for c in found.values())
            assert inferencer.usage()["m"].endpoints[servers[2].url].state == "open"
            servers[2].start()
            until = time.monotonic() + 20
            while servers[2].counts["ok"] < before + 20 and time.monotonic() < until:
                inferencer.submit(requests(100))
                assert len(all_of(inferencer)) == 100
            assert inferencer.usage()["m"].endpoints[servers[2].url].state == "closed"
    finally:
        for server in servers:
            server.close()


def test_an_endpoint_that_is_gone_does_no_harm_to_the_others() -> None:
    with ModelServer(echo) as server:
        found = ask(model(NOWHERE, server.url, attempts=1, concurrency=2), 50)
        assert {c.endpoint for c in found.values()} == {server.url}
        assert {c.attempts for c in found.values()} == {1}


@pytest.mark.parametrize("up", [True, False])
def test_patience_ends_when_no_endpoint_answers(up: bool) -> None:
    with ModelServer(echo, faults=Faults(overloaded=1)) as server:
        url = server.url if up else NOWHERE
        with LiveInferencer[int]({"m": model(url, patience_seconds=0.3)}) as inferencer:
            inferencer.submit(requests(3))
            with pytest.raises(ModelError) as raised:
                inferencer.wait(timeout=10)
            message = str(raised.value)
            assert "model 'm': no endpoint has answered for 0.3 s" in message
            assert f"{url}: " in message
            assert ("HTTP 503" if up else "Cannot connect") in message
            assert inferencer.wait() == []


def test_hopeless_requests_do_not_stop_the_others_or_the_run() -> None:
    async def picky(request: web.Request) -> web.Response:
        hopeless = (await request.json())["seed"] % 2
        return web.Response(status=500) if hopeless else web.Response(body=body())

    with endpoint(picky) as url:
        found = ask(model(url, attempts=3, patience_seconds=2), 40)
    assert [found[i].failure for i in range(40)] == ["", "server_error"] * 20
    assert {found[i].attempts for i in range(1, 40, 2)} == {3}


def test_an_endpoint_that_always_fails_is_given_up_after_patience() -> None:
    with ModelServer(echo, faults=Faults(errors=1)) as server:
        config = model(server.url, patience_seconds=0.5)
        with pytest.raises(ModelError, match=r"(?s)no endpoint has answered.*HTTP 500"):
            ask(config, 100)


def test_a_connection_that_was_kept_open_too_long_is_replaced_for_free() -> None:
    seen: Counter[str] = Counter()

    async def closes(request: web.Request) -> web.Response:
        port = str(request.transport.get_extra_info("peername")[1])
        seen[port] += 1
        if seen[port] == 2:  # closes in the moment in which a second request comes
            request.transport.abort()
        return web.Response(body=body())

    with (
        endpoint(closes) as url,
        LiveInferencer[int]({"m": model(url, attempts=1)}) as inferencer,
    ):
        for _ in range(2):
            inferencer.submit(requests(1))
            completion = all_of(inferencer)[0]
            assert (completion.text, completion.attempts) == ("hello", 1)
    assert sorted(seen.values()) == [1, 2]


@pytest.mark.parametrize(
    ("faults", "mode", "calls"),
    [
        (Faults(), "json_schema", 0),
        (Faults(refuses_schema=True), "tools", 1),
        (Faults(refuses_schema=True, refuses_tools=True), "text", 2),
    ],
)
def test_the_form_an_endpoint_can_is_found_and_remembered(
    faults: Faults, mode: str, calls: int
) -> None:
    with ModelServer(echo, faults=faults) as picky, ModelServer(echo) as able:
        config = model(picky.url, able.url, concurrency=1, attempts=1)
        found = ask(config, 30)
        modes = {c.endpoint: c.mode for c in found.values()}
        assert modes == {picky.url: mode, able.url: "json_schema"}
        assert all(c.text == f"agent {i}" for i, c in found.items())
        refused = picky.counts.total() - picky.counts["ok"]
        assert refused == calls


def test_a_form_that_is_set_is_not_changed() -> None:
    with ModelServer(echo, faults=Faults(refuses_tools=True)) as server:
        assert ask(model(server.url, reply="text"), 1)[0].mode == "text"
        with pytest.raises(ModelError, match="refused the first request; check model, reply"):
            ask(model(server.url, reply="tools"), 1)


def test_a_refusal_about_something_else_does_not_lower_the_form() -> None:
    async def picky(request: web.Request) -> web.Response:
        asked = await request.json()
        if asked["messages"][1]["content"] == "agent 1":
            return web.json_response({"error": {"message": "not this one"}}, status=400)
        return web.Response(body=body())

    with endpoint(picky) as url:
        found = ask(model(url, concurrency=1), 3)
    assert [found[i].text for i in range(3)] == ["hello", None, "hello"]
    assert (found[1].failure, found[1].attempts) == ("refused", 1)
    assert found[2].mode == "json_schema"


def test_without_a_shape_plain_text_is_asked_for() -> None:
    with ModelServer(echo) as server:
        with LiveInferencer[int]({"m": model(server.url)}) as inferencer:
            inferencer.submit(requests(1, shape=None))
            assert all_of(inferencer)[0].mode == "text"
        assert server.log[0].mode == "text"
        assert SHAPE.raw not in server.log[0].body


def test_a_prompt_that_is_too_long_is_not_tried_again() -> None:
    with ModelServer(echo, faults=Faults(context_tokens=2)) as server:
        found = ask(model(server.url), 3)
        assert {(c.failure, c.attempts) for c in found.values()} == {("too_long", 1)}
        assert server.counts == {"context_tokens": 3}


@pytest.mark.parametrize(
    ("status", "said", "told"),
    [
        (404, "no such page", "does not know the model 'default', or the base URL is wrong"),
        (400, "the model `default` does not exist", "does not know the model 'default'"),
        (402, "Insufficient Balance", "no credit left"),
        (429, "insufficient_quota", "no credit left"),
        (307, "", "redirects elsewhere"),
        (401, "who are you", "name the environment variable that holds it \\(key_env\\)"),
        (418, "short and stout", "refused the first request"),
    ],
)
def test_what_makes_a_model_unusable_is_an_error_for_people(
    status: int, said: str, told: str
) -> None:
    calls: list[str] = []

    async def no(request: web.Request) -> web.Response:
        calls.append(request.path)
        return web.json_response(
            {"error": {"message": said}}, status=status, headers={"Location": "/v1/other"}
        )

    with endpoint(no) as url, pytest.raises(ModelError, match=told) as raised:
        ask(model(url), 1)
    assert f"model 'm' at {url}" in str(raised.value)
    assert said in str(raised.value)
    assert set(calls) == {"/v1/chat/completions"}


def test_an_error_in_one_model_ends_the_waiting_for_all() -> None:
    with ModelServer(echo, faults=Faults(hangs=1)) as hung, ModelServer(echo) as other:
        models = {"a": model(hung.url), "b": model(NOWHERE, patience_seconds=0.1)}
        models["c"] = model(other.url)
        with LiveInferencer[int](models) as inferencer:
            inferencer.submit(requests(2, name="a") + requests(2, name="b"))
            with pytest.raises(ModelError, match="model 'b'"):
                inferencer.wait(timeout=10)
            inferencer.submit(requests(2, name="c"))
            assert [c.text for c in all_of(inferencer).values()] == ["agent 0", "agent 1"]


def test_hostile_bodies_do_no_harm() -> None:
    bombs = [
        body("caf@").replace(b"@", b"\xff"),
        b'{"choices":' + b"[" * 10**6,
        body("x" * 2**21),
        body("\x00\x1b[2J"),
        body("fine"),
    ]

    async def serve(request: web.Request) -> web.Response:
        asked = await request.json()
        return web.Response(body=bombs[asked["seed"]])

    with endpoint(serve) as url:
        found = ask(model(url, attempts=1), len(bombs))
    assert [found[i].text for i in range(len(bombs))] == [
        "caf\ufffd",
        None,
        None,
        "\x00\x1b[2J",
        "fine",
    ]


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\x00\xff\r\n\r\n",
        b"HTTP/1.1 999999 Oh\r\n\r\n",
        b"HTTP/9.9 200 OK\r\n\r\n",
        b"HTTP/1.1 200 \xff\xfe\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        OK + b"X: " + b"y" * 10**5 + b"\r\n\r\n",
        OK + b"Content-Length: -1\r\n\r\n",
        OK + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\n{}",
        OK + b"Content-Length: 99\r\n\r\n{}",
        OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
        OK + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
        OK + b"Content-Encoding: odd\r\nContent-Length: 2\r\n\r\n{}",
        OK + b"Content-Type: text/plain; charset=\xff\r\nContent-Length: 2\r\n\r\n{}",
        OK + b"Set-Cookie: \xff=;;;\r\nContent-Length: 2\r\n\r\n{}",
        OK + b"Link: <http://[::>; rel=x\r\nContent-Length: 2\r\n\r\n{}",
    ],
)
def test_answers_that_are_hardly_http_are_failures_of_that_request_only(answer: bytes) -> None:
    with raw_endpoint(answer) as url:
        found = ask(model(url, attempts=1, timeout_seconds=0.5), 2)
    assert {c.failure for c in found.values()} <= {"connection", "server_error"}
    assert all(c.text is None for c in found.values())


def test_a_compressed_bomb_is_not_unpacked() -> None:
    bomb = gzip.compress(b" " * 2**26)
    assert len(bomb) < 2**17

    async def serve(_: web.Request) -> web.Response:
        return web.Response(body=bomb, headers={"Content-Encoding": "gzip"})

    with endpoint(serve) as url:
        found = ask(model(url, attempts=1), 2)
    assert {c.failure for c in found.values()} == {"server_error"}


def test_a_body_without_end_is_cut_off() -> None:
    written = 0

    async def serve(request: web.Request) -> web.StreamResponse:
        nonlocal written
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while written < 2**28:
                await response.write(b" " * 2**16)
                written += 2**16
                await asyncio.sleep(0)
        except ConnectionError:
            pass
        return response

    with endpoint(serve) as url:
        assert ask(model(url, attempts=1), 1)[0].failure == "server_error"
    assert written < 2**26
