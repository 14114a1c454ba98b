"""What a run has spent on language models."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from hubbub.store.completions import CompletionRow
from hubbub.store.database import Database


class Spent(NamedTuple):
    """Calls made, tokens of prompts and replies together, money."""

    requests: int = 0
    tokens: int = 0
    money: float = 0.0


@dataclass(frozen=True, slots=True)
class ModelSpending:
    """The calls of one model in a run.

    `replies` counts those with a reply, `failures` those without, by kind; `recorded` counts those
    answered from a record. Tokens are those of all calls; `cost`, `attempts` and the latency
    (seconds, of calls with a reply) leave out recorded answers.
    """

    model: str
    calls: int
    replies: int
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    recorded: int
    attempts: int
    cost: float
    failures: dict[str, int]
    latency_p50: float
    latency_p90: float
    latency_p99: float


def read_spent(db: Database) -> Spent:
    """Return what was spent so far, including calls whose rows have been replaced."""
    rows = db.rows("SELECT value FROM meta WHERE key = 'spent'")
    return Spent(*json.loads(rows[0][0])) if rows else Spent()


def add_spent(db: Database, rows: Iterable[CompletionRow]) -> None:
    """Add the cost of these calls, inside the current transaction. Recorded ones are free."""
    made = [row for row in rows if not row.completion.recorded]
    if not made:
        return
    before = read_spent(db)
    tokens = sum(r.completion.prompt_tokens + r.completion.completion_tokens for r in made)
    money = sum(r.cost for r in made)
    now = Spent(before.requests + len(made), before.tokens + tokens, before.money + money)
    db.insert("meta", ("key", "value"), [("spent", json.dumps(now))], verb="REPLACE")


#: Fields of ModelSpending, as sums over the calls of a model.
_SUMS = {
    "calls": "count(*)",
    "replies": "sum(failure = '')",
    "prompt_tokens": "sum(prompt_tokens)",
    "cached_tokens": "sum(cached_tokens)",
    "completion_tokens": "sum(completion_tokens)",
    "recorded": "sum(recorded)",
    "attempts": "sum(attempts * (recorded = 0))",
    "cost": "sum(cost * (recorded = 0))",
}


def usage(db: Database) -> list[ModelSpending]:
    """Return the figures of each model, in the order of their names."""
    sql = f"SELECT model, {', '.join(_SUMS.values())} FROM completion GROUP BY model ORDER BY model"
    found = []
    with db.snapshot():
        for model, *sums in db.rows(sql):
            p50, p90, p99 = _latencies(db, model)
            found.append(
                ModelSpending(
                    model,
                    **dict(zip(_SUMS, sums, strict=True)),
                    failures=_failures(db, model),
                    latency_p50=p50,
                    latency_p90=p90,
                    latency_p99=p99,
                )
            )
    return found


def _failures(db: Database, model: str) -> dict[str, int]:
    sql = (
        "SELECT failure, count(*) FROM completion WHERE model = ? AND failure <> '' "
        "GROUP BY failure ORDER BY failure"
    )
    return dict(db.rows(sql, model))


def _latencies(db: Database, model: str) -> tuple[float, float, float]:
    """Return the percentiles 50, 90 and 99 in seconds, 0 if no call had a reply."""
    sql = "SELECT latency FROM completion WHERE model = ? AND failure = '' AND recorded = 0"
    seconds = np.array([row[0] for row in db.rows(sql, model)], np.float64)
    if not len(seconds):
        return 0.0, 0.0, 0.0
    p50, p90, p99 = np.percentile(seconds, (50, 90, 99)).tolist()
    return p50, p90, p99
