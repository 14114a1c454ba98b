"""Models on this machine: hubbub starts a llama.cpp server for a GGUF file.

The server (xllamacpp, prebuilt wheels of llama.cpp) runs in a child process. In this process, its
shutdown would wait for pending requests while it holds the interpreter, so that their clients could
never disconnect; and a fault in a user's GGUF file would end the run.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.request import Request, urlopen

import msgspec

from hubbub.config.models import ModelConfig
from hubbub.cores import usable_cores
from hubbub.errors import MissingExtraError, ModelError, did_you_mean
from hubbub.llm.weights import KNOWN, cache_folder, find

#: Requests at once, and tokens of prompt and reply for each. More slots are not faster on a CPU,
#: where reading prompts takes most of the time.
SLOTS, TOKENS = 1, 4096
#: Timeout of a reply in seconds: this machine may have other work.
SLOWEST = 600.0
#: White space of JSON layout. The grammar of llama.cpp lets a model write it, at twice the tokens.
_LAYOUT = ("\n\n", *("\n" + " " * n for n in range(17)), *("\n" + "\t" * n for n in range(1, 4)))
#: Its threads sleep while they wait for each other. By default they spin, which on a busy machine
#: makes replies ten times slower and takes four to seven times the CPU time.
_PATIENT = {"OMP_WAIT_POLICY": "passive"}
_SERVING = Path(__file__).with_name("serving.py")


class LocalServer:
    """Serves a GGUF file over HTTP on a free loopback port, from `start` (or `with`) to `close`.

    It works on `slots` requests at once, others wait; each has room for `tokens` tokens of prompt
    and reply. `threads` defaults to the usable cores. The server ends with this process, however
    that ends.
    """

    def __init__(
        self, path: Path, *, slots: int = SLOTS, tokens: int = TOKENS, threads: int | None = None
    ) -> None:
        self.path = path
        self.slots = slots
        self._numbers = (slots, tokens, threads or usable_cores())
        self._process: subprocess.Popen[str] | None = None
        self._url = ""

    @property
    def url(self) -> str:
        """Return the base URL, e.g. http://127.0.0.1:40123/v1."""
        if self._process is None:
            raise ModelError(f"the server of {self.path.name} is not running")
        return self._url

    def start(self) -> Self:
        """Start serving; return when the model is loaded. ModelError if it cannot be loaded."""
        if self._process is not None:
            return self
        if find_spec("xllamacpp") is None:
            raise MissingExtraError("xllamacpp", "local")
        with ExitStack() as undo:
            self._process = process = subprocess.Popen(  # noqa: S603 - our own words, no shell
                [sys.executable, "-P", str(_SERVING), str(self.path), *map(str, self._numbers)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                env={**os.environ, **_PATIENT},
            )
            undo.callback(self.close)
            self._url = f"{_address(self.path, process.stdout or ())}/v1"
            undo.pop_all()
        return self

    def layout(self) -> list[int]:
        """Return the tokens that only break and indent lines."""
        address = f"{self.url.removesuffix('/v1')}/tokenize"
        found = []
        for text in _LAYOUT:
            body = msgspec.json.encode({"content": text})
            with urlopen(Request(address, body), timeout=SLOWEST) as response:  # noqa: S310 - ours
                tokens = msgspec.json.decode(response.read())["tokens"]
            if len(tokens) == 1:
                found += tokens
        return found

    def close(self) -> None:
        """Stop serving, even while requests are pending."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        with process:  # closes the pipes and waits for its end
            pass

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def start_local_models(
    models: Mapping[str, ModelConfig], *, cache: Path, base: Path
) -> tuple[dict[str, ModelConfig], list[LocalServer]]:
    """Start a server for each local model; return all models with addresses, and the servers.

    Models with the same weights share a server. Relative paths of GGUF files start at `base`.
    ModelError if weights are missing or cannot be loaded; then no server is left running.
    """
    files = {
        name: _weights_of(name, model.local, cache=cache, base=base)
        for name, model in models.items()
        if model.local is not None
    }
    with ExitStack() as undo:
        servers = {
            path: undo.enter_context(LocalServer(path)) for path in dict.fromkeys(files.values())
        }
        undo.pop_all()
    ready = {
        name: _served_by(servers[files[name]], model) if name in files else model
        for name, model in models.items()
    }
    return ready, list(servers.values())


def usable(name: str, *, cache: Path | None = None) -> str | None:
    """Return why local models cannot be used now, with what to do; None if they can."""
    if find_spec("xllamacpp") is None:
        return "xllamacpp is not installed: pip install 'hubbub[local]', or in a clone '.[local]'"
    if find(name, cache=cache or cache_folder()) is not None:
        return None
    if name in KNOWN:
        return f"its weights are not here: hubbub models get {name}"
    return f"there is no file {name}"


def _weights_of(name: str, local: str, *, cache: Path, base: Path) -> Path:
    """Return the file that model `name` of a scenario names in `local`."""
    if local in KNOWN:
        path = find(local, cache=cache)
        if path is None:
            raise ModelError(
                f"models.{name}: the weights of {local} are not here; "
                f"run: hubbub models get {local}"
            )
        return path
    path = find(str(base / Path(local).expanduser()), cache=cache)
    if path is None:
        raise ModelError(
            f"models.{name}: '{local}' is neither a known model{did_you_mean(local, KNOWN)} nor a "
            "GGUF file; known models: hubbub models list"
        )
    return path.resolve()


def _served_by(server: LocalServer, model: ModelConfig) -> ModelConfig:
    few = min(model.limits.concurrency, server.slots)
    slow = max(model.limits.timeout_seconds, SLOWEST)
    limits = model.limits.model_copy(update={"concurrency": few, "timeout_seconds": slow})
    extra = {"logit_bias": [[token, False] for token in server.layout()], **model.extra}
    update = {"local": None, "urls": [server.url], "limits": limits, "extra": extra}
    return model.model_copy(update=update)


def _address(path: Path, output: Iterable[str]) -> str:
    """Return the address that the server writes once it is ready. ModelError if it ends before."""
    said = []
    for line in output:
        if line.startswith("http://"):
            return line.strip()
        said.append(line.strip())
    found = re.search(r"error loading model: (?:llama_model_loader: )?(.+)", "\n".join(said))
    why = found[1] if found else next(filter(None, reversed(said)), "it ended without a word")
    raise ModelError(f"the model {path} can't be served: {why}")
