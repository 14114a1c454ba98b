"""The local model: a real server with the real weights, fetched once into the user's cache."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

from hubbub.config.models import ModelConfig
from hubbub.cores import usable_cores
from hubbub.errors import MissingExtraError, ModelError
from hubbub.llm import local as module
from hubbub.llm.local import LocalServer, start_local_models, usable
from hubbub.llm.weights import DEFAULT, KNOWN, cache_folder, fetch

CHOICE = {
    "type": "object",
    "properties": {
        "do": {
            "type": "array",
            "minItems": 1,
            "maxItems": 1,
            "items": {
                "anyOf": [
                    {
                        "type": "object",
                        "properties": {"action": {"const": "like_post"}, "id": {"enum": [1, 2, 3]}},
                        "required": ["action", "id"],
                        "additionalProperties": False,
                    },
                    {
                        "type": "object",
                        "properties": {"action": {"const": "do_nothing"}},
                        "required": ["action"],
                        "additionalProperties": False,
                    },
                ]
            },
        }
    },
    "required": ["do"],
    "additionalProperties": False,
}


@pytest.fixture(scope="session")
def weights() -> Path:
    """Return the real weights; fetched once, and left in the cache."""
    if find_spec("xllamacpp") is None:
        pytest.skip("xllamacpp is not installed: pip install 'hubbub[local]'")
    try:
        return fetch(DEFAULT, cache=cache_folder(), say=lambda _: None)
    except ModelError as error:
        pytest.skip(f"the weights can't be had here: {error}")


@pytest.fixture
def needs_xllamacpp() -> None:
    if find_spec("xllamacpp") is None:
        pytest.skip("xllamacpp is not installed: pip install 'hubbub[local]'")


def ask(url: str, text: str, **more: Any) -> dict[str, Any]:
    body = {"model": "default", "messages": [{"role": "user", "content": text}], **more}
    request = Request(  # noqa: S310 - http on loopback
        f"{url}/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urlopen(request, timeout=60) as reply:  # noqa: S310
        answer: dict[str, Any] = json.load(reply)
    return answer


def test_serves_replies_of_the_asked_form(weights: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with LocalServer(weights) as server:
        assert server.url.startswith("http://127.0.0.1:")
        assert server.url.endswith("/v1")
        form = {"type": "json_schema", "json_schema": {"name": "turn", "schema": CHOICE}}
        asked = {"max_tokens": 40, "seed": 3, "response_format": form}
        first = ask(server.url, f"Like one of the posts 1 to 3. {'Now choose. ' * 20}", **asked)
        again = ask(server.url, f"Like one of the posts 1 to 3. {'Now choose. ' * 20}", **asked)
    (turn,) = json.loads(first["choices"][0]["message"]["content"])["do"]
    assert turn["action"] in ("like_post", "do_nothing")
    assert turn.get("id", 1) in (1, 2, 3)
    assert again["usage"]["prompt_tokens"] > 100
    assert again["usage"]["prompt_tokens_details"]["cached_tokens"] > 90, "the prompt was kept"
    assert capfd.readouterr() == ("", ""), "it must not write to the terminal"
    with pytest.raises(ModelError, match="not running"):
        _ = server.url


def test_models_with_the_same_weights_share_a_server(weights: Path, tmp_path: Path) -> None:
    (tmp_path / "own.gguf").symlink_to(weights)
    models = {
        "a": ModelConfig(local="own.gguf"),
        "b": ModelConfig(local=DEFAULT, temperature=0.1),
        "c": ModelConfig(urls=["http://localhost:1/v1"]),
    }
    ready, servers = start_local_models(models, cache=weights.parent, base=tmp_path)
    try:
        (server,) = servers
        assert ready["a"].urls == ready["b"].urls == [server.url]
        assert ready["a"].local is None
        assert ready["a"].limits.concurrency == server.slots
        assert ready["b"].temperature == 0.1
        assert ready["c"] == models["c"]
        assert models["a"].local == "own.gguf", "the scenario itself stays as it is"
        assert ask(server.url, "Hi", max_tokens=2)["usage"]["completion_tokens"] <= 2
    finally:
        for server in servers:
            server.close()


def test_closes_at_once_while_a_request_is_under_way(weights: Path) -> None:
    """And another server goes on."""
    with LocalServer(weights, slots=1) as other:
        server = LocalServer(weights, slots=1).start()
        url = server.url
        ended: list[str] = []

        def long() -> None:
            try:
                ask(url, "Tell a story", max_tokens=1500, ignore_eos=True)
            except (OSError, URLError) as error:
                ended.append(str(error))

        asking = threading.Thread(target=long)
        asking.start()
        while not busy(url):
            assert asking.is_alive(), ended
        begun = time.monotonic()
        server.close()
        server.close()
        asking.join(timeout=30)
        assert ended, "the client must notice"
        assert time.monotonic() - begun < 20
        with pytest.raises(URLError):
            urlopen(f"{url}/models", timeout=5)  # noqa: S310
        assert ask(other.url, "Hi", max_tokens=2)["choices"]


def busy(url: str) -> bool:
    with urlopen(url.replace("/v1", "/slots"), timeout=30) as reply:  # noqa: S310
        return any(slot["is_processing"] for slot in json.load(reply))


def test_ends_with_the_process_that_started_it(weights: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from hubbub.llm.local import LocalServer\n"
        "server = LocalServer(Path(sys.argv[1]), slots=1).start()\n"
        "print(server.url, flush=True); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(weights)], stdout=subprocess.PIPE, text=True, check=False
    )
    url = done.stdout.strip()
    assert url.startswith("http://127.0.0.1:")
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            urlopen(f"{url}/models", timeout=5).close()  # noqa: S310
        except (URLError, OSError):
            return
    pytest.fail("the server is still there")


@pytest.mark.usefixtures("needs_xllamacpp")
def test_a_file_that_is_no_model(tmp_path: Path) -> None:
    path = tmp_path / "bad.gguf"
    path.write_bytes(b"no model at all")
    server = LocalServer(path)
    with pytest.raises(ModelError, match=r"bad\.gguf can't be served: "):
        server.start()
    with pytest.raises(ModelError, match="not running"):
        _ = server.url


def test_missing_weights(tmp_path: Path) -> None:
    models = {"core": ModelConfig(local=DEFAULT)}
    with pytest.raises(ModelError, match=r"models\.core: .*run: hubbub models get smollm2-135m"):
        start_local_models(models, cache=tmp_path, base=tmp_path)


def test_a_name_that_is_neither_known_nor_a_file(tmp_path: Path) -> None:
    models = {"core": ModelConfig(local="smollm2-135")}
    with pytest.raises(ModelError, match=r"did you mean 'smollm2-135m'\?"):
        start_local_models(models, cache=tmp_path, base=tmp_path)


def test_without_local_models_nothing_is_started(tmp_path: Path) -> None:
    models = {"far": ModelConfig(urls=["http://localhost:1/v1"])}
    assert start_local_models(models, cache=tmp_path, base=tmp_path) == (models, [])


def test_without_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r"hubbub\[local\]"):
        LocalServer(tmp_path / "any.gguf").start()
    assert usable(DEFAULT, cache=tmp_path) == (
        "xllamacpp is not installed: pip install 'hubbub[local]', or in a clone '.[local]'"
    )


def test_what_is_usable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda _: object())
    monkeypatch.setenv("HUBBUB_CACHE", str(tmp_path))
    assert usable(DEFAULT) == "its weights are not here: hubbub models get smollm2-135m"
    with (tmp_path / KNOWN[DEFAULT].file).open("wb") as file:
        file.truncate(KNOWN[DEFAULT].size)
    assert usable(DEFAULT) is None
    assert usable("other.gguf") == "there is no file other.gguf"


def test_at_least_one_core() -> None:
    assert usable_cores() >= 1
