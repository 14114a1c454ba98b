"""Actions on their way to the platform: one as an object, many as columns."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hubbub.actions.spec import ActionSpec, ActionTable, NewName
from hubbub.errors import ActionError, did_you_mean

Ints = NDArray[np.int32]
NOTHING = -1
#: Stances and opinions are fixed-point: 10_000 stands for 1.0. This one means unknown.
SCALE = 10_000
NO_STANCE = -32768
#: An id that nothing can have: stands for ids too large for a column.
_NO_SUCH = 2**31 - 1
_SMALL: dict[str, Any] = {"topic": np.int16, "stance": np.int16, "refused": np.uint8}


class Action:
    """What an agent asks for: a name and its arguments.

    >>> Action("like_post", post_id=3)
    Action('like_post', post_id=3)
    """

    __slots__ = ("args", "name")

    def __init__(self, name: str, /, **args: Any) -> None:
        self.name = name
        self.args = args

    def __repr__(self) -> str:
        inside = "".join(f", {k}={v!r}" for k, v in self.args.items())
        return f"Action({self.name!r}{inside})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Action) and (self.name, self.args) == (other.name, other.args)

    def __hash__(self) -> int:
        return hash((self.name, json.dumps(self.args, sort_keys=True, default=str)))


def with_text(spec: ActionSpec, value: Any) -> Action:
    """Return an action whose one argument is a text, or a record."""
    arg = spec.arg("text")
    return Action(spec.name) if arg is None else Action(spec.name, **{arg.name: value})


@dataclass(slots=True)
class OpinionChanges:
    """New opinions: of agent[i] on topic[i] it is now value[i] (fixed-point, see SCALE)."""

    agent: Ints
    topic: NDArray[np.int16]
    value: NDArray[np.int16]

    @classmethod
    def none(cls) -> OpinionChanges:
        """Return no changes."""
        return cls(np.empty(0, np.int32), np.empty(0, np.int16), np.empty(0, np.int16))

    def __len__(self) -> int:
        return len(self.agent)


@dataclass(slots=True)
class ActionBatch:
    """Many actions as columns of equal length m.

    `agent` asks for `action` (a code) as its `wave`-th of this turn (0, 1, ...) on `target` (an
    item, user, group or product id as the agent named it; -1 for none); `reply_to` is the comment a
    comment answers. `text` is a row of `texts`, -1 for none; `amount` a number; `topic` and
    `stance` describe a new item where the policy knows them (-1 and NO_STANCE where not).
    `refused` is 0, or a Reason if this is not an action but a model's reply that could not be
    read, as text.
    """

    agent: Ints
    wave: Ints
    action: Ints
    target: Ints
    reply_to: Ints
    text: Ints
    amount: Ints
    topic: NDArray[np.int16]
    stance: NDArray[np.int16]
    refused: NDArray[np.uint8]
    texts: list[str] = field(default_factory=list)
    opinions: OpinionChanges = field(default_factory=OpinionChanges.none)

    def __len__(self) -> int:
        return len(self.agent)

    @classmethod
    def blank(cls, agent: NDArray[Any], action: NDArray[Any] | int) -> ActionBatch:
        """Return a batch of first actions with no arguments set."""
        n = len(agent)

        def full(value: int, dtype: Any = np.int32) -> Any:
            return np.full(n, value, dtype)

        return cls(
            agent=np.asarray(agent, np.int32),
            wave=full(0),
            action=np.broadcast_to(np.asarray(action, np.int32), (n,)).copy(),
            target=full(NOTHING),
            reply_to=full(NOTHING),
            text=full(NOTHING),
            amount=full(0),
            topic=full(NOTHING, np.int16),
            stance=full(NO_STANCE, np.int16),
            refused=full(0, np.uint8),
        )

    @classmethod
    def concat(cls, batches: Sequence[ActionBatch]) -> ActionBatch:
        """Return one batch of all rows, in the order given."""
        if len(batches) == 1:
            return batches[0]
        columns: dict[str, Any] = {}
        for f in fields(cls):
            if f.name in ("texts", "opinions", "text"):
                continue
            parts = [getattr(b, f.name) for b in batches]
            dtype = _SMALL.get(f.name, np.int32)
            columns[f.name] = np.concatenate(parts) if parts else np.empty(0, dtype)
        texts: list[str] = []
        rows = [np.empty(0, np.int32)]
        for b in batches:
            rows.append(np.where(b.text >= 0, b.text + len(texts), NOTHING).astype(np.int32))
            texts += b.texts
        changes = [b.opinions for b in batches] or [OpinionChanges.none()]
        opinions = OpinionChanges(
            np.concatenate([c.agent for c in changes]),
            np.concatenate([c.topic for c in changes]),
            np.concatenate([c.value for c in changes]),
        )
        return cls(text=np.concatenate(rows), texts=texts, opinions=opinions, **columns)

    @classmethod
    def from_actions(
        cls,
        table: ActionTable,
        turns: Iterable[tuple[int, Sequence[Action]]],
        product_id: Callable[[str], int],
    ) -> ActionBatch:
        """Return the batch of these agents' actions; ActionError for arguments no spec has."""
        rows = [(agent, wave, a) for agent, acts in turns for wave, a in enumerate(acts)]
        batch = cls.blank(np.array([r[0] for r in rows], np.int32), NOTHING)
        for i, (_, wave, action) in enumerate(rows):
            spec = table.spec(action.name)
            batch.wave[i] = wave
            batch.action[i] = table.code(action.name)
            for name, value in bound_arguments(spec, action.args).items():
                _set_argument(batch, i, spec, name, value, product_id)
        return batch


def bound_arguments(spec: ActionSpec, given: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments that are given; ActionError names a missing or unknown one.

    The fields of a record may be given as arguments of their own: sign_up(user_name=..., bio=...).
    """
    record = next((a.name for a in spec.args if a.kind == "record"), None)
    if record is not None and record not in given:
        given = {record: given}
    known = [a.name for a in spec.args]
    for name in given:
        if name not in known:
            takes = f"it takes {', '.join(known)}" if known else "it takes no arguments"
            hint = did_you_mean(name, known)
            raise ActionError(f"{spec.name} has no argument '{name}'{hint}; {takes}")
    for arg in spec.args:
        if arg.required and given.get(arg.name) is None:
            raise ActionError(f"{spec.name} needs the argument '{arg.name}'")
    return {k: v for k, v in given.items() if v is not None}


def _set_argument(
    batch: ActionBatch,
    row: int,
    spec: ActionSpec,
    name: str,
    value: Any,
    product_id: Callable[[str], int],
) -> None:
    arg = next(a for a in spec.args if a.name == name)
    if arg.kind == "record":
        value = _record(spec, name, value)
    if arg.column == "text" or arg.kind == "product":
        if not isinstance(value, str):
            raise ActionError(f"{spec.name}: '{name}' must be a text, not {value!r}")
        if arg.kind == "product":
            batch.target[row] = product_id(value)
            return
        batch.text[row] = len(batch.texts)
        batch.texts.append(value)
        return
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool):
        raise ActionError(f"{spec.name}: '{name}' must be a whole number, not {value!r}")
    fits = -(2**31) <= value < 2**31
    if arg.column == "amount":
        if not fits:
            raise ActionError(f"{spec.name}: '{name}' must be below 2**31, not {value!r}")
        batch.amount[row] = value
    elif arg.required:
        batch.target[row] = value if fits else _NO_SUCH
    else:
        batch.reply_to[row] = value if fits else _NO_SUCH


def _record(spec: ActionSpec, name: str, value: Any) -> str:
    """Return a profile or settings as the JSON text in which they travel."""
    if not isinstance(value, dict):
        raise ActionError(f"{spec.name}: '{name}' must be a record of fields, not {value!r}")
    user_name = value.get("user_name")
    if NewName("agent") in spec.requires and not (isinstance(user_name, str) and user_name):
        raise ActionError(f"{spec.name}: '{name}' needs the field 'user_name', a text")
    try:
        return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str, allow_nan=False)
    except ValueError:
        raise ActionError(f"{spec.name}: '{name}' has a number that is not finite") from None
