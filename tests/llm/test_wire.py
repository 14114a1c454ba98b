"""Requests as bytes and back; whatever a response holds, reading it does no harm."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from endpoints import SHAPE, body
from hypothesis import given
from hypothesis import strategies as st

from hubbub.config.models import ModelConfig
from hubbub.errors import ModelError
from hubbub.llm.chat import ChatRequest
from hubbub.llm.wire import LADDER, Refusal, Reply, Writer, read, retry_after

TEXTS = st.text(st.characters(), max_size=50)  # with lone surrogates
URL = "http://localhost:1/v1"


def written(request: ChatRequest, rung: str, **config: object) -> dict[str, object]:
    writer = Writer("m", ModelConfig(urls=[URL], **config))
    return json.loads(writer.body(request, rung))


@given(system=TEXTS, user=TEXTS, rung=st.sampled_from(LADDER))
def test_a_body_says_what_the_request_says(system: str, user: str, rung: str) -> None:
    asked = written(ChatRequest("m", system, user, SHAPE, max_tokens=9, seed=4), rung, model="big")
    contents = [m["content"] for m in asked["messages"]]
    assert contents == [t.encode("utf-8", "replace").decode() for t in (system, user)]
    assert [m["role"] for m in asked["messages"]] == ["system", "user"]
    assert (asked["model"], asked["max_tokens"], asked["seed"]) == ("big", 9, 4)
    assert (asked["temperature"], asked["top_p"]) == (0.8, 1.0)
    assert ("response_format" in asked, "tools" in asked) == (rung == LADDER[0], rung == LADDER[1])


def test_the_form_of_the_reply_is_asked_for_by_schema_and_by_tool() -> None:
    request = ChatRequest("m", "s", "u", SHAPE)
    assert written(request, "json_schema")["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "turn", "strict": True, "schema": SHAPE.schema},
    }
    asked = written(request, "tools")
    assert asked["tools"] == [
        {"type": "function", "function": {"name": "reply", "parameters": SHAPE.schema}}
    ]
    assert asked["tool_choice"] == {"type": "function", "function": {"name": "reply"}}


def test_extra_fields_are_added_replace_and_leave_out() -> None:
    extra = {"temperature": None, "max_tokens": None, "max_completion_tokens": 50, "seed": 1}
    asked = written(ChatRequest("m", "s", "u", seed=8), "text", extra=extra)
    assert "temperature" not in asked
    assert "max_tokens" not in asked
    assert (asked["max_completion_tokens"], asked["seed"]) == (50, 1)
    with pytest.raises(ModelError, match="extra must not set 'stream'"):
        written(ChatRequest("m", "s", "u"), "text", extra={"stream": True})


def test_a_reply_is_read_with_its_figures() -> None:
    response = json.loads(body("hi"))
    response["usage"]["prompt_tokens_details"] = {"cached_tokens": 5}
    assert read(200, json.dumps(response).encode(), "text") == Reply("hi", 7, 5, 3, "stop")


@pytest.mark.parametrize(
    ("content", "calls", "rung", "text"),
    [
        (None, None, "text", ""),
        ("a", None, "tools", "a"),
        (None, '{"do": 1}', "tools", '{"do": 1}'),
        ("chat", '{"do": 1}', "tools", '{"do": 1}'),
        ("", '{"do": 1}', "json_schema", '{"do": 1}'),
        (None, {"do": 1}, "tools", '{"do":1}'),
        ([{"type": "text", "text": "a"}, {"type": "image"}, {"text": "b"}], None, "text", "ab"),
        (7, None, "text", ""),
    ],
)
def test_the_text_is_found_wherever_it_is(
    content: object, calls: object, rung: str, text: str
) -> None:
    more = {} if calls is None else {"tool_calls": [{"function": {"arguments": calls}}]}
    outcome = read(200, body(content, **more), rung)
    assert isinstance(outcome, Reply)
    assert outcome.text == text


@pytest.mark.parametrize(
    ("bad", "shown"),
    [
        (b"\xff", "\ufffd"),
        (b"\xc3", "\ufffd"),
        ("é".encode() + b"\xa0", "é\ufffd"),
        (b"\xed\xa0\x80", "\ufffd" * 3),  # half a surrogate pair
    ],
)
def test_invalid_utf8_is_replaced_wherever_it_stands(bad: bytes, shown: str) -> None:
    elsewhere = body("fine").replace(b"{", b'{"note@":"@",', 1).replace(b"@", bad)
    assert read(200, elsewhere, "text") == Reply("fine", 7, 0, 3, "stop")
    within = body("caf@").replace(b"@", bad)
    assert read(200, within, "text") == Reply(f"caf{shown}", 7, 0, 3, "stop")
    refused = read(400, b'{"error":"caf@"}'.replace(b"@", bad), "text")
    assert refused == Refusal("form", f"HTTP 400: caf{shown}")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"null",
        b"[" * 10**6,
        b'{"choices":[]}',
        b'{"choices":[{}]}',
        b'{"choices":"no"}',
        b'{"error":{"message":"inside"}}',
        b'{"x":' + b"[" * 10**6,
    ],
)
def test_what_is_no_response_is_a_server_error(data: bytes) -> None:
    outcome = read(200, data, "json_schema")
    assert isinstance(outcome, Refusal)
    assert outcome.trouble == "server_error"


@pytest.mark.parametrize("count", ["null", "-5", "1e300", '"many"', "true", "9" * 30])
def test_token_counts_are_small_whole_numbers(count: str) -> None:
    data = body().replace(b'"prompt_tokens":7', b'"prompt_tokens":' + count.encode())
    outcome = read(200, data, "text")
    if isinstance(outcome, Reply):
        assert 0 <= outcome.prompt_tokens < 2**31
    else:
        assert outcome.trouble == "server_error"


@pytest.mark.parametrize(
    ("status", "message", "trouble"),
    [
        (401, "no", "key"),
        (403, "no", "key"),
        (402, "pay", "money"),
        (429, "You exceeded your current quota (insufficient_quota)", "money"),
        (429, "slow down", "overloaded"),
        (503, "Loading model", "unavailable"),
        (404, "page not found", "model"),
        (400, "The model `x` does not exist", "model"),
        (400, "This model's maximum context length is 4096 tokens", "too_long"),
        (400, "the request exceeds the available context size", "too_long"),
        (413, "prompt is too long", "too_long"),
        (400, "the prompt triggered our content management policy (content_filter)", "filtered"),
        (400, "Content Exists Risk", "filtered"),
        (403, "This model requires moderation and your input was flagged", "filtered"),
        (451, "", "filtered"),
        (400, "response_format is not supported by this model", "form"),
        (422, "extra fields not permitted", "form"),
        (501, "", "form"),
        (418, "", "refused"),
        (301, "", "moved"),
        (408, "", "server_error"),
        (500, "", "server_error"),
        (504, "", "server_error"),
    ],
)
def test_troubles_are_told_apart(status: int, message: str, trouble: str) -> None:
    for data in ({"error": {"message": message}}, {"error": message}, {"detail": message}):
        outcome = read(status, json.dumps(data).encode(), "text")
        assert isinstance(outcome, Refusal)
        assert outcome.trouble == trouble
        assert message in outcome.said


def test_codes_count_as_words() -> None:
    data = b'{"error":{"message":"no","code":"context_length_exceeded"}}'
    outcome = read(400, data, "text")
    assert outcome == Refusal("too_long", "HTTP 400: no (context_length_exceeded)")


@given(status=st.integers(100, 599), data=st.binary(max_size=60), rung=st.sampled_from(LADDER))
def test_reading_never_raises(status: int, data: bytes, rung: str) -> None:
    outcome = read(status, data, rung)
    if isinstance(outcome, Refusal):
        assert outcome.said.isprintable()


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("3", 3.0),
        ("0.25", 0.25),
        ("-4", 0.0),
        ("inf", None),
        ("nan", None),
        ("soon", None),
        ("Fri, 02 Jan 2026 00:00:30 GMT", 30.0),
        ("Thu, 01 Jan 2026 00:00:30 GMT", 0.0),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    assert retry_after(header, now=datetime(2026, 1, 2, tzinfo=UTC)) == seconds
