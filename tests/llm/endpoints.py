"""A bare endpoint whose every byte a test decides, and short ways to ask models."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import msgspec
from aiohttp import web

from hubbub.config.minds import LimitsConfig, ModelConfig
from hubbub.llm.chat import ChatRequest, Completion, ReplyShape
from hubbub.llm.inferencer import LiveInferencer

SHAPE = ReplyShape("turn", {"type": "object", "properties": {"do": {"type": "string"}}})

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@contextmanager
def endpoint(handler: Handler) -> Iterator[str]:
    """Serve chat requests with the handler; the base URL for as long as the block lasts."""
    loop = asyncio.new_event_loop()
    app = web.Application()
    app.router.add_post("/v1/chat/completions", handler)
    runner = web.AppRunner(app, shutdown_timeout=0)

    async def begin() -> str:
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        return f"http://{host}:{port}/v1"

    thread = Thread(target=loop.run_forever)
    thread.start()
    try:
        yield asyncio.run_coroutine_threadsafe(begin(), loop).result()
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result()
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


def model(*urls: str, reply: str = "auto", key_env: str | None = None, **limits: Any) -> ModelConfig:
    """Return a model at these URLs, with short times unless told otherwise."""
    times = {"timeout_seconds": 5.0, "patience_seconds": 5.0} | limits
    return ModelConfig(
        urls=list(urls), reply=reply, key_env=key_env, limits=LimitsConfig(**times)
    )


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
    """Put n requests to a model and return what came of them."""
    with LiveInferencer[int]({"m": config}, **more) as inferencer:
        inferencer.submit(requests(n))
        return all_of(inferencer)
