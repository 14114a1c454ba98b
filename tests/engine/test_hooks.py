"""Hooks follow a run, single steps, waits for models and the end, whatever it is."""

from __future__ import annotations

from pathlib import Path

import pytest

import hubbub as hb
from engine.model_scenarios import talkative
from engine.scenarios import small
from hubbub.testing import ValidModel

Told = list[tuple[object, ...]]


class Ear(hb.Hook):
    """Keeps all that it is told."""

    def __init__(self) -> None:
        self.told: Told = []

    def began(self, step: int, last: int) -> None:
        self.told.append(("began", step, last))

    def waiting(self, decided: int, asked: int) -> None:
        self.told.append(("waiting", decided, asked))

    def stepped(self, report: hb.StepReport) -> None:
        self.told.append(("stepped", report.step))

    def ended(self, step: int, paused: str | None, error: BaseException | None) -> None:
        self.told.append(("ended", step, paused, type(error).__name__))

    def calls(self) -> list[object]:
        return [told[0] for told in self.told]


def test_a_run_from_its_beginning_to_its_end() -> None:
    always, once = Ear(), Ear()
    with hb.Simulation(small(steps=3), hooks=[always]) as sim:
        sim.run(2, hooks=[once])
        sim.step()
    run: Told = [("began", 0, 2), ("stepped", 1), ("stepped", 2), ("ended", 2, None, "NoneType")]
    assert once.told == run
    assert always.told == [*run, ("stepped", 3)]


def test_resumed_runs_and_steps_wait_for_models(tmp_path: Path) -> None:
    ear, models = Ear(), {"small": ValidModel()}
    with hb.Simulation(talkative(), out=tmp_path / "run", stand_ins=models, hooks=[ear]) as sim:
        sim.step()
    assert set(ear.calls()) == {"waiting", "stepped"}
    decided = [told[1:] for told in ear.told if told[0] == "waiting"]
    assert decided[0][0] == 0
    assert all(0 <= done < asked for done, asked in decided)  # type: ignore[operator]
    again = Ear()
    with hb.Simulation.resume(tmp_path / "run", stand_ins=models, hooks=[again]) as sim:
        assert again.told == []
        sim.run()
    assert again.told[0] == ("began", 1, 6)
    assert again.told[-1] == ("ended", 6, None, "NoneType")
    assert again.calls().count("stepped") == 5
    assert again.calls().count("waiting") >= 5


def test_the_end_is_told_of_a_spent_budget() -> None:
    ear = Ear()
    scenario = talkative(budget={"requests": 40})
    with hb.Simulation(scenario, stand_ins={"small": ValidModel()}) as sim:
        last = sim.run(hooks=[ear])
        assert 0 < last < 6
        assert ear.told[-1] == ("ended", last, sim.paused, "NoneType")
        assert "budget" in str(sim.paused)


class Failing(hb.Hook):
    """Fails after step 2."""

    def stepped(self, report: hb.StepReport) -> None:
        if report.step == 2:
            raise KeyboardInterrupt


def test_the_end_is_told_of_an_error() -> None:
    first, last = Ear(), Ear()
    with hb.Simulation(small(), hooks=[first]) as sim:
        with pytest.raises(KeyboardInterrupt):
            sim.run(hooks=[Failing(), last])
        assert first.told[-1] == last.told[-1] == ("ended", 2, None, "KeyboardInterrupt")
        assert first.calls().count("stepped") == 2
        assert last.calls().count("stepped") == 1
        sim.run(1)  # the hooks of the run that failed do not follow this one
    assert last.calls().count("began") == 1
    assert first.told[-2:] == [("stepped", 3), ("ended", 3, None, "NoneType")]


def test_a_hook_is_a_hook() -> None:
    with pytest.raises(TypeError, match="derive its class"):
        hb.Simulation(small(), hooks=[print])  # type: ignore[list-item]
    with (
        hb.Simulation(small()) as sim,
        pytest.raises(TypeError, match="derive its class"),
    ):
        sim.run(1, hooks=[print])  # type: ignore[list-item]
