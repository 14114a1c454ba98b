"""Options that several commands share, and what is made of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

Run = Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run.")]
Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="Folder for the run. [default: runs/NAME-N]"),
]
Seed = Annotated[int | None, typer.Option("--seed", min=0, help="Seed, in place of the file's.")]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="A setting, e.g. feed.preset=random. Repeatable."
    ),
]
SetLater = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Other models or budget, e.g. budget.tokens=100000."
    ),
]
NoLlm = Annotated[
    bool, typer.Option("--no-llm", help="Use the statistical policy in place of language models.")
]
Replay = Annotated[
    Path | None,
    typer.Option(
        "--replay",
        metavar="RUN",
        help="Take the replies of language models from the record of a run.",
    ),
]
OnlyMissing = Annotated[
    bool,
    typer.Option(
        "--record-only-missing",
        help="With --replay: ask the models for replies that are not recorded.",
    ),
]
Workers = Annotated[
    str | None,
    typer.Option(
        "--workers",
        metavar="WHO",
        help="Who ranks feeds and decides: threads[:N], processes:N, ray or ray:ADDRESS. The run "
        "is the same. [default: threads]",
    ),
]


def record_of(replay: Path | None, *, missing: bool) -> Path | None:
    """Return the run whose record is replayed; a usage error for missing without one."""
    if missing and replay is None:
        raise typer.BadParameter("--record-only-missing goes with --replay RUN")
    return replay


def overrides_of(given: list[str] | None, **named: Any) -> dict[str, Any]:
    """Return settings by dotted name: those given as KEY=VALUE, and `named` ones that are set."""
    from hubbub.config import parse_override

    overrides = dict(parse_override(text) for text in given or ())
    return {**overrides, **{name: value for name, value in named.items() if value is not None}}
