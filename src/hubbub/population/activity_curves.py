"""When agents are awake: 24-hour activity curves from a file, from timestamps or by chronotype.

P(agent i is active in a step of hour j) = rate_i * f_ij / max_k f_kj, as in the OASIS paper
(arXiv 2411.11581). Curves are by UTC hour; agents of equal habits share one row.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hubbub.config.scenario import ActivityConfig
from hubbub.errors import DataError, ScenarioError
from hubbub.rng import Stream

HOURS = 24
Curves = NDArray[np.float32]

#: Activity by local hour of an intermediate chronotype, the maximum being 1. Derived from the hour
#: (UTC) of 80,080 retweets made more than a day after their source (Twitter15 and Twitter16, Ma et
#: al. 2016, 2017): the first two harmonics of the counts, divided by those of the mixture that
#: the figures are over, US time zones (Eastern 47 %, Central 29 %, Mountain 7 %, Pacific 17 % of
#: the population, eight months of daylight saving time) times the chronotypes below.
DAY = (
    0.613, 0.482, 0.376, 0.316, 0.313, 0.368, 0.470, 0.599, 0.733, 0.850, 0.935, 0.982,
    0.994, 0.984, 0.965, 0.951, 0.952, 0.966, 0.987, 1.000, 0.990, 0.947, 0.864, 0.748,
)  # fmt: skip

#: Morning, intermediate and evening types: shares, and hours by which their day is shifted. That
#: some 40 % of adults are of the two outer types is a rule of thumb (said to be that of Adan et al.
#: 2012, Chronobiology International 29:1153; we could not check the paper). Mid-sleep on free days
#: has a standard deviation of 1.3 h in the published histogram of the Munich Chronotype
#: Questionnaire (Roenneberg et al. 2007, Sleep Medicine Reviews 11:429), and the mean of an outer
#: fifth of a normal distribution is 1.4 standard deviations: 1.8 h, rounded to 2.
CHRONOTYPE_SHARES = (0.2, 0.6, 0.2)
CHRONOTYPE_SHIFTS = (-2.0, 0.0, 2.0)

#: Counts of timestamps are smoothed with this kernel around the clock. Each agent also gets this
#: many more events, spread over the day like those of everybody.
KERNEL = (0.25, 0.5, 0.25)
PRIOR_EVENTS = 2.0


def build_curves(
    config: ActivityConfig,
    *,
    utc_offset_minutes: NDArray[Any],
    chronotype_stream: Stream,
    core: NDArray[np.bool_],
    frequencies: NDArray[np.float32] | None,
    user_names: Sequence[str],
    kind_of_source: Literal["synthetic", "file", "records"],
    base: Path,
) -> tuple[Curves, NDArray[np.int32], NDArray[np.float32]]:
    """Return (curves float32[c, 24] by UTC hour, curve int32[n], rate float32[n]) of n agents.

    `utc_offset_minutes` int[n] is local time minus UTC; `frequencies` are the 24 figures of the
    profile file, one row per agent (a row of NaN for an agent without any, who gets the mean of the
    others); a relative `config.path` starts from the folder `base`.
    """
    rate = np.where(core, config.core_rate, config.rate).astype(np.float32)
    kind = config.kind
    if kind == "auto":
        synthetic = "chronotype" if kind_of_source == "synthetic" else "constant"
        kind = "file" if frequencies is not None else synthetic  # type: ignore[assignment]
    match kind:
        case "chronotype":
            curves, curve = _by_chronotype(utc_offset_minutes, chronotype_stream)
        case "file":
            curves, curve = _from_figures(frequencies, len(core))
        case "timestamps":
            counts = _hourly_counts(_timestamps_path(config, base), user_names)
            curves, curve = _distinct(_normalised(_smoothed(counts)))
        case _:
            curves, curve = np.ones((1, HOURS), np.float32), np.zeros(len(core), np.int32)
    return curves, curve, rate


def _by_chronotype(offsets: NDArray[Any], stream: Stream) -> tuple[Curves, NDArray[np.int32]]:
    """Return a curve per chronotype and time zone that occurs, ordered by zone, then type."""
    kinds = len(CHRONOTYPE_SHARES)
    zones, zone = np.unique(np.asarray(offsets, np.int64), return_inverse=True)
    drawn = stream.choice(np.array(CHRONOTYPE_SHARES), len(zone))
    shift = zones[:, None] / 60 - np.array(CHRONOTYPE_SHIFTS)
    hours = (shift.reshape(-1, 1) + np.arange(HOURS)) % HOURS
    curves = np.interp(hours, np.arange(HOURS + 1), [*DAY, DAY[0]]).astype(np.float32)
    if not len(zones):
        curves = np.ones((1, HOURS), np.float32)
    return curves, (zone * kinds + drawn).astype(np.int32)


def _from_figures(figures: NDArray[np.float32] | None, n: int) -> tuple[Curves, NDArray[np.int32]]:
    if figures is None:
        raise ScenarioError(
            "time.activity.kind is 'file', but the profiles have no hourly figures "
            "(column activity_level_frequency): use 'auto', 'constant' or 'chronotype'"
        )
    if figures.shape != (n, HOURS):
        raise DataError(f"activity figures must be 24 for each of {n} agents: {figures.shape}")
    missing = np.isnan(figures)
    wrong = missing.any(axis=1) & ~missing.all(axis=1) | (figures < 0).any(axis=1)
    if wrong.any():
        agent = int(np.flatnonzero(wrong)[0])
        raise DataError(
            f"activity_level_frequency of agent {agent} must be 24 figures of at least 0, "
            f"not {figures[agent].tolist()}"
        )
    rows, curve = _distinct(figures.astype(np.float64))
    unknown = np.isnan(rows).any(axis=1)
    weights = np.bincount(curve, minlength=len(rows))[~unknown]
    known = rows[~unknown].astype(np.float64)
    rows[unknown] = np.average(known, axis=0, weights=weights) if len(known) else 1.0
    return _normalised(rows).astype(np.float32), curve


def _distinct(rows: NDArray[Any]) -> tuple[Curves, NDArray[np.int32]]:
    """Return the distinct rows (float32), and for each row which of them it is."""
    if not len(rows):
        return np.ones((1, HOURS), np.float32), np.zeros(0, np.int32)
    plain = np.ascontiguousarray(rows, np.float32) + np.float32(0.0)  # one zero, not two
    keys = plain.view(np.dtype((np.void, plain.dtype.itemsize * HOURS))).ravel()
    _, first, which = np.unique(keys, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")  # rows in order of first mention
    rank = np.empty(len(order), np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    return plain[first[order]], rank[which.ravel()]


def _normalised(figures: NDArray[Any]) -> NDArray[np.float64]:
    """Return f_ij / max_k f_kj, and 0 for an hour in which nobody is active."""
    highest = figures.max(axis=0, initial=0.0).astype(np.float64)
    result = np.zeros(figures.shape, np.float64)
    np.divide(figures, highest, out=result, where=highest > 0)
    return result


def _timestamps_path(config: ActivityConfig, base: Path) -> Path:
    if config.path is None:
        raise ScenarioError(
            "time.activity.kind is 'timestamps': give time.activity.path, a CSV file with the "
            "columns user_name and time"
        )
    return base / config.path


def _hourly_counts(path: Path, user_names: Sequence[str]) -> NDArray[np.int64]:
    """Return how often each agent was active in each UTC hour, int64[n, 24].

    Rows of users who are not in the population are ignored.
    """
    agents: dict[str, int] = {}
    for agent, name in enumerate(user_names):
        agents.setdefault(name, agent)
    counts = np.zeros((len(user_names), HOURS), np.int64)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            lacking = {"user_name", "time"} - set(rows.fieldnames or ())
            if lacking:
                raise DataError(
                    f"{path}: there is no column {' and no column '.join(sorted(lacking))}"
                )
            for row in rows:
                hour = _utc_hour(row["time"], path, rows.line_num)
                agent_id = agents.get(row["user_name"] or "")
                if agent_id is not None:
                    counts[agent_id, hour] += 1
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 at byte {error.start}: save it as UTF-8") from None
    except (OSError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read: {error}") from None
    if not counts.any():
        raise DataError(f"{path}: no user_name in it is the name of an agent of the population")
    return counts


def _utc_hour(text: str | None, path: Path, line: int) -> int:
    """Return the UTC hour of an ISO 8601 time (UTC where it names no zone) or epoch seconds."""
    try:
        word = (text or "").strip()
        try:
            return int(float(word) // 3600 % HOURS)
        except ValueError:
            time = datetime.fromisoformat(word)
            return (time if time.tzinfo is None else time.astimezone(UTC)).hour
    except (ValueError, OverflowError):
        raise DataError(
            f"{path}, line {line}, column time: {text!r} is neither an ISO 8601 time such as "
            "2024-05-01T13:45:00Z nor seconds since 1970"
        ) from None


def _smoothed(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the counts smoothed over neighbouring hours, plus a few events of everybody's day."""
    spread = np.zeros(counts.shape, np.float64)
    for shift, weight in zip((-1, 0, 1), KERNEL, strict=True):
        spread += weight * np.roll(counts, shift, axis=1)
    day = spread.sum(axis=0)
    result: NDArray[np.float64] = spread + PRIOR_EVENTS * day / day.sum()
    return result
