"""What passes between prompt, reply and turn."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from hubbub.actions import Action, Reason


class Call(NamedTuple):
    """The address of one call, which finds the completion in the record of a run.

    `purpose` is ``turn``, or the name of a survey after a ``?``; `number` counts the calls of one
    turn from 0.
    """

    step: int
    agent: int
    purpose: str
    number: int


class Reference(NamedTuple):
    """Something on a slate that a reply can refer to by its number.

    `id` is an item, agent or group; `user` is the author of an item, the user itself, or -1 for a
    group.
    """

    kind: Literal["post", "comment", "user", "group"]
    id: int
    user: int


@dataclass(frozen=True, slots=True)
class UserPrompt:
    """The message to one agent's model in one turn, without the shared rules.

    The number n in the text stands for ``things[n - 1]``: first posts, then comments, then what
    notices mention (a comment, a post or a user), then groups.
    """

    agent: int
    text: str
    things: tuple[Reference, ...]


@dataclass(slots=True)
class Decision:
    """The result of a turn.

    `refused` is not ok if there was no reply (`no_reply`) or no readable one (`invalid_reply`);
    `raw` is the reply then. `note` is a rewritten note to itself.
    """

    agent: int
    actions: list[Action] = field(default_factory=list)
    refused: Reason = Reason.ok
    raw: str = ""
    note: str | None = None
