"""Models that live in this process: what they reply is known beforehand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from hubbub.errors import ModelError
from hubbub.llm.chat import ChatRequest, Completion
from hubbub.store import Record, RunStore
from hubbub.testing.dice import Dice
from hubbub.testing.instances import instance, sentence

#: What a script may hold: a dict stands for its JSON.
Line = str | dict[str, Any] | Completion


class ScriptedModel:
    """Replies what it was told to: the lines of a list in turn, or what a function returns.

    After the last line of a list it goes on with that line. With many agents the order in which
    requests come is not fixed: give a function where it matters who is told what. `requests` holds
    all requests so far.
    """

    def __init__(self, replies: Sequence[Line] | Callable[[ChatRequest], Line]) -> None:
        if not callable(replies):
            if isinstance(replies, str):
                raise TypeError("replies is one text: put it into a list")
            if not replies:
                raise ValueError("replies is empty: give at least one, the last is repeated")
        self._replies = replies
        self.requests: list[ChatRequest] = []

    def __call__(self, request: ChatRequest) -> str | Completion:
        """Return the next reply."""
        line: Line
        if callable(self._replies):
            line = self._replies(request)
        else:
            line = self._replies[min(len(self.requests), len(self._replies) - 1)]
        self.requests.append(request)
        return msgspec.json.encode(line).decode() if isinstance(line, dict) else line


class ValidModel:
    """Replies a small valid instance of the schema asked for; a plain sentence where none is.

    The reply is a function of `seed` and of the request: its texts, its schema and its seed.
    """

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def __call__(self, request: ChatRequest) -> str:
        """Return a valid reply. ModelError for a schema that stand-ins can't follow."""
        shape = request.shape
        dice = Dice(
            self.seed,
            request.seed,
            request.system.encode("utf-8", "replace"),
            request.user.encode("utf-8", "replace"),
            b"" if shape is None else shape.raw,
        )
        if shape is None:
            return sentence(dice)
        return msgspec.json.encode(instance(shape.schema, dice)).decode()


class RecordedModel:
    """Replies what a model once replied to the very same request in another run.

    The model's name, prompt, schema, longest reply and seed must all be the same, which they are
    in a run of the same scenario and seed under the same name of the model.
    """

    def __init__(self, record: Record) -> None:
        self._record = record
        self._store: RunStore | None = None

    @classmethod
    def of_run(cls, folder: Path | str) -> Self:
        """Return a model that replies from a run's folder. RunError if it can't be read.

        It keeps the run open: close it, or use it in a `with` block.
        """
        store = RunStore.open(Path(folder))
        model = cls(store.recorded())
        model._store = store
        return model

    def __call__(self, request: ChatRequest) -> Completion:
        """Return the recorded completion. ModelError if there is none."""
        found = self._record.by_digest(request.digest())
        if found is None:
            raise ModelError(
                f"the record holds no reply of model '{request.model}' to the request that ends in "
                f"{request.user[-120:]!r} (digest {request.digest()}). Its requests must be those "
                "of the recorded run: same scenario, same seed, same name of the model"
            )
        return found

    def close(self) -> None:
        """Close the run."""
        if self._store is not None:
            self._store.close()

    def __enter__(self) -> Self:
        """Return the model itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()
