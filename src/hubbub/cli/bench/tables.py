"""How the figures of all benchmarks look in a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from hubbub.bench.machine import Machine
from hubbub.cli.bench.suite import CaseResult, Spread, Suite
from hubbub.cli.screen import table

#: Of a digest, what is shown; all of it is in the JSON file.
_DIGITS = 12
#: Figures shown by name; what is not here is in the JSON file.
_ENGINE = (
    ("turns_per_second", "turns/s"),
    ("microseconds_per_turn", "us/turn"),
    ("cpu_us_per_turn", "CPU us/turn"),
    ("setup_seconds", "set-up, s"),
    ("peak_mb", "peak, MB"),
)
_TITLES = {
    "history": "A long run",
    "million": "From the command to the summary, and reading the run",
    "mixed": "Language models among many",
    "llm": "Decisions by language models",
}
#: The stages of a step; any other comes before the total.
_ORDER = ("activation", "feed", "policy", "apply", "commit", "total")
_BEFORE_TOTAL = len(_ORDER) - 1.5
_STAGES = (
    ("ms_per_step", ""),
    ("early_ms_per_step", ", early"),
    ("late_ms_per_step", ", late"),
)


def show_suite(suite: Suite, screen: Console) -> None:
    """Print where and what was measured, the figures, and whether the runs were right."""
    screen.print(machine_in_words(suite.machine), soft_wrap=True)
    screen.print(
        "Medians of repeats (least - most); each in a process of its own, kernels compiled before.",
        soft_wrap=True,
    )
    sizes = [f for f in suite.cases if f.kind in ("engine", "flat", "huge")]
    if sizes:
        headers = ("agents", "awake", *(title for _, title in _ENGINE))
        rows = [
            (
                round(f.figures["agents"].median),
                round(f.figures["active_per_step"].median),
                *(in_words(f.figures[name]) for name, _ in _ENGINE),
            )
            for f in sizes
        ]
        table(screen, f"Engine ({_conditions(sizes)})", headers, rows)
    for found in suite.cases:
        if found.kind in _TITLES:
            _show_case(found, screen)
    _show_stages(suite.cases, screen)
    if suite.ratios:
        rows_of = [(name, round(ratio, 2)) for name, ratio in suite.ratios.items()]
        table(screen, "Cost of a turn", ("ratio", "value"), rows_of)
    digests = [(f.label, f.digest[:_DIGITS], f.verdict) for f in suite.cases]
    table(screen, "Digests", ("run", "digest", "verdict"), digests)


def machine_in_words(machine: Machine) -> str:
    """Return two lines on a machine and the versions on it."""
    versions = ", ".join(f"{name} {number}" for name, number in machine.versions.items())
    return (
        f"{machine.processor}, {machine.cores} cores, {machine.memory_gb:g} GiB, {machine.system}\n"
        f"{versions}; load before: {machine.load:g}"
    )


def _show_case(found: CaseResult, screen: Console) -> None:
    """Print all figures of a case but those of the table of stages."""
    figures = [(name, in_words(spread)) for name, spread in found.figures.items()]
    if _stages(found):
        figures = [(name, value) for name, value in figures if "ms_per_step" not in name]
    rows = [(_plain(name), value) for name, value in [*figures, *found.words.items()]]
    title = f"{_TITLES[found.kind]} ({_conditions([found])})"
    table(screen, title, ("figure", "value"), rows)


def _conditions(cases: Sequence[CaseResult]) -> str:
    """Say how often the cases were measured, and after how many steps."""
    counts = {
        "repeats": dict.fromkeys(f.repeats for f in cases),
        "warm-up steps": dict.fromkeys(f.warmup for f in cases),
    }
    return ", ".join(f"{name}: {' or '.join(map(str, n))}" for name, n in counts.items())


def _show_stages(cases: Sequence[CaseResult], screen: Console) -> None:
    """Print where the time of a step goes, in milliseconds."""
    lines = [line for found in cases for line in _stages(found)]
    if lines:
        there = dict.fromkeys(name for _, stages in lines for name in stages)
        names = sorted(there, key=lambda n: _ORDER.index(n) if n in _ORDER else _BEFORE_TOTAL)
        rows = [
            (label, *(_number(stages[n].median) if n in stages else "" for n in names))
            for label, stages in lines
        ]
        table(screen, "Where the time goes, ms per step", ("run", *names), rows)


def _stages(found: CaseResult) -> list[tuple[str, dict[str, Spread]]]:
    """Return the stages of a case without models: what it is, and its figures by stage."""
    if found.kind in ("mixed", "llm"):
        return []
    parts = [(found.label + tail, found.of(group)) for group, tail in _STAGES]
    return [(label, stages) for label, stages in parts if stages]


def _plain(name: str) -> str:
    return name.replace("_", " ").replace(".", ", ")


def in_words(spread: Spread) -> str:
    """Return a median with its range, or alone if there is none."""
    if spread.least == spread.most:
        return _number(spread.median)
    return f"{_number(spread.median)} ({_number(spread.least)} - {_number(spread.most)})"


def _number(value: float) -> str:
    """Return a number with three digits at least."""
    if value == round(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"
