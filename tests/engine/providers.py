"""Providers that the tests name by dotted path."""

from __future__ import annotations

import asyncio
import sys
import time

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


class Broke(Moody):
    """Its own library cancels calls, or gives up waiting."""

    async def complete(self, request: ChatRequest) -> Completion | str:
        self.calls += 1
        if self.calls % 3 == 1:
            raise asyncio.CancelledError
        if self.calls % 3 == 2:
            raise TimeoutError("line 7 is dead")
        return self._model(request)


class Deaf:
    """Can't be cancelled."""

    async def complete(self, request: ChatRequest) -> str:
        until = time.monotonic() + 1.0
        while time.monotonic() < until:
            try:
                await asyncio.sleep(0.1)
            except asyncio.CancelledError:
                continue
        return ""


class Mute:
    """Fails in the same way each time."""

    async def complete(self, request: ChatRequest) -> str:
        raise KeyError("choices")


class Quits:
    async def complete(self, request: ChatRequest) -> str:
        sys.exit(3)


class Failing:
    """Returns failures: at first there are too many requests, then it refuses all."""

    calls = 0

    async def complete(self, request: ChatRequest) -> Completion:
        Failing.calls += 1
        return Completion(None, "overloaded" if Failing.calls == 1 else "refused")


class Leaky:
    """Repeats its key, and leaves a failing task behind."""

    def __init__(self, config: ModelConfig) -> None:
        self._tasks: list[asyncio.Task[None]] = []
        self._model = ValidModel(1)
        self.closed = False

    async def complete(self, request: ChatRequest) -> Completion | str:
        if not self._tasks:
            self._tasks.append(asyncio.create_task(self._fail()))
            raise OSError("wrong key: secret-123456")
        self._tasks[0] = asyncio.create_task(asyncio.sleep(0))
        return self._model(request)

    async def _fail(self) -> None:
        raise OSError("nobody looks at this")

    def close(self) -> None:
        raise OSError("secret-123456 is stuck")


class Keyless:
    def __init__(self) -> None:
        raise KeyError("TOKEN")


class Blocking:
    async def complete(self, request: ChatRequest) -> str:
        time.sleep(0.05)
        return "hi"


def made() -> Moody:
    return Moody()


READY = Moody()
