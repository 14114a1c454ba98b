"""How one request is asked: over HTTP, or of a user's provider."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

from hubbub.config.models import ModelConfig
from hubbub.config.user_code import load_own, takes_argument
from hubbub.errors import ModelError
from hubbub.llm.chat import ChatRequest, Completion
from hubbub.llm.job import Asked
from hubbub.llm.key import ApiKey
from hubbub.llm.transport import HttpTransport
from hubbub.llm.wire import LADDER, Refusal, Reply, Rung, Writer, one_line

#: Characters of a provider's error that are kept.
_LONGEST = 300
#: Errors that mean a fault in the provider's code. They end the run if it never gave a reply.
_BUGS = (TypeError, AttributeError, NameError, ImportError, SyntaxError, AssertionError)


class Asker(Protocol):
    """Asks an endpoint, and never raises for what an endpoint does."""

    async def ask(self, request: ChatRequest, url: str) -> Asked:
        """Return the form of reply requested in the end, and the reply or the refusal."""
        ...

    async def close(self) -> None:
        """Release connections."""
        ...


class Provider(Protocol):
    """A user's source of replies: one class with one async method.

    The class is called with its ModelConfig if it takes an argument. It may also have an async
    method `close()`. Many calls run at once on one event loop, within the model's `limits`.
    """

    async def complete(self, request: ChatRequest) -> Completion | str:
        """Return the reply. An exception is a failed attempt, which is repeated."""
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


class ProviderAsker:
    """Asks a user's provider."""

    def __init__(self, name: str, config: ModelConfig) -> None:
        """Make the provider; ScenarioError or ModelError if it is none."""
        assert config.provider is not None  # noqa: S101 - its caller has looked
        self._name, self._path = name, config.provider
        self._timeout = config.limits.timeout_seconds
        self._provider = provider_of(config.provider, config, f"models.{name}.provider")
        self._replied = False

    async def ask(self, request: ChatRequest, url: str) -> Asked:
        """Await the provider's reply, within the timeout; an exception is a refusal.

        ModelError for a fault in its code before its first reply, and for a result of another type.
        """
        try:
            async with asyncio.timeout(self._timeout):
                found = await self._provider.complete(request)
        except TimeoutError:
            return "text", Refusal("timeout", f"no reply within {self._timeout:g} s")
        except Exception as error:  # a user's code may raise anything: the attempt has failed
            said = one_line(f"{type(error).__name__}: {error}")[:_LONGEST]
            if isinstance(error, _BUGS) and not self._replied:
                raise ModelError(
                    f"model '{self._name}': the provider {self._path} does not work: {said}"
                ) from error
            return "text", Refusal("server_error", said)
        match found:
            case str():
                found = Reply(found, 0, 0, 0, "stop")
            case Completion(text=None):
                return "text", Refusal("server_error", found.failure or "no text")
            case Completion(text=str(text)):
                found = Reply(
                    text,
                    found.prompt_tokens,
                    found.cached_tokens,
                    found.completion_tokens,
                    found.finish,
                )
            case _:
                raise ModelError(
                    f"model '{self._name}': the provider {self._path} must return a str or a "
                    f"Completion, not {type(found).__name__}"
                )
        self._replied = True
        return "text", found

    async def close(self) -> None:
        """Close the provider, if it can be closed."""
        if hasattr(self._provider, "close"):
            await self._provider.close()


def provider_of(path: str, config: ModelConfig, place: str) -> Any:
    """Return the provider that 'module:Class' names, made with its config if it takes one.

    ScenarioError if it cannot be imported; ModelError if it has no method `complete`.
    """
    factory = load_own(path, place)
    found = factory(config) if takes_argument(factory) else factory()
    if not asyncio.iscoroutinefunction(getattr(found, "complete", None)):
        raise ModelError(f"{place}: '{path}' has no method 'async def complete(self, request)'")
    return found
