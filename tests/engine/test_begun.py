"""Reading an attribute never builds a society; calls that act begin the run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import hubbub as hb
from engine.scenarios import small

READS = ("t", "world", "platform", "store")
CALLS = ("events", "posts", "agents", "completions", "answers", "digest")


@pytest.mark.parametrize("name", [*READS, *CALLS])
def test_reading_before_the_run_says_what_to_call(name: str, tmp_path: Path) -> None:
    with hb.Simulation(small(), out=tmp_path / "run") as sim:
        with pytest.raises(hb.RunError, match=r"has not begun; call reset\(\) or run\(\) first"):
            read(sim, name)
        assert repr(sim) == "<Simulation 'small', not begun>"
        assert sim.usage() == {}
        assert (sim.notes, sim.paused) == ([], None)
        assert sim._society is None
    assert not (tmp_path / "run").exists()


def read(sim: hb.Simulation, name: str) -> Any:
    value = getattr(sim, name)
    return value() if name in CALLS else value


@pytest.mark.parametrize("name", [*READS, *CALLS])
def test_reading_after_the_end_says_that_it_is_closed(name: str) -> None:
    sim = hb.Simulation(small())
    sim.run(1)
    sim.close()
    with pytest.raises(hb.RunError, match="this simulation is closed"):
        read(sim, name)
    assert repr(sim) == "<Simulation 'small', closed>"


@pytest.mark.parametrize(
    ("begin", "step"),
    [
        (lambda sim: sim.reset(), 0),
        (lambda sim: sim.act(0, "create_post", content="Hi"), 0),
        (lambda sim: sim.show(0), 0),
        (lambda sim: sim.explain(0), 0),
        (lambda sim: sim.look_up(0, "trend"), 0),
        (lambda sim: sim.step(), 1),
        (lambda sim: sim.run(2), 2),
        (lambda sim: sim.extend(3), 0),
    ],
)
def test_calls_that_act_begin_the_run(begin: Callable[[hb.Simulation], Any], step: int) -> None:
    with hb.Simulation(small()) as sim:
        begin(sim)
        assert sim.t == sim.world.step == sim.store.steps == step
        assert repr(sim).startswith(f"<Simulation 'small', step {step} of 12: 12")


def test_a_slip_in_an_action_undoes_nothing() -> None:
    with hb.Simulation(small()) as sim:
        sim.run(1)
        world = sim.world
        for wrong in (hb.Action("fly"), hb.Action("like_post", item=3), hb.Action("like_post")):
            with pytest.raises(hb.ActionError):
                sim.step({0: wrong})
            with pytest.raises(hb.ActionError):
                sim.act(0, wrong.name, **wrong.args)
        assert sim.world is world
        assert sim.t == 1


def test_a_world_that_was_undone_is_not_built_again_by_reading_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with hb.Simulation(small()) as sim:
        sim.run(1)
        with monkeypatch.context() as patch:
            patch.setattr("hubbub.engine.simulation.RunStore.commit", _fails)
            with pytest.raises(hb.StoreError, match="no room"):
                sim.step()
        assert sim._society is None
        assert sim.t == 1
        assert sim.events().num_rows
        with pytest.raises(hb.RunError, match=r"undone; call restore\(\)"):
            sim.world  # noqa: B018
        assert sim._society is None
        assert sim.restore().world.step == 1


def _fails(*args: object, **options: object) -> None:
    raise hb.StoreError("no room")
