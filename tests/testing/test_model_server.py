"""The model server as clients meet it when nothing is wrong, and as tests handle it."""

from __future__ import annotations

import http.client
import socket
import time
from multiprocessing import active_children
from urllib.parse import urlsplit

import aiohttp
import msgspec
import pytest
from chat_client import LIKE, ask, body

from hubbub.errors import ModelError
from hubbub.llm.chat import ChatRequest, Completion, ReplyShape
from hubbub.llm.tokens import estimate_tokens
from hubbub.testing import Faults, Latency, ModelServer, ScriptedModel, ValidModel


def get(url: str, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=5)
    connection.request("GET", path)
    response = connection.getresponse()
    result = response.status, response.read()
    connection.close()
    return result


def like(text: str) -> int:
    """Return the id of a valid reply to `LIKE`."""
    (action,) = msgspec.json.decode(text)["do"]
    assert set(action) == {"action", "id"}
    assert action["action"] == "like"
    return int(action["id"])


def test_valid_replies_in_every_mode() -> None:
    with ModelServer() as server:
        schema, tools, text = ask(
            server.url, *(body(mode=m) for m in ("json_schema", "tools", "text"))
        )
        again, other = ask(
            server.url, body(mode="json_schema"), body("else", mode="json_schema", seed=7)
        )
    call = tools.data["choices"][0]["message"]["tool_calls"][0]
    assert like(schema.content) == like(call["function"]["arguments"]) in (1, 2, 3)
    assert call["function"]["name"] == "reply"
    assert 10 <= len(text.content.split()) <= 14
    assert again.content == schema.content
    assert like(other.content) in (1, 2, 3)
    assert [a.mode for a in server.log[:3]] == ["json_schema", "tools", "text"]


def test_the_same_replies_as_in_process() -> None:
    shape = ReplyShape("reply", LIKE)
    with ModelServer(ValidModel(5)) as server:
        for i in range(8):
            request = ChatRequest("any", "The rules.", f"post {i}", shape, seed=i)
            asked = body(f"post {i}", mode="json_schema", seed=i)
            assert ask(server.url, asked)[0].content == ValidModel(5)(request)


def test_usage_counts_the_head_as_cached_once_it_was_seen() -> None:
    with ModelServer([{"do": []}]) as server:
        first, second = ask(server.url, body("one"), body("two"))
    head = estimate_tokens("The rules.")
    for answer, cached in ((first, 0), (second, head)):
        usage = answer.data["usage"]
        assert usage["prompt_tokens"] == head + estimate_tokens("one")
        assert usage["completion_tokens"] == estimate_tokens('{"do":[]}')
        assert usage["prompt_tokens_details"]["cached_tokens"] == cached


def test_scripted_replies() -> None:
    with ModelServer(["first", {"do": [1]}, Completion("cut", finish="length")]) as server:
        answers = ask(server.url, *(body(str(i)) for i in range(4)))
    assert [a.content for a in answers] == ["first", '{"do":[1]}', "cut", "cut"]
    assert [a.data["choices"][0]["finish_reason"] for a in answers][1:3] == ["stop", "length"]


def test_a_function_is_given_the_request_as_it_was_sent() -> None:
    model = ScriptedModel(lambda request: request.user.upper())
    asked = body("héllo", mode="json_schema", max_tokens=77, seed=9)
    with ModelServer(model) as server:
        (answer,) = ask(server.url, asked, key="sk-1")
    assert answer.content == "HÉLLO"
    (request,) = model.requests
    want = ChatRequest("m", "The rules.", "héllo", ReplyShape("reply", LIKE), 77, 9)
    assert request.digest() == want.digest()
    (logged,) = server.log
    assert (logged.model, logged.system, logged.user) == ("m", "The rules.", "héllo")
    assert (logged.mode, logged.fate, logged.authorization) == ("json_schema", "ok", "Bearer sk-1")
    assert msgspec.json.decode(logged.body) == asked
    assert 0 <= logged.at < 60


@pytest.mark.parametrize(
    ("failure", "status", "fate"),
    [
        ("overloaded", 503, "overloaded"),
        ("server_error", 500, "errors"),
        ("too_long", 400, "too_long"),
        ("refused", 400, "bad_request"),
    ],
)
def test_a_completion_with_a_failure_is_that_failure(failure: str, status: int, fate: str) -> None:
    with ModelServer([Completion(None, failure=failure), "ok"]) as server:  # type: ignore[arg-type]
        answers = ask(server.url, body("1"), body("2"))
    assert [a.status for a in answers] == [status, 200]
    assert [a.fate for a in server.log] == [fate, "ok"]


def test_half_a_surrogate_pair_in_a_reply_does_no_harm() -> None:
    with ModelServer(["\ud83d é"]) as server:
        assert ask(server.url, body())[0].content == "? é"


def test_work_waits_for_a_slot() -> None:
    with ModelServer(latency=0.05, slots=2) as server:
        began = time.monotonic()
        ask(server.url, *(body(str(i)) for i in range(6)), together=True)
        took = time.monotonic() - began
    assert took >= 3 * 0.05
    assert (server.busy.peak, server.busy.now) == (2, 0)
    assert 6 * 0.05 <= server.busy.seconds <= 2 * took


def test_without_slots_all_are_worked_on_at_once() -> None:
    with ModelServer(latency=0.5) as server:
        ask(server.url, *(body(str(i)) for i in range(20)), together=True)
    assert server.busy.peak == 20


def test_a_client_who_goes_away_frees_its_slot() -> None:
    with ModelServer(faults=Faults(hangs=1.0), slots=1) as server:
        with pytest.raises(TimeoutError):
            ask(server.url, *(body(str(i)) for i in range(3)), together=True, timeout=0.5)
        server.faults = Faults()
        assert ask(server.url, body())[0].status == 200
        assert server.busy.now == 0
        assert server.counts == {"hangs": 3, "ok": 1}


def test_more_slots_begin_what_waits() -> None:
    with ModelServer(faults=Faults(hangs=1.0), slots=1) as server:
        with pytest.raises(TimeoutError):
            ask(server.url, body("1"), body("2"), together=True, timeout=0.5)
        assert server.busy.peak == 1
        server.slots = 2
        with pytest.raises(TimeoutError):
            ask(server.url, body("1"), body("2"), together=True, timeout=0.5)
        assert server.busy.peak == 2
    with pytest.raises(ValueError, match="slots"):
        ModelServer(slots=0)


def test_it_dies_and_comes_back_on_the_same_address() -> None:
    with ModelServer() as server:
        url = server.url
        assert ask(url, body("1"))[0].status == 200
        server.stop()
        with pytest.raises(aiohttp.ClientConnectorError):
            ask(url, body("2"))
        for _ in range(2):
            server.start()
        assert server.url == url
        assert ask(url, body("3"))[0].status == 200
        assert [a.user for a in server.log] == ["1", "3"]


def test_requests_in_hand_are_cut_when_it_dies() -> None:
    with ModelServer(faults=Faults(hangs=1.0)) as server:
        address = urlsplit(server.url)
        connection = http.client.HTTPConnection(address.netloc, timeout=5)
        connection.request("POST", "/v1/chat/completions", msgspec.json.encode(body()))
        while not server.counts:
            time.sleep(0.005)
        server.stop()
        assert server.busy.now == 0
        with pytest.raises((ConnectionError, http.client.RemoteDisconnected)):
            connection.getresponse()
        connection.close()


def test_requests_in_one_piece_or_in_many_are_answered_in_order() -> None:
    model = ScriptedModel(lambda request: f"<{request.user}>")
    parts = []
    for i in range(3):
        data = msgspec.json.encode(body(f"u{i}"))
        head = f"POST /v1/chat/completions HTTP/1.1\r\ncontent-LENGTH:{len(data)}\r\n\r\n"
        parts.append(head.encode() + data)
    stream = b"".join(parts)
    with ModelServer(model, latency=0.01) as server:
        address = urlsplit(server.url)
        for pieces in ([stream], [stream[i : i + 37] for i in range(0, len(stream), 37)]):
            with socket.create_connection((address.hostname, address.port), timeout=5) as client:
                for piece in pieces:
                    client.sendall(piece)
                got = b""
                while got.count(b"<u") < 3:
                    got += client.recv(65536)
            assert got.index(b"<u0>") < got.index(b"<u1>") < got.index(b"<u2>")


def test_the_other_pages() -> None:
    with ModelServer() as server:
        assert get(server.url, "/health") == (200, b'{"status":"ok"}')
        status, models = get(server.url, "/v1/models")
        assert (status, msgspec.json.decode(models)["object"]) == (200, "list")
        assert get(server.url, "/elsewhere")[0] == 404
        assert server.counts == {}


def test_what_is_no_request_is_refused() -> None:
    unknown = body()
    unknown["tools"] = [{"function": {"name": "f", "parameters": {"pattern": "a+"}}}]
    with ModelServer() as server:
        (nothing, unknown_keyword) = ask(server.url, {"messages": 3}, unknown)
    assert (nothing.status, unknown_keyword.status) == (400, 400)
    assert "messages" in nothing.data["error"]["message"]
    assert "'pattern'" in unknown_keyword.data["error"]["message"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b'{"messages":[{"role":"user","content":"caf\xff"}]}',
        b'{"messages":' + b"[" * 10**5,
        b'{"messages":[],"x":' + b"[" * 10**5,
    ],
)
def test_bytes_that_are_no_request_are_refused(data: bytes) -> None:
    with ModelServer() as server:
        connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=5)
        connection.request("POST", "/v1/chat/completions", data)
        assert connection.getresponse().status == 400
        connection.close()
        assert server.counts == {"bad_request": 1}


def test_an_error_in_a_function_reaches_the_test() -> None:
    def broken(request: ChatRequest) -> str:
        raise KeyError(request.user)

    server = ModelServer(ScriptedModel(broken))
    server.start()
    with pytest.raises(aiohttp.ClientError):
        ask(server.url, body("oh"))
    with pytest.raises(ModelError, match=r"raised KeyError\('oh'\)"):
        server.close()


def test_an_address_that_is_taken_and_one_that_is_not_there_yet() -> None:
    with ModelServer() as server:
        port = urlsplit(server.url).port
        assert port is not None
        with pytest.raises(OSError, match="address already in use"):
            ModelServer(port=port).start()
    unstarted = ModelServer()
    with pytest.raises(ModelError, match="before it is started"):
        unstarted.url  # noqa: B018
    unstarted.stop()
    unstarted.close()
    assert (unstarted.log, unstarted.counts, unstarted.busy.peak) == ([], {}, 0)


def test_a_log_of_bounded_length() -> None:
    with ModelServer(log_size=2) as server:
        ask(server.url, *(body(str(i)) for i in range(5)))
    assert [a.user for a in server.log] == ["3", "4"]
    assert server.counts == {"ok": 5}


def test_in_a_process_of_its_own(capfd: pytest.CaptureFixture[str]) -> None:
    with ModelServer(["one", "two"], where="process", latency=0.01, slots=3) as server:
        url = server.url
        assert [a.content for a in ask(url, body("1"), body("2"))] == ["one", "two"]
        server.faults = Faults(errors=1.0)
        server.latency = 0.0
        server.slots = None
        assert ask(url, body("3"))[0].status == 500
        assert (server.faults.errors, server.latency, server.slots) == (1.0, Latency(0.0), None)
        server.stop()
        with pytest.raises(aiohttp.ClientConnectorError):
            ask(url, body("4"))
        server.start()
        assert server.url == url
        server.faults = Faults()
        assert ask(url, body("5"))[0].content == "two"
        assert server.busy.seconds >= 0.02
    assert [a.user for a in server.log] == ["1", "2", "3", "5"]
    assert server.counts == {"ok": 3, "errors": 1}
    with pytest.raises(ModelError, match="closed"):
        server.start()
    server.close()
    assert capfd.readouterr() == ("", "")


def test_replies_that_cannot_leave_this_process() -> None:
    server = ModelServer(ScriptedModel(lambda _: "x"), where="process")
    with pytest.raises(ModelError, match="top level of a module"):
        server.start()


def test_a_process_that_is_killed_is_told_of() -> None:
    server = ModelServer(where="process")
    server.start()
    (process,) = (p for p in active_children() if p.name == "model server")
    process.kill()
    process.join()
    with pytest.raises(ModelError, match="ended by itself"):
        server.log  # noqa: B018
    with pytest.raises(ModelError, match="ended by itself"):
        server.close()
