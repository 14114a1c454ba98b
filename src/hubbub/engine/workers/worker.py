"""What a worker does: it keeps a replica of the world in step with the head's, and decides on it.

A replica is made from the whole world once, and then folds what happens, as a resumed run does: it
is the head's world to the bit, and never more than a step's events travel.
"""

from __future__ import annotations

import io
import os
import pickle
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from traceback import format_exception
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hubbub.config.models import ModelConfig
from hubbub.config.scenario import Scenario
from hubbub.embed import Encoder, make_encoder
from hubbub.engine.society import Society
from hubbub.engine.workers.base import Live, Shard, ShardSlates, ShardTurns, Threads
from hubbub.errors import HubbubError
from hubbub.llm.chat import ChatRequest, Completion
from hubbub.llm.usage import ModelUsage
from hubbub.mind.turn_records import Call
from hubbub.world import Events, Slate, World
from hubbub.world.fold import fold, fold_slate

#: The figures of each model.
Figures = dict[str, ModelUsage]
#: Stands for the encoder in a packed world: a worker loads its own.
_ENCODER = "encoder"
#: Seconds between two reports of a worker's figures of models, which take some 0.2 ms to work out.
_REPORT = 1.0


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
        """Pack a world, its encoder of texts left out, or a change of it."""
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


class Replica:
    """A society of a worker's own, in step with the head's."""

    def present(self) -> None:
        """Answer: the worker has started."""

    def settle(self, scenario: Scenario, frame: bytes, buffers: Sequence[Any]) -> None:
        """Take in a whole world. Its arrays are made on the buffers, and written to."""
        encoder = make_encoder(scenario.encoder.kind, scenario.encoder.dims)
        world: World = _Unpacker(frame, buffers, encoder).load()
        self._society = Society(scenario, world, workers=Threads(1))

    def fold(self, frame: bytes, buffers: Sequence[Any]) -> None:
        """Let happen what has happened in the head's world."""
        change: Change = pickle.loads(frame, buffers=buffers)  # noqa: S301 - from the head
        society, world, events = self._society, self._society.world, change.events
        world.step = change.step
        world.texts.intern(change.texts)
        fold(world, events)
        if change.slate is not None:
            fold_slate(world, change.slate, change.behind)
        society.changed(change.step, events, change.slate)
        if np.any(events.action == world.table.code("configure")):
            society.configure(society.scenario)

    def prepare(self, t: int) -> None:
        """Work out what all viewers of step `t` share."""
        self._society.frame(t)

    def see(self, t: int, shard: Shard) -> ShardSlates:
        """Return what the agents of a shard are shown in step `t`."""
        return self._society.see(t, shard)

    def decide(self, t: int, shard: Shard) -> ShardTurns:
        """Return what the agents of a shard are shown and do in step `t`."""
        return self._society.decide(t, shard)


class Desk:
    """A worker's own connections to language models."""

    def __init__(self) -> None:
        self._live: Live | None = None
        self._reported = 0.0

    def open(self, models: Mapping[str, ModelConfig], base: Path) -> None:
        """Open connections to these models, in place of those of before."""
        from hubbub.llm.inferencer import LiveInferencer

        self.close()
        self._live = LiveInferencer(models, base=base)

    def begin(self, asked: Sequence[tuple[Call, ChatRequest]]) -> None:
        """Begin these calls."""
        assert self._live is not None  # noqa: S101 - the head opens it first
        self._live.submit(asked)

    def collect(self, timeout: float) -> tuple[list[tuple[Call, Completion]], Figures]:
        """Return what has come in, waiting up to `timeout` seconds for it, and the figures.

        Most times these are empty: they are for the head to keep, in case the worker dies.
        """
        assert self._live is not None  # noqa: S101 - the head opens it first
        came = self._live.wait(timeout)
        if monotonic() < self._reported + _REPORT:
            return came, {}
        self._reported = monotonic()
        return came, self.usage()

    def cancel(self) -> None:
        """Forget all that is outstanding."""
        if self._live is not None:
            self._live.cancel()

    def usage(self) -> Figures:
        """Return the figures of each model so far."""
        return {} if self._live is None else self._live.usage()

    def close(self) -> None:
        """Let go of the connections."""
        if self._live is not None:
            self._live.close()
            self._live = None


@dataclass(frozen=True, slots=True)
class Failure:
    """An error on its way to the head, and its words in case it can't be made again there."""

    pickled: bytes
    words: str

    @classmethod
    def of(cls, error: Exception) -> Failure:
        """Return an error as it travels. One that is not for people takes its traceback along."""
        words = "".join(format_exception(error))
        if not isinstance(error, HubbubError):
            error.add_note(f"In a worker:\n{words}")
        try:
            return cls(pickle.dumps(error), words)
        except (pickle.PicklingError, TypeError, AttributeError):
            return cls(b"", words)

    def error(self) -> Exception:
        """Return the error as it was, or else its words."""
        try:
            error = pickle.loads(self.pickled)  # noqa: S301 - from a worker of our own
        except Exception:  # an own error may raise anything when it is made again
            return RuntimeError(self.words)
        return error if isinstance(error, Exception) else RuntimeError(self.words)


class Station:
    """A worker: a replica and a desk, each of which does one thing at a time.

    What it is told has no answer; if that fails, the next question is answered by the error.
    """

    def __init__(self, path: Sequence[str], folder: str) -> None:
        """Find modules, and files, where the head finds them."""
        sys.path += [place for place in path if place not in sys.path]
        if Path(folder).is_dir():
            os.chdir(folder)
        self._parts: dict[str, Any] = {"replica": Replica(), "desk": Desk()}
        self._failed: dict[str, Failure] = {}

    def tell(self, part: str, what: str, *args: Any) -> None:
        """Let a part do something."""
        if what in ("settle", "open"):  # a new beginning
            self._failed.pop(part, None)
        if part not in self._failed:
            answer = self._do(part, what, args)
            if isinstance(answer, Failure):
                self._failed[part] = answer

    def ask(self, part: str, what: str, *args: Any) -> Any:
        """Let a part do something and return what came of it, or the Failure."""
        return self._failed.get(part) or self._do(part, what, args)

    def _do(self, part: str, what: str, args: tuple[Any, ...]) -> Any:
        try:
            return getattr(self._parts[part], what)(*args)
        except Exception as error:  # whatever it is, the head raises it
            return Failure.of(error)
