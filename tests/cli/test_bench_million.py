"""The million-agent benchmark on a small run."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from hubbub.cli.bench import million
from hubbub.config.load import load_scenario, parse_scenario
from hubbub.engine import Simulation

EXAMPLE = Path(__file__).parents[2] / "examples" / "million" / "scenario.yaml"


def test_the_scenario_is_the_one_of_the_example() -> None:
    scenario = parse_scenario(million.million(1_000_000, 60))
    assert scenario == load_scenario(EXAMPLE)
    assert scenario.population.synthetic is not None
    assert scenario.population.synthetic.agents == 1_000_000
    assert scenario.population.synthetic.core == 196
    assert (scenario.steps, scenario.time.step_minutes, len(scenario.events)) == (60, 3, 8)


def test_what_each_process_does(tmp_path: Path) -> None:
    path, folder = tmp_path / "scenario.yaml", str(tmp_path / "run")
    path.write_text(yaml.safe_dump(million.million(400, 4)), encoding="utf-8")
    made = million.run(path=str(path), folder=folder)
    assert (made["agents"], made["steps"]) == (400, 4)
    assert made["follows"] > 1000
    assert made["turns_per_second"] == pytest.approx(made["turns"] / made["steps_seconds"], rel=0.1)
    assert {"activation", "feed", "policy", "apply", "commit", "total"} <= set(made["ms_per_step"])
    assert million.resume(folder=folder) == {"step": 4}
    assert million.summary(folder=folder) == {"agents": 400}
    assert million.trees(folder=folder)["posts"] >= 8
    with Simulation.from_yaml(path) as sim:
        sim.run()
        assert million.digest(folder=folder) == {"digest": sim.digest()}


def test_inspecting(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "run"
    with Simulation(parse_scenario(million.million(200, 2)), out=folder) as sim:
        sim.run()
    million.inspect(folder=str(folder))
    assert "million: 200 agents" in capsys.readouterr().out


@pytest.mark.slow
def test_all_of_it() -> None:
    found = million.bench_million(agents=400, steps=3)
    assert found.command_to_summary_seconds > found.setup_seconds + found.steps_seconds
    assert min(found.resume_seconds, found.inspect_seconds, found.cascades_seconds) > 0
    assert found.folder_mb > 0
    assert found.peak_mb > 50
