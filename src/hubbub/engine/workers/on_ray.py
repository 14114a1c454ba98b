"""Workers on a Ray cluster: one actor per free CPU, on this machine or on many.

Worlds and changes travel once to each machine, through Ray's object store. Each worker there makes
its own copy, since it writes to its world and objects in the store are read-only.
"""

from __future__ import annotations

import logging
import os
import pickle
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import current_thread, main_thread
from time import monotonic, sleep
from typing import Any

import numpy as np

from hubbub.engine.workers.transport import Died, PendingAnswer, WorkerHandle
from hubbub.engine.workers.wire import Packed
from hubbub.engine.workers.worker import Worker
from hubbub.errors import MissingExtraError, RunError

#: Seconds to wait for an answer at the address of a cluster.
_KNOCK = 10.0
#: Seconds to wait until Ray reports a freed CPU.
_RELEASE = 3.0
#: Characters of Ray's own message that errors show.
_LONGEST = 300


class _Actor:
    """A worker in a process that Ray started.

    It pickles and copies arguments itself, since arrays from Ray are read-only. Each call names the
    one that must come `before` it, as Ray may reorder others.
    """

    def __init__(self, path: Sequence[str], folder: str) -> None:
        self._worker = Worker(path, folder)

    def tell(self, before: None, message: bytes) -> None:
        what, args = pickle.loads(message)  # noqa: S301 - from the driver
        self._worker.tell(what, *args)

    def tell_shared(self, before: None, message: bytes, frame: bytes, *buffers: Any) -> None:
        what, args = pickle.loads(message)  # noqa: S301 - from the driver
        self._worker.tell(what, *args, frame, [b.copy() for b in buffers])

    def ask(self, before: None, message: bytes) -> bytes:
        what, args = pickle.loads(message)  # noqa: S301 - from the driver
        return pickle.dumps(self._worker.ask(what, *args), 5)


class _Answer(PendingAnswer):
    def __init__(self, ray: Any, answer: Any, name: str) -> None:
        self._ray, self.answer, self._name = ray, answer, name

    def result(self) -> Any:
        try:
            return pickle.loads(self._ray.get(self.answer))  # noqa: S301 - our own worker
        except self._ray.exceptions.RayError as error:  # own errors travel as answers
            raise Died(f"{self._name} ended: {_gist(error)}") from None


class _Remote(WorkerHandle):
    def __init__(self, ray: Any, number: int) -> None:
        path = [place or str(Path.cwd()) for place in sys.path]
        kind = ray.remote(_Actor)
        self._ray, self._name = ray, f"Ray worker {number}"
        self.actor = kind.options(num_cpus=1, max_restarts=0).remote(path, str(Path.cwd()))
        self._last: Any = None

    def tell(self, what: str, *args: Any, shared: Sequence[Any] = ()) -> None:
        method = self.actor.tell_shared if shared else self.actor.tell
        self._last = self._call(method, what, args, *shared)

    def ask(self, what: str, *args: Any) -> _Answer:
        answer = self._call(self.actor.ask, what, args)
        self._last = None  # its answer is waited for before more is told
        return _Answer(self._ray, answer, self._name)

    def _call(self, method: Any, what: str, args: Any, *shared: Any) -> Any:
        return method.remote(self._last, pickle.dumps((what, args), 5), *shared)


class RayTransport:
    """All free CPUs of a Ray cluster: at an address, the current one, or a new one on this machine.

    `size` is the number of free CPUs at the time of joining.
    """

    def __init__(self, address: str | None) -> None:
        """Join; MissingExtraError without Ray, RunError without a cluster or a free CPU."""
        try:
            import ray
        except ModuleNotFoundError:
            raise MissingExtraError("ray", "ray") from None
        self._ray: Any = ray
        self._address = address
        self._started, self._joined = 0, False
        self._join()
        self.size, all_of_them = self._cpus()
        if not self.size:
            self.close()
            raise RunError(
                f"the Ray cluster has no CPU for a worker: of {all_of_them} none is free"
            )

    def _cpus(self) -> tuple[int, int]:
        """Return how many CPUs are free, and how many there are.

        Ray reports CPUs that others have just freed with some delay.
        """
        until = monotonic() + _RELEASE
        while True:
            free, there = (
                int(resources.get("CPU", 0))
                for resources in (self._ray.available_resources(), self._ray.cluster_resources())
            )
            if 0 < there <= free or monotonic() > until:
                return free, there
            sleep(_RELEASE / 20)

    def _join(self) -> None:
        if self._ray.is_initialized():
            return
        hint = ""
        try:
            _knock(self._address or "")
            hint = _about_tokens() if self._address else ""
            with _own_signals():
                self._ray.init(
                    self._address, include_dashboard=False, logging_level=logging.WARNING
                )
        except (OSError, ValueError, RuntimeError, self._ray.exceptions.RayError) as error:
            where = f" at {self._address}" if self._address else ""
            raise RunError(f"no Ray cluster can be used{where}: {_gist(error)}{hint}") from error
        self._joined = True

    def start(self) -> WorkerHandle:
        """Start an actor on any free CPU."""
        self._join()
        self._started += 1
        return _Remote(self._ray, self._started)

    def tell(self, workers: Sequence[WorkerHandle], what: str, *args: Any, packed: Packed) -> None:
        """Tell several workers the same; the packed arrays go to Ray's object store once."""
        put = self._ray.put
        shared = [put(packed.frame), *(put(np.frombuffer(b, np.uint8)) for b in packed.buffers)]
        for worker in workers:
            assert isinstance(worker, _Remote)  # noqa: S101 - there are no others here
            worker.tell(what, *args, shared=shared)

    def wait(self, answers: Sequence[PendingAnswer], timeout: float | None) -> list[PendingAnswer]:
        """Wait for at least one of the answers, and return those that have come."""
        by_reference = {a.answer: a for a in answers if isinstance(a, _Answer)}
        references = list(by_reference)
        ready, _ = self._ray.wait(references, timeout=timeout)
        if ready:  # and all others that have come
            ready, _ = self._ray.wait(references, num_returns=len(references), timeout=0)
        return [by_reference[reference] for reference in ready]

    def end(self, workers: Sequence[WorkerHandle]) -> None:
        """End these workers, including dead ones."""
        for worker in workers:
            if isinstance(worker, _Remote) and self._ray.is_initialized():
                self._ray.kill(worker.actor)

    def close(self) -> None:
        """Leave the cluster, if this process joined it."""
        if self._joined:
            self._joined = False
            self._ray.shutdown()


def _about_tokens() -> str:
    """Return what to do if a cluster answers but refuses to be joined.

    Ray 2.52 and later (https://docs.ray.io/en/latest/ray-security/token-auth.html): a client that
    joins at an address shows a token only if the mode says so.
    """
    mode = os.environ.get("RAY_AUTH_MODE")
    return (
        ". A cluster that asks for a token needs RAY_AUTH_MODE=token "
        f"({f'it is {mode}' if mode else 'it is not set'}) and the cluster's token in "
        "RAY_AUTH_TOKEN or ~/.ray/auth_token, here as on each node"
    )


def _gist(error: Exception) -> str:
    """Return Ray's error message on one line, without the details of the actor."""
    lines = [line.strip() for line in str(error).splitlines() if line[:1] not in "\t "]
    return " ".join(lines)[:_LONGEST].rstrip(" .")


def _knock(address: str) -> None:
    """Raise OSError if nothing answers at HOST:PORT: Ray itself would try for ten minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host, int(port)), _KNOCK).close()


@contextmanager
def _own_signals() -> Iterator[None]:
    """Keep the handler of SIGTERM, which joining a cluster would replace by Ray's."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if current_thread() is main_thread():
            signal.signal(signal.SIGTERM, before)
