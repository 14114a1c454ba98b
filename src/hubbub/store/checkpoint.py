"""The world after some step, kept beside the log, so that resuming need not fold the whole log.

The log stays the only truth: the file may be deleted at any time, and a damaged one, or one of
another log, is ignored.
"""

from __future__ import annotations

import json
import struct
import zipfile
import zlib
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hubbub.store.database import Database
from hubbub.store.writer import Tail
from hubbub.world import World, snapshot

#: A zip of .npy files with a CRC-32 for each, as numpy.savez writes it.
CHECKPOINT = "checkpoint.npz"
#: Raised with every change of the content; a checkpoint with another layout is ignored.
LAYOUT = 1
_STATE = "state.json"
_PARTIAL = ".partial"  # while it is written
#: What zipfile may raise when bits have changed. The content is safe to read once its checksums are
#: right.
_UNREADABLE = (OSError, EOFError, ValueError, KeyError, RuntimeError, struct.error, zlib.error,
               zipfile.BadZipFile)  # fmt: skip


class Checkpoints:
    """The checkpoint of a run in its folder (None: a run in memory, which has none).

    A new one is made after `every` events, and not before there were two per agent and item, so
    that saving takes a small share of the time whatever the size of the world; 0: never.
    """

    def __init__(self, folder: Path | None, every: int) -> None:
        self._path = None if folder is None or not every else folder / CHECKPOINT
        self._every = every
        self._kept = 0
        self._taken: dict[str, Any] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="hubbub-checkpoint")
        self._saving: Future[None] | None = None

    def due(self, events: int, world: World) -> bool:
        """Return whether enough has happened, with `events` events in the run."""
        enough = max(self._every, 2 * (len(world.agents) + len(world.items)))
        busy = self._saving is not None and not self._saving.done()
        return self._path is not None and not busy and events - self._kept >= enough

    def take(self, world: World) -> None:
        """Copy the world as it is, if there is memory for it: it may move on before it is saved."""
        with suppress(MemoryError):  # no reason to end a run
            arrays = {name: array.copy() for name, array in snapshot.arrays(world)}
            self._taken = {"world": snapshot.state(world), "arrays": arrays}

    def save(self, tail: Tail) -> None:
        """Have a thread save the copy, if there is one: the world after the parts up to `tail`.

        The file is replaced whole or not at all. If it cannot be written there is none, which does
        no harm: the log has everything.
        """
        taken, self._taken = self._taken, None
        if taken is not None and self._path is not None:
            self._kept = tail.events
            self._saving = self._thread.submit(self._write, self._path, taken, tail)

    def forget(self) -> None:
        """Discard the copy: it was not committed."""
        self._taken = None

    def close(self) -> None:
        """Wait until all is saved."""
        self._thread.shutdown()

    def _write(self, path: Path, taken: dict[str, Any], tail: Tail) -> None:
        head = {
            "layout": LAYOUT,
            "part": tail.parts,
            "events": tail.events,
            "digest": tail.digest,
            "world": taken["world"],
        }
        partial = path.with_suffix(_PARTIAL)
        try:
            with zipfile.ZipFile(partial, "w") as file:
                file.writestr(_STATE, json.dumps(head))
                for name, array in taken["arrays"].items():
                    with file.open(f"{name}.npy", "w", force_zip64=True) as entry:
                        np.lib.format.write_array(entry, array)
            partial.replace(path)
        except OSError:
            self.tidy()

    def tidy(self) -> None:
        """Remove the leftovers of a process that was killed while saving."""
        if self._path is not None:
            with suppress(OSError):
                self._path.with_suffix(_PARTIAL).unlink(missing_ok=True)

    def load(self, db: Database, world: World) -> int:
        """Bring a freshly populated world to the checkpoint's step; return the part of the log.

        0, with the world unchanged, if there is no checkpoint, or none of this log and such a
        world.
        """
        self._kept = 0
        if self._saving is not None:
            wait([self._saving])
        if self._path is None:
            return 0
        try:
            with zipfile.ZipFile(self._path) as file:
                if file.testzip() is not None:
                    return 0
                head = json.loads(file.read(_STATE))
                known = db.rows("SELECT digest FROM part WHERE id = ?", int(head["part"]))
                if head["layout"] != LAYOUT or known != [(head["digest"],)]:
                    return 0
                kept = {name: _array(file, name) for name in snapshot.names(world)}
        except _UNREADABLE:
            return 0
        state = head["world"]
        texts = db.rows("SELECT content FROM text WHERE id < ? ORDER BY id", state["texts"])
        snapshot.restore(world, state, kept, [content for (content,) in texts])
        self._kept = int(head["events"])
        return int(head["part"])


def _array(file: zipfile.ZipFile, name: str) -> NDArray[Any]:
    with file.open(f"{name}.npy") as entry:
        array: NDArray[Any] = np.lib.format.read_array(entry)
    return array
