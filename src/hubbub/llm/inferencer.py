"""The live inferencer: many requests to many models, over HTTP, of providers or of stand-ins.

HTTP and providers run in a thread of its own with an event loop; callers of `submit` and `wait`
never wait for a single request. Completions cross over in batches, so that threads switch rarely.
"""

from __future__ import annotations

import asyncio
import os
from collections import defaultdict, deque
from collections.abc import Callable, Coroutine, Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from typing import Any, Generic, TypeVar
from weakref import finalize

from hubbub.config.models import ModelConfig
from hubbub.errors import HubbubError, ModelError, did_you_mean
from hubbub.llm.asking import Asker, HttpAsker
from hubbub.llm.chat import ChatRequest, Completion, Key
from hubbub.llm.endpoint_urls import EndpointUrls
from hubbub.llm.key import ApiKey
from hubbub.llm.pool import EndpointPool
from hubbub.llm.provider import ProviderAsker, provider_at
from hubbub.llm.tokens import estimate_tokens
from hubbub.llm.usage import Meter, ModelUsage

#: A model inside this process: a function from the request to the reply.
Answering = Callable[[ChatRequest], "str | Completion"]

T = TypeVar("T")

#: Seconds for which completions are gathered before they are handed over.
_GATHER = 0.002
#: Longest uninterrupted wait in seconds, so that Ctrl-C works on every system.
_SLICE = 0.25
#: Most answers of stand-ins per `wait`.
_DOUBLES_AT_ONCE = 256


class LiveInferencer(Generic[Key]):
    """Implements `Inferencer` with real models.

    `stand_ins` are models in this process by name; they replace the endpoints of that name. A
    relative `urls_file` starts from the folder `base`; keys are looked up in `environ`. ModelError
    if a key's variable is not set or a list of URLs cannot be read.
    """

    def __init__(
        self,
        models: Mapping[str, ModelConfig],
        *,
        stand_ins: Mapping[str, Answering] | None = None,
        base: Path = Path(),
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._stand_ins = dict(stand_ins or {})
        self._meters = {name: Meter() for name in self._stand_ins}
        self._asked_stand_ins: deque[tuple[Key, ChatRequest]] = deque()
        self._arrived: SimpleQueue[_Batch[Key]] = SimpleQueue()
        self._outstanding = 0
        self._era = 0
        self._closed = False
        self._thread: Thread | None = None
        self._loop = asyncio.new_event_loop()
        self._unused = finalize(self, self._loop.close)  # as long as nothing runs in it
        self._outbox: _Outbox[Key] = _Outbox(self._loop, self._arrived)
        self._pools: dict[str, EndpointPool] = {}
        try:
            for name, config in models.items():
                if name not in self._stand_ins:
                    self._pools[name] = self._pool(name, config, base, environ)
        except HubbubError:
            self._loop.close()
            raise

    def __enter__(self) -> LiveInferencer[Key]:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def submit(self, asked: Sequence[tuple[Key, ChatRequest]]) -> None:
        """Begin these calls; each `key` comes back with its completion."""
        if self._closed:
            raise RuntimeError("the inferencer has been closed")
        by_model: defaultdict[str, list[tuple[Hashable, ChatRequest]]] = defaultdict(list)
        stand_ins = []
        for key, request in asked:
            if request.model in self._stand_ins:
                stand_ins.append((key, request))
            elif request.model in self._pools:
                by_model[request.model].append((key, request))
            else:
                known = [*self._stand_ins, *self._pools]
                hint = did_you_mean(request.model, known) or f"; there are: {', '.join(known)}"
                raise ModelError(f"no model is called '{request.model}'{hint}")
        self._asked_stand_ins += stand_ins
        for _, request in stand_ins:
            self._meters[request.model].requests += 1
        if by_model:
            self._outstanding += len(asked) - len(stand_ins)
            self._start()
            self._loop.call_soon_threadsafe(self._hand_out, by_model)

    def wait(self, timeout: float | None = None) -> list[tuple[Key, Completion]]:
        """Return the completions since the last call, waiting for at least one.

        Empty if no call is pending, or after `timeout` seconds; with 0, stand-ins are not asked.
        ModelError if a model cannot be used at all; errors in the thread of the event loop are
        raised here too. All pending calls are then cancelled.
        """
        found = [] if timeout == 0 else self._answers_of_stand_ins()
        until = None if timeout is None else monotonic() + timeout
        while self._outstanding:
            left = _SLICE if until is None else min(_SLICE, until - monotonic())
            try:
                batch = self._arrived.get(block=not found and left > 0, timeout=max(left, 0.0))
            except Empty:
                if found or (until is not None and monotonic() >= until):
                    break
                continue
            if batch.era != self._era:
                continue
            if batch.error is not None:
                self.cancel()
                raise batch.error
            self._outstanding -= len(batch.completions)
            found += batch.completions
        return found

    def cancel(self) -> None:
        """Cancel all pending calls and their requests."""
        self._asked_stand_ins.clear()
        self._outstanding = 0
        self._era += 1
        if self._thread is None:
            self._outbox.begin(self._era)
        else:
            self._loop.call_soon_threadsafe(self._break_off, self._era)

    def close(self) -> None:
        """Close connections and the thread. May be called again."""
        if self._closed:
            return
        self.cancel()
        self._closed = True
        try:
            if self._thread is not None:
                self._in_loop(self._close_pools())
        finally:
            if self._thread is not None:
                self._loop.call_soon_threadsafe(self._loop.stop)
                self._thread.join()
                self._thread = None
            self._unused.detach()
            self._loop.close()

    def usage(self) -> dict[str, ModelUsage]:
        """Return the figures of each model so far."""
        figures = {name: meter.usage({}, 0.0) for name, meter in self._meters.items()}
        if self._thread is None:
            return figures | self._pool_usage()
        return figures | self._in_loop(_returning(self._pool_usage))

    def _pool(
        self, name: str, config: ModelConfig, base: Path, environ: Mapping[str, str]
    ) -> EndpointPool:
        return EndpointPool(
            name,
            config,
            EndpointUrls(name, config, base),
            _asker(name, config, environ),
            self._loop,
            self._outbox.put,
            self._give_up,
        )

    def _answers_of_stand_ins(self) -> list[tuple[Key, Completion]]:
        """Ask the stand-ins; what they raise goes to the caller."""
        answers: list[tuple[Key, Completion]] = []
        while self._asked_stand_ins and len(answers) < _DOUBLES_AT_ONCE:
            key, request = self._asked_stand_ins.popleft()
            completion = _answer(self._stand_ins[request.model], request)
            self._meters[request.model].add(completion)
            answers.append((key, completion))
        return answers

    def _start(self) -> None:
        if self._thread is None:
            self._unused.detach()
            self._loop.set_exception_handler(self._unforeseen)
            self._thread = Thread(target=self._loop.run_forever, name="hubbub-llm", daemon=True)
            self._thread.start()

    def _in_loop(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    # From here on: in the thread of the event loop.

    def _hand_out(self, by_model: Mapping[str, list[tuple[Hashable, ChatRequest]]]) -> None:
        self._outbox.outstanding += sum(map(len, by_model.values()))
        for name, asked in by_model.items():
            self._pools[name].submit(asked)

    def _break_off(self, era: int) -> None:
        self._outbox.begin(era)
        for pool in self._pools.values():
            pool.cancel()

    def _give_up(self, error: BaseException) -> None:
        """Stop everything and let `wait` raise this."""
        for pool in self._pools.values():
            pool.cancel()
        self._outbox.put_error(error)

    def _unforeseen(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Pass on what a callback raised; a broken transport concerns only its request.

        A task that a provider began and left alone is only reported.
        """
        if "future" in context:
            loop.default_exception_handler(context)
        elif "exception" in context and "transport" not in context:
            self._give_up(context["exception"])

    async def _close_pools(self) -> None:
        closing = [pool.close() for pool in self._pools.values()]
        for failed in await asyncio.gather(*closing, return_exceptions=True):
            if failed is not None:
                raise failed

    def _pool_usage(self) -> dict[str, ModelUsage]:
        return {name: pool.usage() for name, pool in self._pools.items()}


@dataclass(frozen=True, slots=True)
class _Batch(Generic[Key]):
    """What crosses from the loop's thread: completions, or an error. `era` counts cancellations."""

    era: int
    completions: list[tuple[Key, Completion]]
    error: BaseException | None = None


class _Outbox(Generic[Key]):
    """Gathers completions for a moment, or until the last one has come, and hands them over."""

    def __init__(self, loop: asyncio.AbstractEventLoop, arrived: SimpleQueue[_Batch[Key]]) -> None:
        self.outstanding = 0
        self._loop = loop
        self._arrived = arrived
        self._era = 0
        self._gathered: list[tuple[Any, Completion]] = []
        self._timer: asyncio.TimerHandle | None = None

    def put(self, key: Hashable, completion: Completion) -> None:
        """Add a completion."""
        self._gathered.append((key, completion))
        self.outstanding -= 1
        if not self.outstanding:
            self._flush()
        elif self._timer is None:
            self._timer = self._loop.call_later(_GATHER, self._flush)

    def put_error(self, error: BaseException) -> None:
        """Hand over an error, after the gathered completions."""
        self._flush()
        self.outstanding = 0
        self._arrived.put(_Batch(self._era, [], error))

    def begin(self, era: int) -> None:
        """Drop everything of the previous era."""
        self._era = era
        self.outstanding = 0
        self._gathered = []
        self._flush()

    def _flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._gathered:
            self._arrived.put(_Batch(self._era, self._gathered))
            self._gathered = []


def _asker(name: str, config: ModelConfig, environ: Mapping[str, str]) -> Asker:
    key = ApiKey.of(name, config.key_env, environ)
    if config.provider is None:
        return HttpAsker(name, config, key)
    provider = provider_at(config.provider, config, f"models.{name}.provider")
    return ProviderAsker(f"model '{name}': the provider {config.provider}", config, key, provider)


def _answer(stand_in: Answering, request: ChatRequest) -> Completion:
    answer = stand_in(request)
    if isinstance(answer, Completion):
        return answer
    return Completion(
        answer,
        prompt_tokens=estimate_tokens(request.system) + estimate_tokens(request.user),
        completion_tokens=estimate_tokens(answer),
    )


async def _returning(function: Callable[[], T]) -> T:
    return function()
