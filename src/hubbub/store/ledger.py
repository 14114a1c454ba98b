"""Which pairs exist and what the counters must be, computed from the events alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hubbub.store.codec import unpack
from hubbub.store.database import Database
from hubbub.store.schema import EFFECT
from hubbub.world import keys_of

Ids = NDArray[np.int32]
Whole = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Standing:
    """The current pairs of one set, in the order in which they were made.

    `event` is the id of the event that made the pair, 0 for one that existed at the start (then
    `step` is 0 too).
    """

    left: Ids
    right: Ids
    step: Ids
    event: Ids


@dataclass(frozen=True, slots=True)
class LedgerEffect:
    """A row of the table effect."""

    action: int
    pair_set: str | None
    over: str
    sign: int
    object: str
    exclusive: int
    counter: str | None
    own_counter: str | None


@dataclass(frozen=True, slots=True)
class Changes:
    """What events did to the pairs of one set, in the order of events: made (1) or ended (-1) them.

    `made` is the id of the event that made the pair: the event itself where it makes one, 0 for a
    pair that existed at the start. `last` marks the last change of each pair.
    """

    left: Ids
    right: Ids
    step: Ids
    event: Ids
    sign: Ids
    made: Ids
    last: NDArray[np.bool_]


class Ledger:
    """The accepted events that change pairs or counters, on top of the initial follow graph.

    Covers all sets of pairs and counters, or only the sets in `only` and no counters.
    """

    def __init__(self, db: Database, only: Sequence[str] | None = None) -> None:
        self.follows = start_follows(db)
        rows = db.rows(f"SELECT {', '.join(EFFECT)} FROM effect ORDER BY rowid")
        effects = [LedgerEffect(*row) for row in rows]
        self.effects = [e for e in effects if only is None or e.pair_set in only]
        names = ("id", "step", "action", "agent", "target", "item", "amount")
        codes = ", ".join(str(code) for code in sorted({e.action for e in self.effects}))
        rest = f"WHERE reason = 0 AND action IN ({codes}) ORDER BY id"
        self._events = dict(zip(names, db.columns("event", names, rest), strict=True))
        since, value = db.integers("SELECT from_event, value FROM exclusive ORDER BY from_event")
        at = np.searchsorted(since, self._events["id"], side="right")
        self._exclusive = np.concatenate([np.zeros(1, np.int64), value])[at] > 0

    @property
    def pair_sets(self) -> dict[str, str]:
        """Name -> what the right side is (agent, group or item), of all sets."""
        return {e.pair_set: e.over for e in self.effects if e.pair_set is not None}

    def _rows(self, effect: LedgerEffect) -> NDArray[np.bool_]:
        chosen: NDArray[np.bool_] = self._events["action"] == effect.action
        return chosen & self._exclusive if effect.exclusive else chosen

    def changes(self, pair_set: str) -> Changes:
        """Return what events did to the pairs of a set, in the order of events."""
        parts = [[np.empty(0, np.int32)] * 5]
        for effect in self.effects:
            if effect.pair_set == pair_set:
                rows = self._rows(effect)
                names = ("agent", effect.object, "step", "id")
                columns = [self._events[n][rows] for n in names]
                parts.append([*columns, np.full(len(columns[0]), effect.sign, np.int32)])
        left, right, step, event, sign = (np.concatenate(p) for p in zip(*parts, strict=True))
        order = np.lexsort((event, right, left))
        same = (left[order[1:]] == left[order[:-1]]) & (right[order[1:]] == right[order[:-1]])
        made, last = event.copy(), np.ones(len(event), np.bool_)
        last[order[:-1]] = ~same
        ending = np.flatnonzero(sign[order] < 0)
        before = order[ending - 1]
        known = (ending > 0) & np.concatenate([np.zeros(1, np.bool_), same])[ending]
        made[order[ending]] = np.where(known, event[before], 0)
        by_event = np.argsort(event, kind="stable")
        return Changes(
            left[by_event],
            right[by_event],
            step[by_event],
            event[by_event],
            sign[by_event],
            made[by_event],
            last[by_event],
        )

    def standing(self, pair_set: str) -> Standing:
        """Return the current pairs of a set: those whose last change made them."""
        changes = self.changes(pair_set)
        kept = changes.last & (changes.sign > 0)
        columns = [getattr(changes, n)[kept] for n in ("left", "right", "step", "event")]
        if pair_set != "follow":
            return Standing(*columns)
        touched = np.unique(keys_of(changes.left, changes.right))
        keys = keys_of(*self.follows)
        stays = np.ones(len(keys), np.bool_)
        at = np.minimum(np.searchsorted(keys, touched), len(keys) - 1)
        stays[at[keys[at] == touched] if len(keys) else at[:0]] = False
        left, right = (c[stays] for c in self.follows)
        zeros = np.zeros(len(left), np.int32)
        whole = zip((left, right, zeros, zeros), columns, strict=True)
        return Standing(*(np.concatenate(both) for both in whole))

    def counters(self, sizes: dict[str, int]) -> dict[tuple[str, str], Whole]:
        """Return what each counter must be: (agent | group | item | product, name) -> int64[n]."""
        counts: dict[tuple[str, str], Whole] = {}

        def add(table: str, name: str, ids: Ids, by: Any = None) -> None:
            found = np.bincount(ids, by, minlength=sizes[table]).astype(np.int64)
            counts[table, name] = counts.get((table, name), np.int64(0)) + found

        for pair_set in self.pair_sets:
            effect = next(e for e in self.effects if e.pair_set == pair_set)
            pairs = self.standing(pair_set)
            if effect.counter:
                add(effect.over, effect.counter, pairs.right)
            if effect.own_counter:
                add("agent", effect.own_counter, pairs.left)
        for effect in self.effects:
            if effect.pair_set is None and effect.counter:
                rows = self._rows(effect)
                by = self._events["amount"][rows] if effect.over == "product" else None
                add(effect.over, effect.counter, self._events["target"][rows], by)
        return counts


def start_follows(db: Database) -> tuple[Ids, Ids]:
    """Return the follow graph before step 1 as (follower, followee), sorted."""
    bulk = db.rows("SELECT data FROM bulk WHERE name = 'relation_start'")
    if bulk:
        table = unpack(bulk[0][0])
        return table["left"].to_numpy(), table["right"].to_numpy()
    left, right = db.columns("relation_start", ("left", "right"), "ORDER BY rowid")
    return left, right
