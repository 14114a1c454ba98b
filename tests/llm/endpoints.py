"""A bare endpoint whose every byte a test decides, and short ways to ask models."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from typing import Any

import msgspec
from aiohttp import web

from hubbub.config.models import LimitsConfig, ModelConfig
from hubbub.llm.chat import ChatRequest, Completion, ReplyShape
from hubbub.llm.inferencer import LiveInferencer

SHAPE = ReplyShape("turn", {"type": "object", "properties": {"do": {"type": "string"}}})

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@contextmanager
def endpoint(handler: Handler) -> Iterator[str]:
    """Serve chat requests with the handler; the base URL for as long as the block lasts."""
    app = web.Application()
    app.router.add_post("/v1/chat/completions", handler)
    runner = web.AppRunner(app, shutdown_timeout=0)

    async def begin() -> tuple[str, int]:
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        return runner.addresses[0][:2]

    with _serving(begin, runner.cleanup) as url:
        yield url


@contextmanager
def raw_endpoint(answer: bytes) -> Iterator[str]:
    """Answer every request with these bytes and hang up."""
    servers: list[asyncio.Server] = []

    async def reply_to(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        await reader.readexactly(int(length[1]))
        writer.write(answer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async def begin() -> tuple[str, int]:
        servers.append(await asyncio.start_server(reply_to, "127.0.0.1", 0))
        return servers[0].sockets[0].getsockname()

    async def end() -> None:
        servers[0].close()
        await servers[0].wait_closed()

    with _serving(begin, end) as url:
        yield url


@contextmanager
def _serving(
    begin: Callable[[], Awaitable[tuple[str, int]]], end: Callable[[], Awaitable[None]]
) -> Iterator[str]:
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever)
    thread.start()
    try:
        host, port = asyncio.run_coroutine_threadsafe(begin(), loop).result()
        yield f"http://{host}:{port}/v1"
    finally:
        asyncio.run_coroutine_threadsafe(end(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def reply(content: Any = "hello", **more: Any) -> dict[str, Any]:
    """Return a response with this content."""
    message = {"role": "assistant", "content": content} | more
    return {
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 3},
    }


def body(content: Any = "hello", **more: Any) -> bytes:
    """Return the bytes of a response with this content."""
    return msgspec.json.encode(reply(content, **more))


def model(
    *urls: str, reply: str = "auto", key_env: str | None = None, **limits: Any
) -> ModelConfig:
    """Return a model at these URLs, with short times unless told otherwise."""
    times = {"timeout_seconds": 5.0, "patience_seconds": 5.0} | limits
    return ModelConfig(urls=list(urls), reply=reply, key_env=key_env, limits=LimitsConfig(**times))


def requests(
    n: int, *, name: str = "m", shape: ReplyShape | None = SHAPE
) -> list[tuple[int, ChatRequest]]:
    """Return n different requests with their numbers as keys."""
    return [(i, ChatRequest(name, "the rules", f"agent {i}", shape, seed=i)) for i in range(n)]


def all_of(inferencer: LiveInferencer[int]) -> dict[int, Completion]:
    """Wait for all that is outstanding."""
    found: dict[int, Completion] = {}
    while batch := inferencer.wait(timeout=20):
        for key, completion in batch:
            assert key not in found
            found[key] = completion
    return found


def ask(config: ModelConfig, n: int, **more: Any) -> dict[int, Completion]:
    """Put n requests to a model and return the results."""
    with LiveInferencer[int]({"m": config}, **more) as inferencer:
        inferencer.submit(requests(n))
        return all_of(inferencer)
