"""What passes between the simulator and a model: a request, the form of its reply, a completion."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Literal, Protocol, TypeVar

import msgspec

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True, eq=False)
class ReplyShape:
    """The form a reply must have: a JSON Schema (an object at its root), and its name.

    Shapes are cached and shared by many requests; `schema` is encoded once, in `raw`.
    """

    name: str
    schema: dict[str, Any]
    raw: bytes = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "raw", msgspec.json.encode(self.schema))


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One call of a model.

    `model` is its name in the scenario. `system` is the shared head of the prompt, `user` the part
    of one agent. `shape` None asks for plain text. Sampling parameters are the model's own
    (ModelConfig); `seed` (below 2**31) makes a reply repeatable where an endpoint supports it.
    """

    model: str
    system: str
    user: str
    shape: ReplyShape | None = None
    max_tokens: int = 200
    seed: int = 0

    def digest(self) -> str:
        """Return a hash of all that the reply may depend on, 32 hexadecimal digits."""
        h = blake2b(digest_size=16)
        for part in (self.model, self.system, self.user, f"{self.max_tokens} {self.seed}"):
            data = part.encode("utf-8", "replace")
            h.update(len(data).to_bytes(8, "little"))
            h.update(data)
        if self.shape is not None:
            h.update(self.shape.raw)
        return h.hexdigest()


#: Why there is no reply. The turn is then recorded with the reason `no_reply`.
Failure = Literal["", "timeout", "connection", "overloaded", "server_error", "too_long", "refused"]


@dataclass(frozen=True, slots=True)
class Completion:
    """The result of a call. `text` is None without a reply; `failure` then says why.

    `cached_tokens` are the prompt tokens that the endpoint had cached. `latency` is the seconds of
    the attempt that succeeded (or of the last one), `waited` the seconds before it, in the queue
    and in failed attempts. `endpoint` is a base URL; `mode` says how the form of the reply was
    requested. `finish` is the endpoint's own word: stop, length, ... `recorded` marks a completion
    from the record of a run.
    """

    text: str | None
    failure: Failure = ""
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    latency: float = 0.0
    waited: float = 0.0
    attempts: int = 1
    endpoint: str = ""
    mode: str = ""
    finish: str = ""
    recorded: bool = False


class Inferencer(Protocol[Key]):
    """Takes many requests at once and returns completions in any order."""

    def submit(self, asked: Sequence[tuple[Key, ChatRequest]]) -> None:
        """Begin these calls; each `key` comes back with its completion."""
        ...

    def wait(self, timeout: float | None = None) -> list[tuple[Key, Completion]]:
        """Return the completions since the last call, waiting for at least one.

        Empty if no call is pending, or after `timeout` seconds. ModelError if a model cannot be
        used at all (no such key, no such model, no endpoint answers for too long).
        """
        ...

    def cancel(self) -> None:
        """Cancel all pending calls."""
        ...

    def close(self) -> None:
        """Close connections and threads."""
        ...
