"""Endpoints that appear and vanish while a run goes on."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from endpoints import all_of, requests

from hubbub.config.models import LimitsConfig, ModelConfig
from hubbub.errors import ModelError
from hubbub.llm.inferencer import LiveInferencer
from hubbub.testing import Faults, ModelServer


def listed(file: str = "urls.txt") -> dict[str, ModelConfig]:
    limits = LimitsConfig(concurrency=4, timeout_seconds=5, patience_seconds=5)
    return {"m": ModelConfig(urls_file=Path(file), limits=limits)}


def test_endpoints_of_a_file_come_and_go(tmp_path: Path) -> None:
    file = tmp_path / "urls.txt"
    with ModelServer(latency=0.02) as first, ModelServer(latency=0.02) as second:
        file.write_text(f"# ours\n\n{first.url}/\n")
        with LiveInferencer[int](listed(), base=tmp_path) as inferencer:
            inferencer.submit(requests(10))
            all_of(inferencer)
            assert (first.counts.total(), second.counts.total()) == (10, 0)

            file.write_text(f"{second.url}\n")
            inferencer.submit(requests(400))  # longer than a look at the file takes
            assert len(all_of(inferencer)) == 400
            assert second.counts["ok"] > 0
            before = first.counts["ok"]
            inferencer.submit(requests(10))
            all_of(inferencer)
            assert first.counts["ok"] == before
            states = {u: e.state for u, e in inferencer.usage()["m"].endpoints.items()}
            assert states == {first.url: "removed", second.url: "closed"}


def test_a_new_endpoint_relieves_one_that_hangs(tmp_path: Path) -> None:
    file = tmp_path / "urls.txt"
    with ModelServer(faults=Faults(hangs=1)) as hung, ModelServer() as fresh:
        file.write_text(hung.url)
        with LiveInferencer[int](listed(), base=tmp_path) as inferencer:
            inferencer.submit(requests(10))
            assert inferencer.wait(timeout=0.05) == []
            file.write_text(fresh.url)
            began = time.monotonic()
            found = dict(inferencer.wait(timeout=4))
            assert 0 < len(found) <= 6  # all but those that the first one still holds
            assert time.monotonic() - began < 4


def test_an_empty_list_is_waited_for(tmp_path: Path) -> None:
    file = tmp_path / "urls.txt"
    file.write_text("# none yet\n")
    with ModelServer() as server, LiveInferencer[int](listed(), base=tmp_path) as inferencer:
        inferencer.submit(requests(1))
        assert inferencer.wait(timeout=0.05) == []
        file.write_text(server.url)
        assert all_of(inferencer)[0].text is not None


def test_a_list_that_is_gone_for_good_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "urls.txt"
    with ModelServer(faults=Faults(hangs=1)) as server:
        file.write_text(server.url)
        with LiveInferencer[int](listed(), base=tmp_path) as inferencer:
            inferencer.submit(requests(1))
            file.unlink()
            with pytest.raises(ModelError, match=r"cannot read urls_file .*urls\.txt"):
                inferencer.wait(timeout=10)


def test_a_list_that_cannot_be_used_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot read urls_file"):
        LiveInferencer[int](listed(), base=tmp_path)
    (tmp_path / "urls.txt").write_text("http://fine:1/v1\nlocalhost:80\n")
    with pytest.raises(ModelError, match="line 2: not a base URL"):
        LiveInferencer[int](listed(), base=tmp_path)


def test_comments_stand_anywhere_and_an_address_counts_once(tmp_path: Path) -> None:
    with ModelServer() as server:
        (tmp_path / "urls.txt").write_text(f"{server.url}  # the first\n\t# none\n{server.url}/\n")
        limits = LimitsConfig(concurrency=4, timeout_seconds=5)
        twice = ModelConfig(urls=[server.url, f"{server.url}/"], limits=limits)
        models = {**listed(), "twice": twice}
        with LiveInferencer[int](models, base=tmp_path) as inferencer:
            usage = inferencer.usage()
            assert [list(usage[name].endpoints) for name in models] == [[server.url]] * 2
