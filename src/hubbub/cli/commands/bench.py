"""The commands that measure this machine."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class BenchKind(StrEnum):
    """A kind of benchmark."""

    engine = "engine"
    flat = "flat"
    history = "history"
    million = "million"
    mixed = "mixed"
    llm = "llm"
    huge = "huge"


def everything(
    context: typer.Context,
    only: Annotated[
        list[BenchKind] | None,
        typer.Option(
            "--only", metavar="KIND", help="Only this kind of benchmark, see above. Repeatable."
        ),
    ] = None,
    quick: Annotated[  # noqa: FBT002 - typer reads the default
        bool, typer.Option("--quick", help="Small sizes: a check that all works, no figures.")
    ] = False,
    huge: Annotated[  # noqa: FBT002
        bool, typer.Option("--huge", help="Ten million agents, too: 24 GiB, half an hour.")
    ] = False,
    scenario: Annotated[
        Path | None,
        typer.Option(
            "--scenario", metavar="FILE", help="A scenario in place of the million-agent one."
        ),
    ] = None,
    repeats: Annotated[
        int, typer.Option("--repeats", min=1, help="How often each is measured.")
    ] = 3,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write all figures as JSON, too.")
    ] = None,
    accept: Annotated[  # noqa: FBT002
        bool,
        typer.Option(
            "--accept", help="Take the runs' digests for right: they were meant to change."
        ),
    ] = False,
) -> None:
    """Measure how fast this machine runs a society.

    Without a command, all benchmarks. engine: turns per second at three sizes. flat: the same,
    with as many agents awake in each. history: a step late in a long run against an early one.
    million: a million agents from the command to the summary, and reading the run. mixed: 1,000
    language models among a million agents. llm: what decisions by models cost. huge: ten million
    agents. Code 1 if a run's digest is not the one on file.
    """
    if context.invoked_subcommand is not None:
        return
    from hubbub.cli.bench.all import run_all

    run_all(
        only=only or (),
        quick=quick,
        huge=huge,
        scenario=scenario,
        repeats=repeats,
        out=out,
        accepting=accept,
    )


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
    from hubbub.cli.bench.engine import show

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
        bool, typer.Option("--faults", help="On failing endpoints: how turns end.")
    ] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,  # noqa: FBT002
) -> None:
    """Measure what decisions by a language model cost.

    The model is a stand-in in another process: no network, no key. By default 1,000 agents and 10
    steps; with --tails 2,000 and 20 (six minutes), with --faults 300 and 12.
    """
    if tails and faults:
        raise typer.BadParameter("give --tails or --faults, not both")
    from hubbub.cli.bench import models

    size = {n: v for n, v in (("agents", agents), ("steps", steps)) if v is not None}
    if tails:
        models.show_tails(size, as_json=json_)
    elif faults:
        models.show_faults(size, as_json=json_)
    else:
        models.show_costs(size, as_json=json_)


def oasis(
    agents: Annotated[int, typer.Option("--agents", min=2, help="Number of agents.")] = 500,
    steps: Annotated[int, typer.Option("--steps", min=1, help="Steps; all are awake in each.")] = 3,
    repeats: Annotated[
        int, typer.Option("--repeats", min=1, help="How often both are measured, in turns.")
    ] = 3,
    python: Annotated[
        Path | None,
        typer.Option(
            "--python", metavar="FILE", help="A Python that has camel-oasis, in place of our own."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write all figures as JSON, too.")
    ] = None,
    accept: Annotated[  # noqa: FBT002 - typer reads the default
        bool,
        typer.Option(
            "--accept", help="Take hubbub's digests for right: they were meant to change."
        ),
    ] = False,
) -> None:
    """Do the same work with OASIS and with hubbub.

    OASIS is installed once, by pip, into an environment of its own in the cache: it needs Python
    3.10 or 3.11 and up to 7 GB. Both make the same agents of one profile file with one follow
    graph; all of them decide in each step. Models are stand-ins that answer at once. Code 1 if
    hubbub's run is not the one on file.
    """
    from hubbub.cli.bench.oasis import compare

    compare(agents=agents, steps=steps, repeats=repeats, python=python, out=out, accepting=accept)
