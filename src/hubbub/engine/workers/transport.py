"""What the pool needs to start and reach workers: processes, or actors of a Ray cluster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from hubbub.engine.workers.wire import Packed


class Died(Exception):  # noqa: N818 - it is an end, not an error
    """A worker has ended. The message says which, and how."""


class PendingAnswer(Protocol):
    """A request to a worker that waits for its answer."""

    def result(self) -> Any:
        """Wait for the answer and return it, or a Failure. Raises Died if none will come."""
        ...


class WorkerHandle(Protocol):
    """A worker as the driver reaches it. It handles one message at a time, in order."""

    def tell(self, what: str, *args: Any) -> None:
        """Have the worker do something that has no answer. Does nothing if it has died."""
        ...

    def ask(self, what: str, *args: Any) -> PendingAnswer:
        """Have the worker compute something. The answer to the last request must have come."""
        ...


class Transport(Protocol):
    """Starts workers and carries messages to them."""

    @property
    def size(self) -> int:
        """The number of workers it has room for."""
        ...

    def start(self) -> WorkerHandle:
        """Start a worker, without waiting for it. It may start late, or never."""
        ...

    def tell(self, workers: Sequence[WorkerHandle], what: str, *args: Any, packed: Packed) -> None:
        """Tell several workers the same; they share the packed arrays."""
        ...

    def wait(self, answers: Sequence[PendingAnswer], timeout: float | None) -> list[PendingAnswer]:
        """Wait for at least one of the answers, and return those that have come.

        Returns none of them after `timeout` seconds.
        """
        ...

    def end(self, workers: Sequence[WorkerHandle]) -> None:
        """End these workers, including dead ones."""
        ...

    def close(self) -> None:
        """Release what the transport holds, once its workers have ended."""
        ...
