"""A virtual environment for OASIS, which needs an older Python and other packages than hubbub.

pip installs it with all its settings (a mirror, a proxy, a folder of wheels).
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from hubbub.errors import RunError

Runner = Callable[[Sequence[str]], "subprocess.CompletedProcess[str]"]

VERSION = "0.2.5"
#: With mcp 2 CAMEL fails to import: it takes names from mcp that are gone.
_PACKAGES = (f"camel-oasis=={VERSION}", "mcp<2")
#: The Python versions that OASIS says it supports: from the first, below the second.
_OLDEST, _TOO_NEW = (3, 10), (3, 12)
_NAMES = ("python3.11", "python3.10", "python3", "python")
#: Lines of a failed command's output that are shown.
_LAST = 12


def oasis_python(
    cache: Path, *, say: Callable[[str], None], run: Runner | None = None, own: Path | None = None
) -> Path:
    """Return a Python that has OASIS: the user's `own`, or that of an environment in `cache`.

    The environment is made if it is missing. `say` is told what is done; `run` runs a command.
    RunError if that fails; what was begun is then removed.
    """
    run = run or _run
    if own is not None:
        _check(own, run)
        return own
    folder = cache / f"oasis-{VERSION}"
    python = folder / "bin" / "python"
    ready = folder / "ready"
    if ready.is_file():
        return python
    base = find_python(run)
    say(
        f"making an environment for OASIS {VERSION} in {folder}: several minutes, and as PyTorch "
        "is among its packages, up to 7 GB"
    )
    shutil.rmtree(folder, ignore_errors=True)
    try:
        _need(run, [base, "-I", "-m", "venv", str(folder)], f"{base} can't make an environment")
        install = [str(python), "-I", "-m", "pip", "install", "--quiet", *_PACKAGES]
        _need(run, install, f"pip could not install {' '.join(_PACKAGES)}")
        _check(python, run)
        ready.touch()
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return python


def find_python(run: Runner) -> str:
    """Return the command of a Python that OASIS supports: this one, or one on the path."""
    tried = []
    for name in (sys.executable, *_NAMES):
        command = shutil.which(name)
        if command is None:
            continue
        done = run([command, "-I", "-c", "import sys; print(*sys.version_info[:2])"])
        words = done.stdout.split()
        if done.returncode or len(words) != 2:  # a shim of an interpreter that is not there
            continue
        version = int(words[0]), int(words[1])
        if _OLDEST <= version < _TOO_NEW:
            return command
        tried.append(f"{name} is {version[0]}.{version[1]}")
    raise RunError(
        f"OASIS {VERSION} needs Python 3.10 or 3.11, and there is none on the path "
        f"({', '.join(tried) or 'no Python at all'}): install one, or name an interpreter that has "
        "camel-oasis with --python"
    )


def _check(python: Path, run: Runner) -> None:
    # OASIS itself would leave a folder of logs here
    code = "from importlib.metadata import version; import camel.agents"
    code += "; print(version('camel-oasis'))"
    done = _need(run, [str(python), "-I", "-c", code], f"{python} can't import OASIS")
    version = done.stdout.split()[-1:]
    if version != [VERSION]:
        raise RunError(f"{python} has OASIS {' '.join(version)}: the comparison is with {VERSION}")


def _need(run: Runner, command: Sequence[str], otherwise: str) -> subprocess.CompletedProcess[str]:
    """Run a command; RunError with `otherwise` and its last lines if it fails."""
    done = run(command)
    if done.returncode:
        said = (done.stderr or done.stdout).rstrip().splitlines()[-_LAST:]
        raise RunError("\n".join([f"{otherwise}:", *(f"    {line}" for line in said)]))
    return done


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    except OSError as error:
        return subprocess.CompletedProcess(command, 127, "", str(error))
