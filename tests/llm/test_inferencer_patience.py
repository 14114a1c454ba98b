"""How long a model that does not answer is waited for, and which failures cost a turn."""

from __future__ import annotations

import asyncio
import time
from threading import Timer

import pytest
from aiohttp import web
from endpoints import all_of, ask, body, endpoint, model, raw_endpoint, requests

from hubbub.errors import ModelError
from hubbub.llm.chat import ChatRequest
from hubbub.llm.inferencer import LiveInferencer
from hubbub.testing import Faults, ModelServer

PATIENCE = 1.0


def back_soon(server: ModelServer) -> Timer:
    """Take the server away for a moment."""
    server.stop()
    timer = Timer(0.4, server.start)
    timer.start()
    return timer


def test_each_time_nobody_answers_patience_begins_anew() -> None:
    with (
        ModelServer() as server,
        LiveInferencer[int]({"m": model(server.url, patience_seconds=PATIENCE)}) as inferencer,
    ):
        for _ in range(2):
            timer = back_soon(server)
            inferencer.submit(requests(1))
            assert all_of(inferencer)[0].text is not None
            timer.join()
            time.sleep(PATIENCE)  # so long nobody asks: that is no waiting


def test_time_in_which_nobody_asks_is_no_waiting_though_the_endpoint_was_gone() -> None:
    with ModelServer(faults=Faults(drops=1)) as server:
        config = model(server.url, patience_seconds=2, attempts=1, concurrency=8)
        with LiveInferencer[int]({"m": config}) as inferencer:
            inferencer.submit(requests(9))  # eight failures put the endpoint out of use
            failed = all_of(inferencer)
            assert {c.failure for c in failed.values()} == {"connection"}
            assert inferencer.usage()["m"].endpoints[server.url].state == "open"
            time.sleep(2)
            server.faults = Faults()
            inferencer.submit(requests(2))
            assert [c.failure for c in all_of(inferencer).values()] == ["", ""]


def test_being_told_to_come_back_later_costs_no_turn_while_patience_lasts() -> None:
    until = time.monotonic() + 1.5

    async def busy(_: web.Request) -> web.Response:
        if time.monotonic() < until:
            return web.Response(status=429)  # without a word on when
        return web.Response(body=body())

    with endpoint(busy) as url:
        found = ask(model(url, attempts=2, patience_seconds=10), 40)
    assert {c.failure for c in found.values()} == {""}


def test_where_everyone_is_told_to_come_back_later_patience_ends() -> None:
    with ModelServer(faults=Faults(rate_limited=1, retry_after=3600)) as server:
        config = model(server.url, patience_seconds=0.3, concurrency=4)
        began = time.monotonic()
        with pytest.raises(ModelError, match=r"(?s)no endpoint has answered for 0.3 s.*HTTP 429"):
            ask(config, 50)
        assert time.monotonic() - began < 5


def test_one_who_is_always_told_to_come_back_later_is_given_up_while_others_are_served() -> None:
    async def choosy(request: web.Request) -> web.Response:
        if (await request.json())["seed"] == 0:
            return web.Response(status=429, headers={"Retry-After": "0"})
        await asyncio.sleep(0.02)
        return web.Response(body=body())

    with endpoint(choosy) as url:
        found = ask(model(url, attempts=2, patience_seconds=0.3, concurrency=2), 60)
    assert found.pop(0).failure == "overloaded"
    assert {c.failure for c in found.values()} == {""}


def test_an_endpoint_that_hangs_loses_its_work_though_copies_are_answered_first() -> None:
    with ModelServer(latency=0.01) as well, ModelServer(faults=Faults(hangs=1)) as hung:
        config = model(well.url, hung.url, concurrency=16, timeout_seconds=60)
        with LiveInferencer[int]({"m": config}) as inferencer:
            for step in range(8):
                asked = [(i, ChatRequest("m", "", f"agent {i} {step}")) for i in range(60)]
                inferencer.submit(asked)
                found = all_of(inferencer)
                assert {c.endpoint for c in found.values()} == {well.url}
            usage = inferencer.usage()["m"].endpoints
        assert usage[hung.url].state == "open"
        assert usage[hung.url].failed >= 8
        assert len(hung.log) < 16 + 8 + 1  # at first a full house, then one by one
        assert (usage[well.url].state, usage[well.url].failed) == ("closed", 0)


@pytest.mark.parametrize("host", ["a..b", "256.256.256.256", "a" * 70 + ".example"])
def test_a_host_that_cannot_be_is_named_when_patience_ends(host: str) -> None:
    url = f"http://{host}/v1"
    with pytest.raises(ModelError, match="no endpoint has answered") as raised:
        ask(model(url, patience_seconds=0.1), 1)
    assert url in str(raised.value)


def test_a_date_beyond_all_calendars_does_no_harm() -> None:
    date = b"Mon, 01 Jan 99999999999 00:00:00 GMT"
    answer = b"HTTP/1.1 500 no\r\nRetry-After: " + date + b"\r\nContent-Length: 0\r\n\r\n"
    with raw_endpoint(answer) as url:
        assert ask(model(url, attempts=2), 1)[0].failure == "server_error"


@pytest.mark.parametrize("status", [400, 403])
def test_a_content_filter_ends_a_turn_and_not_the_run(status: int) -> None:
    calls: list[str] = []

    async def prude(request: web.Request) -> web.Response:
        calls.append((await request.json())["messages"][1]["content"])
        if calls[-1] == "agent 0":
            said = {"error": {"message": "your input was flagged", "code": "content_filter"}}
            return web.json_response(said, status=status)
        return web.Response(body=body())

    with endpoint(prude) as url:
        found = ask(model(url, concurrency=1), 2)  # the very first request is the one refused
    assert [(found[i].failure, found[i].attempts) for i in range(2)] == [("refused", 1), ("", 1)]
    assert calls == ["agent 0", "agent 1"]
