"""One HTTP exchange: bytes to an endpoint, a reply or the reason why there is none."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import aiohttp

from hubbub.llm.key import ApiKey
from hubbub.llm.wire import LARGEST_BODY, Refusal, Reply, Rung, Trouble, one_line, read, retry_after

#: Characters kept of an endpoint's message, and of its word for how a reply ended.
_LONGEST_SAID, _LONGEST_FINISH = 300, 32
#: Timeout for establishing a connection, in seconds.
_CONNECT_SECONDS = 10.0


class HttpTransport:
    """The connections of one model's endpoints. Nothing that it returns contains the key."""

    def __init__(self, key: ApiKey, timeout_seconds: float) -> None:
        self._key = key
        self._timeout = aiohttp.ClientTimeout(
            total=timeout_seconds, sock_connect=min(timeout_seconds, _CONNECT_SECONDS)
        )
        self._session: aiohttp.ClientSession | None = None

    async def post(self, url: str, body: bytes, rung: Rung) -> Reply | Refusal:
        """Send a body to the endpoint; never raises for what an endpoint or network does.

        A kept-alive connection that turns out to be closed is replaced once.
        """
        outcome = await self._once(url, body, rung)
        if isinstance(outcome, _Gone):
            outcome = await self._once(url, body, rung)
        # scrub before cutting, so that no half of a key remains
        if isinstance(outcome, Reply):
            text = self._key.scrub(outcome.text)
            finish = self._key.scrub(outcome.finish)[:_LONGEST_FINISH]
            if text is outcome.text and finish is outcome.finish:
                return outcome
            return replace(outcome, text=text, finish=finish)
        said = self._key.scrub(one_line(outcome.said))
        return Refusal(outcome.trouble, said[:_LONGEST_SAID], outcome.retry_after)

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _once(self, url: str, body: bytes, rung: Rung) -> Reply | Refusal:
        try:
            async with self._open().post(url, data=body, allow_redirects=False) as response:
                data = await _beginning(response)
                if data is None:
                    response.close()
                    return Refusal("server_error", f"a response above {LARGEST_BODY} bytes")
                outcome = read(response.status, data, rung)
                if isinstance(outcome, Refusal) and "Retry-After" in response.headers:
                    rest = retry_after(response.headers["Retry-After"], now=datetime.now(UTC))
                    outcome = replace(outcome, retry_after=rest)
                return outcome
        except aiohttp.ConnectionTimeoutError:
            return Refusal("unreachable", "no connection in time")
        except TimeoutError:
            return Refusal("timeout", f"no whole reply in {self._timeout.total:g} s")
        except (aiohttp.ClientConnectorError, aiohttp.InvalidURL, UnicodeError) as error:
            return _refusal("unreachable", error)  # the last two: no such host can be
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
            return _Gone("connection", f"the connection broke: {error}")
        except aiohttp.ClientPayloadError as error:
            return _refusal("connection", error)
        except aiohttp.ClientError as error:
            return _refusal("server_error", error)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={
                    "Content-Type": "application/json",
                    "Accept-Encoding": "identity",
                    "User-Agent": "hubbub",
                    **self._key.headers(),
                },
                timeout=self._timeout,
                trust_env=False,
            )
        return self._session


class _Gone(Refusal):
    """The connection was closed before a response began."""


def _refusal(trouble: Trouble, error: Exception) -> Refusal:
    return Refusal(trouble, f"{type(error).__name__}: {error}")


async def _beginning(response: aiohttp.ClientResponse) -> bytes | None:
    """Return the body, or None if it is longer than anyone should read."""
    parts: list[bytes] = []
    size = 0
    while part := await response.content.readany():
        size += len(part)
        if size > LARGEST_BODY:
            return None
        parts.append(part)
    return b"".join(parts)
