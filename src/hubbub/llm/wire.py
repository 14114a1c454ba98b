"""The protocol: chat completions of the OpenAI kind, as bytes. Pure functions, no IO."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, Literal, TypeVar

import msgspec

from hubbub.config.models import ModelConfig
from hubbub.errors import ModelError
from hubbub.llm.chat import ChatRequest

T = TypeVar("T")

#: How to request the form of a reply, from the strictest to the plainest mode.
Rung = Literal["json_schema", "tools", "text"]
LADDER: Final[tuple[Rung, ...]] = ("json_schema", "tools", "text")

#: Bytes of a response that are read; a longer one is not a reply.
LARGEST_BODY: Final = 1 << 20

#: What can be wrong with a response, or with getting one:
#:
#: =============  =============================================================
#: key            the key is missing or wrong
#: money          no credit left
#: model          no such model, or no such address
#: moved          a redirect; they are not followed, as the key would go along
#: too_long       the prompt is longer than the model's context
#: filtered       refused by a content filter, for what the prompt says
#: form           refused, perhaps for the form of reply that was asked for
#: refused        refused for another reason
#: overloaded     too many requests: come back later
#: unavailable    not there now: still loading, restarting, or swamped
#: server_error   any other 5xx, a response that cannot be read or is too long
#: timeout        nothing, or not all of it, came in time
#: connection     the connection broke
#: unreachable    there was no connection at all, so nothing was sent
#: =============  =============================================================
Trouble = Literal[
    "key",
    "money",
    "model",
    "moved",
    "too_long",
    "filtered",
    "form",
    "refused",
    "overloaded",
    "unavailable",
    "server_error",
    "timeout",
    "connection",
    "unreachable",
]

#: The meaning of statuses, and of all in a hundred that are not listed; the rest are
#: `server_error`.
_STATUSES: Final[dict[int, Trouble]] = {
    400: "form",
    401: "key",
    402: "money",
    403: "key",
    404: "model",
    408: "server_error",
    409: "server_error",
    422: "form",
    425: "server_error",
    429: "overloaded",
    451: "filtered",
    501: "form",
    502: "unavailable",
    503: "unavailable",
    529: "overloaded",
}
_HUNDREDS: Final[dict[int, Trouble]] = {3: "moved", 4: "refused"}

_FIXED = ("messages", "stream", "response_format", "tools", "tool_choice")
_CACHED_HEADS = 64
_MOST_TOKENS = 2**31 - 1

_TOO_LONG = re.compile(
    r"context[ _](length|size|window)|maximum context|max_model_len|exceed_context"
    r"|(prompt|input) is too long|too many (input )?tokens",
    re.IGNORECASE,
)
_FILTERED = re.compile(
    r"content[_ ](filter|policy|management)|content exists risk|data_?inspection|moderation"
    r"|flagged|inappropriate content",
    re.IGNORECASE,
)
_NO_MODEL = re.compile(
    r"model_not_found|no such model|model\b.{0,200}(not found|not exist|not available)",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply as it came. Token counts are 0 if the endpoint does not give them."""

    text: str
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    finish: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """No reply: the kind of trouble, the endpoint's own words, seconds it asks to be left alone."""

    trouble: Trouble
    said: str
    retry_after: float | None = None


class Writer:
    """Turns requests for one model into bodies of ``POST {base}/chat/completions``.

    A field of `extra` replaces the one of the same name; null leaves that field out.
    """

    def __init__(self, name: str, config: ModelConfig) -> None:
        taken = next((field for field in _FIXED if field in config.extra), None)
        if taken is not None:
            raise ModelError(f"model '{name}': extra must not set '{taken}'; leave it out")
        fields: dict[str, Any] = {
            "model": config.model,
            "temperature": config.temperature,
            "top_p": config.top_p,
        } | config.extra
        fields = {field: value for field, value in fields.items() if value is not None}
        self._start = msgspec.json.encode(fields)[:-1] + (b"," if fields else b"")
        self._start += b'"messages":[{"role":"system","content":'
        self._with_length = "max_tokens" not in config.extra
        self._with_seed = "seed" not in config.extra
        self._heads: dict[str, bytes] = {}

    def body(self, request: ChatRequest, rung: Rung) -> bytes:
        """Return the body, which requests the form of the reply in this mode."""
        parts = [self._head(request.system), _quoted(request.user), b"}]"]
        if self._with_length:
            parts.append(b',"max_tokens":%d' % request.max_tokens)
        if self._with_seed:
            parts.append(b',"seed":%d' % request.seed)
        shape = request.shape
        if shape is not None and rung == "json_schema":
            parts += (
                b',"response_format":{"type":"json_schema","json_schema":{"name":',
                _quoted(shape.name),
                b',"strict":true,"schema":',
                shape.raw,
                b"}}",
            )
        elif shape is not None and rung == "tools":
            parts += (
                b',"tools":[{"type":"function","function":{"name":"reply","parameters":',
                shape.raw,
                b'}}],"tool_choice":{"type":"function","function":{"name":"reply"}}',
            )
        parts.append(b"}")
        return b"".join(parts)

    def _head(self, system: str) -> bytes:
        head = self._heads.get(system)
        if head is None:
            if len(self._heads) >= _CACHED_HEADS:
                self._heads.clear()
            head = self._start + _quoted(system) + b'},{"role":"user","content":'
            self._heads[system] = head
        return head


def _quoted(text: str) -> bytes:
    """Return the text as a JSON string; half a surrogate pair becomes a question mark."""
    try:
        return msgspec.json.encode(text)
    except UnicodeEncodeError:
        return msgspec.json.encode(text.encode("utf-8", "replace").decode())


class _Function(msgspec.Struct):
    arguments: Any = None


class _ToolCall(msgspec.Struct):
    function: _Function | None = None


class _Message(msgspec.Struct):
    content: Any = None
    tool_calls: list[_ToolCall] | None = None


class _Choice(msgspec.Struct):
    message: _Message | None = None
    finish_reason: Any = None


class _PromptDetails(msgspec.Struct):
    cached_tokens: Any = None


class _Usage(msgspec.Struct):
    prompt_tokens: Any = None
    completion_tokens: Any = None
    prompt_tokens_details: _PromptDetails | None = None


class _Response(msgspec.Struct):
    choices: list[_Choice] | None = None
    usage: _Usage | None = None


_responses = msgspec.json.Decoder(_Response)
_any_json = msgspec.json.Decoder()


def read(status: int, body: bytes, rung: Rung) -> Reply | Refusal:
    """Return what a response says; never raises, whatever it contains."""
    if status != 200:
        return _refusal(status, said(body))
    response = _decoded(_responses, body)
    choice = response.choices[0] if response is not None and response.choices else None
    if response is None or choice is None or choice.message is None:
        return Refusal("server_error", f"no reply in the response: {said(body)}")
    usage = response.usage or _Usage()
    details = usage.prompt_tokens_details or _PromptDetails()
    finish = choice.finish_reason
    return Reply(
        _text(choice.message, rung),
        _count(usage.prompt_tokens),
        _count(details.cached_tokens),
        _count(usage.completion_tokens),
        finish if isinstance(finish, str) else "",
    )


def _text(message: _Message, rung: Rung) -> str:
    """Return the reply's own text: the arguments of its call, or its content."""
    call = message.tool_calls[0].function if message.tool_calls else None
    arguments = call.arguments if call is not None else None
    if isinstance(arguments, dict):
        arguments = msgspec.json.encode(arguments).decode()
    content = message.content
    if isinstance(content, list):
        content = "".join(
            part["text"]
            for part in content
            if isinstance(part, dict) and isinstance(part.get("text"), str)
        )
    order = (arguments, content) if rung == "tools" else (content, arguments)
    return next((text for text in order if isinstance(text, str) and text), "")


def _refusal(status: int, words: str) -> Refusal:
    """Return the kind of trouble that a status and its message mean."""
    trouble = _STATUSES.get(status) or _HUNDREDS.get(status // 100, "server_error")
    if trouble in ("form", "refused") and _TOO_LONG.search(words):
        trouble = "too_long"
    elif (trouble in ("form", "refused") or status == 403) and _FILTERED.search(words):
        trouble = "filtered"
    elif trouble == "form" and _NO_MODEL.search(words):
        trouble = "model"
    elif trouble == "overloaded" and "insufficient_quota" in words:
        trouble = "money"
    return Refusal(trouble, f"HTTP {status}: {words}" if words else f"HTTP {status}")


def said(body: bytes) -> str:
    """Return the message of an error response, or its beginning, as one printable line."""
    found: Any = _decoded(_any_json, body)
    words: list[str] = []
    while isinstance(found, dict):
        words += [w for k in ("code", "type") if isinstance(w := found.get(k), str)]
        known = ("error", "message", "detail")
        found = next((found[key] for key in known if found.get(key)), None)
    text = found if isinstance(found, str) else "" if words else body.decode("utf-8", "replace")
    return one_line(" ".join([text, *(f"({word})" for word in words if word not in text)]))


def one_line(text: str) -> str:
    """Return the text without line breaks and terminal control characters."""
    return "".join(c if c.isprintable() else " " for c in text[:LARGEST_BODY]).strip()


def retry_after(header: str | None, *, now: datetime) -> float | None:
    """Return the seconds a ``Retry-After`` header asks for (a number, or a date), if it is one."""
    if not header:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            date = parsedate_to_datetime(header)
        except (ValueError, OverflowError):
            return None
        seconds = (date.replace(tzinfo=date.tzinfo or UTC) - now).total_seconds()
    return max(0.0, seconds) if seconds < float("inf") else None


def _decoded(decoder: msgspec.json.Decoder[T], body: bytes) -> T | None:
    """Return the decoded body, bad UTF-8 replaced; None if it has another structure.

    msgspec gets only valid UTF-8, since its versions treat invalid UTF-8 differently.
    """
    if not body.isascii():
        body = body.decode("utf-8", "replace").encode()
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return None


def _count(value: object) -> int:
    """Return a count of tokens as a small whole number, 0 for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0
    return int(min(max(value, 0), _MOST_TOKENS))
