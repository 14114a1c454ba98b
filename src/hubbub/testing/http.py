"""As much of HTTP/1.1 as a model server needs: bodies of known length, one answer per request."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import NamedTuple, cast

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)", re.IGNORECASE)
_AUTHORIZATION = re.compile(rb"\r\nauthorization:[ \t]*([^\r]*)", re.IGNORECASE)
_REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


class Incoming(NamedTuple):
    """A request. `line` is its first line without the version, e.g. ``b"GET /health"``."""

    line: bytes
    head: bytes
    body: bytes

    @property
    def authorization(self) -> str:
        """The Authorization header; empty without one."""
        found = _AUTHORIZATION.search(self.head)
        return found[1].decode("latin-1") if found else ""


def headers(status: int, length: int, retry_after: float | None = None) -> bytes:
    """Return the head of a JSON response whose body has `length` bytes."""
    retry = "" if retry_after is None else f"Retry-After: {retry_after:g}\r\n"
    return (
        f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Type: application/json\r\n"
        f"{retry}Content-Length: {length}\r\n\r\n"
    ).encode()


class Connection(asyncio.Protocol):
    """One client. Its requests are served one after the other, in their order.

    `serve` is given each request and calls `reply` now or later; `came` and `lost` tell of the
    connection's beginning and end.
    """

    def __init__(
        self,
        serve: Callable[[Connection, Incoming], None],
        came: Callable[[Connection], None],
        lost: Callable[[Connection], None],
    ) -> None:
        self._serve, self._came, self._lost = serve, came, lost
        self._buffer = bytearray()
        self._idle = True
        self._reading = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)
        self._came(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell that the client is gone."""
        self._lost(self)

    def data_received(self, data: bytes) -> None:
        """Serve what is complete."""
        self._buffer += data
        self._read()

    def reply(self, head: bytes, body: bytes) -> None:
        """Answer the request being served, and go on to the next."""
        if not self._transport.is_closing():
            self._transport.write(head + body)
        self._idle = True
        self._read()

    def write(self, data: bytes) -> None:
        """Send bytes without ending the answer."""
        if not self._transport.is_closing():
            self._transport.write(data)

    def close(self) -> None:
        """Close after what is written has been sent."""
        self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()

    def _read(self) -> None:
        if self._reading:  # an answer at once comes back here: the loop below goes on
            return
        self._reading = True
        while self._idle and (incoming := self._take()) is not None:
            self._idle = False
            self._serve(self, incoming)
        self._reading = False

    def _take(self) -> Incoming | None:
        buffer = self._buffer
        end = buffer.find(b"\r\n\r\n")
        if end < 0:
            return None
        head = bytes(buffer[:end])
        found = _LENGTH.search(head)
        stop = end + 4 + (int(found[1]) if found else 0)
        if len(buffer) < stop:
            return None
        body = bytes(buffer[end + 4 : stop])
        del buffer[:stop]
        line = head.partition(b"\r\n")[0].rpartition(b" ")[0]
        return Incoming(line, head, body)
