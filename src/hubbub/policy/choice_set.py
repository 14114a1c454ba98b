"""What an agent can choose from, derived from the table of actions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hubbub.actions import ActionSpec, ActionTable, Kind
from hubbub.actions.spec import Add, Found, Query, Remove
from hubbub.errors import ScenarioError, did_you_mean
from hubbub.policy.choice_kernel import OptionColumns

#: Utilities of the built-in actions where nothing speaks for or against them; doing nothing is 0.
#: Chosen so that two of three turns on a typical X-like platform end in nothing
#: (docs/behaviour.md).
BASE: dict[str, float] = {
    "do_nothing": 0.0,
    "refresh": -6.0,
    "create_post": -3.0,
    "repost": -6.1,
    "quote_post": -7.4,
    "like_post": -4.6,
    "unlike_post": -8.0,
    "dislike_post": -5.7,
    "undo_dislike_post": -8.0,
    "report_post": -8.5,
    "create_comment": -6.0,
    "like_comment": -5.7,
    "unlike_comment": -9.0,
    "dislike_comment": -6.5,
    "undo_dislike_comment": -9.0,
    "follow": -7.0,
    "unfollow": -8.0,
    "mute": -8.0,
    "unmute": -9.0,
    "search_posts": -4.5,
    "search_user": -5.5,
    "trend": -4.5,
    "create_group": -8.0,
    "join_group": -5.5,
    "leave_group": -7.5,
    "send_to_group": -4.5,
    "listen_from_group": -5.0,
    "purchase_product": -5.0,
}

#: What an option refers to. Posts and their authors share a position in OptionColumns.first.
NO_TARGET, ON_POST, ON_AUTHOR, ON_COMMENT = range(4)
_KINDS = {"post": ON_POST, "comment": ON_COMMENT, "user": ON_AUTHOR}


@dataclass(frozen=True, slots=True)
class ChoiceSet:
    """The options of a platform: row 0 is doing nothing.

    `code` int32[o] is the action (-1 in row 0 if there is no such action), `kind` int8[o] the kind
    of target, `reply` bool[o] whether a comment is answered; `columns` are for the kernel.
    """

    code: NDArray[np.int32]
    kind: NDArray[np.int8]
    reply: NDArray[np.bool_]
    columns: OptionColumns


def list_options(
    table: ActionTable,
    allowed: NDArray[np.bool_],
    utilities: Mapping[str, float],
    *,
    groups: bool,
    products: bool,
) -> ChoiceSet:
    """Return the options among the allowed actions (bool[a]), with groups and products if any.

    `utilities` by action name override the defaults.
    """
    quiet = table.idle
    quiet_utility = utilities.get(table[quiet].name, 0.0) if quiet >= 0 else 0.0
    rows = [(NO_TARGET, quiet if quiet >= 0 and allowed[quiet] else -1, False, quiet_utility)]
    for code in np.flatnonzero(allowed).tolist():
        spec = table[code]
        missing = {"group": not groups, "product": not products}.get(str(spec.target_kind), False)
        if code == quiet or spec.environment_only or missing or _needs_record(spec):
            continue
        utility = utilities.get(spec.name, default_utility(spec))
        rows.append((_KINDS.get(str(spec.target_kind), NO_TARGET), code, False, utility))
        if spec.target_kind == "post" and any(a.kind == "comment" for a in spec.args):
            rows.append((ON_COMMENT, code, True, utility))
    rows = rows[:1] + sorted(rows[1:], key=lambda row: row[:3])
    kind = np.array([row[0] for row in rows], np.int8)
    codes = np.array([row[1] for row in rows], np.int32)
    specs = [table[c] if c >= 0 else None for c in codes.tolist()]
    columns = OptionColumns(
        first=np.searchsorted(kind, (NO_TARGET, ON_POST, ON_COMMENT, 4)).astype(np.int64),
        utility=np.array([row[3] for row in rows], np.float64),
        approving=np.array([s is None or approves(s) for s in specs], np.bool_),
        passes_on=np.array([s is not None and passes_on(s) for s in specs], np.bool_),
        writes=np.array([s is not None and writes(s) for s in specs], np.bool_),
    )
    return ChoiceSet(codes, kind, np.array([row[2] for row in rows], np.bool_), columns)


def check_utilities(table: ActionTable, utilities: Mapping[str, float]) -> None:
    """Raise ScenarioError if a utility is given for an action that does not exist."""
    for name in utilities:
        if name not in table:
            hint = did_you_mean(name, table.names)
            raise ScenarioError(f"behaviour.base: there is no action '{name}'{hint}")


def default_utility(spec: ActionSpec) -> float:
    """Return the default utility of an action; for a custom one, by its effects."""
    if spec.name in BASE:
        return BASE[spec.name]
    if any(isinstance(e, Remove) for e in spec.effects):
        return -8.0
    if not approves(spec):
        return -6.5
    if spec.target_kind is None:
        return -4.0 if spec.inserts is not None else -5.0
    return -6.0


def approves(spec: ActionSpec) -> bool:
    """Return whether the action favours its target, unlike a dislike, report or mute."""
    for effect in spec.effects:
        if isinstance(effect, Add):
            return effect.pairs.approving
        if isinstance(effect, Remove):
            return not effect.pairs.approving
    return True


def passes_on(spec: ActionSpec) -> bool:
    """Return whether the action passes somebody's post on to the agent's followers."""
    return spec.inserts in (Kind.repost, Kind.quote)


def writes(spec: ActionSpec) -> bool:
    """Return whether the agent must write a text for the action (a query is not one)."""
    return spec.arg("text") is not None and not any(isinstance(e, Query) for e in spec.effects)


def register(spec: ActionSpec) -> str | None:
    """Return which kind of text of the grammar the action needs, None for no text."""
    if spec.arg("text") is None:
        return None
    if any(isinstance(e, Query) for e in spec.effects):
        return "query"
    if any(isinstance(e, Found) for e in spec.effects):
        return "name"
    if spec.inserts == Kind.quote:
        return "quote"
    return "post" if spec.target_kind in (None, "group", "product") else "comment"


def _needs_record(spec: ActionSpec) -> bool:
    return any(a.kind == "record" and a.required for a in spec.args)
