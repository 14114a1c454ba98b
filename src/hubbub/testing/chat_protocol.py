"""The server's side of the chat protocol: what a body asks for, and the bytes of an answer."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal, NamedTuple

import msgspec
from msgspec import Raw, Struct

from hubbub.llm.chat import ChatRequest, Completion, ReplyShape

#: How the form of a reply was asked for.
Mode = Literal["json_schema", "tools", "text"]


class _JsonSchema(Struct):
    schema: Raw
    name: str = ""


class _Format(Struct):
    json_schema: _JsonSchema | None = None


class _Function(Struct):
    parameters: Raw
    name: str = ""


class _Tool(Struct):
    function: _Function


class _Message(Struct):
    role: str
    content: str | None = None


class _Body(Struct):
    messages: list[_Message]
    model: str = ""
    response_format: _Format | None = None
    tools: list[_Tool] | None = None
    max_tokens: int | None = None
    seed: int | None = None


class ParsedRequest(NamedTuple):
    """A request as it came over the wire."""

    request: ChatRequest
    mode: Mode


_decoder = msgspec.json.Decoder(_Body)


def read_question(body: bytes) -> ParsedRequest:
    """Read the body of a request. Raises ValueError or RecursionError if it is none.

    System messages together are the system text, all others the user's.
    """
    asked = _decoder.decode(body)
    mode: Mode = "text"
    shape = None
    if asked.response_format is not None and asked.response_format.json_schema is not None:
        mode = "json_schema"
        form = asked.response_format.json_schema
        shape = _shape(form.name, bytes(form.schema))
    elif asked.tools:
        mode = "tools"
        function = asked.tools[0].function
        shape = _shape(function.name, bytes(function.parameters))
    said: dict[bool, list[str]] = {True: [], False: []}
    for message in asked.messages:
        said[message.role in ("system", "developer")].append(message.content or "")
    request = ChatRequest(
        model=asked.model,
        system="\n".join(said[True]),
        user="\n".join(said[False]),
        shape=shape,
        max_tokens=asked.max_tokens or 0,
        seed=asked.seed or 0,
    )
    return ParsedRequest(request, mode)


@lru_cache(maxsize=1024)
def _shape(name: str, schema: bytes) -> ReplyShape:
    return ReplyShape(name, msgspec.json.decode(schema, type=dict[str, Any]))


def answer(question: ParsedRequest, completion: Completion) -> bytes:
    """Return the body that brings this completion."""
    text = completion.text
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if question.mode == "tools" and question.request.shape is not None and text is not None:
        function = {"name": question.request.shape.name, "arguments": text}
        call = {"id": "call_1", "type": "function", "function": function}
        message = {"role": "assistant", "content": None, "tool_calls": [call]}
    return msgspec.json.encode(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 0,
            "model": question.request.model,
            "choices": [{"index": 0, "message": message, "finish_reason": completion.finish}],
            "usage": {
                "prompt_tokens": completion.prompt_tokens,
                "completion_tokens": completion.completion_tokens,
                "total_tokens": completion.prompt_tokens + completion.completion_tokens,
                "prompt_tokens_details": {"cached_tokens": completion.cached_tokens},
            },
        }
    )


def complaint(message: str, code: str) -> bytes:
    """Return the body of an error."""
    error = {"message": message, "type": "invalid_request_error", "code": code}
    return msgspec.json.encode({"error": error})
