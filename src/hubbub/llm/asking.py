"""How one request is asked of an endpoint, and over HTTP."""

from __future__ import annotations

from typing import Protocol

from hubbub.config.models import ModelConfig
from hubbub.llm.chat import ChatRequest
from hubbub.llm.job import Asked
from hubbub.llm.key import ApiKey
from hubbub.llm.transport import HttpTransport
from hubbub.llm.wire import LADDER, Reply, Rung, Writer


class Asker(Protocol):
    """Asks an endpoint, and never raises for what an endpoint does."""

    async def ask(self, request: ChatRequest, url: str) -> Asked:
        """Return the form of reply requested in the end, and the reply or the refusal."""
        ...

    async def close(self) -> None:
        """Release connections."""
        ...


class HttpAsker:
    """Asks over HTTP: in the strictest mode that an endpoint does not refuse."""

    def __init__(self, name: str, config: ModelConfig, key: ApiKey) -> None:
        self._writer = Writer(name, config)
        self._transport = HttpTransport(key, config.limits.timeout_seconds)
        self._ladder: tuple[Rung, ...] = LADDER if config.reply == "auto" else (config.reply,)
        self._rungs: dict[str, int] = {}

    async def ask(self, request: ChatRequest, url: str) -> Asked:
        """Ask in the strictest mode that the endpoint is not known to refuse, then in plainer ones.

        The first reply settles the mode: later refusals have another reason.
        """
        address = url + "/chat/completions"
        if request.shape is None:
            return "text", await self._transport.post(
                address, self._writer.body(request, "text"), "text"
            )
        step = self._rungs.get(url, 0)
        while True:
            rung = self._ladder[step]
            outcome = await self._transport.post(address, self._writer.body(request, rung), rung)
            if isinstance(outcome, Reply):
                self._rungs.setdefault(url, step)
                return rung, outcome
            if outcome.trouble != "form" or step + 1 == len(self._ladder):
                return rung, outcome
            step += 1

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.close()
