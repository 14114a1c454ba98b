"""The command that writes the report of a study again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="The folder of a study, such as studies/herding.")
    ],
) -> None:
    """Write the report of a study again, from its folder."""
    from hubbub.cli.user_code import look_beside
    from hubbub.studies.report import report as write

    folder = folder.parent if folder.is_file() else folder  # report.html, to begin with
    look_beside(folder / "study.yaml")
    typer.echo(f"The report is in {write(folder)}")
