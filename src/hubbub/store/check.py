"""The digest of a run, recomputed from its file, and a check that the file is as it was written."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hubbub.errors import RunError
from hubbub.store.codec import Digest
from hubbub.store.database import Database
from hubbub.store.ledger import Ledger
from hubbub.store.reader import read_parts
from hubbub.store.schema import ITEM, Layout
from hubbub.store.writer import AGENTS_AT_ONCE, POPULATION, start_digest


def content_digest(db: Database, layout: Layout, meta: Mapping[str, str]) -> str:
    """Return the hash of all content; RunError if anything differs from what was written."""
    where = str(db.path) if db.path else "the run in memory"
    ledger = Ledger(db)
    running = _start(db, layout, ledger, int(meta["agents_start"]))
    if running != meta["digest_start"]:
        raise RunError(f"{where} was altered: the population is not what the run began with")
    first = 0
    kept = db.rows("SELECT digest, items FROM part ORDER BY id")
    for part, (digest, count) in zip(read_parts(db), kept, strict=True):
        chosen = "WHERE id >= ? AND id < ? ORDER BY id"
        items = db.columns("item", ITEM, chosen, first, first + count)
        first += count
        step = Digest(running)
        step.part(part, items)
        running = step.hexdigest()
        if running != digest:
            raise RunError(f"{where} was altered: step {part.step} is not what was written")
    _check_counters(db, layout, ledger, where)
    return running


def _start(db: Database, layout: Layout, ledger: Ledger, agents: int) -> str:
    digest = start_digest()
    names = ", ".join(f'"{c}"' for c in ("id", *layout.profile.values(), "core"))
    sql = f"SELECT {names} FROM agent WHERE id < ? ORDER BY id"
    for rows in db.chunks(sql, agents, size=AGENTS_AT_ONCE):
        digest.rows(rows)
    blobs = db.rows("SELECT name, data FROM bulk WHERE name LIKE ? ORDER BY name", f"{POPULATION}%")
    for name, data in blobs:
        digest.blob(name.removeprefix(POPULATION), data)
    for column in ledger.follows:
        digest.column(column)
    return digest.hexdigest()


def _check_counters(db: Database, layout: Layout, ledger: Ledger, where: str) -> None:
    """Compare the counters with the sums of the events."""
    tables = {
        "agent": ("agent", layout.agent),
        "group": ("chat_group", layout.chat_group),
        "item": ("item", layout.item),
        "product": ("product", ("sales",)),
    }
    sizes = {over: db.rows(f"SELECT count(*) FROM {t}")[0][0] for over, (t, _) in tables.items()}
    counters = ledger.counters(sizes)
    for over, (table, names) in tables.items():
        quoted = "".join(f', "{n}"' for n in names)
        _, *columns = db.integers(f"SELECT id{quoted} FROM {table} ORDER BY id")
        for name, column in zip(names, columns, strict=True):
            expected = counters.get((over, name))
            if expected is not None and not np.array_equal(expected, column):
                row = int(np.flatnonzero(expected != column)[0])
                raise RunError(
                    f"{where} was altered: {name} of {table} {row} is {column[row]}, "
                    f"but its events make {expected[row]}"
                )
