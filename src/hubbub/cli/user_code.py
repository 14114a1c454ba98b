"""Where the user's own actions, rankers and policies are looked for."""

from __future__ import annotations

import sys
from pathlib import Path


def look_here() -> None:
    """Let modules in the current folder be found."""
    if "" not in sys.path:
        sys.path.insert(0, "")


def look_beside(scenario: Path) -> None:
    """Let modules in the folder of a scenario file be found."""
    folder = str(scenario.resolve().parent)
    if folder not in sys.path:
        sys.path.append(folder)
