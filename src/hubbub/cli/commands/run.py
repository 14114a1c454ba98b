"""The commands that make runs, and go on with them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hubbub.cli.options import (
    NoLlm,
    OnlyMissing,
    Out,
    Replay,
    Run,
    Seed,
    Set,
    SetLater,
    Workers,
    overrides_of,
    record_of,
)


def demo(
    out: Out = None,
    seed: Seed = None,
    steps: Annotated[int | None, typer.Option("--steps", min=1, help="Number of steps.")] = None,
    set_: Set = None,
    no_llm: NoLlm = False,  # noqa: FBT002 - typer reads the default
) -> None:
    """Watch a society of 1,000 agents for three hours of its time.

    Ten of them are driven by a small language model on this machine, if it is available.
    """
    from hubbub.cli.demo import show

    show(out=out, overrides=overrides_of(set_, seed=seed, steps=steps), models=not no_llm)


def run(
    scenario: Annotated[
        Path, typer.Argument(metavar="SCENARIO", help="A scenario file, see 'hubbub init'.")
    ],
    out: Out = None,
    seed: Seed = None,
    steps: Annotated[
        int | None, typer.Option("--steps", min=0, help="Number of steps, in place of the file's.")
    ] = None,
    set_: Set = None,
    replay: Replay = None,
    only_missing: OnlyMissing = False,  # noqa: FBT002 - typer reads the default
    no_llm: NoLlm = False,  # noqa: FBT002
    workers: Workers = None,
) -> None:
    """Run a scenario from step 1 into a new folder."""
    from hubbub.cli.run import start

    start(
        scenario,
        out=out,
        overrides=overrides_of(set_, seed=seed, steps=steps),
        replay=record_of(replay, missing=only_missing),
        only_missing=only_missing,
        models=not no_llm,
        workers=workers,
    )


def resume(
    folder: Run,
    steps: Annotated[
        int | None,
        typer.Option(
            "--steps", min=1, help="Number of further steps; also extends a finished run."
        ),
    ] = None,
    set_: SetLater = None,
    replay: Replay = None,
    only_missing: OnlyMissing = False,  # noqa: FBT002 - typer reads the default
    workers: Workers = None,
) -> None:
    """Continue a stopped run, or extend a finished one."""
    from hubbub.cli.run import go_on

    replay = record_of(replay, missing=only_missing)
    go_on(
        folder,
        steps,
        overrides=overrides_of(set_),
        replay=replay,
        only_missing=only_missing,
        workers=workers,
    )


def play(
    folder: Run,
    agent: Annotated[
        str, typer.Option("--agent", metavar="ID|NAME", help="The agent that you take.")
    ],
    set_: SetLater = None,
) -> None:
    """Play an agent of a run: see what it sees, decide what it does."""
    from hubbub.cli.play import session as playing

    playing.play(folder, agent, overrides=overrides_of(set_))


def estimate(
    scenario: Annotated[Path, typer.Argument(metavar="SCENARIO", help="A scenario file.")],
    seed: Seed = None,
    steps: Annotated[
        int | None, typer.Option("--steps", min=0, help="Number of steps, in place of the file's.")
    ] = None,
    set_: Set = None,
    throughput: Annotated[
        float | None,
        typer.Option(
            "--throughput",
            metavar="TOKENS",
            help="Tokens, of prompts and replies, that the endpoints process per second.",
        ),
    ] = None,
    decisions: Annotated[
        float | None,
        typer.Option(
            "--decisions-per-second",
            metavar="NUMBER",
            help="In place of --throughput: turns decided per second.",
        ),
    ] = None,
    hours: Annotated[
        float | None,
        typer.Option("--hours", metavar="H", help="How many GPUs let it end in H hours. [24]"),
    ] = None,
    gpu_in: Annotated[
        float | None,
        typer.Option(
            "--gpu-in", metavar="TOKENS", help="Tokens of prompts a GPU reads per second. [8000]"
        ),
    ] = None,
    gpu_out: Annotated[
        float | None,
        typer.Option(
            "--gpu-out", metavar="TOKENS", help="Tokens of replies it writes per second. [2000]"
        ),
    ] = None,
    measured: Annotated[
        Path | None,
        typer.Option(
            "--measured",
            metavar="RUN",
            help="A run of the same models: calls per turn and tokens are as there.",
        ),
    ] = None,
) -> None:
    """Estimate the calls, tokens and cost of a run before it begins."""
    if throughput is not None and decisions is not None:
        raise typer.BadParameter("give --throughput or --decisions-per-second, not both")
    for number in (throughput, decisions, hours, gpu_in, gpu_out):
        if number is not None and not 0 < number < float("inf"):
            raise typer.BadParameter("hours and numbers per second must be above 0")
    from hubbub.cli.estimate import Gpu, show

    given = {"hours": hours, "reads": gpu_in, "writes": gpu_out}
    gpu = {name: value for name, value in given.items() if value is not None}
    show(
        scenario,
        overrides_of(set_, seed=seed, steps=steps),
        tokens_per_second=throughput,
        decisions_per_second=decisions,
        gpu=Gpu(**gpu) if gpu else None,
        measured=measured,
    )
