"""docs/cluster.md: its program runs, its script serves, its figures are those of the estimate."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from pages import DOCS, blocks

from hubbub.config.load import load_scenario
from hubbub.config.scenario import Scenario
from hubbub.engine import Simulation
from hubbub.estimate.estimate import estimate
from hubbub.testing import ModelServer, ValidModel


def test_the_program_runs_as_written(tmp_path: Path) -> None:
    (code,) = blocks("cluster.md", "python")
    out = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=tmp_path, check=True, capture_output=True
    ).stdout.decode()
    found = re.search(r"(\d+) at the first endpoint, (\d+) at the second", out)
    assert found is not None
    assert all(int(number) > 0 for number in found.groups())


def test_the_scenario_is_one() -> None:
    (text,) = blocks("cluster.md", "yaml")
    given = yaml.safe_load(text)
    config = Scenario(**given, agents=[{"model": "everyone"}])
    assert config.models["everyone"].limits.concurrency == 128
    assert config.turns.staleness == 1


def test_an_endpoint_is_told_of_once_it_answers(tmp_path: Path) -> None:
    serve, _ = blocks("cluster.md", "bash")
    (tmp_path / "serve.sh").write_text(serve)
    stand_in = tmp_path / "vllm"
    stand_in.write_text('#!/bin/bash\necho "$@" > asked\n')
    stand_in.chmod(0o755)
    with ModelServer() as server:
        port = int(server.url.split(":")[2].split("/")[0])
        told = {
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "SLURM_LOCALID": str(port - 8000),
        }
        command = ["bash", "serve.sh", "some-model", "endpoints.txt"]
        subprocess.run(command, cwd=tmp_path, env=told, check=True, timeout=30)
    host, its_port = re.findall(
        r"http://(.+):(\d+)/v1\n", (tmp_path / "endpoints.txt").read_text()
    )[0]
    assert host
    assert int(its_port) == port
    asked = (tmp_path / "asked").read_text().split()
    assert asked[:4] == ["serve", "some-model", "--port", str(port)]


def test_the_queries_run() -> None:
    (queries,) = blocks("cluster.md", "sql")
    config = Scenario(
        steps=2,
        population={"synthetic": {"agents": 20, "core": 5}},
        models={"small": {"urls": ["http://localhost:1/v1"]}},
        agents=[{"model": "small", "where": {"core": True}}],
        time={"activity": {"kind": "constant", "core_rate": 1.0}},
    )
    with Simulation(config, stand_ins={"small": ValidModel()}) as sim:
        sim.run()
        by_step, by_endpoint = (
            sim.store.database.rows(query) for query in queries.split(";") if query.strip()
        )
    assert [row[:3] for row in by_step] == [(2, 5, 0), (1, 5, 0)]
    assert sum(row[1] for row in by_endpoint) == 10


def cells(page: str) -> dict[str, float]:
    """Return the numbers of the first table by their labels."""
    rows = re.findall(r"^\| ([^|]+?) \| ([\d,.]+) \|$", page, flags=re.MULTILINE)
    return {label: float(number.replace(",", "")) for label, number in rows}


@pytest.mark.slow
def test_the_figures_are_those_of_the_estimate() -> None:
    told = cells((DOCS / "cluster.md").read_text(encoding="utf-8"))
    path = DOCS.parent / "examples" / "paper-million" / "scenario.yaml"
    (row,) = estimate(load_scenario(path), path.parent).models
    assert told["turns"] == round(row.turns)
    fresh = row.prompt_tokens - row.cached_tokens
    assert told["tokens read that no endpoint has cached"] == pytest.approx(fresh, rel=0.02)
    assert told["tokens written"] == pytest.approx(row.reply_tokens, rel=0.02)
    hours = row.gpu_hours(8_000, 2_000)
    assert told["GPU-hours at 8,000 tokens read and 2,000 written per second"] == pytest.approx(
        hours, rel=0.02
    )
    assert told["GPUs to be done in 1 hour"] == -(-hours // 1)
