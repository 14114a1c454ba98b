"""Exports: each format has a name and a function that writes a finished file or folder."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from hubbub.errors import RunError, did_you_mean
from hubbub.store.export.graphml import export_graphml
from hubbub.store.export.oasis import export_oasis
from hubbub.store.export.parquet import export_parquet

if TYPE_CHECKING:
    from hubbub.store.run import RunStore

FORMATS: dict[str, Callable[[RunStore, Path], None]] = {
    "oasis": export_oasis,
    "parquet": export_parquet,
    "graphml": export_graphml,
}


def export_run(store: RunStore, format: str, out: Path | str) -> None:  # noqa: A002 - the public word
    """Write the run as `oasis` (SQLite), `parquet` (a folder) or `graphml` to `out`.

    RunError for an unknown format or an `out` that exists. The result appears at `out` once it is
    complete.
    """
    if format not in FORMATS:
        hint = did_you_mean(format, FORMATS)
        raise RunError(f"there is no format '{format}'{hint}; there are {', '.join(FORMATS)}")
    out = Path(out)
    if out.exists():
        raise RunError(f"{out} exists already; give another name or remove it first")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as folder:
            partial = Path(folder) / out.name
            FORMATS[format](store, partial)
            partial.replace(out)
    except (OSError, sqlite3.Error) as error:
        why = getattr(error, "strerror", None) or error
        raise RunError(f"{out} cannot be written: {why}") from error
