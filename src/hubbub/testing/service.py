"""A model's service as its clients meet it: who is answered what, when, and with which fault."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from time import monotonic
from typing import NamedTuple

from hubbub.errors import ModelError
from hubbub.llm.chat import Completion, Failure
from hubbub.llm.inferencer import Answering
from hubbub.llm.tokens import estimate_tokens
from hubbub.testing.chat_protocol import Mode, ParsedRequest, answer, complaint, read_question
from hubbub.testing.faults import Fate, Faults, Latency
from hubbub.testing.http import Connection, Incoming, headers

CHAT = b"POST /v1/chat/completions"
PLAIN = {
    b"GET /health": b'{"status":"ok"}',
    b"GET /v1/models": b'{"object":"list","data":[{"id":"default","object":"model"}]}',
}
#: Fates that are an answer with an error: status, code, message.
ERRORS: dict[Fate, tuple[int, str, str]] = {
    "errors": (500, "internal_error", "something went wrong"),
    "overloaded": (503, "overloaded", "too many requests are being worked on"),
    "rate_limited": (429, "rate_limit_exceeded", "too many requests: slow down"),
    "requests_per_minute": (429, "rate_limit_exceeded", "too many requests in this minute"),
    "echo_key": (401, "invalid_api_key", "this is not a valid key: "),
    "unknown_model": (404, "model_not_found", "the model does not exist"),
    "too_long": (400, "context_length_exceeded", "the prompt exceeds the context length"),
    "context_tokens": (400, "context_length_exceeded", "the prompt exceeds the context length"),
    "refuses_schema": (400, "unsupported", "response_format is not supported"),
    "refuses_tools": (400, "unsupported", "tools are not supported"),
    "bad_request": (400, "bad_request", "this is no chat request that can be answered: "),
}
#: Bad answers whose content has nothing to do with what was asked.
CONTENTS: dict[Fate, str] = {
    "nonsense": "As a language model I would rather talk about {something} else: [1, 2",
    "nested": "[" * 10**6,
    "huge": "word " * (2 * 10**6),
}
#: Fates of requests that the model does reply to.
ANSWERED = frozenset(("ok", "drops", "malformed", "invalid_utf8", "truncated"))
#: What a completion with a failure is to a client over HTTP.
AS_FATE: dict[Failure, Fate] = {
    "timeout": "hangs",
    "connection": "drops",
    "overloaded": "overloaded",
    "server_error": "errors",
    "too_long": "too_long",
    "refused": "bad_request",
}
DRIP_SECONDS = 0.02
MARK = "\ufffe"  # no character; stands where bytes are put that are no UTF-8
KNOWN = 10**6  # requests remembered as seen


class ServedRequest(NamedTuple):
    """A request: what it asked, when (seconds since the server was made), and how it ended.

    `authorization` is the header as it came, `body` the whole request.
    """

    model: str
    system: str
    user: str
    mode: Mode
    at: float
    fate: Fate
    authorization: str
    body: bytes


class Busy(NamedTuple):
    """How busy a server was: slot-seconds of work, requests worked on now and at the peak."""

    seconds: float
    now: int
    peak: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a server does. `slots` None: it works on any number of requests at once."""

    replies: Answering
    faults: Faults
    latency: Latency
    slots: int | None
    seed: int
    log_size: int

    def __post_init__(self) -> None:
        if self.slots is not None and self.slots < 1:
            raise ValueError("slots is at least 1, or None for any number")


@dataclass(slots=True, eq=False)
class _Job:
    """A request being worked on, or waiting for a slot."""

    connection: Connection
    question: ParsedRequest
    fate: Fate
    completion: Completion | None
    seconds: float
    timer: asyncio.TimerHandle | None = None
    working: bool = field(default=False)


class Service:
    """Answers the requests of all connections. Lives on one event loop; knows no sockets."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.log: deque[ServedRequest] = deque(maxlen=settings.log_size)
        self.counts: Counter[Fate] = Counter()
        self.connections: set[Connection] = set()
        self._jobs: dict[Connection, _Job] = {}
        self._queue: deque[_Job] = deque()
        self._seen: Counter[bytes] = Counter()
        self._systems: set[str] = set()
        self._minute: deque[float] = deque()
        self._working = self._peak = self._arrivals = 0
        self._slot_seconds = 0.0
        self._origin = self._since = monotonic()
        self._beginning = False

    def connect(self) -> Connection:
        """Return the protocol of a new connection."""
        return Connection(self._serve, self.connections.add, self._lost)

    def change(self, faults: Faults, latency: Latency, slots: int | None) -> None:
        """Do otherwise from now on; with more slots, begin at once on those who wait."""
        self.settings = replace(self.settings, faults=faults, latency=latency, slots=slots)
        self._begin()

    def busy(self) -> Busy:
        """Return how busy the service was until now."""
        now = monotonic()
        self._slot_seconds += self._working * (now - self._since)
        self._since = now
        return Busy(self._slot_seconds, self._working, self._peak)

    def _serve(self, connection: Connection, incoming: Incoming) -> None:
        if incoming.line != CHAT:
            body = PLAIN.get(incoming.line)
            status = 200 if body else 404
            body = body or complaint("there is nothing here", "not_found")
            connection.reply(headers(status, len(body)), body)
            return
        try:
            question = read_question(incoming.body)
        except (ValueError, RecursionError) as error:
            self.counts["bad_request"] += 1
            self._complain(connection, "bad_request", str(error))
            return
        address = blake2b(incoming.body, digest_size=16).digest()
        fate = self._fate(question, address)
        completion, note = None, ""
        if fate in ANSWERED:
            try:
                completion = self._completion(question)
            except ModelError as error:
                fate, note = "bad_request", str(error)
            else:
                fate = AS_FATE.get(completion.failure, fate)
        self._remember(question, fate, incoming)
        if fate in ERRORS and fate != "errors":  # those are found before any work is done
            note = incoming.authorization if fate == "echo_key" else note
            self._complain(connection, fate, note)
            return
        seconds = self.settings.latency.seconds(address, self._arrivals)
        job = _Job(connection, question, fate, completion, seconds)
        self._jobs[connection] = job
        self._queue.append(job)
        self._begin()

    def _fate(self, question: ParsedRequest, address: bytes) -> Fate:
        now = monotonic()
        faults = self.settings.faults
        if len(self._seen) > KNOWN:
            self._seen.clear()
        seen = self._seen[address]
        self._seen[address] += 1
        self._arrivals += 1
        if faults.requests_per_minute is not None:
            while self._minute and self._minute[0] <= now - 60:
                self._minute.popleft()
            if len(self._minute) >= faults.requests_per_minute:
                return "requests_per_minute"
            self._minute.append(now)
        if faults.refuses_schema and question.mode == "json_schema":
            return "refuses_schema"
        if faults.refuses_tools and question.mode == "tools":
            return "refuses_tools"
        if faults.context_tokens is not None and _prompt_tokens(question) > faults.context_tokens:
            return "context_tokens"
        return faults.draw(self.settings.seed, address, seen)

    def _completion(self, question: ParsedRequest) -> Completion:
        replied = self.settings.replies(question.request)
        if isinstance(replied, str):
            replied = Completion(replied)
        text = replied.text
        if text is not None and not text.isascii():
            text = text.encode("utf-8", "replace").decode()  # half surrogate pairs are no UTF-8
        return replace(
            replied,
            text=text,
            prompt_tokens=replied.prompt_tokens or _prompt_tokens(question),
            completion_tokens=replied.completion_tokens or estimate_tokens(text or ""),
            cached_tokens=replied.cached_tokens or self._cached(question.request.system),
            finish=replied.finish or "stop",
        )

    def _cached(self, system: str) -> int:
        if system in self._systems:
            return estimate_tokens(system)
        if len(self._systems) >= 1024:
            self._systems.clear()
        self._systems.add(system)
        return 0

    def _remember(self, question: ParsedRequest, fate: Fate, incoming: Incoming) -> None:
        self.counts[fate] += 1
        request, mode = question
        self.log.append(
            ServedRequest(
                request.model,
                request.system,
                request.user,
                mode,
                monotonic() - self._origin,
                fate,
                incoming.authorization,
                incoming.body,
            )
        )

    def _complain(self, connection: Connection, fate: Fate, note: str = "") -> None:
        status, code, message = ERRORS[fate]
        wait = None
        if fate == "rate_limited":
            wait = self.settings.faults.retry_after
        elif fate == "requests_per_minute":
            wait = round(self._minute[0] + 60 - monotonic(), 3)
        body = complaint(message + note, code)
        connection.reply(headers(status, len(body), wait), body)

    def _begin(self) -> None:
        """Begin work on waiting requests while there are free slots."""
        if self._beginning:  # work without any latency comes back here: the loop below goes on
            return
        self._beginning = True
        slots = self.settings.slots
        while self._queue and (slots is None or self._working < slots):
            self.busy()
            self._working += 1
            self._peak = max(self._peak, self._working)
            self._work(self._queue.popleft())
        self._beginning = False

    def _work(self, job: _Job) -> None:
        job.working = True
        match job.fate:
            case "drips":
                job.connection.write(headers(200, 10**6))
                self._drip(job)
            case "hangs":
                pass
            case _ if job.seconds:
                loop = asyncio.get_running_loop()
                job.timer = loop.call_later(job.seconds, self._finish, job)
            case _:
                self._finish(job)

    def _drip(self, job: _Job) -> None:
        job.connection.write(b" ")
        loop = asyncio.get_running_loop()
        job.timer = loop.call_later(DRIP_SECONDS, self._drip, job)

    def _finish(self, job: _Job) -> None:
        self._release(job)
        if job.fate in ERRORS:
            self._complain(job.connection, job.fate)
        else:
            body = _body(job)
            head = headers(200, len(body))
            if job.fate == "drops":
                job.connection.write(head + body[: len(body) // 2])
                job.connection.close()
            else:
                job.connection.reply(head, body)
        self._begin()

    def _release(self, job: _Job) -> None:
        self._jobs.pop(job.connection, None)
        self.busy()
        self._working -= 1

    def _lost(self, connection: Connection) -> None:
        """Drop the work for a client that is gone, as inference servers do."""
        self.connections.discard(connection)
        job = self._jobs.get(connection)
        if job is None:
            return
        if job.timer is not None:
            job.timer.cancel()
        if job.working:
            self._release(job)
            self._begin()
        else:
            del self._jobs[connection]
            self._queue.remove(job)


def _prompt_tokens(question: ParsedRequest) -> int:
    request = question.request
    return estimate_tokens(request.system) + estimate_tokens(request.user)


def _body(job: _Job) -> bytes:
    """Return the body of an answer with status 200, with the fault that is its fate."""
    completion = job.completion
    if completion is None:
        completion = Completion(CONTENTS.get(job.fate), finish="stop")
    if job.fate == "truncated" and completion.text is not None:
        half = completion.text[: max(1, len(completion.text) // 2)]
        completion = replace(completion, text=half, finish="length")
    body = answer(job.question, completion)
    if job.fate == "malformed":
        return body[: len(body) // 2] + b"}]"
    if job.fate == "invalid_utf8":
        return answer(
            job.question, replace(completion, text=f"{completion.text or ''} {MARK}")
        ).replace(MARK.encode(), b"\xff\xfe\xc3")
    return body
