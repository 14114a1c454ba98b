"""Workers as processes of this machine.

They start as programs of their own, not through `multiprocessing`, so a user's script needs no `if
__name__ == "__main__"`. Messages go over a socket. Worlds and changes lie in anonymous shared
memory, which each worker maps copy-on-write: unchanged pages exist once for all workers, and
nothing is left behind however a process ends.
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
from time import monotonic
from traceback import print_exc
from typing import Any, NoReturn
from weakref import finalize

from hubbub.engine.workers.transport import Died, PendingAnswer, WorkerHandle
from hubbub.engine.workers.wire import Packed
from hubbub.engine.workers.worker import Worker
from hubbub.errors import RunError

#: Arrays start at multiples of this many bytes.
_ALIGN = 64
#: Seconds that a worker has to end before it is killed.
_GRACE = 2.0
_PROGRAM = (
    "import sys; sys.path[:] = {path!r}; "
    "from hubbub.engine.workers.processes import serve; serve({fd!r}, {path!r}, {folder!r})"
)
#: Each worker has one core. Numerical libraries read this before they load.
_ONE_THREAD = dict.fromkeys(
    ("MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"
)
_QUIET = {signal.SIGINT, signal.SIGTERM}


class _Lane:
    """The connection to a worker. It answers in order, so at most one answer is due."""

    def __init__(self, process: subprocess.Popen[bytes], connection: Connection) -> None:
        self.connection = connection
        self.due: _Answer | None = None
        self._process = process
        self._broken = False

    def send(self, how: str, *message: Any, shared: int | None = None) -> None:
        """Send a message, and a file descriptor if given; do nothing if the worker has ended."""
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

    def ask(self, *message: Any) -> _Answer:
        """Send a request and return its pending answer."""
        self.send("ask", *message)
        self.due = answer = _Answer(self)
        if self._broken:
            self.receive()
        return answer

    def receive(self) -> None:
        """Wait for the pending answer."""
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


class _Answer(PendingAnswer):
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


class _Process(WorkerHandle):
    def __init__(self) -> None:
        path = [place or str(Path.cwd()) for place in sys.path]
        ours, theirs = Pipe()
        fd = theirs.fileno()
        program = _PROGRAM.format(path=path, fd=fd, folder=str(Path.cwd()))
        # the driver handles Ctrl-C and the end of a process group
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _QUIET)
        try:
            self.process = subprocess.Popen(  # noqa: S603 - our own words, no shell
                [sys.executable, "-c", program],
                stdin=subprocess.DEVNULL,
                pass_fds=[fd],
                env={**os.environ, **_ONE_THREAD},
            )
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            theirs.close()
        self.lane = _Lane(self.process, ours)
        self.end = finalize(self, _end, [(self.process, ours)])

    def tell(self, what: str, *args: Any) -> None:
        self.lane.send("tell", what, args)

    def ask(self, what: str, *args: Any) -> _Answer:
        return self.lane.ask(what, args)


class ProcessTransport:
    """Processes of this machine."""

    def __init__(self, count: int) -> None:
        """Use `count` processes; RunError where processes can't be handed shared memory."""
        if os.name != "posix":
            raise RunError("workers as processes need Linux or macOS; use threads")
        self.size = count

    def start(self) -> WorkerHandle:
        """Start a process."""
        return _Process()

    def tell(self, workers: Sequence[WorkerHandle], what: str, *args: Any, packed: Packed) -> None:
        """Tell several workers the same; they share the packed arrays."""
        sizes = [b.nbytes for b in packed.buffers]
        with _shared(packed) as file:
            for worker in workers:
                assert isinstance(worker, _Process)  # noqa: S101 - there are no others here
                message = (*args, packed.frame, sizes)
                worker.lane.send("tell", what, message, shared=file.fileno())

    def wait(self, answers: Sequence[PendingAnswer], timeout: float | None) -> list[PendingAnswer]:
        """Wait for at least one of the answers, and return those that have come."""
        mine = [a for a in answers if isinstance(a, _Answer)]
        if not any(a.answered for a in mine):
            by_connection = {a.lane.connection: a for a in mine}
            for connection in wait(list(by_connection), timeout):
                by_connection[connection].lane.receive()  # type: ignore[index]
        return [a for a in mine if a.answered]

    def end(self, workers: Sequence[WorkerHandle]) -> None:
        """End these workers, including dead ones: disconnect all before waiting for any."""
        ends = [w.end.detach() for w in workers if isinstance(w, _Process)]
        _end([known for end in ends if end is not None for known in end[2][0]])

    def close(self) -> None:
        """Do nothing: nothing is left once the processes have ended."""


def _shared(packed: Packed) -> Any:
    """Return an anonymous file with the packed arrays, in memory where the system allows."""
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
    """Return the arrays of a shared file as private bytes, which may be written to."""
    whole = memoryview(mmap.mmap(file, 0, access=mmap.ACCESS_COPY))
    views, at = [], 0
    for size in sizes:
        views.append(whole[at : at + size])
        at += -(-size // _ALIGN) * _ALIGN
    return views


def _how_ended(process: subprocess.Popen[bytes]) -> str:
    """Describe how a process ended."""
    try:
        code = process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        return "no longer answers"
    if code >= 0:
        return f"ended with exit code {code}"
    return f"was killed ({signal.Signals(-code).name}, exit code {code})"


def _end(known: Sequence[tuple[subprocess.Popen[bytes], Connection]]) -> None:
    """Disconnect from processes, and kill those that have not ended soon after."""
    for _, connection in known:
        connection.close()
    until = monotonic() + _GRACE
    for process, _ in known:
        try:
            process.wait(max(0.0, until - monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def serve(fd: int, path: Sequence[str], folder: str) -> NoReturn:
    """Be a worker, until the driver disconnects or ends."""
    for number in _QUIET:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _QUIET)
    worker, connection = Worker(path, folder), Connection(fd)
    code = 1
    try:
        while True:
            _answer_one(worker, connection)
    except (EOFError, OSError):
        code = 0
    except BaseException:
        print_exc()
        raise
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)  # whatever threads of the user's code are doing


def _answer_one(worker: Worker, connection: Connection) -> None:
    how, shared, what, args = pickle.loads(connection.recv_bytes())  # noqa: S301 - from the driver
    if shared:
        *args, sizes = args
        file = recv_handle(connection)
        args = (*args, _mapped(file, sizes))
        os.close(file)
    if how == "ask":
        connection.send_bytes(pickle.dumps(worker.ask(what, *args), 5))
    else:
        worker.tell(what, *args)
