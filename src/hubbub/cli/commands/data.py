"""The commands about real data: converting releases, and fitting to cascades."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def twitter1516(
    release: Annotated[
        Path, typer.Argument(metavar="DIR", help="The release: label.txt and tree/*.txt.")
    ],
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Folder for the converted files.")
    ] = Path("cascades"),
) -> None:
    """Convert the public release of Twitter15 or Twitter16 to what '--cascades DIR' reads."""
    from hubbub.studies.cascade_files import convert

    count = convert(release, out, release.resolve().name)
    typer.echo(f"{count:,} cascades written to {out}")


def propagation(
    cascades: Annotated[
        Path, typer.Option("--cascades", metavar="DIR", help="Real cascades to fit to.")
    ],
    only_oasis: Annotated[  # noqa: FBT002 - typer reads the default
        bool, typer.Option("--only-oasis", help="Only the cascades OASIS took.")
    ] = False,
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="The file of parameters to write.")
    ] = Path("pace.yaml"),
    replicates: Annotated[
        int, typer.Option("--replicates", min=1, help="Predictions of each held-out part.")
    ] = 1,
    processes: Annotated[
        int | None,
        typer.Option("--processes", min=1, help="Simulations at a time. [default: the cores]"),
    ] = None,
) -> None:
    """Fit the pace at which people pass messages on to real cascades.

    Each tenth of the cascades is predicted by parameters fitted to the others first, and the error
    printed; if that is interrupted, the same command goes on. Then all are fitted to, for the file.
    It is taken by  hubbub study run propagation --set pace=FILE.
    """
    from hubbub.cli.calibrate import calibrate

    calibrate(cascades, out, only_oasis=only_oasis, replicates=replicates, processes=processes)
