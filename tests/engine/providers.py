"""Providers that the tests name by dotted path."""

from __future__ import annotations

import asyncio

from hubbub.config.models import ModelConfig
from hubbub.testing import ChatRequest, Completion, ValidModel


class Valid:
    """Answers as ValidModel does, after a moment."""

    at_once = most = 0

    def __init__(self, config: ModelConfig) -> None:
        self._model = ValidModel(int(config.extra.get("seed", 1)))

    async def complete(self, request: ChatRequest) -> Completion | str:
        Valid.at_once += 1
        Valid.most = max(Valid.most, Valid.at_once)
        await asyncio.sleep(0.002)
        Valid.at_once -= 1
        return self._model(request)


class Broken:
    """Has a bug."""

    async def complete(self, request: ChatRequest) -> str:
        return request.no_such_field  # type: ignore[attr-defined, no-any-return]


class Moody:
    """Fails every other time, and works again."""

    def __init__(self) -> None:
        self.calls = 0
        self._model = ValidModel(1)

    async def complete(self, request: ChatRequest) -> Completion | str:
        self.calls += 1
        if self.calls % 2:
            raise OSError("no line")
        return self._model(request)


class Slow:
    async def complete(self, request: ChatRequest) -> str:
        await asyncio.sleep(60)
        return ""


class Odd:
    async def complete(self, request: ChatRequest) -> int:
        return 7


class Plain:
    def complete(self, request: ChatRequest) -> str:
        return "hi"
