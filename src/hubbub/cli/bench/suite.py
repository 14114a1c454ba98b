"""All benchmarks: each in a process of its own, repeated, the digest of its run checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any, Literal

from hubbub.bench.machine import Machine, this_machine
from hubbub.cli.bench.digests import expected_digests
from hubbub.cli.bench.process import measured

#: What one case is about. `huge` is measured only if asked for.
Kind = Literal["engine", "flat", "history", "million", "mixed", "llm", "huge"]
Verdict = Literal["as expected", "not on file", "WRONG", "REPEATS DIFFER"]
_ENGINE, _CLI = "hubbub.bench", "hubbub.cli.bench"
_FUNCTIONS: dict[Kind, str] = {
    "engine": f"{_ENGINE}.engine:bench_engine",
    "flat": f"{_ENGINE}.engine:bench_engine",
    "history": f"{_ENGINE}.history:bench_history",
    "million": f"{_CLI}.million:bench_million",
    "mixed": f"{_ENGINE}.mixed:bench_mixed",
    "llm": f"{_ENGINE}.models:bench_models",
    "huge": f"{_ENGINE}.engine:bench_engine",
}
#: Steps before those that are measured, where the arguments of a case do not say.
WARMUP: Mapping[Kind, int] = {
    "engine": 5,
    "flat": 5,
    "history": 9,
    "million": 0,
    "mixed": 2,
    "llm": 5,
    "huge": 5,
}
#: Share of agents awake in a step.
_ACTIVE = 0.1
#: Agents awake in a step of worlds of any size: what is left is what a larger world costs.
_AWAKE = 10_000


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that is measured: what, and at which size."""

    kind: Kind
    arguments: Mapping[str, Any]

    @property
    def key(self) -> str:
        """The name under which its digest is kept; it changes with the size."""
        return " ".join([self.kind, *(f"{k}={v}" for k, v in sorted(self.arguments.items()))])

    @property
    def warmup(self) -> int:
        """The steps before those that are measured."""
        return int(self.arguments.get("warmup", WARMUP[self.kind]))

    def measure(self) -> dict[str, Any]:
        """Measure once, in a process of its own; return the figures by name, and the `digest`."""
        found: dict[str, Any] = measured(_FUNCTIONS[self.kind], **self.arguments).value
        return found


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure over the repeats."""

    median: float
    least: float
    most: float


def spread(values: Sequence[float]) -> Spread:
    """Return the median of the values and their range."""
    return Spread(median(values), min(values), max(values))


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What the repeats of a case came to.

    `figures` are by name, those of a group by 'group.name'; `words` are the values that are not
    numbers. They are of the steps after `warmup` steps, which are not measured.
    """

    kind: Kind
    key: str
    repeats: int
    warmup: int
    figures: dict[str, Spread]
    words: dict[str, str]
    digest: str
    verdict: Verdict

    @property
    def label(self) -> str:
        """A short name: the kind and the number of agents."""
        return f"{self.kind} {self.figures['agents'].median:,.0f}"

    def of(self, group: str) -> dict[str, Spread]:
        """Return the figures of a group."""
        cut = len(group) + 1
        return {k[cut:]: v for k, v in self.figures.items() if k.startswith(f"{group}.")}


@dataclass(frozen=True, slots=True)
class Suite:
    """All that was found, and where. `ratios` say how flat the cost of a turn is."""

    machine: Machine
    quick: bool
    cases: list[CaseResult]
    ratios: dict[str, float]


def cases(*, quick: bool = False, huge: bool = False, scenario: Path | None = None) -> list[Case]:
    """Return what is measured: at full size, or so small that all of it takes half a minute.

    `scenario` is a file that takes the place of the million-agent scenario.
    """
    many, few = (20_000, 2_000) if quick else (1_000_000, 100_000)
    sizes = (few, many) if quick else (10_000, few, many)
    engine = [  # small steps are over in a moment, so more of them
        Case("engine", {"agents": n, "active": _ACTIVE, "steps": 5 if quick else steps})
        for n, steps in zip(sizes, (100, 40, 20), strict=False)
    ]
    awake = _AWAKE // 10 if quick else _AWAKE
    flat = [
        Case("flat", {"agents": n, "active": awake / n, "steps": 5 if quick else 40}) for n in sizes
    ]
    run: dict[str, Any] = {"agents": many, "steps": 5 if quick else 60}
    mixed = {"agents": many, "models": 100 if quick else 1000, "steps": 3 if quick else 10}
    asked = {"agents": 50, "steps": 2, "warmup": 1} if quick else {"agents": 1000, "steps": 10}
    return [
        *engine,
        *flat,
        Case("history", {"agents": few, "active": _ACTIVE, "steps": 60 if quick else 600}),
        Case("million", run) if scenario is None else _own(scenario),
        Case("mixed", {**mixed, "active": _ACTIVE}),
        Case("llm", asked),
        *([_huge(quick=quick)] if huge else []),
    ]


def _own(scenario: Path) -> Case:
    return Case("million", {"path": str(scenario.absolute())})


def _huge(*, quick: bool) -> Case:
    """Return the case of ten million agents with a hundred million ties."""
    agents = 40_000 if quick else 10_000_000
    sizes = {"agents": agents, "following": 10.0, "steps": 9, "warmup": 1}
    return Case("huge", {**sizes, "active": _ACTIVE})


def run_suite(
    chosen: Sequence[Case],
    *,
    repeats: int,
    quick: bool,
    say: Callable[[str], None],
    measure: Callable[[Case], Mapping[str, Any]] | None = None,
) -> Suite:
    """Measure the cases, in turns: so a noisy minute does not fall on one of them alone.

    The huge case is measured once. `say` is told what comes next. `measure` measures a case once
    and returns its figures by name, with its `digest`; if not given, in a process of its own.
    """
    measure = measure or Case.measure
    machine = this_machine()
    values: dict[str, list[Mapping[str, Any]]] = {case.key: [] for case in chosen}
    for repeat, case in product(range(repeats), chosen):
        if case.kind != "huge" or not repeat:
            say(f"{repeat + 1} of {repeats}: {case.key} ...")
            values[case.key].append(measure(case))
    expected = expected_digests()
    found = [_found(case, values[case.key], expected.get(case.key)) for case in chosen]
    return Suite(machine, quick, found, _ratios(found))


def _found(case: Case, values: list[Mapping[str, Any]], expected: str | None) -> CaseResult:
    flat = [dict(_flat(value)) for value in values]
    figures = {
        name: spread([f[name] for f in flat])
        for name, value in flat[0].items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    words = {name: str(value) for name, value in flat[0].items() if name not in figures}
    digest = words.pop("digest")
    judged = verdict([f["digest"] for f in flat], expected)
    return CaseResult(case.kind, case.key, len(values), case.warmup, figures, words, digest, judged)


def verdict(digests: Sequence[str], expected: str | None) -> Verdict:
    """Return what is to be said of the digests of the repeats, given the one on file, if any."""
    if len(set(digests)) > 1:
        return "REPEATS DIFFER"
    if expected is None:
        return "not on file"
    return "as expected" if digests[0] == expected else "WRONG"


def _flat(value: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return the entries of a mapping, those of an inner one as 'outer.inner'."""
    pairs: list[tuple[str, Any]] = []
    for name, inner in value.items():
        if isinstance(inner, Mapping):
            pairs += [(f"{name}.{key}", v) for key, v in inner.items()]
        else:
            pairs.append((name, inner))
    return pairs


def _ratios(found: Sequence[CaseResult]) -> dict[str, float]:
    """Return how flat the cost of a turn is: the dearest by the cheapest size, late by early."""
    ratios = {
        f"late by early in {f.label}": f.figures["growth"].median
        for f in found
        if f.kind == "history"
    }
    for figure, words in (("microseconds_per_turn", "clock"), ("cpu_us_per_turn", "CPU")):
        for kind, awake in (("flat", "as many awake"), ("engine", "one in ten awake")):
            costs = [f.figures[figure].median for f in found if f.kind == kind]
            if len(costs) > 1:
                ratios[f"dearest by cheapest size, {awake}, {words}"] = max(costs) / min(costs)
    return ratios
