"""The commands that read runs, and ask those who live in them."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from hubbub.cli.options import Run, SetLater, overrides_of


class Format(StrEnum):
    """What a run can be exported to."""

    oasis = "oasis"
    parquet = "parquet"
    graphml = "graphml"


def inspect(
    folder: Run,
    agent: Annotated[
        str | None,
        typer.Option("--agent", metavar="ID|NAME", help="One agent: what it saw and did."),
    ] = None,
    post: Annotated[
        int | None, typer.Option("--post", min=0, help="One post: its cascade.")
    ] = None,
    prompts: Annotated[
        int,
        typer.Option(
            "--prompts",
            min=0,
            metavar="N",
            help="With --agent: its last N prompts to a language model, with the replies.",
        ),
    ] = 0,
) -> None:
    """Show what happened in a run."""
    if agent is not None and post is not None:
        raise typer.BadParameter("give --agent or --post, not both")
    if prompts and agent is None:
        raise typer.BadParameter("--prompts goes with --agent")
    from hubbub.cli import inspect_run as inspecting

    if agent is not None:
        inspecting.show_agent(folder, agent, prompts)
    elif post is not None:
        inspecting.show_post(folder, post)
    else:
        inspecting.show_run(folder)


def survey(
    folder: Run,
    questions: Annotated[
        Path | None,
        typer.Argument(metavar="[QUESTIONS]", help="A file of questions, see docs/surveys.md."),
    ] = None,
    ask: Annotated[
        list[str] | None,
        typer.Option("--ask", metavar="TEXT", help="A question, in place of a file. Repeatable."),
    ] = None,
    agents: Annotated[
        str | None,
        typer.Option("--agents", "--agent", metavar="ID|NAME,...", help="Only these agents."),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(
            "--where", metavar="FIELD=VALUE", help="Only agents like this, e.g. age={min: 18}."
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model", metavar="NAME", help="The model that answers. [default: each agent's own]"
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write the answers as CSV, too.")
    ] = None,
    set_: SetLater = None,
) -> None:
    """Ask agents of a run questions, after its last step."""
    from hubbub.cli.survey import hold, survey_of

    asked = survey_of(questions, ask or (), where or (), model)
    hold(folder, asked, agents=agents, out=out, overrides=overrides_of(set_))


def export(
    folder: Run,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="File or folder to write.")],
    format_: Annotated[
        Format,
        typer.Option(
            "--format", help="oasis: an SQLite file; parquet: a folder; graphml: the follow graph."
        ),
    ],
) -> None:
    """Write a run in a format that other tools read."""
    from hubbub.store import RunStore, export_run

    with RunStore.open(folder, mode="read") as store:
        export_run(store, format_.value, out)
    typer.echo(f"wrote {out}")


def digest(
    folders: Annotated[
        list[Path],
        typer.Argument(metavar="RUN...", help="Folders of runs. Code 1 if they are not equal."),
    ],
) -> None:
    """Print one hash of a run's content; equal for equal runs."""
    from hubbub.store import RunStore

    digests = []
    for folder in folders:
        with RunStore.open(folder, mode="read") as store:
            digests.append(store.digest())
        typer.echo(digests[-1] + (f"  {folder}" if len(folders) > 1 else ""))
    if len(folders) > 1:
        equal = len(set(digests)) == 1
        typer.echo("the runs are equal" if equal else "the runs are not equal")
        raise typer.Exit(0 if equal else 1)
