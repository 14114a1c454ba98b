"""The commands that measure this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def engine(
    agents: Annotated[int, typer.Option("--agents", min=1, help="Number of agents.")] = 100_000,
    active: Annotated[
        float, typer.Option("--active", min=0.0, max=1.0, help="Share of agents awake per step.")
    ] = 0.1,
    steps: Annotated[int, typer.Option("--steps", min=1, help="Steps that are measured.")] = 20,
    warmup: Annotated[int, typer.Option("--warmup", min=0, help="Steps before that.")] = 5,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Keep the run in this folder.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,  # noqa: FBT002
) -> None:
    """Measure the engine with feed, behaviour and store."""
    from hubbub.cli.bench import show

    show(agents=agents, active=active, steps=steps, warmup=warmup, out=out, as_json=json_)


def llm(
    agents: Annotated[
        int | None, typer.Option("--agents", min=1, help="Agents who ask a model in each step.")
    ] = None,
    steps: Annotated[int | None, typer.Option("--steps", min=1, help="Steps measured.")] = None,
    tails: Annotated[  # noqa: FBT002 - typer reads the default
        bool, typer.Option("--tails", help="On slow endpoints: how busy they are kept.")
    ] = False,
    faults: Annotated[  # noqa: FBT002
        bool, typer.Option("--faults", help="On failing endpoints: what becomes of turns.")
    ] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,  # noqa: FBT002
) -> None:
    """Measure what decisions by a language model cost.

    The model is a stand-in in another process: no network, no key. By default 1,000 agents and 10
    steps; with --tails 2,000 and 20 (six minutes), with --faults 300 and 12.
    """
    if tails and faults:
        raise typer.BadParameter("give --tails or --faults, not both")
    from hubbub.cli import bench_models

    size = {n: v for n, v in (("agents", agents), ("steps", steps)) if v is not None}
    if tails:
        bench_models.show_tails(size, as_json=json_)
    elif faults:
        bench_models.show_faults(size, as_json=json_)
    else:
        bench_models.show_costs(size, as_json=json_)
