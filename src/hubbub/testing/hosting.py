"""Where a model server runs: on a thread of this process, or in a process of its own."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection as Pipe
from multiprocessing.reduction import ForkingPickler
from pickle import PicklingError
from threading import Thread
from typing import Any, NamedTuple, Protocol, TypeVar, cast

from hubbub.errors import HubbubError, ModelError
from hubbub.testing.faults import Fate, Faults, Latency
from hubbub.testing.service import Busy, ServedRequest, Service, Settings

HOST = "127.0.0.1"

T = TypeVar("T")


class ServerReport(NamedTuple):
    """What a server has to tell of its work so far."""

    log: list[ServedRequest]
    counts: Counter[Fate]
    busy: Busy


class Host(Protocol):
    """Runs a service. Between `stop` and `start` nothing is forgotten."""

    def start(self, port: int) -> int:
        """Listen on this port (0: any free one); return which. OSError if it is taken.

        Nothing happens if it listens already.
        """
        ...

    def stop(self) -> None:
        """Cut all connections and stop listening. ModelError if the replies raised an error."""
        ...

    def change(self, faults: Faults, latency: Latency, slots: int | None) -> None:
        """Change what the service does from now on."""
        ...

    def look(self) -> ServerReport:
        """Return what the service has seen."""
        ...

    def close(self) -> None:
        """Stop and end the thread or process. `look` still works."""
        ...


class ThreadHost:
    """Runs the service on an event loop in a thread of this process."""

    def __init__(self, settings: Settings) -> None:
        self._service = Service(settings)
        self._thread: Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: asyncio.Event | None = None
        self._wrong: BaseException | None = None

    def start(self, port: int) -> int:
        """Listen."""
        if self._loop is not None:
            return port
        ready: Future[int] = Future()
        self._thread = Thread(
            target=lambda: asyncio.run(self._listen(port, ready)), name="model server", daemon=True
        )
        self._thread.start()
        return ready.result()

    def stop(self) -> None:
        """Stop listening."""
        if self._thread is not None:
            if self._loop is not None and self._end is not None:
                self._loop.call_soon_threadsafe(self._end.set)
            self._thread.join()
            self._thread = self._loop = None
        wrong, self._wrong = self._wrong, None
        if wrong is not None:
            raise ModelError(f"answering a request raised {wrong!r}") from wrong

    def change(self, faults: Faults, latency: Latency, slots: int | None) -> None:
        """Change the service."""
        self._on_loop(lambda: self._service.change(faults, latency, slots))

    def look(self) -> ServerReport:
        """Look at the service."""
        service = self._service
        return self._on_loop(
            lambda: ServerReport(list(service.log), Counter(service.counts), service.busy())
        )

    def close(self) -> None:
        """Stop."""
        self.stop()

    def _on_loop(self, do: Callable[[], T]) -> T:
        """Do something where nothing else touches the service."""
        if self._loop is None:
            return do()
        done: Future[T] = Future()
        self._loop.call_soon_threadsafe(lambda: done.set_result(do()))
        return done.result()

    async def _listen(self, port: int, ready: Future[int]) -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._went_wrong)
        try:
            server = await loop.create_server(self._service.connect, HOST, port, backlog=1024)
        except OSError as error:
            ready.set_exception(error)
            return
        self._loop, self._end = loop, asyncio.Event()
        ready.set_result(server.sockets[0].getsockname()[1])
        await self._end.wait()
        server.close()
        for _ in range(2):  # connections that are just being accepted
            await asyncio.sleep(0)
        while self._service.connections:
            for connection in self._service.connections:
                connection.abort()
            await asyncio.sleep(0)
        await server.wait_closed()

    def _went_wrong(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Keep what `replies` raised for `stop`; clients who go away in mid-answer are no error."""
        error = context.get("exception")
        if error is not None and not isinstance(error, OSError):
            self._wrong = self._wrong or error


class ProcessHost:
    """Runs a thread host in a process of its own, over a pipe."""

    def __init__(self, settings: Settings) -> None:
        try:
            ForkingPickler.dumps(settings)
        except (PicklingError, AttributeError, TypeError) as error:
            raise ModelError(
                f"these replies can't be sent to another process ({error}): give a function from "
                "the top level of a module, a list, or leave where at 'thread'"
            ) from error
        context = get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(
            target=_host, args=(theirs, settings), name="model server", daemon=True
        )
        self._process.start()
        theirs.close()
        self._last: ServerReport | None = None

    def start(self, port: int) -> int:
        """Listen."""
        return cast("int", self._ask("start", port))

    def stop(self) -> None:
        """Stop listening."""
        self._ask("stop")

    def change(self, faults: Faults, latency: Latency, slots: int | None) -> None:
        """Change the service."""
        self._ask("change", faults, latency, slots)

    def look(self) -> ServerReport:
        """Look at the service."""
        return self._last or cast("ServerReport", self._ask("look"))

    def close(self) -> None:
        """End the process."""
        if self._last is not None:
            return
        try:
            self._last = self.look()
            self.stop()
        finally:
            self._pipe.close()
            self._process.join()

    def _ask(self, name: str, *arguments: object) -> object:
        if self._pipe.closed:
            raise ModelError("the model server is closed: make a new one")
        try:
            self._pipe.send((name, arguments))
            good, value = self._pipe.recv()
        except (EOFError, BrokenPipeError, ConnectionResetError):
            raise ModelError("the process of the model server has ended by itself") from None
        if not good:
            raise value
        return cast("object", value)


def _host(pipe: Pipe, settings: Settings) -> None:
    """Do what comes through the pipe until it closes. The body of the process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, who closes the pipe
    host = ThreadHost(settings)
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            name, arguments = pipe.recv()
            try:
                pipe.send((True, getattr(host, name)(*arguments)))
            except (OSError, HubbubError) as error:
                pipe.send((False, error))
