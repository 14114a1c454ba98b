"""Workers by name."""

from __future__ import annotations

from hubbub.engine.workers.base import Workers
from hubbub.engine.workers.threads import Threads
from hubbub.errors import RunError


def open_workers(spec: str | None, threads: int | None = None) -> Workers:
    """Return the workers that `threads[:N]`, `processes:N`, `ray` or `ray:ADDRESS` names.

    None means `threads`, with the given number of them. RunError for any other name.
    """
    kind, _, which = (spec or "threads").partition(":")
    if threads is not None and kind != "threads":
        raise RunError(f"give workers={spec!r} or threads={threads}, not both")
    match kind:
        case "threads":
            return Threads(_count(spec, which) if which else threads)
        case "processes":
            from hubbub.engine.workers.pool import WorkerPool
            from hubbub.engine.workers.processes import ProcessTransport

            return WorkerPool(ProcessTransport(_count(spec, which)))
        case "ray":
            from hubbub.engine.workers.on_ray import RayTransport
            from hubbub.engine.workers.pool import WorkerPool

            return WorkerPool(RayTransport(which or None))
    raise RunError(
        f"there are no workers '{spec}': give threads[:N], processes:N, ray or ray:ADDRESS"
    )


def _count(spec: str | None, text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise RunError(f"workers '{spec}': give their number, from 1 on, e.g. processes:4")
    return int(text)
