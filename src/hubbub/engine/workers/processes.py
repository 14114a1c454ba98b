"""Workers as processes of this machine.

They are started as programs of their own, not by `multiprocessing`, so that a user's script need
not be guarded by `if __name__ == "__main__"`. Questions go over a socket each; worlds and changes
lie in shared memory without a name, which each worker maps for itself: pages that it does not write
to exist once for all of them, and nothing is left behind, whichever way a process ends.
"""

from __future__ import annotations

import mmap
import os
import pickle
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from multiprocessing.connection import Connection, Pipe, wait
from multiprocessing.reduction import recv_handle, send_handle
from pathlib import Path
from threading import Thread
from time import monotonic
from traceback import print_exc
from typing import Any, NoReturn
from weakref import finalize

from hubbub.engine.workers.pool import Died, Ticket, Worker
from hubbub.engine.workers.worker import Packed, Station
from hubbub.errors import RunError

_PARTS = ("replica", "desk")
#: Arrays start at multiples of so many bytes.
_ALIGN = 64
#: Seconds that a worker has to end by itself.
_GRACE = 2.0
_PROGRAM = (
    "import sys; sys.path[:] = {path!r}; "
    "from hubbub.engine.workers.processes import serve; serve({fds!r}, {path!r}, {folder!r})"
)
#: Each worker has one core: numerical libraries are told so before they are loaded.
_ONE_THREAD = dict.fromkeys(
    ("MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"
)
_QUIET = {signal.SIGINT, signal.SIGTERM}


class _Lane:
    """One part of a worker. It answers in order, so it owes at most the answer to one question."""

    def __init__(self, process: subprocess.Popen[bytes], connection: Connection) -> None:
        self.connection = connection
        self.due: _Question | None = None
        self._process = process
        self._broken = False

    def send(self, how: str, *message: Any, shared: int | None = None) -> None:
        """Send what to `tell` or `ask`, and the descriptor of a file; silent if nobody is there."""
        if self.due is not None:  # of a step that was given up: else both might wait to be read
            self.receive()
        if self._broken:
            return
        try:
            self.connection.send_bytes(pickle.dumps((how, shared is not None, *message), 5))
            if shared is not None:
                send_handle(self.connection, shared, self._process.pid)
        except OSError:
            self._broken = True
        except BaseException:  # an interrupt may leave half a message behind
            self._broken = True
            raise

    def ask(self, *message: Any) -> _Question:
        """Ask, and return the question."""
        self.send("ask", *message)
        self.due = question = _Question(self)
        if self._broken:
            self.receive()
        return question

    def receive(self) -> None:
        """Wait for the answer that is due."""
        assert self.due is not None  # noqa: S101 - its callers have looked
        answer: Any = None
        try:
            if not self._broken:
                answer = pickle.loads(self.connection.recv_bytes())  # noqa: S301 - our own worker
        except (EOFError, OSError):
            self._broken = True
        except BaseException:  # an interrupt may leave half an answer behind
            self._broken = True
            raise
        if self._broken:
            answer = Died(f"worker process {self._process.pid} {_how_ended(self._process)}")
        self.due.answer, self.due.answered, self.due = answer, True, None


class _Question(Ticket):
    def __init__(self, lane: _Lane) -> None:
        self.lane = lane
        self.answered = False
        self.answer: Any = None

    def result(self) -> Any:
        if not self.answered:
            self.lane.receive()
        if isinstance(self.answer, Died):
            raise self.answer
        return self.answer


class _Process(Worker):
    def __init__(self) -> None:
        path = [place or str(Path.cwd()) for place in sys.path]
        ours, theirs = zip(*(Pipe() for _ in _PARTS), strict=True)
        fds = [c.fileno() for c in theirs]
        program = _PROGRAM.format(path=path, fds=fds, folder=str(Path.cwd()))
        # a Ctrl-C, or the end of a whole group of processes, is the head's affair
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _QUIET)
        try:
            self.process = subprocess.Popen(  # noqa: S603 - our own words, no shell
                [sys.executable, "-c", program],
                stdin=subprocess.DEVNULL,
                pass_fds=fds,
                env={**os.environ, **_ONE_THREAD},
            )
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            for connection in theirs:
                connection.close()
        self.lanes = {
            part: _Lane(self.process, connection)
            for part, connection in zip(_PARTS, ours, strict=True)
        }
        self.end = finalize(self, _end, [(self.process, ours)])

    def tell(self, part: str, what: str, *args: Any) -> None:
        self.lanes[part].send("tell", part, what, args)

    def ask(self, part: str, what: str, *args: Any) -> _Question:
        return self.lanes[part].ask(part, what, args)


class ProcessTransport:
    """So many processes of this machine."""

    def __init__(self, count: int) -> None:
        """Take their number; RunError where processes can't be handed shared memory."""
        if os.name != "posix":
            raise RunError("workers as processes need Linux or macOS; use threads")
        self.size = count

    def start(self) -> Worker:
        """Start a process."""
        return _Process()

    def tell(self, workers: Sequence[Worker], what: str, *args: Any, packed: Packed) -> None:
        """Tell the replicas of several workers the same; what is packed is shared between them."""
        sizes = [b.nbytes for b in packed.buffers]
        with _shared(packed) as file:
            for worker in workers:
                assert isinstance(worker, _Process)  # noqa: S101 - there are no others here
                lane, message = worker.lanes["replica"], (*args, packed.frame, sizes)
                lane.send("tell", "replica", what, message, shared=file.fileno())

    def wait(self, tickets: Sequence[Ticket], timeout: float | None) -> list[Ticket]:
        """Return those of the questions that are answered, waiting for at least one."""
        questions = [t for t in tickets if isinstance(t, _Question)]
        if not any(q.answered for q in questions):
            by_lane = {q.lane.connection: q for q in questions}
            for connection in wait(list(by_lane), timeout):
                by_lane[connection].lane.receive()  # type: ignore[index]
        return [q for q in questions if q.answered]

    def end(self, workers: Sequence[Worker]) -> None:
        """End these workers, dead ones among them: all are let go of before any is waited for."""
        ends = [w.end.detach() for w in workers if isinstance(w, _Process)]
        _end([known for end in ends if end is not None for known in end[2][0]])

    def close(self) -> None:
        """Do nothing: there is nothing but the processes."""


def _shared(packed: Packed) -> Any:
    """Return a file without a name that holds the packed arrays, in memory where there is one."""
    if hasattr(os, "memfd_create"):
        file = open(os.memfd_create("hubbub"), "w+b", buffering=0)  # noqa: PTH123, SIM115
    else:
        file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - its user closes it
    at = 0
    for buffer in packed.buffers:
        file.seek(at)
        left = buffer
        while left.nbytes:
            left = left[file.write(left) :]
        at += -(-buffer.nbytes // _ALIGN) * _ALIGN
    file.truncate(max(at, 1))
    return file


def _mapped(file: int, sizes: Sequence[int]) -> list[memoryview]:
    """Return the arrays of a shared file as bytes of this process's own: written to, they part."""
    whole = memoryview(mmap.mmap(file, 0, access=mmap.ACCESS_COPY))
    views, at = [], 0
    for size in sizes:
        views.append(whole[at : at + size])
        at += -(-size // _ALIGN) * _ALIGN
    return views


def _how_ended(process: subprocess.Popen[bytes]) -> str:
    """Return in words how a process ended."""
    try:
        code = process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        return "no longer answers"
    if code >= 0:
        return f"ended with exit code {code}"
    return f"was killed ({signal.Signals(-code).name}, exit code {code})"


def _end(known: Sequence[tuple[subprocess.Popen[bytes], Sequence[Connection]]]) -> None:
    """Let go of processes, and end those that have not ended by themselves soon after."""
    for _, connections in known:
        for connection in connections:
            connection.close()
    until = monotonic() + _GRACE
    for process, _ in known:
        try:
            process.wait(max(0.0, until - monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def serve(fds: Sequence[int], path: Sequence[str], folder: str) -> NoReturn:
    """Be a worker, until the head lets go of it or ends."""
    for number in _QUIET:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _QUIET)
    station = Station(path, folder)
    replica, desk = (Connection(fd) for fd in fds)
    Thread(target=_answer, args=(station, desk), daemon=True).start()
    _answer(station, replica)


def _answer(station: Station, connection: Connection) -> NoReturn:
    """Do what is told and asked over a connection; end the process when the head has let go."""
    code = 1
    try:
        while True:
            _answer_one(station, connection)
    except (EOFError, OSError):
        code = 0
    except BaseException:
        print_exc()
        raise
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)  # whatever the other thread is at


def _answer_one(station: Station, connection: Connection) -> None:
    message = connection.recv_bytes()
    how, shared, part, what, args = pickle.loads(message)  # noqa: S301 - from the head
    if shared:
        *args, sizes = args
        file = recv_handle(connection)
        args = (*args, _mapped(file, sizes))
        os.close(file)
    if how == "ask":
        connection.send_bytes(pickle.dumps(station.ask(part, what, *args), 5))
    else:
        station.tell(part, what, *args)
