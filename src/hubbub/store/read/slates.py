"""Slates: what agents were shown, one blob a part of the run."""

from __future__ import annotations

from collections.abc import Iterator

from hubbub.store.codec import slate_of
from hubbub.store.run import RunStore
from hubbub.world import Slate


def between(
    store: RunStore, first: int = 0, last: int | None = None
) -> Iterator[tuple[int, Slate]]:
    """Yield (step, slate) of the steps `first` to `last` (the last, if None), in order."""
    db = store.database
    parts = db.rows(
        "SELECT part, step FROM slate WHERE step >= ? AND step <= ? ORDER BY part",
        first,
        2**62 if last is None else last,
    )
    for part, step in parts:
        ((data,),) = db.rows("SELECT data FROM slate WHERE part = ?", part)
        yield step, slate_of(data)
