"""A user's source of replies, and how one request is asked of it."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Coroutine
from inspect import getfile, isawaitable, iscoroutinefunction
from numbers import Integral
from pathlib import Path
from typing import Any, Protocol

from hubbub.config.models import ModelConfig
from hubbub.config.user_code import blamed_on, load_own, takes_argument
from hubbub.errors import ModelError
from hubbub.llm.chat import ChatRequest, Completion
from hubbub.llm.job import Asked
from hubbub.llm.key import ApiKey
from hubbub.llm.wire import LARGEST_BODY, Refusal, Reply, Trouble, one_line

#: Characters of a provider's error, and of the word why a reply ended, that are kept.
_LONGEST, _LONGEST_FINISH = 300, 32
#: Errors that mean a fault in the provider's code. They end the run if it never gave a reply.
_BUGS = (
    TypeError,
    AttributeError,
    NameError,
    ImportError,
    SyntaxError,
    AssertionError,
    NotImplementedError,
    SystemExit,
)
#: How a failure that a provider returns is treated. Those too long or refused are not repeated.
_TROUBLES: dict[str, Trouble] = {
    "timeout": "timeout",
    "connection": "connection",
    "overloaded": "overloaded",
    "server_error": "server_error",
    "too_long": "too_long",
    "refused": "filtered",
}


class Provider(Protocol):
    """A user's source of replies: one class with one async method.

    The class is called with its ModelConfig if it takes an argument. Many calls run at once on one
    event loop, within the model's `limits`. It may also have a method `close()`, async or not.
    """

    async def complete(self, request: ChatRequest) -> Completion | str:
        """Return the reply. An exception is a failed attempt, which is repeated."""
        ...


class ProviderAsker:
    """Asks a user's provider. Whatever its code does, an attempt ends within the timeout.

    Errors begin with the words `named`.
    """

    def __init__(self, named: str, config: ModelConfig, key: ApiKey, provider: Provider) -> None:
        self._named = named
        self._timeout = config.limits.timeout_seconds
        self._key = key
        self._provider = provider
        self._replied = False
        self._left: set[asyncio.Task[Any]] = set()

    async def ask(self, request: ChatRequest, url: str) -> Asked:
        """Await the provider's reply, within the timeout; an exception is a refusal.

        ModelError for a fault in its code before its first reply, and for a result of another type.
        """
        try:
            found, error = await self._within_timeout(_guarded(self._provider, request))
        except TimeoutError:
            return "text", Refusal("timeout", f"gave no reply within {self._timeout:g} s")
        if error is not None:
            said = self._key.scrub(_said(error, self._provider))
            if isinstance(error, _BUGS) and not self._replied:
                raise ModelError(f"{self._named} {said}") from error
            timeout = isinstance(error, TimeoutError)
            return "text", Refusal("timeout" if timeout else "server_error", said)
        problem = problem_of(found)
        if problem:
            raise ModelError(f"{self._named} {problem}")
        reply = self._reply(found)
        self._replied = self._replied or isinstance(reply, Reply)
        return "text", reply

    async def close(self) -> None:
        """Close the provider, if it can be closed; ModelError if that fails."""
        close = getattr(self._provider, "close", None)
        if close is None:
            return
        try:
            closing = close()
            if isawaitable(closing):
                await self._within_timeout(_awaited(closing))
        except TimeoutError:
            raise ModelError(f"{self._named} did not close within {self._timeout:g} s") from None
        except Exception as error:  # a user's code may raise anything
            said = self._key.scrub(_said(error, self._provider))
            raise ModelError(f"{self._named} could not be closed: it {said}") from error

    async def _within_timeout(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Return the result; TimeoutError after the timeout, even if the work can't be cancelled.

        The work has a task of its own: only so its own cancellations are told from ours.
        """
        task = asyncio.ensure_future(work)
        try:
            await asyncio.wait((task,), timeout=self._timeout)
            if not task.done():
                raise TimeoutError
        finally:
            if not task.done():
                self._left.add(task)
                task.add_done_callback(self._forget)
                task.cancel()
        return task.result()

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._left.discard(task)
        if not task.cancelled():
            task.exception()  # else the loop reports that nobody has looked at it

    def _reply(self, found: Completion | str) -> Reply | Refusal:
        if isinstance(found, str):
            found = Completion(found)
        if found.text is None:
            said = f"returned a Completion without a text: {found.failure}"
            return Refusal(_TROUBLES[found.failure], said)
        if len(found.text) > LARGEST_BODY:
            return Refusal("server_error", f"returned a text of {len(found.text):,} characters")
        return Reply(
            self._key.scrub(found.text),
            int(found.prompt_tokens),
            int(found.cached_tokens),
            int(found.completion_tokens),
            self._key.scrub(one_line(found.finish or "stop"))[:_LONGEST_FINISH],
        )


def provider_at(path: str, config: ModelConfig, place: str) -> Provider:
    """Return the provider that 'module:Class' names; ScenarioError or ModelError if it is none."""
    return made(load_own(path, place), config, f"{place}: '{path}'")


def made(found: Any, config: ModelConfig, name: str) -> Provider:
    """Return a provider made by a class or function, with its config if it takes an argument.

    A provider is returned as it is. ModelError without a method `complete`.
    """
    if callable(found) and (isinstance(found, type) or not hasattr(found, "complete")):
        with blamed_on(name):
            found = found(config) if takes_argument(found) else found()
    if not iscoroutinefunction(getattr(found, "complete", None)):
        raise ModelError(f"{name} has no method 'async def complete(self, request)'")
    provider: Provider = found
    return provider


def problem_of(found: object) -> str:
    """Return what is wrong with the result of `complete`, empty if nothing is."""
    if isinstance(found, str):
        return ""
    if not isinstance(found, Completion):
        return f"must return a str or a Completion, not {type(found).__name__}"
    if found.text is None:
        if found.failure in _TROUBLES:
            return ""
        known = ", ".join(_TROUBLES)
        return f"returned a Completion without a text: its failure must be one of {known}"
    if not isinstance(found.text, str):
        return f"must return a text in Completion.text, not {type(found.text).__name__}"
    tokens = (found.prompt_tokens, found.cached_tokens, found.completion_tokens)
    if any(not isinstance(count, Integral) or count < 0 for count in tokens):
        return (
            f"returned the token counts {tokens} in a Completion: they must be whole numbers from "
            "0 on; leave out what is not known"
        )
    return ""


async def _guarded(provider: Provider, request: ChatRequest) -> tuple[Any, BaseException | None]:
    """Return the result of `complete`, or what it raised, apart from an outer cancellation."""
    try:
        return await provider.complete(request), None
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        return None, error
    except (Exception, SystemExit) as error:  # a user's code may raise anything
        return None, error


async def _awaited(closing: Any) -> Any:
    return await closing


def _said(error: BaseException, provider: object) -> str:
    """Return what was raised, and where in the provider's file."""
    text = f"raised {type(error).__name__}"
    if str(error):
        text += f": {error}"
    text = one_line(text)[:_LONGEST]
    try:
        file = getfile(type(provider))
    except (TypeError, OSError):  # not from a file
        return text
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == file]
    return f"{text} ({Path(file).name}, line {lines[-1]})" if lines else text
