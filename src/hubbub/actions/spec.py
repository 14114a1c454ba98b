"""The vocabulary in which actions are declared: arguments, preconditions, effects.

An action is data. Validation, the vectorised apply, schemas, prompts, docs, exports and the
property tests are all derived from its `ActionSpec`. The engine finds actions by their effects,
never by name; names stand in platform presets, default utilities, exports and studies only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hubbub.errors import ActionError, did_you_mean

ArgKind = Literal["post", "comment", "user", "group", "product", "text", "number", "record"]


class Reason(IntEnum):
    """Why an action was refused; `ok` means it was carried out."""

    ok = 0
    not_allowed = 1  # the action is not switched on, or is the environment's alone
    not_found = 2
    duplicate = 3
    absent = 4
    self_rating = 5
    self_target = 6
    not_member = 7
    bad_text = 8
    bad_quantity = 9
    invalid_reply = 10  # a language model's reply that could not be read
    no_reply = 11  # a language model that did not reply


class Kind(IntEnum):
    """Kinds of items."""

    post = 0
    repost = 1
    quote = 2
    comment = 3
    message = 4


#: Kinds that count as posts: they can be liked, reposted, commented on.
POST_KINDS = (Kind.post, Kind.repost, Kind.quote)


@dataclass(frozen=True, slots=True)
class Pairs:
    """A set of pairs (agent, target) that actions add to and remove from.

    `counter` is the column that counts the pairs of a target, `own_counter` those of an agent.
    A reaction that is not `approving` (dislike, report) does not draw the agent's taste along.
    `shown` says whether agents see the counters of a custom set.
    """

    name: str
    over: Literal["agent", "group", "item"]
    counter: str | None = None
    own_counter: str | None = None
    approving: bool = True
    shown: bool = True


@dataclass(frozen=True, slots=True)
class Arg:
    """One argument. `kind` says what it names; `column` where it travels in a batch."""

    name: str
    kind: ArgKind
    summary: str = ""
    required: bool = True

    @property
    def column(self) -> Literal["target", "text", "amount"]:
        """The batch column that carries it."""
        if self.kind in ("text", "record"):
            return "text"
        return "amount" if self.kind == "number" else "target"


# Preconditions: each refuses with one reason. They are checked in the order of the spec.


@dataclass(frozen=True, slots=True)
class Exists:
    """The target names a post, comment, user, group or product (`not_found`)."""

    reason = Reason.not_found


@dataclass(frozen=True, slots=True)
class GoodText:
    """The text is neither empty nor longer than the platform allows (`bad_text`)."""

    reason = Reason.bad_text


@dataclass(frozen=True, slots=True)
class NotSelf:
    """The target is another agent (`self_target`)."""

    reason = Reason.self_target


@dataclass(frozen=True, slots=True)
class NotOwn:
    """The target is not the agent's own item, where the platform says so (`self_rating`)."""

    reason = Reason.self_rating


@dataclass(frozen=True, slots=True)
class Without:
    """The pair (agent, target) is not in the set (`duplicate`)."""

    pairs: Pairs
    reason = Reason.duplicate


@dataclass(frozen=True, slots=True)
class With:
    """The pair (agent, target) is in the set (`absent`, or `not_member`)."""

    pairs: Pairs
    reason: Reason = Reason.absent


@dataclass(frozen=True, slots=True)
class Positive:
    """The number is at least 1 (`bad_quantity`)."""

    reason = Reason.bad_quantity


@dataclass(frozen=True, slots=True)
class NewName:
    """No agent, or product, has this name yet (`duplicate`)."""

    of: Literal["agent", "product"]
    reason = Reason.duplicate


Precondition = Exists | GoodText | NotSelf | NotOwn | Without | With | Positive | NewName

# Effects: what happens to the world when all preconditions hold.


@dataclass(frozen=True, slots=True)
class Insert:
    """A new item by the agent; refers to the target, if there is one."""

    kind: Kind


@dataclass(frozen=True, slots=True)
class Add:
    """The pair joins the set. `withdraws` leaves its own set where reactions are exclusive."""

    pairs: Pairs
    withdraws: Pairs | None = None


@dataclass(frozen=True, slots=True)
class Remove:
    """The pair leaves the set."""

    pairs: Pairs


@dataclass(frozen=True, slots=True)
class Bump:
    """A counter of the target item goes up by one. Agents see a custom one if it is `shown`."""

    counter: str
    shown: bool = True


@dataclass(frozen=True, slots=True)
class Sell:
    """The product's sales go up by the number."""


@dataclass(frozen=True, slots=True)
class Found:
    """A new group, agent or product comes into being."""

    what: Literal["group", "agent", "product"]


@dataclass(frozen=True, slots=True)
class Configure:
    """Settings of the scenario change from now on."""


@dataclass(frozen=True, slots=True)
class Notify:
    """The target agent, or the author of the target item, gets a notification."""


@dataclass(frozen=True, slots=True)
class Query:
    """The agent sees the answer of a query in the same turn; the world does not change.

    `name` is "search_posts", "search_user", "trend", "groups" or "slate".
    """

    name: str


@dataclass(frozen=True, slots=True)
class Interview:
    """The text is a question, or a question with the agent's answer, put to the agent."""


@dataclass(frozen=True, slots=True)
class TakeNote:
    """The text becomes the agent's note to itself."""


Effect = (
    Insert | Add | Remove | Bump | Sell | Found | Configure | Notify | Query | Interview | TakeNote
)


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """One action.

    `refers` says what an item target resolves to: ``target`` (a repost stands for the post it
    reposts) or ``original`` (a quote, too, stands for its original).
    """

    name: str
    summary: str
    args: tuple[Arg, ...] = ()
    requires: tuple[Precondition, ...] = ()
    effects: tuple[Effect, ...] = ()
    refers: Literal["target", "original"] = "target"
    environment_only: bool = False

    def arg(self, column: str) -> Arg | None:
        """Return the required argument that travels in `column`, if there is one."""
        return next((a for a in self.args if a.column == column and a.required), None)

    @property
    def target_kind(self) -> ArgKind | None:
        """What the action's object is: post, comment, user, group, product, or nothing."""
        arg = self.arg("target")
        return arg.kind if arg else None

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """The reasons for which a platform may refuse this action."""
        return tuple(dict.fromkeys(r.reason for r in self.requires))

    @property
    def engages(self) -> bool:
        """Whether it shows a liking for the target item (a like, a repost, a reply)."""
        return any(
            isinstance(e, Add) and e.pairs.over == "item" and e.pairs.approving
            for e in self.effects
        ) or (self.target_kind in ("post", "comment") and self.inserts is not None)

    @property
    def idle(self) -> bool:
        """Whether it takes nothing and does nothing."""
        return not (self.args or self.requires or self.effects)

    @property
    def query(self) -> str | None:
        """The name of the query that it makes, None if it makes none."""
        return next((e.name for e in self.effects if isinstance(e, Query)), None)

    @property
    def inserts(self) -> Kind | None:
        """The kind of item this action creates, if any."""
        return next((e.kind for e in self.effects if isinstance(e, Insert)), None)


class ActionTable:
    """Actions by code and by name. A code is the position in the table."""

    def __init__(self, specs: Iterable[ActionSpec]) -> None:
        self._specs = tuple(specs)
        self._codes = {s.name: i for i, s in enumerate(self._specs)}
        if len(self._codes) != len(self._specs):
            names = [s.name for s in self._specs]
            twice = next(n for n in names if names.count(n) > 1)
            raise ActionError(f"two actions are named '{twice}'")

    def __len__(self) -> int:
        return len(self._specs)

    def __iter__(self) -> Iterator[ActionSpec]:
        return iter(self._specs)

    def __getitem__(self, code: int) -> ActionSpec:
        return self._specs[code]

    def __contains__(self, name: object) -> bool:
        return name in self._codes

    @property
    def names(self) -> list[str]:
        """All names, in the order of codes."""
        return [s.name for s in self._specs]

    def code(self, name: str) -> int:
        """Return the code of an action; ActionError with a suggestion if there is none."""
        try:
            return self._codes[name]
        except KeyError:
            hint = did_you_mean(str(name), self._codes)
            raise ActionError(f"there is no action '{name}'{hint}") from None

    def spec(self, name: str) -> ActionSpec:
        """Return the specification of an action; ActionError if there is none."""
        return self._specs[self.code(name)]

    def having(self, effect: Effect) -> NDArray[np.int32]:
        """Return the codes of the actions with this effect, ascending, int32[k]."""
        return np.array([c for c, s in enumerate(self) if effect in s.effects], np.int32)

    def find(self, effect: Effect) -> ActionSpec | None:
        """Return the first action with this effect, None if there is none."""
        return next((s for s in self if effect in s.effects), None)

    @cached_property
    def idle(self) -> int:
        """The code of the action that takes nothing and does nothing, -1 if there is none."""
        return next((code for code, spec in enumerate(self) if spec.idle), -1)

    @property
    def pairs(self) -> tuple[Pairs, ...]:
        """All sets that the actions touch, in order of first mention."""
        found: dict[str, Pairs] = {}
        for spec in self._specs:
            for part in (*spec.requires, *spec.effects):
                if isinstance(part, Without | With | Add | Remove):
                    found.setdefault(part.pairs.name, part.pairs)
        return tuple(found.values())

    @cached_property
    def kinds(self) -> NDArray[np.int16]:
        """The kind of item that each action creates, -1 for none, int16[a]."""
        return np.array([-1 if s.inserts is None else s.inserts for s in self], np.int16)

    @cached_property
    def founding(self) -> dict[str, list[int]]:
        """Codes of the actions that bring something other than items into being, by what."""
        found: dict[str, list[int]] = {}
        for code, spec in enumerate(self._specs):
            for effect in spec.effects:
                if isinstance(effect, Found):
                    found.setdefault(effect.what, []).append(code)
        return found

    @property
    def item_counters(self) -> tuple[str, ...]:
        """All counters of items, in order of first mention."""
        names = [p.counter for p in self.pairs if p.over == "item" and p.counter]
        names += [e.counter for s in self._specs for e in s.effects if isinstance(e, Bump)]
        return tuple(dict.fromkeys(names))

    def with_extra(self, extra: Iterable[ActionSpec]) -> ActionTable:
        """Return a table with own actions after the built-in ones."""
        return ActionTable((*self._specs, *extra))
