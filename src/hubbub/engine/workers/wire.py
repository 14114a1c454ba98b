"""What travels between the driver and a worker: worlds, changes of them, and errors."""

from __future__ import annotations

import io
import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from traceback import format_exception
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hubbub.embed import Encoder
from hubbub.errors import HubbubError
from hubbub.world import Events, Slate, World

#: Stands for the encoder in a packed world: a worker loads its own.
_ENCODER = "encoder"


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to a world: new texts, events, and at the end of a step what was shown."""

    step: int
    texts: list[str]
    events: Events
    slate: Slate | None
    behind: NDArray[np.int32] | int


@dataclass(frozen=True, slots=True)
class Packed:
    """A pickled value: its frame, and the bytes of its arrays apart, so that they can be shared."""

    frame: bytes
    buffers: list[memoryview]

    @classmethod
    def of(cls, value: Change | World) -> Packed:
        """Pack a world, without its encoder of texts, or a change of it."""
        frame, buffers = io.BytesIO(), list[pickle.PickleBuffer]()
        packer = _Packer(frame, protocol=5, buffer_callback=buffers.append)
        packer.encoder = value.texts.encoder if isinstance(value, World) else None
        packer.dump(value)
        return cls(frame.getvalue(), [b.raw() for b in buffers])


class _Packer(pickle.Pickler):
    encoder: Encoder | None = None

    def persistent_id(self, value: Any) -> str | None:
        return _ENCODER if value is self.encoder and value is not None else None


class _Unpacker(pickle.Unpickler):
    def __init__(self, frame: bytes, buffers: Sequence[Any], encoder: Encoder) -> None:
        super().__init__(io.BytesIO(frame), buffers=buffers)
        self._encoder = encoder

    def persistent_load(self, name: Any) -> Any:
        return self._encoder


def unpack_world(frame: bytes, buffers: Sequence[Any], encoder: Encoder) -> World:
    """Return a packed world. Its arrays are made on the buffers, and written to."""
    world: World = _Unpacker(frame, buffers, encoder).load()
    return world


def unpack_change(frame: bytes, buffers: Sequence[Any]) -> Change:
    """Return a packed change."""
    change: Change = pickle.loads(frame, buffers=buffers)  # noqa: S301 - from the driver
    return change


@dataclass(frozen=True, slots=True)
class Failure:
    """An error on its way to the driver, and its text in case it can't be unpickled there."""

    pickled: bytes
    words: str

    @classmethod
    def of(cls, error: Exception) -> Failure:
        """Pack an error. One that is not hubbub's own takes its traceback along."""
        words = "".join(format_exception(error))
        if not isinstance(error, HubbubError):
            error.add_note(f"In a worker:\n{words}")
        try:
            return cls(pickle.dumps(error), words)
        except (pickle.PicklingError, TypeError, AttributeError):
            return cls(b"", words)

    def error(self) -> Exception:
        """Return the error as it was, or a RuntimeError with its text."""
        try:
            error = pickle.loads(self.pickled)  # noqa: S301 - from a worker of our own
        except Exception:  # a user's error may raise anything when it is made again
            return RuntimeError(self.words)
        return error if isinstance(error, Exception) else RuntimeError(self.words)
