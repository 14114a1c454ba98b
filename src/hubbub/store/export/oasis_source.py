"""A run as an OASIS export reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hubbub.actions.spec import POST_KINDS, Kind
from hubbub.store.database import Database
from hubbub.time.clock import steps_as_times

if TYPE_CHECKING:
    from hubbub.store.run import RunStore

Moment = int | str
Rows = Iterator[Sequence[Any]]


@dataclass(frozen=True, slots=True)
class OasisSource:
    """The run, with the numbers that posts, comments and messages have in the export."""

    db: Database
    when: Callable[[int], Moment]
    items: dict[str, NDArray[np.int32]]
    texts: list[str]
    number: NDArray[np.int64]
    is_post: NDArray[np.bool_]

    @classmethod
    def of(cls, store: RunStore) -> OasisSource:
        """Return the run of a store."""
        db = store.database
        kept = ("likes", "dislikes", "shares", "reports")
        counters = [n for n in kept if n in store.layout.item]
        names = ("id", "kind", "author", "step", "ref", "text", *counters)
        items = dict(zip(names, db.columns("item", names, "ORDER BY id"), strict=True))
        for name in kept:
            items.setdefault(name, np.zeros(len(items["id"]), np.int32))
        is_post = np.isin(items["kind"], POST_KINDS)
        number = np.zeros(len(is_post), np.int64)
        for group in (is_post, *(items["kind"] == k for k in (Kind.comment, Kind.message))):
            number[group] = np.arange(1, group.sum() + 1)
        texts = [r[0] for r in db.rows("SELECT content FROM text ORDER BY id")]
        return cls(db, _created_at(store.scenario()), items, texts, number, is_post)

    def text(self, number: int) -> str:
        """Return a text by its number, the empty one for -1."""
        return self.texts[number] if number >= 0 else ""

    def rows(self, chosen: NDArray[np.bool_], *names: str) -> Iterator[tuple[int, ...]]:
        """Return columns of some items as rows of numbers."""
        return zip(*(self.items[n][chosen].tolist() for n in names), strict=True)


def _created_at(scenario: Mapping[str, Any]) -> Callable[[int], Moment]:
    """Return the function from a step to `created_at`: the step, or on Reddit an ISO time (UTC)."""
    if scenario.get("platform", {}).get("preset", "x") != "reddit":
        return int
    moment = steps_as_times(scenario)
    return cache(lambda step: moment(step).isoformat(sep=" "))
