"""Commits on their way into the file, written by a thread."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from hubbub.store.writer import Tail


class Commits:
    """Writes one commit after the other, and knows how far the file is.

    A failed commit stays failed: `settle` raises its error until `forget`. The thread itself notes
    the result of a commit, so that an interrupt of a waiting caller cannot hide it.
    """

    def __init__(self, tail: Tail) -> None:
        self.tail = tail
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="hubbub-commit")
        self._busy = False
        self._written: Tail | None = None
        self._error: BaseException | None = None
        self._told = False

    @property
    def failed(self) -> bool:
        """Whether a commit failed and the error was raised to a caller."""
        return self._error is not None and self._told

    def begin(self, write: Callable[[], Tail]) -> None:
        """Have the thread write a commit; `write` returns how far the file is then."""
        self._busy = True  # first: an interrupt may come before `submit` returns, and after
        self._thread.submit(self._carry_out, write)

    def _carry_out(self, write: Callable[[], Tail]) -> None:
        try:
            self._written = write()
        except BaseException as error:
            self._error, self._told = error, False

    def wait(self) -> None:
        """Wait until no commit is being written, whether it succeeds or not."""
        if self._busy:
            self._thread.submit(int).result()  # an interrupt here leaves the commit under way
            if self._written is not None:
                self.tail, self._written = self._written, None
            self._busy = False

    def settle(self) -> None:
        """Wait until all is in the file; raise the error if it cannot be written, every time."""
        self.wait()
        if self._error is not None:
            self._told = True
            raise self._error

    def report(self) -> None:
        """Wait until no commit is being written; raise an error that no caller has seen yet."""
        self.wait()
        if not self._told:
            self.settle()

    def forget(self) -> None:
        """Continue after a failure."""
        self._error, self._told = None, False

    def close(self) -> None:
        """Wait for the thread, and end it."""
        self._thread.shutdown()
