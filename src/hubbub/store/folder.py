"""The folder of a run: what may be in it, and whether this version can read it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from hubbub.errors import RunError
from hubbub.store.database import Database
from hubbub.store.schema import FORMAT

DATABASE, SCENARIO, LOCK = "run.db", "scenario.yaml", "lock"


def check_free(folder: Path) -> None:
    """Raise RunError, with the reason, if no run can begin in this folder."""
    if folder.exists() and not folder.is_dir():
        raise RunError(f"{folder} is a file; give another --out for the run's folder")
    if not folder.exists() or not any(folder.iterdir()):
        return
    if not (folder / DATABASE).exists():
        raise RunError(f"the folder {folder} is not empty. Give another --out")
    with closing(Database(folder / DATABASE, "read")) as database:
        if not _has_begun(database):
            raise RunError(
                f"the run in {folder} was cut off before it began. Delete the folder, or give "
                "another --out"
            )
    raise RunError(
        f"{folder} already holds a run. Give another --out, or go on with it: "
        f"hubbub resume {folder}"
    )


def new_folder(folder: Path) -> Path:
    """Make the folder; RunError if there is anything in it."""
    check_free(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"the folder {folder} cannot be made: {error.strerror}") from None
    return folder


def _has_begun(database: Database) -> bool:
    return bool(database.rows("SELECT 1 FROM sqlite_master WHERE name = 'meta'"))


def check_format(database: Database, folder: Path) -> None:
    """Raise RunError if the database holds no run, or one of another format."""
    if not _has_begun(database):
        raise RunError(
            f"the run in {folder} was cut off before it began. Delete the folder and run again"
        )
    rows = database.rows("SELECT value FROM meta WHERE key = 'format'")
    try:
        found = int(rows[0][0])
    except (IndexError, ValueError):
        raise RunError(f"{folder}: run.db was not written by hubbub") from None
    if found > FORMAT:
        raise RunError(
            f"the run in {folder} has format {found}, but this hubbub knows formats up to "
            f"{FORMAT}. Upgrade it: pip install --upgrade hubbub"
        )
    if found < FORMAT:
        raise RunError(
            f"the run in {folder} has format {found}, written by an older hubbub; this one reads "
            f"format {FORMAT}. Run its {SCENARIO} again, or go on with the version that wrote it"
        )
