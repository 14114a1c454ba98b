"""The digests that benchmarks must come to: a faster wrong answer is wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from hubbub.errors import RunError

FILE = Path(__file__).with_suffix(".json")


def expected_digests(file: Path = FILE) -> dict[str, str]:
    """Return the digests on file, by the keys of the cases."""
    digests: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
    return digests


def accept(digests: Mapping[str, str], file: Path = FILE) -> None:
    """Take these digests for the expected ones; others on file stay. RunError if that fails."""
    both = {**expected_digests(file), **digests}
    try:
        file.write_text(json.dumps(dict(sorted(both.items())), indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise RunError(f"{file} can't be written: {error.strerror}") from None
