"""What passes between the parts of a study: trials, outcomes, results, findings."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from hubbub.store import Table


@dataclass(frozen=True, slots=True)
class StudyOptions:
    """A user's options for a study, which override its own defaults.

    `replicates` per arm; `overrides` of the scenario by dotted name, for all arms; `inputs` are
    files and folders by name (such as ``cascades``); `flags` are switches by name.
    """

    replicates: int | None = None
    overrides: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, Path] = field(default_factory=dict)
    flags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Trial:
    """One unit of work: an arm with a seed. Its outcome depends on nothing else but the inputs.

    `settings` are plain values (JSON). Trials of one study have different keys.
    """

    arm: str
    replicate: int
    seed: int
    settings: Mapping[str, Any] = field(default_factory=dict)

    def key(self, study: str, version: int) -> str:
        """Return the hash of all that the outcome depends on, under which it is kept."""
        parts = [study, version, self.arm, self.replicate, self.seed, dict(self.settings)]
        text = json.dumps(parts, sort_keys=True, ensure_ascii=True, allow_nan=False)
        return blake2b(text.encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class TrialOutcome:
    """The outcome of a trial: numbers by measure, curves by name, small tables by name.

    A measure that could not be taken is left out, never NaN. A curve is a list of (x, y).
    """

    values: Mapping[str, float] = field(default_factory=dict)
    curves: Mapping[str, Sequence[tuple[float, float]]] = field(default_factory=dict)
    tables: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)


#: The columns of the tables of a study's results.
VALUES = pa.schema(
    [("arm", pa.string()), ("replicate", pa.int64()), ("seed", pa.int64()),
     ("measure", pa.string()), ("value", pa.float64())]
)  # fmt: skip
CURVES = pa.schema(
    [("arm", pa.string()), ("replicate", pa.int64()), ("curve", pa.string()),
     ("x", pa.float64()), ("y", pa.float64())]
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Results:
    """All outcomes of a study, in the order of its trials.

    `values` has the columns arm, replicate, seed, measure and value; `curves` has arm, replicate,
    curve, x and y. `tables` stack those of all trials, with the columns arm and replicate in front.
    """

    values: Table
    curves: Table
    tables: Mapping[str, Table]

    def __post_init__(self) -> None:
        for name in ("values", "curves"):
            object.__setattr__(self, name, Table(getattr(self, name)))
        tables = {name: Table(table) for name, table in self.tables.items()}
        object.__setattr__(self, "tables", tables)


Verdict = Literal["supported", "not found", "opposite", "not tested"]


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one hypothesis.

    `estimate` is the difference (arm - against) of the measure's means, or the quantity that `what`
    names; `low` and `high` are its 95 % bootstrap interval; `effect` is the standardised difference
    (Hedges' g), None where it makes no sense. `p` is that of the test named, `corrected` after
    Holm's correction for all tests of the study. `n` are the replicates of arm and comparison.
    """

    hypothesis: str
    measure: str
    arm: str
    against: str
    what: str
    estimate: float
    low: float
    high: float
    effect: float | None
    test: str
    p: float
    corrected: float
    n: tuple[int, int]
    verdict: Verdict
