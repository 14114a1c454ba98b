"""`hubbub estimate`: what it prints before a run."""

from __future__ import annotations

from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hubbub.testing import ModelServer, ScriptedModel

if TYPE_CHECKING:
    from .conftest import Command

SCENARIO = """\
name: talk
steps: 20
topics: [Politics, Business]
population: {synthetic: {agents: 40, core: 4, posts_per_core: 2}}
time: {activity: {kind: constant, rate: 0.5, core_rate: 1.0}, wake_on_notice: false}
encoder: {kind: hashing}
models:
  small:
    urls: ["http://localhost:1/v1"]
    key_env: NO_SUCH_KEY
    price: {input: 1, output: 1}
  free: {urls: ["http://localhost:1/v1"]}
agents:
  - {model: small, where: {core: true}}
  - {model: free}
"""


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    path = tmp_path / "talk.yaml"
    path.write_text(SCENARIO, encoding="utf-8")
    return path


def cells(out: str, title: str) -> list[list[str]]:
    """Return the rows of a printed table."""
    lines = out.partition(title + "\n")[2].partition("\n\n")[0].splitlines()
    return [line.split() for line in lines[2:]]


def test_a_table_per_model_and_what_it_rests_on(hubbub: Command, talk: Path) -> None:
    done = hubbub("estimate", talk)
    assert done.code == 0, done.err
    assert cells(done.out, "talk: expected of language models in 20 steps") == [
        ["free", "36", "360", "0", "378"],
        ["small", "4", "80", "0", "84"],
    ]
    free, small = cells(done.out, "Tokens and cost")
    tokens, per_call, cached, reply = small[1:5]
    number = int(tokens.replace(",", ""))
    assert abs(number / 84 - int(per_call)) <= 1
    assert 10 < int(cached.removesuffix("%")) < 60
    assert reply == "2,100"
    assert float(small[5]) == pytest.approx((number + 2100) / 1e6, rel=0.05)
    assert free[-2:] == ["no", "prices"]
    notes = done.out.partition("Where these figures come from\n")[2].splitlines()
    assert len(notes) >= 4
    assert all(line.startswith("- ") for line in notes)
    assert "budget" not in done.out
    assert "second that takes" not in done.out
    assert not Path("runs").exists()


def test_time_at_a_throughput(hubbub: Command, talk: Path) -> None:
    by_turn = hubbub("estimate", talk, "--decisions-per-second", 2)
    assert "\nAt 2 decisions a second that takes 3 min 40 s.\n" in by_turn.out
    slow = hubbub("estimate", talk, "--decisions-per-second", 0.001)
    assert "At 0.001 decisions a second that takes 5 d 2 h." in slow.out
    found = hubbub("estimate", talk, "--throughput", 1_000_000)
    assert "\nAt 1,000,000 tokens a second that takes 0." in found.out


def test_how_many_gpus(hubbub: Command, talk: Path) -> None:
    speed = ("--gpu-in", 100, "--gpu-out", 10, "--hours", 0.1)
    done = hubbub("estimate", talk, *speed)
    assert done.code == 0, done.err
    assert "GPUs for 0.1 h" in done.out
    for name, hours, gpus, read, written in cells(done.out, "GPUs"):
        assert name in ("free", "small")
        seconds = int(read.replace(",", "")) / 100 + int(written.replace(",", "")) / 10
        assert float(hours) == pytest.approx(seconds / 3600, abs=0.051)
        assert int(gpus) == ceil(seconds / 360)
    assert "A GPU reads 100 tokens a second and writes 10 " in done.out
    assert "GPU" not in hubbub("estimate", talk).out
    usual = hubbub("estimate", talk, "--hours", 24).out
    assert "A GPU reads 8,000 tokens a second and writes 2,000 " in usual


def test_habits_of_a_run_that_was_made(hubbub: Command, talk: Path) -> None:
    with ModelServer(ScriptedModel([{"do": [{"action": "do_nothing"}]}])) as server:
        urls = {f"models.{name}.urls": f"[{server.url}]" for name in ("small", "free")}
        sets = [w for key, value in urls.items() for w in ("--set", f"{key}={value}")]
        sets += ["--set", "models.small.key_env=null"]
        made = hubbub("run", talk, "--out", "short", "--steps", 2, *sets)
    assert made.code == 0, made.err
    done = hubbub("estimate", talk, "--measured", "short")
    assert done.code == 0, done.err
    assert "Measured of small: 1.00 calls a turn" in done.out
    assert "Measured of free: 1.00 calls a turn" in done.out
    none = hubbub("estimate", talk, "--measured", "nowhere")
    assert none.code == 1
    assert "nowhere" in none.err


def test_how_far_the_budget_reaches(hubbub: Command, talk: Path) -> None:
    short = hubbub("estimate", talk, "--set", "budget.requests=100", "--set", "budget.money=5")
    said = "The budget of 100 requests, 5 of money reaches for 4 of 20 steps: "
    assert f"\n{said}then there are not enough requests left.\n" in short.out
    poor = hubbub("estimate", talk, "--set", "budget.money=0.001")
    assert "steps: then there is not enough money left." in poor.out
    plenty = hubbub("estimate", talk, "--steps", 5, "--set", "budget.requests=1000")
    assert "\nThe budget of 1,000 requests reaches for all 5 steps.\n" in plenty.out


def test_without_models_it_says_so(hubbub: Command, scenario: Path) -> None:
    done = hubbub("estimate", scenario)
    assert done.code == 0
    assert done.out == ("small: no language model drives any agent, so it costs nothing.\n")


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["--throughput", 5, "--decisions-per-second", 5], 2, "not both"),
        (["--throughput", 0], 2, "above 0"),
        (["--decisions-per-second", -1], 2, "above 0"),
        (["--gpu-in", 0], 2, "above 0"),
        (["--hours", "nan"], 2, "above 0"),
        (["--set", "agents.0.model=smal"], 1, "there is no model 'smal'"),
    ],
)
def test_wrong_use(
    hubbub: Command, talk: Path, args: list[object], code: int, message: str
) -> None:
    done = hubbub("estimate", talk, *args)
    assert done.code == code
    assert message in " ".join(done.err.split())
    assert done.out == ""


def test_help_names_it(hubbub: Command) -> None:
    found = hubbub("--help").out.partition("Commands:")[2]
    (line,) = (line for line in found.splitlines() if line.startswith("  estimate "))
    assert line.endswith("Estimate the calls, tokens and cost of a run before it begins.")
