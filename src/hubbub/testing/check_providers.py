"""A check of model providers: it says in one sentence what is wrong."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from hubbub.config.models import LimitsConfig, ModelConfig
from hubbub.llm.chat import ChatRequest, ReplyShape
from hubbub.llm.key import ApiKey
from hubbub.llm.provider import ProviderAsker, made
from hubbub.llm.wire import Refusal
from hubbub.testing.watching import failing, found_at

_SHAPE = ReplyShape(
    "reply",
    {
        "type": "object",
        "properties": {"text": {"type": "string"}},
        "required": ["text"],
        "additionalProperties": False,
    },
)
_REQUESTS = (
    ChatRequest("model", "You are Ann.", "Say hello.", None, 20, 1),
    ChatRequest("model", "You are Ann.", "Say hello.", _SHAPE, 20, 2),
    ChatRequest("model", "Ты Анна. 🌍", "Скажи привет.\n" * 200, _SHAPE, 20, 2**31 - 1),
)


#: Calls at once.
_AT_ONCE = 9
#: Seconds for which calls may hold up the event loop, and between two looks at the clock.
_LONGEST_HOLD, _TICK = 0.25, 0.01


def check_provider(provider: Any, *, seconds: float = 60.0, **settings: Any) -> None:
    """Raise AssertionError if a provider (`models.NAME.provider`) does not do what a run needs.

    `provider` is a class, a function that makes a provider, or a provider. It must reply to a few
    requests, alone and at once, each within `seconds`. `settings` are further fields of
    `models.NAME`, such as `model` or `extra`.
    """
    found, name = found_at(provider, "models.provider")
    path = provider if isinstance(provider, str) else "module:Class"
    limits = LimitsConfig(timeout_seconds=seconds)
    config = ModelConfig(**{"limits": limits, **settings, "provider": path})
    with failing(name, ""), ThreadPoolExecutor(1) as thread:  # this one may have its own loop
        thread.submit(_run, name, found, config).result()


def _run(name: str, found: Any, config: ModelConfig) -> None:
    key = ApiKey.of("model", config.key_env, os.environ)
    asker = ProviderAsker(name, config, key, made(found, config, name))
    loop = asyncio.new_event_loop()  # asyncio.run would wait for calls that can't be cancelled
    try:
        loop.run_until_complete(_check(asker, name))
        loop.run_until_complete(asker.close())
    finally:
        loop.close()


async def _check(asker: ProviderAsker, name: str) -> None:
    for request in _REQUESTS:
        await _ask(asker, name, request)
    # a busy machine holds up the loop once; a provider that blocks does so each time
    held = await _held_up(asker, name)
    if held >= _LONGEST_HOLD:
        held = await _held_up(asker, name)
    if held >= _LONGEST_HOLD:
        raise AssertionError(
            f"{name} blocks the event loop: {_AT_ONCE} calls at once hold it up for {held:.1f} s; "
            "await what takes time, or call it with asyncio.to_thread"
        )


async def _held_up(asker: ProviderAsker, name: str) -> float:
    """Ask several requests at once; return the longest time for which nothing else could run."""
    calls = [_ask(asker, name, _REQUESTS[i % len(_REQUESTS)]) for i in range(_AT_ONCE)]
    asking = asyncio.gather(*calls)
    loop = asyncio.get_running_loop()
    longest, last = 0.0, loop.time()
    while not asking.done():
        await asyncio.sleep(_TICK)
        now = loop.time()
        longest, last = max(longest, now - last), now
    await asking
    return longest


async def _ask(asker: ProviderAsker, name: str, request: ChatRequest) -> None:
    _, outcome = await asker.ask(request, name)
    if isinstance(outcome, Refusal):
        raise AssertionError(  # noqa: TRY004 - checks raise AssertionErrors only
            f"{name} {outcome.said}, on a plain request"
        )
