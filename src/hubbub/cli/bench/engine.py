"""`hubbub bench engine`: measure and print."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import typer

from hubbub.bench.engine import bench_engine
from hubbub.cli.screen import console, table


def show(
    *, agents: int, active: float, steps: int, warmup: int, out: Path | None, as_json: bool
) -> None:
    """Measure the engine and print the figures as a table or as one JSON object."""
    result = bench_engine(agents=agents, active=active, steps=steps, warmup=warmup, out=out)
    if as_json:
        typer.echo(json.dumps(asdict(result), indent=2))
        return
    screen = console()
    rows: list[tuple[str, object]] = [
        ("agents", result.agents),
        ("active per step", result.active_per_step),
        ("turns per second", round(result.turns_per_second)),
        ("microseconds per turn", result.microseconds_per_turn),
        ("microseconds of CPU per turn", result.cpu_us_per_turn),
        ("seconds to set up", result.setup_seconds),
        ("peak memory, MB", result.peak_mb),
        ("bytes per agent", round(result.bytes_per_agent)),
        ("bytes per agent, whole process", round(result.process_bytes_per_agent)),
        *((f"ms per step, {stage}", ms) for stage, ms in result.ms_per_step.items()),
    ]
    table(screen, "Engine", ("figure", "value"), rows)
    screen.print(f"\ndigest {result.digest}", soft_wrap=True)
