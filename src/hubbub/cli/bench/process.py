"""Measuring in a process of its own: nothing that ran before has warmed it, or is in its memory."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from pkgutil import resolve_name
from tempfile import TemporaryDirectory
from typing import Any

from hubbub.bench.machine import peak
from hubbub.errors import RunError

#: As the command line has it, see `hubbub.cli.app.main`.
_NEW_OBJECTS = 10_000
#: Lines of a process that failed which are shown.
_LAST = 15


@dataclass(frozen=True, slots=True)
class Measured:
    """What a function returned in a process of its own, and what the process cost.

    `seconds` are from its start to its end, imports included; `peak_mb` is the most memory it had.
    """

    seconds: float
    peak_mb: float
    value: Any


def measured(function: str, **arguments: object) -> Measured:
    """Call a function, 'module:name', in a fresh process; arguments and result are JSON.

    What it prints is dropped. RunError with its last words if it fails.
    """
    with TemporaryDirectory(prefix="hubbub-bench-") as folder:
        result = Path(folder) / "result.json"
        command = [sys.executable, "-m", __name__, function, json.dumps(arguments), str(result)]
        began = time.perf_counter()
        done = subprocess.run(  # noqa: S603 - this interpreter, with our own arguments
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False
        )
        seconds = time.perf_counter() - began
        if done.returncode:
            raise RunError(f"{function} failed:\n{last_lines(done.stderr)}")
        found = json.loads(result.read_text(encoding="utf-8"))
    return Measured(seconds, found["peak_mb"], found["value"])


def last_lines(text: str) -> str:
    """Return the last lines of what a process said, indented."""
    return "\n".join(f"    {line}" for line in text.rstrip().splitlines()[-_LAST:])


def _main(function: str, arguments: str, result: str) -> None:
    gc.set_threshold(_NEW_OBJECTS)
    value = resolve_name(function)(**json.loads(arguments))
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    found = {"value": value, "peak_mb": peak() / 1e6}
    Path(result).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    _main(*sys.argv[1:])
