"""A local HTTP server that speaks the chat protocol of OpenAI, slow and faulty as wanted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from types import TracebackType
from typing import Literal

from hubbub.errors import ModelError
from hubbub.llm.inferencer import Answering
from hubbub.testing.faults import Fate, Faults, Latency
from hubbub.testing.hosting import HOST, Host, ProcessHost, ServerReport, ThreadHost
from hubbub.testing.service import Busy, ServedRequest, Settings
from hubbub.testing.stand_ins import Line, ScriptedModel, ValidModel


class ModelServer:
    """A stand-in for a model's endpoint, at `url`, for as long as the `with` block lasts.

    ::

        with ModelServer(faults=Faults(errors=0.2), latency=Latency(0.2, sigma=1)) as server:
            scenario = hb.Scenario(models={"small": {"urls": [server.url]}}, ...)

    `replies` is a model of this package or a list for a ScriptedModel; ValidModel if not given.
    `latency` may be plain seconds. `slots` is the most requests worked on at once, further ones
    wait; None is any number. `seed` is that of the faults. Port 0 is a free one, kept over `stop`
    and `start`. ``where="process"`` runs it in a process of its own, for measurements (replies
    must then be picklable, and scripts need ``if __name__ == "__main__":``). The log keeps the
    last `log_size` requests.
    """

    def __init__(
        self,
        replies: Answering | Sequence[Line] | None = None,
        *,
        faults: Faults | None = None,
        latency: Latency | float = 0.0,
        slots: int | None = None,
        seed: int = 0,
        port: int = 0,
        where: Literal["thread", "process"] = "thread",
        log_size: int = 5000,
    ) -> None:
        self._settings = Settings(
            replies=_as_model(replies),
            faults=faults or Faults(),
            latency=_as_latency(latency),
            slots=slots,
            seed=seed,
            log_size=log_size,
        )
        self._port = port
        self._make_host = ThreadHost if where == "thread" else ProcessHost
        self._host: Host | None = None

    def __enter__(self) -> ModelServer:
        """Start."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()

    @property
    def url(self) -> str:
        """The base URL, as a scenario's models want it."""
        if not self._port:
            raise ModelError("the model server has no address before it is started")
        return f"http://{HOST}:{self._port}/v1"

    def start(self) -> None:
        """Listen; again after `stop`, on the same port. OSError if the port is taken."""
        if self._host is None:
            self._host = self._make_host(self._settings)
        self._port = self._host.start(self._port)

    def stop(self) -> None:
        """Cut all connections and answer no more, until `start`. What was seen is kept.

        ModelError if the replies raised an error.
        """
        if self._host is not None:
            self._host.stop()

    def close(self) -> None:
        """Stop for good. Log, counts and busy can still be read."""
        if self._host is not None:
            self._host.close()

    @property
    def faults(self) -> Faults:
        """What goes wrong. May be set at any time, also while requests are being worked on."""
        return self._settings.faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self._change(replace(self._settings, faults=faults))

    @property
    def latency(self) -> Latency:
        """How long requests are worked on. May be set at any time, for requests still to come."""
        return self._settings.latency

    @latency.setter
    def latency(self, latency: Latency | float) -> None:
        self._change(replace(self._settings, latency=_as_latency(latency)))

    @property
    def slots(self) -> int | None:
        """The most requests worked on at once. May be set at any time."""
        return self._settings.slots

    @slots.setter
    def slots(self, slots: int | None) -> None:
        self._change(replace(self._settings, slots=slots))

    @property
    def log(self) -> list[ServedRequest]:
        """The last requests, in the order they came."""
        return self._look().log

    @property
    def counts(self) -> Counter[Fate]:
        """How many chat requests met each fate: `ok`, or the name of a fault."""
        return self._look().counts

    @property
    def busy(self) -> Busy:
        """Slot-seconds of work so far, requests worked on now, and the most there were at once."""
        return self._look().busy

    def _change(self, settings: Settings) -> None:
        if self._host is not None:
            self._host.change(settings.faults, settings.latency, settings.slots)
        self._settings = settings

    def _look(self) -> ServerReport:
        if self._host is None:
            return ServerReport([], Counter(), Busy(0.0, 0, 0))
        return self._host.look()


def _as_latency(latency: Latency | float) -> Latency:
    return latency if isinstance(latency, Latency) else Latency(latency)


def _as_model(replies: Answering | Sequence[Line] | None) -> Answering:
    if replies is None:
        return ValidModel()
    return replies if callable(replies) else ScriptedModel(replies)
