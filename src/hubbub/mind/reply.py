"""The form of a reply: what a model may answer, as text and as a schema, and what it means.

A reply is ``{"do":[{"action":"create_comment","id":2,"text":"..."}]}``: one object per action, with
those of `id`, `text`, `amount` and `product` that the action takes. All of it is derived from the
action table.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hubbub.actions import SOCIAL, Action, ActionSpec, ActionTable
from hubbub.actions.spec import Arg
from hubbub.llm.chat import ReplyShape
from hubbub.mind.json_reading import Unreadable, clean, json_values, whole_number
from hubbub.mind.turn_records import Reference
from hubbub.platform.preconditions import least_number
from hubbub.platform.queries import finds

#: Longest text that a schema allows, in characters: replies should be short.
LONGEST_TEXT = 500
_SHAPES = 512
_MAX_AMOUNT = 2**31 - 1
_SMALL = 1000  # numbers below are named in what we say of a reply
_NEAR = 0.85  # likeness from which a misspelt action is taken for one there is
_LONGEST_NAME = 64
_LISTS = ("do", "actions", "action")
_NAMES = ("action", "name", "tool", "function", "type")
_NESTED = ("arguments", "args", "parameters", "params", "input")

#: What a number on the slate stands for; the schema depends on it.
_Mark = tuple[str, bool]


@dataclass(frozen=True, slots=True)
class _Offer:
    """An action as a model sees it: at most one argument of each kind, since a batch has no more.

    `target` is a post, comment, user or group; `answered` is the comment that may replace the post.
    `looks` marks a query, whose answer the agent is told.
    """

    spec: ActionSpec
    target: Arg | None
    answered: Arg | None
    text: Arg | None
    amount: Arg | None
    product: Arg | None
    looks: bool

    @classmethod
    def of(cls, spec: ActionSpec) -> _Offer | None:
        """Return the action's offer; None if it needs what a reply cannot carry (a record)."""
        target, text = spec.arg("target"), spec.arg("text") or _optional(spec, "text")
        amount = spec.arg("amount") or _optional(spec, "number")
        product = target if target and target.kind == "product" else None
        target = None if product else target
        on_post = target is not None and target.kind == "post"
        offer = cls(
            spec=spec,
            target=target,
            answered=_optional(spec, "comment") if on_post else None,
            text=text,
            amount=amount,
            product=product,
            looks=finds(spec) not in (None, "feed"),
        )
        carried = (target, text, amount, product)
        can = all(a in carried for a in spec.args if a.required)
        return offer if can and (text is None or text.kind == "text") else None

    @property
    def fields(self) -> dict[str, Arg]:
        """The fields of its JSON object, apart from `action`."""
        given = {"id": self.target, "text": self.text, "amount": self.amount}
        given["product"] = self.product
        return {name: arg for name, arg in given.items() if arg is not None}

    def numbers(self, marks: Sequence[_Mark]) -> list[int]:
        """Return the numbers on a slate that the action can refer to."""
        kinds = [a.kind for a in (self.target, self.answered) if a is not None]
        if "user" in kinds:
            return [n for n, (_, by_user) in enumerate(marks, 1) if by_user]
        return [n for n, (kind, _) in enumerate(marks, 1) if kind in kinds]


class ReplyForm:
    """What agents of one platform may answer.

    `allowed` bool[a] are the action codes switched on. Actions of the environment and those that
    need a record are left out; so are queries unless `queries`, as where a turn is a single call.
    `products` are the names on sale; `max_text` is the longest text of the platform in characters.
    """

    def __init__(
        self,
        table: ActionTable,
        allowed: NDArray[np.bool_],
        *,
        max_actions: int = 1,
        products: Sequence[str] = (),
        queries: bool = True,
        max_text: int,
    ) -> None:
        self.max_actions = max_actions
        self._products = tuple(products)
        self._max_text = min(max_text, LONGEST_TEXT)
        usable = [s for s, on in zip(table, allowed, strict=True) if on and not s.environment_only]
        offers = [o for o in map(_Offer.of, usable) if o is not None]
        offers = [o for o in offers if (o.product is None or products) and (queries or not o.looks)]
        self._offers = {o.spec.name: o for o in offers}
        # the agent is shown its feed anyway: no need to offer that
        worth = [o for o in offers if finds(o.spec) != "feed"]
        self._listed = worth or offers
        self._plain_names = {_plain(s.name): s.name for s in table}
        self._idle = [s.name for s in usable if s.idle][:1]
        self._shape = lru_cache(maxsize=_SHAPES)(self._new_shape)

    @property
    def actions(self) -> list[str]:
        """Names of the actions that a model is offered."""
        return [o.spec.name for o in self._listed]

    def guide(self) -> str:
        """Return the lines of the shared rules on the form of a reply and on the actions.

        Names of built-in actions say what they do; custom actions come with their summary.
        """
        count = "one action" if self.max_actions == 1 else f"1 to {self.max_actions} actions"
        example = max(self._listed, key=lambda o: len(o.fields), default=None)
        lines = [f"Reply with JSON only, {count}: {_example(example)}"]
        if any(o.target for o in self._listed):
            lines.append("id is a number shown to you; for a user, that of anything by them.")
        if any(o.product for o in self._listed):
            names = ", ".join(json.dumps(p, ensure_ascii=False) for p in self._products)
            lines.append(f"product is one of {names}.")
        lines.append("Actions by their fields:")
        by_fields: dict[str, list[str]] = {}
        for o in self._listed:
            if o.spec.name in SOCIAL:
                by_fields.setdefault(" ".join(o.fields) or "none", []).append(o.spec.name)
        lines += [f"{fields}: {', '.join(names)}" for fields, names in by_fields.items()]
        own = [o for o in self._listed if o.spec.name not in SOCIAL]
        lines += [f"{' '.join(o.fields) or 'none'}: {o.spec.name}, {o.spec.summary}" for o in own]
        return "\n".join(lines)

    def shape(self, things: Sequence[Reference], *, queries: bool = True) -> ReplyShape:
        """Return the schema of a reply of an agent who is shown these references.

        It depends only on which numbers are posts, comments, users and groups, and is cached for
        slates of the same shape. Without `queries` nothing can be looked up.
        """
        marks = tuple([(kind, user >= 0) for kind, _, user in things])
        return self._shape(marks, queries=queries)

    def read(
        self,
        text: str,
        things: Sequence[Reference],
        *,
        post_of: Callable[[int], int],
        queries: bool = True,
    ) -> list[Action]:
        """Return the first `max_actions` actions of a reply; Unreadable if it has no valid form.

        They have only arguments of their specification, but the platform may still refuse them.
        `post_of` gives the post that a comment stands under: a comment on a comment names both. No
        actions at all means doing nothing. Without `queries`, a reply with a query is Unreadable.
        """
        entries = _entries(json_values(text))[: self.max_actions]
        if not entries:
            return [Action(name) for name in self._idle]
        actions = []
        for name, given in entries:
            offer = self._find(name)
            if offer.looks and not queries:
                raise Unreadable(f"{offer.spec.name} is not possible any more in this turn")
            args = dict(self._arguments(offer, given, things, post_of))
            actions.append(Action(offer.spec.name, **args))
        return actions

    def looks(self, action: Action) -> bool:
        """Return whether it is a query whose answer the agent waits for."""
        return self._offers[action.name].looks

    def _new_shape(self, marks: tuple[_Mark, ...], *, queries: bool) -> ReplyShape:
        alike: dict[str, tuple[dict[str, Any], list[str]]] = {}
        for offer in self._listed:
            numbers = offer.numbers(marks)
            if (offer.target and not numbers) or (offer.looks and not queries):
                continue
            fields = self._fields(offer, numbers)
            alike.setdefault(repr(fields), (fields, []))[1].append(offer.spec.name)
        choices = [
            _object({"action": {"type": "string", "enum": names}, **fields})
            for fields, names in alike.values()
        ]
        do = {
            "type": "array",
            "items": {"anyOf": choices} if choices else _object({}),
            "minItems": min(1, len(choices)),
            "maxItems": self.max_actions if choices else 0,
        }
        return ReplyShape("reply", _object({"do": do}))

    def _fields(self, offer: _Offer, numbers: list[int]) -> dict[str, Any]:
        """Return the schemas of an action's fields."""
        fields: dict[str, Any] = {}
        if offer.target is not None:
            fields["id"] = {"type": "integer", "enum": numbers}
        if offer.text is not None:
            shortest = {"minLength": 1} if offer.text.required else {}
            fields["text"] = {"type": "string", **shortest, "maxLength": self._max_text}
        if offer.amount is not None:
            least = least_number(offer.spec)
            lowest = -_MAX_AMOUNT if least is None else least
            fields["amount"] = {"type": "integer", "minimum": lowest, "maximum": _MAX_AMOUNT}
        if offer.product is not None:
            fields["product"] = {"type": "string", "enum": list(self._products)}
        return fields

    def _find(self, name: str) -> _Offer:
        """Return the offer with this name, or with the only name of which it is a misspelling."""
        offer = self._offers.get(name)
        if offer is not None:
            return offer
        plain = _plain(name[:_LONGEST_NAME])
        known = self._plain_names.get(plain)
        if known is None and plain:
            alike = [n for p, n in self._plain_names.items() if _alike(plain, p)]
            known = alike[0] if len(alike) == 1 else None
        if known not in self._offers:
            raise Unreadable("it named an action that is not listed")
        return self._offers[known]

    def _arguments(
        self,
        offer: _Offer,
        given: Mapping[str, Any],
        things: Sequence[Reference],
        post_of: Callable[[int], int],
    ) -> Iterator[tuple[str, Any]]:
        name = offer.spec.name
        if offer.target is not None:
            yield from _target(offer, offer.target, given, things, post_of)
        if (arg := offer.text) is not None:
            text = _given(given, "text", arg.name, "content")
            if isinstance(text, str) and (arg.required or clean(text)):
                yield arg.name, clean(text)
            elif arg.required:
                raise Unreadable(f"{name} needs a text")
        if (arg := offer.amount) is not None:
            amount = _given(given, "amount", arg.name, "quantity")
            number = whole_number(amount)
            if number is not None and abs(number) <= _MAX_AMOUNT:
                yield arg.name, number
            elif arg.required or amount is not None:
                raise Unreadable(f"{name} needs a whole number as amount")
        if (arg := offer.product) is not None:
            wanted = str(_given(given, "product", arg.name)).strip()
            names = [p for p in self._products if p == wanted] or [
                p for p in self._products if p.casefold() == wanted.casefold()
            ]
            if not names:
                raise Unreadable(f"{name} needs the name of a product on sale")
            yield arg.name, names[0]


def _optional(spec: ActionSpec, kind: str) -> Arg | None:
    return next((a for a in spec.args if a.kind == kind and not a.required), None)


def _object(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": fields,
        "required": list(fields),
        "additionalProperties": False,
    }


def _example(offer: _Offer | None) -> str:
    """Return a reply with one action that shows as many fields as possible."""
    shown = {"id": 2, "text": "...", "amount": 1, "product": "..."}
    do = []
    if offer is not None:
        do = [{"action": offer.spec.name, **{f: shown[f] for f in offer.fields}}]
    return json.dumps({"do": do}, separators=(",", ":"))


def _entries(values: list[Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Yield (name, fields) of each action in the values of a reply, in order."""
    found: list[Any] = []
    for value in values:
        inner = value
        while isinstance(inner, dict) and (key := _list_key(inner)) is not None:
            inner = inner[key]
        found += inner if isinstance(inner, list) else [inner]
    objects = [e for e in found if isinstance(e, dict)]
    named = [e for e in map(_named, objects) if e is not None]
    if not objects:
        named = [(e, {}) for e in found if isinstance(e, str)]
    if found and not named:
        raise Unreadable("it named no action")
    return named


def _list_key(value: dict[str, Any]) -> str | None:
    return next((k for k in _LISTS if isinstance(value.get(k), dict | list)), None)


def _named(entry: dict[str, Any]) -> tuple[str, Mapping[str, Any]] | None:
    """Return the name and the fields of one action, wherever the reply puts them."""
    if "action" not in entry:
        entry = {k.strip().casefold(): v for k, v in entry.items()}
    for key in _NAMES:
        name = entry.get(key)
        if isinstance(name, str):
            nested = (entry[k] for k in _NESTED if isinstance(entry.get(k), dict))
            return name, next(nested, entry)
    return None


def _target(
    offer: _Offer,
    target: Arg,
    given: Mapping[str, Any],
    things: Sequence[Reference],
    post_of: Callable[[int], int],
) -> Iterator[tuple[str, int]]:
    """Yield the arguments that a number stands for: for a comment on a comment, two."""
    answered = offer.answered
    fields = ["id", target.name] if answered is None else [answered.name, "id", target.name]
    wanted = _given(given, *fields)
    number = whole_number(wanted)
    if number is None:
        raise Unreadable(f"{offer.spec.name} needs the number of a {target.kind} as id")
    if not 1 <= number <= len(things):
        which = f"the number {number}" if 0 <= number < _SMALL else "a number it named"
        raise Unreadable(f"{which} is not on the list")
    thing = things[number - 1]
    if target.kind == "user" and thing.user >= 0:
        yield target.name, thing.user
    elif target.kind == thing.kind:
        yield target.name, thing.id
    elif answered is not None and answered.kind == thing.kind:
        yield target.name, post_of(thing.id)
        yield answered.name, thing.id
    else:
        raise Unreadable(f"{offer.spec.name} needs a {target.kind}, and {number} is none")


def _given(given: Mapping[str, Any], *fields: str) -> Any:
    return next((given[f] for f in fields if given.get(f) is not None), None)


def _plain(name: str) -> str:
    """Return a name in lower case, without blanks and dashes."""
    return "".join(c for c in name.casefold() if c.isalnum())


def _alike(given: str, known: str) -> bool:
    # the first letter tells like from unlike and dislike
    near = given[:1] == known[:1] and abs(len(given) - len(known)) <= 2
    return near and SequenceMatcher(None, given, known).ratio() >= _NEAR
