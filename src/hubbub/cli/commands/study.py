"""The commands about studies."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hubbub.cli.options import Set, overrides_of


def list_() -> None:
    """List the studies that come with hubbub, and what each asks."""
    from hubbub.cli.study import show_studies

    show_studies()


_Study = Annotated[
    str,
    typer.Argument(
        metavar="NAME|FILE|MODULE:STUDY",
        help="A study's name, or a study of your own: its YAML file or dotted path.",
    ),
]


def show(
    study: _Study,
    arm: Annotated[
        str | None, typer.Option("--arm", metavar="ARM", help="An arm. [default: the first]")
    ] = None,
) -> None:
    """Print what a study asks, its arms and predictions, and the scenario of an arm.

    All but the scenario is in comments, so that what is printed can be run with 'hubbub run'.
    """
    from hubbub.cli.study import show_study

    show_study(study, arm)


def run(
    study: _Study,
    replicates: Annotated[
        int | None,
        typer.Option("--replicates", min=1, help="Seeds per arm, in place of the study's number."),
    ] = None,
    set_: Set = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="The study's folder. [default: studies/NAME]"),
    ] = None,
    processes: Annotated[
        int | None,
        typer.Option("--processes", min=1, help="Trials at the same time. [default: the cores]"),
    ] = None,
    cascades: Annotated[
        Path | None,
        typer.Option(
            "--cascades", metavar="DIR", help="Real cascades: propagation, distributions."
        ),
    ] = None,
    only_oasis: Annotated[  # noqa: FBT002 - typer reads the default
        bool, typer.Option("--only-oasis", help="propagation: only the cascades OASIS took.")
    ] = False,
    held_out: Annotated[  # noqa: FBT002
        bool,
        typer.Option("--held-out", help="propagation: each cascade only by a fit to others."),
    ] = False,
) -> None:
    """Run a study: its arms, replicates and tests; then write the report.

    After an interruption, the same command continues; finished trials are kept.
    """
    from hubbub.cli.study import run as run_now
    from hubbub.studies.trials import StudyOptions

    flags = {"only_oasis": only_oasis, "held_out": held_out}
    options = StudyOptions(
        replicates=replicates,
        overrides=overrides_of(set_),
        inputs={} if cascades is None else {"cascades": cascades},
        flags=frozenset(name for name, given in flags.items() if given),
    )
    run_now(study, options, out=out, processes=processes)


def report(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="The folder of a study, such as studies/herding.")
    ],
) -> None:
    """Write the report of a study again, from its folder."""
    from hubbub.cli.user_code import look_beside
    from hubbub.studies.report import report as write

    folder = folder.parent if folder.is_file() else folder  # report.html, to begin with
    for place in (folder / "study.yaml", folder, folder.resolve().parent):  # studies/NAME
        look_beside(place)
    typer.echo(f"The report is in {write(folder)}")
