"""How fast this machine runs a society: the figures of `hubbub bench engine`."""

from __future__ import annotations

import gc
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from hubbub.bench.machine import peak, resident, thread_seconds
from hubbub.config.load import parse_scenario
from hubbub.config.scenario import Scenario
from hubbub.engine import Hook, StepReport
from hubbub.engine.simulation import Simulation

#: A step and the seconds it took.
TimedStep = tuple[StepReport, float]
#: The thread in which a run's commits are written.
WRITER = "hubbub-commit"


@dataclass(frozen=True, slots=True)
class EngineBench:
    """The cost of a run. A turn is one active agent in one step.

    `turns_per_second` is over all measured steps, until the last is in the file. `cpu_us_per_turn`
    is mean processor time of all threads; other programs affect it less than wall-clock time.
    `ms_per_step` are medians by stage, with the whole step as `total`; `commit` is what a step
    waits for: writing goes on beside the next one, in `writing_ms_per_step` of processor time.

    `setup_seconds` is the time to make the population. `bytes_per_agent` is all that the world
    holds (agents, ties, profiles, posts, texts) after the last step, divided by the number of
    agents; `process_bytes_per_agent` is the growth of the process's memory, including buffers of
    libraries and free space. `peak_mb` is the largest memory of the process up to the last step.
    """

    agents: int
    active_per_step: float
    steps: int
    turns_per_second: float
    microseconds_per_turn: float
    cpu_us_per_turn: float
    ms_per_step: dict[str, float]
    writing_ms_per_step: float
    setup_seconds: float
    peak_mb: float
    bytes_per_agent: float
    process_bytes_per_agent: float
    digest: str


def bench_engine(
    *,
    agents: int,
    active: float,
    steps: int,
    warmup: int = 5,
    following: float = 20.0,
    out: Path | None = None,
) -> EngineBench:
    """Run a synthetic society on the x platform with the interest feed and a store on disk.

    A share `active` of the `agents`, who follow `following` others on average, is awake in each
    step; `steps` are measured after `warmup`. The run is kept if `out` names a folder for it.
    """
    warm_up()
    before, began = resident(), time.perf_counter()
    scenario = society(agents, active, warmup + steps, following)
    place = TemporaryDirectory(prefix="hubbub-bench-") if out is None else nullcontext(str(out))
    with (
        place as folder,
        Simulation(scenario, out=Path(folder) / "run" if out is None else out) as sim,
    ):
        sim.reset()
        setup = time.perf_counter() - began
        sim.run(warmup)
        cpu, writing = time.process_time(), thread_seconds(WRITER)
        measured = timed_steps(sim, steps)
        cpu, writing = time.process_time() - cpu, thread_seconds(WRITER) - writing
        gc.collect()
        grown, most, held = resident() - before, peak(), sim.world.nbytes
        digest = sim.digest()
    speed = turns_per_second(measured)
    return EngineBench(
        agents=agents,
        active_per_step=median(report.active for report, _ in measured),
        steps=steps,
        turns_per_second=speed,
        microseconds_per_turn=1e6 / max(speed, 1e-9),
        cpu_us_per_turn=1e6 * cpu / max(1, sum(report.active for report, _ in measured)),
        ms_per_step=by_stage(measured),
        writing_ms_per_step=1e3 * writing / steps,
        setup_seconds=setup,
        peak_mb=most / 1e6,
        bytes_per_agent=held / agents,
        process_bytes_per_agent=grown / agents,
        digest=digest,
    )


def society(agents: int, active: float, steps: int, following: float = 20.0) -> Scenario:
    """Return the scenario: this many agents, a share of whom is awake in each step."""
    return parse_scenario(
        {
            "name": "bench",
            "steps": steps,
            "platform": {"preset": "x"},
            "population": {
                "synthetic": {"agents": agents, "core": max(1, min(100, agents // 100))},
                "graph": {"kind": "topic", "mean_following": following},
            },
            "time": {
                "activity": {"kind": "constant", "rate": active, "core_rate": active},
                "wake_on_notice": False,
            },
            "feed": {"preset": "interest"},
        }
    )


def warm_up() -> None:
    """Run a tiny society, so that imports and compilation are not measured."""
    with Simulation(society(200, 0.5, 2)) as sim:
        sim.run()


class _Clock(Hook):
    """Keeps the reports of steps, and the time at which each ended."""

    def __init__(self) -> None:
        self.reports: list[StepReport] = []
        self.ends = [time.perf_counter()]

    def stepped(self, report: StepReport) -> None:
        """Keep a report."""
        self.reports.append(report)
        self.ends.append(time.perf_counter())


def timed_steps(sim: Simulation, steps: int) -> list[TimedStep]:
    """Take steps as `run` does: the writing of one may overlap the next.

    The last one ends when everything is in the file.
    """
    clock = _Clock()
    sim.run(steps, [clock])
    clock.ends[-1] = time.perf_counter()
    seconds = [end - begin for begin, end in pairwise(clock.ends)]
    return list(zip(clock.reports, seconds, strict=True))


def turns_per_second(measured: Sequence[TimedStep]) -> float:
    """Return the turns of these steps divided by all the seconds they took."""
    return sum(report.active for report, _ in measured) / sum(seconds for _, seconds in measured)


def by_stage(measured: Sequence[TimedStep]) -> dict[str, float]:
    """Return the median milliseconds of a step by stage, and as `total` those of the whole step."""
    stages = list(dict.fromkeys(name for report, _ in measured for name in report.seconds))
    result = {s: 1e3 * median(r.seconds.get(s, 0.0) for r, _ in measured) for s in stages}
    return {**result, "total": 1e3 * median(seconds for _, seconds in measured)}
