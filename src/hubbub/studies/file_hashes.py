"""Hashes of the files and folders on which a trial's outcome depends."""

from __future__ import annotations

from hashlib import blake2b, file_digest
from pathlib import Path

from hubbub.errors import DataError


def content_of(path: Path) -> str:
    """Return the hash of a file, or of a folder: its files by their names within it.

    DataError if it is missing or cannot be read.
    """
    if not path.exists():
        raise DataError(f"there is no file or folder {path}")
    if path.is_file():
        return _file(path)
    whole = _hash()
    for file in sorted(p for p in path.rglob("*") if p.is_file()):
        whole.update(f"{file.relative_to(path).as_posix()}\0{_file(file)}\0".encode())
    return whole.hexdigest()


def _file(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return file_digest(stream, _hash).hexdigest()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from None


def _hash() -> blake2b:
    return blake2b(digest_size=16)
