"""What a worker does: it keeps a copy of the world in step with the driver's, and decides on it.

The copy is made from the whole world once. Then it folds what happens, as a resumed run does. So it
equals the driver's world to the bit, and only the events of a step travel.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hubbub.actions.spec import Configure
from hubbub.config.scenario import Scenario
from hubbub.embed import make_encoder
from hubbub.engine.decider import Decider, Shard, ShardSlates, ShardTurns
from hubbub.engine.workers.wire import Failure, unpack_change, unpack_world
from hubbub.world.fold import fold, fold_slate


class Replica:
    """A decider on a worker's own copy of the world."""

    def present(self) -> None:
        """Answer that the worker has started."""

    def settle(self, scenario: Scenario, frame: bytes, buffers: Sequence[Any]) -> None:
        """Take in a whole packed world. Its arrays are made on the buffers, and written to."""
        encoder = make_encoder(scenario.encoder.kind, scenario.encoder.dims)
        self._decider = Decider(scenario, unpack_world(frame, buffers, encoder))

    def fold(self, frame: bytes, buffers: Sequence[Any]) -> None:
        """Apply a packed change of the driver's world."""
        change = unpack_change(frame, buffers)
        decider, world = self._decider, self._decider.world
        world.step = change.step
        world.texts.intern(change.texts)
        fold(world, change.events)
        if change.slate is not None:
            fold_slate(world, change.slate, change.behind)
        decider.world_changed()
        if np.isin(change.events.action, world.table.having(Configure())).any():
            decider.configure(decider.scenario)

    def prepare(self, t: int) -> None:
        """Make what all viewers of step `t` share."""
        self._decider.frame(t)

    def see(self, t: int, shard: Shard) -> ShardSlates:
        """Return what the agents of a shard are shown in step `t`."""
        return self._decider.see(t, shard)

    def decide(self, t: int, shard: Shard) -> ShardTurns:
        """Return what the agents of a shard are shown and do in step `t`."""
        return self._decider.decide(t, shard)


class Worker:
    """A replica that takes messages, one at a time.

    A message that is told has no answer; if it fails, the next one that is asked returns the error.
    """

    def __init__(self, path: Sequence[str], folder: str) -> None:
        """Find modules and files where the driver finds them."""
        sys.path += [place for place in path if place not in sys.path]
        if Path(folder).is_dir():
            os.chdir(folder)
        self._replica = Replica()
        self._failed: Failure | None = None

    def tell(self, what: str, *args: Any) -> None:
        """Do something that has no answer."""
        if what == "settle":  # a new beginning
            self._failed = None
        if self._failed is None:
            answer = self._do(what, args)
            self._failed = answer if isinstance(answer, Failure) else None

    def ask(self, what: str, *args: Any) -> Any:
        """Do something and return its result, or the Failure."""
        return self._failed or self._do(what, args)

    def _do(self, what: str, args: tuple[Any, ...]) -> Any:
        try:
            return getattr(self._replica, what)(*args)
        except Exception as error:  # whatever it is, the driver raises it
            return Failure.of(error)
