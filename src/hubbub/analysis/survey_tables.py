"""Survey answers in tables: their distribution, their means, and their change.

Each function takes the columns of `RunStore.answers()`. Answers that could not be read (`valid` is
false) count as missing. Intervals are 95 % intervals and treat the agents as a random sample of a
large population whose members answer independently. Within one run that is only roughly true, as
agents influence one another. Differences between arms of a study need replicates.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import NormalDist
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from hubbub.store import Table

Floats = NDArray[np.float64]
_Z = NormalDist().inv_cdf(0.975)
_WAVE = [("survey", pa.string()), ("question", pa.string()), ("step", pa.int32())]
SHARES = pa.schema(
    [*_WAVE, ("answer", pa.string()), ("value", pa.float64()), ("count", pa.int64()),
     ("share", pa.float64()), ("low", pa.float64()), ("high", pa.float64())]
)  # fmt: skip
MEANS = pa.schema(
    [*_WAVE, ("asked", pa.int64()), ("n", pa.int64()), ("mean", pa.float64()),
     ("sd", pa.float64()), ("low", pa.float64()), ("high", pa.float64())]
)  # fmt: skip
CHANGES = pa.schema(
    [*_WAVE[:2], ("first", pa.int32()), ("last", pa.int32()), ("n", pa.int64()),
     ("mean_first", pa.float64()), ("mean_last", pa.float64()), ("change", pa.float64()),
     ("low", pa.float64()), ("high", pa.float64()), ("changed", pa.float64())]
)  # fmt: skip


def shares(answers: Table) -> Table:
    """Return how often each answer was given: the columns of SHARES.

    A row per survey, question, step and answer, for questions with numbers (choice, likert,
    number), by value; `share` of the valid answers, with the interval of Wilson 1927
    (doi:10.2307/2276774).
    """
    rows = []
    for where, given in _waves(_numbered(answers)):
        words = _words(given["answer"])
        values, first, count = np.unique(
            given["value"].to_numpy(), return_index=True, return_counts=True
        )
        n = int(count.sum())
        for value, at, k in zip(values.tolist(), first.tolist(), count.tolist(), strict=True):
            low, high = wilson(k, n)
            found = {"answer": words[at].as_py(), "value": value, "count": k, "share": k / n}
            rows.append({**where, **found, "low": low, "high": high})
    return Table(pa.Table.from_pylist(rows, SHARES))


def means(answers: Table) -> Table:
    """Return the mean answer to each question with numbers: the columns of MEANS.

    A row per survey, question and step. `asked` counts all, `n` the valid answers; `sd` is the
    standard deviation of the sample (n - 1); the interval is Student's. Null where n is too small.
    """
    rows = []
    numbered = answers.filter(pc.not_equal(_words(answers["kind"]), "text"))
    for where, given in _waves(numbered):
        values = _values(given)
        rows.append({**where, "asked": given.num_rows, "n": len(values), **_mean(values)})
    return Table(pa.Table.from_pylist(rows, MEANS))


def changes(answers: Table, first: int | None = None, last: int | None = None) -> Table:
    """Return how the answers of the same agents differ between two steps: columns of CHANGES.

    A row per survey and question with numbers that was asked in both; `first` and `last` are steps,
    by default the first and last in which it was. `n` agents answered both times; `change` is the
    mean of their differences with Student's interval for pairs, `changed` the share of agents with
    a different answer.
    """
    rows = []
    numbered = _numbered(answers)
    for where, given in _groups(numbered, ("survey", "question")):
        steps = given["step"].to_numpy()
        one = int(steps.min()) if first is None else first
        two = int(steps.max()) if last is None else last
        before, after = (given.filter(pa.array(steps == s)) for s in (one, two))
        if one == two or not before.num_rows or not after.num_rows:
            continue
        a, b = _paired(before, after)
        found = _mean(b - a)
        rows.append(
            {
                **where,
                "first": one,
                "last": two,
                "n": len(a),
                "mean_first": float(a.mean()) if len(a) else None,
                "mean_last": float(b.mean()) if len(a) else None,
                "change": found["mean"],
                "low": found["low"],
                "high": found["high"],
                "changed": float((a != b).mean()) if len(a) else None,
            }
        )
    return Table(pa.Table.from_pylist(rows, CHANGES))


def wilson(count: int, n: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval for a share of count / n; (0, 1) for n = 0."""
    if not n:
        return 0.0, 1.0
    p, z2 = count / n, _Z * _Z
    middle = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z / (1 + z2 / n) * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def mean_interval(values: Floats) -> tuple[float, float]:
    """Return Student's 95 % interval for the mean of at least two values; else (NaN, NaN)."""
    n = len(values)
    if n < 2:
        return math.nan, math.nan
    half = student_quantile(n - 1) * float(values.std(ddof=1)) / math.sqrt(n)
    mean = float(values.mean())
    return mean - half, mean + half


def student_quantile(freedom: float) -> float:
    """Return the 0.975 quantile of Student's t, by integrating its density over atan(t / sqrt(df)).

    `freedom` are the degrees, a real number of at least 1. Less than 0.02 % off.
    """
    freedom = min(freedom, 10_000.0)
    angle = np.linspace(0.0, np.pi / 2, 10_001)
    density = np.cos(angle) ** (freedom - 1)
    total = np.concatenate([[0.0], np.cumsum(density[1:] + density[:-1])])
    return math.sqrt(freedom) * float(np.tan(np.interp(0.95 * total[-1], total, angle)))


def _mean(values: Floats) -> dict[str, float | None]:
    """Return mean, sd and interval; None where there are too few values."""
    n = len(values)
    low, high = mean_interval(values)
    return {
        "mean": float(values.mean()) if n else None,
        "sd": float(values.std(ddof=1)) if n > 1 else None,
        "low": low if n > 1 else None,
        "high": high if n > 1 else None,
    }


def _numbered(answers: Table) -> Table:
    """Return the valid answers that have numbers."""
    numbered: Table = answers.filter(pc.and_(answers["valid"], pc.is_valid(answers["value"])))
    return numbered


def _values(given: Table) -> Floats:
    return np.asarray(_numbered(given)["value"], np.float64)


def _paired(before: Table, after: Table) -> tuple[Floats, Floats]:
    """Return the values of the agents that are in both tables."""
    _, a, b = np.intersect1d(before["agent"], after["agent"], return_indices=True)
    return np.asarray(before["value"])[a], np.asarray(after["value"])[b]


def _waves(answers: Table) -> Iterator[tuple[dict[str, Any], Table]]:
    return _groups(answers, ("survey", "question", "step"))


def _groups(answers: Table, names: tuple[str, ...]) -> Iterator[tuple[dict[str, Any], Table]]:
    """Yield the rows that agree in some columns, in order of first appearance."""
    codes = [np.unique(_plain(answers[n]), return_inverse=True)[1] for n in names]
    if not answers.num_rows:
        return
    _, first, group = np.unique(np.stack(codes), axis=1, return_index=True, return_inverse=True)
    group = group.ravel()
    for g in np.argsort(first, kind="stable").tolist():
        rows = answers.filter(pa.array(group == g))
        yield {n: _words(rows[n])[0].as_py() for n in names}, rows


def _plain(column: pa.ChunkedArray) -> NDArray[Any]:
    return np.asarray(_words(column))


def _words(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column of words as plain strings, any other as it is."""
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
