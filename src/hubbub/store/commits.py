"""Commits on their way into the file, written by a thread of their own."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from hubbub.store.writer import Tail


class Commits:
    """Writes one commit after the other, and knows how far the file is.

    A commit that failed stays failed: whoever settles is told, until `forget`. What comes of a
    commit is noted by the thread itself, so that an interrupt of whoever waits can't hide it.
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
        """Whether a commit went wrong, and somebody was told."""
        return self._error is not None and self._told

    def begin(self, write: Callable[[], Tail]) -> None:
        """Let the thread write a commit; `write` returns how far the file is then."""
        self._busy = True  # first: an interrupt may come before `submit` returns, and after
        self._thread.submit(self._carry_out, write)

    def _carry_out(self, write: Callable[[], Tail]) -> None:
        try:
            self._written = write()
        except BaseException as error:
            self._error, self._told = error, False

    def wait(self) -> None:
        """Wait until nothing is under way, whatever comes of it."""
        if self._busy:
            self._thread.submit(int).result()  # an interrupt here leaves the commit under way
            if self._written is not None:
                self.tail, self._written = self._written, None
            self._busy = False

    def settle(self) -> None:
        """Wait until all is in the file; raise the error if it can't be written, every time."""
        self.wait()
        if self._error is not None:
            self._told = True
            raise self._error

    def report(self) -> None:
        """Wait until nothing is under way; raise an error that nobody was told of."""
        self.wait()
        if not self._told:
            self.settle()

    def forget(self) -> None:
        """Go on after a failure."""
        self._error, self._told = None, False

    def close(self) -> None:
        """Wait for the thread, and end it."""
        self._thread.shutdown()
