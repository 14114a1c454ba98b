"""A check of a model provider: it tells in one sentence what is wrong."""

from __future__ import annotations

import asyncio
from typing import Any

from hubbub.config.models import ModelConfig
from hubbub.llm.asking import provider_of
from hubbub.llm.chat import ChatRequest, Completion, ReplyShape

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


def check_provider(provider: Any, *, seconds: float = 60.0, **settings: Any) -> None:
    """Raise AssertionError if a model provider does not do what a run needs.

    `provider` is the dotted path 'module:Class', a class, or an instance. It is asked a few
    requests, alone and at once, each for at most `seconds`. `settings` are further fields of
    `models.NAME`, such as `model` or `extra`.
    """
    path = provider if isinstance(provider, str) else "module:Class"
    config = ModelConfig(provider=path, **settings)
    found = _made(provider, config)
    asyncio.run(_check(found, seconds))


def _made(provider: Any, config: ModelConfig) -> Any:
    if isinstance(provider, str):
        return provider_of(provider, config, "the provider")
    if isinstance(provider, type):
        try:
            found = provider(config)
        except TypeError:
            found = provider()
    else:
        found = provider
    if not asyncio.iscoroutinefunction(getattr(found, "complete", None)):
        raise AssertionError("the provider needs a method: async def complete(self, request)")
    return found


async def _check(provider: Any, seconds: float) -> None:
    try:
        for request in _REQUESTS:
            _check_reply(await _asked(provider, request, seconds))
        many = [_asked(provider, request, seconds) for request in _REQUESTS * 3]
        for found in await asyncio.gather(*many):
            _check_reply(found)
    finally:
        close = getattr(provider, "close", None)
        if close is not None:
            if not asyncio.iscoroutinefunction(close):
                raise AssertionError("the provider's close must be async: async def close(self)")
            await close()


async def _asked(provider: Any, request: ChatRequest, seconds: float) -> Any:
    try:
        async with asyncio.timeout(seconds):
            return await provider.complete(request)
    except TimeoutError:
        raise AssertionError(
            f"complete does not return within {seconds:g} s, or it blocks: await what takes time"
        ) from None
    except Exception as error:  # a user's code may raise anything
        raise AssertionError(
            f"complete raises {type(error).__name__} on a plain request: {error}"
        ) from error


def _check_reply(found: Any) -> None:
    if isinstance(found, str):
        return
    if not isinstance(found, Completion):
        raise AssertionError(  # noqa: TRY004 - checks raise AssertionErrors only
            f"complete must return a str or a Completion, not {type(found).__name__}"
        )
    if found.text is None and not found.failure:
        raise AssertionError("a Completion without a text needs a failure: why there is none")
    if found.text is not None and not isinstance(found.text, str):
        raise AssertionError(f"Completion.text must be a str, not {type(found.text).__name__}")
    tokens = (found.prompt_tokens, found.cached_tokens, found.completion_tokens)
    if any(not isinstance(n, int) or n < 0 for n in tokens):
        raise AssertionError("the token counts of a Completion must be whole numbers from 0 on")
