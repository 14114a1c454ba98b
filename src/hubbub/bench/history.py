"""Whether steps get slower the longer a run has been going on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from hubbub.bench.engine import (
    TimedStep,
    by_stage,
    society,
    timed_steps,
    turns_per_second,
    warm_up,
)
from hubbub.bench.machine import resident
from hubbub.engine.simulation import Simulation

#: Where the early steps begin, and the largest number of steps of an early or late part.
FIRST, MOST = 10, 20


@dataclass(frozen=True, slots=True)
class HistoryBench:
    """A long run: its early steps (20 of them from step 10 on) compared with as many at its end.

    Microseconds per turn and milliseconds by stage are medians over those steps; `growth` is late
    divided by early. `turns_per_second` is over all steps from the tenth on. `early_mb` and
    `late_mb` are the memory of the process after each of the two parts.
    """

    agents: int
    steps: int
    turns_per_second: float
    early_us_per_turn: float
    late_us_per_turn: float
    growth: float
    early_ms_per_step: dict[str, float]
    late_ms_per_step: dict[str, float]
    early_mb: float
    late_mb: float
    digest: str


def bench_history(*, agents: int, active: float, steps: int) -> HistoryBench:
    """Run this many steps, at least 12, of the society of `bench_engine`."""
    part = min(MOST, (steps - FIRST) // 2)
    if part < 1:
        raise ValueError("a long run has 12 steps at least")
    warm_up()
    with (
        TemporaryDirectory(prefix="hubbub-bench-") as folder,
        Simulation(society(agents, active, steps), out=Path(folder) / "run") as sim,
    ):
        sim.run(FIRST - 1)
        early, early_bytes = timed_steps(sim, part), resident()
        between = timed_steps(sim, steps - sim.t - part)
        late, late_bytes = timed_steps(sim, part), resident()
        digest = sim.digest()
    first, last = _cost(early), _cost(late)
    return HistoryBench(
        agents=agents,
        steps=steps,
        turns_per_second=turns_per_second([*early, *between, *late]),
        early_us_per_turn=first,
        late_us_per_turn=last,
        growth=last / first,
        early_ms_per_step=by_stage(early),
        late_ms_per_step=by_stage(late),
        early_mb=early_bytes / 1e6,
        late_mb=late_bytes / 1e6,
        digest=digest,
    )


def _cost(measured: Sequence[TimedStep]) -> float:
    """Return the microseconds per turn in a typical one of these steps."""
    return median(1e6 * seconds / max(1, report.active) for report, seconds in measured)
