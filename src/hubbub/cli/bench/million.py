"""A whole run as its user meets it: from the command to the summary, and reading it afterwards."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from hubbub.analysis import cascades, summarise
from hubbub.bench.engine import by_stage, timed_steps, turns_per_second
from hubbub.cli import inspect_run as inspecting
from hubbub.cli.bench.process import measured
from hubbub.cli.screen import console
from hubbub.cli.user_code import look_beside
from hubbub.engine import Simulation
from hubbub.store import RunStore

_HERE = __name__
#: The opinion leaders of OASIS's million (arXiv 2411.11581), and what eight of them say: as in
#: examples/million the most followed, with seed 1 and a million agents.
_CORE = 196
_SPEAKERS = (88, 32, 19, 190, 4, 69, 30, 42)
_RUMORS = (
    ("Technology", "cold weather drains a phone faster than mild weather"),
    ("Technology", "mild weather drains a phone faster than cold weather"),
    ("Entertainment", "films with sound were made before silent films"),
    ("Entertainment", "silent films were made before films with sound"),
    ("Education", "pupils who only read remember more than pupils who test themselves"),
    ("Education", "pupils who test themselves remember more than pupils who only read"),
    ("Health", "antibiotics kill bacteria and leave viruses alone"),
    ("Health", "antibiotics kill viruses and leave bacteria alone"),
)


def million(agents: int, steps: int) -> dict[str, Any]:
    """Return the scenario of the million-agent run, with these numbers of agents and steps.

    One in ten agents is awake in a step; agents follow 20 others on average; eight opinion leaders
    post a message each in step 1. With 1,000,000 and 60 it is examples/million.
    """
    core = min(_CORE, agents // 50)
    return {
        "name": "million",
        "seed": 1,
        "steps": steps,
        "population": {
            "synthetic": {"agents": agents, "core": core},
            "graph": {"kind": "topic", "mean_following": 20, "core_follow": 0.1},
        },
        "time": {
            "step_minutes": 3,
            "activity": {"kind": "constant", "core_rate": 0.1, "rate": 0.1},
        },
        "feed": {"preset": "interest"},
        "events": [
            {
                "step": 1,
                "act": "create_post",
                "by": by if core > max(_SPEAKERS) else place,
                "args": {"content": f"{topic}: {text}."},
            }
            for place, (by, (topic, text)) in enumerate(zip(_SPEAKERS, _RUMORS, strict=True))
        ],
    }


@dataclass(frozen=True, slots=True)
class MillionBench:
    """What a run of a scenario costs its user. All seconds are by the clock.

    `command_to_summary_seconds`, `resume_seconds`, `inspect_seconds`, `summary_seconds`,
    `cascades_seconds` and `digest_seconds` are those of a process of its own each, from its start
    to its end; `peak_mb` is the most memory of the first, `read_peak_mb` of all others. Of the
    first, making the society took `setup_seconds` and its steps `steps_seconds`; `ms_per_step` are
    medians by stage, with the whole step as `total`.
    """

    agents: int
    follows: int
    steps: int
    turns: int
    events: int
    command_to_summary_seconds: float
    setup_seconds: float
    steps_seconds: float
    turns_per_second: float
    ms_per_step: dict[str, float]
    peak_mb: float
    folder_mb: float
    resume_seconds: float
    inspect_seconds: float
    summary_seconds: float
    cascades_seconds: float
    digest_seconds: float
    read_peak_mb: float
    digest: str


def bench_million(
    *, agents: int = 1_000_000, steps: int = 60, path: str | None = None
) -> MillionBench:
    """Run `million`, or the scenario in a file at `path`, and read the run in every way."""
    with TemporaryDirectory(prefix="hubbub-bench-") as work:
        folder = Path(work) / "run"
        if path is None:
            path = str(Path(work) / "scenario.yaml")
            Path(path).write_text(yaml.safe_dump(million(agents, steps)), encoding="utf-8")
        made = measured(f"{_HERE}:run", path=path, folder=str(folder))
        size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        read = {
            name: measured(f"{_HERE}:{name}", folder=str(folder))
            for name in ("resume", "inspect", "summary", "trees", "digest")
        }
    return MillionBench(
        **made.value,
        command_to_summary_seconds=made.seconds,
        peak_mb=made.peak_mb,
        folder_mb=size / 1e6,
        resume_seconds=read["resume"].seconds,
        inspect_seconds=read["inspect"].seconds,
        summary_seconds=read["summary"].seconds,
        cascades_seconds=read["trees"].seconds,
        digest_seconds=read["digest"].seconds,
        read_peak_mb=max(m.peak_mb for m in read.values()),
        digest=read["digest"].value["digest"],
    )


# -- what each process does ----------------------------------------------------------------------


def run(*, path: str, folder: str) -> dict[str, Any]:
    """Do what `hubbub run` does, and take the times."""
    look_beside(Path(path))
    began = time.perf_counter()
    with Simulation.from_yaml(path, out=folder) as sim:
        sim.reset()
        made = time.perf_counter()
        steps = timed_steps(sim, sim.scenario.steps)
        seconds = time.perf_counter() - made
        found = summarise(sim.store)
        inspecting.print_summary(found, sim.store, console())
    return {
        "agents": found.agents,
        "follows": found.follows,
        "steps": found.steps,
        "turns": sum(report.active for report, _ in steps),
        "events": sum(a.accepted + sum(a.refused.values()) for a in found.actions),
        "setup_seconds": made - began,
        "steps_seconds": seconds,
        "turns_per_second": turns_per_second(steps),
        "ms_per_step": by_stage(steps),
    }


def resume(*, folder: str) -> dict[str, Any]:
    """Read a run until it could go on."""
    with Simulation.resume(folder) as sim:
        return {"step": sim.t}


def inspect(*, folder: str) -> dict[str, Any]:
    """Do what `hubbub inspect` does."""
    inspecting.show_run(Path(folder))
    return {}


def summary(*, folder: str) -> dict[str, Any]:
    """Work out the summary of a run."""
    with RunStore.open(Path(folder), mode="read") as store:
        return {"agents": summarise(store).agents}


def trees(*, folder: str) -> dict[str, Any]:
    """Work out the cascades of all posts of a run."""
    with RunStore.open(Path(folder), mode="read") as store:
        return {"posts": cascades(store.items()).num_rows}


def digest(*, folder: str) -> dict[str, Any]:
    """Work out the digest of a run."""
    with RunStore.open(Path(folder), mode="read") as store:
        return {"digest": store.digest()}
