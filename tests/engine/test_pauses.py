"""Runs that pause because the budget is spent, or are stopped, with turns of later steps out."""

from __future__ import annotations

import time

import pytest

import hubbub as hb
from engine.model_scenarios import talkative
from hubbub.engine.models.budget import BudgetSpent
from hubbub.testing import Latency, ModelServer, ValidModel

ASKED = [{"name": "s", "steps": [0, 2, 4], "questions": [{"name": "q", "ask": "Why?"}]}]


class Reports(hb.Hook):
    """Keeps the numbers of the steps it was told of."""

    def __init__(self):
        self.steps = []

    def stepped(self, report):
        self.steps.append(report.step)


def whole(**changes):
    """Return the digest of the run that nothing stops, and what it spent."""
    with hb.Simulation(talkative(**changes), stand_ins={"small": ValidModel()}) as sim:
        sim.run()
        return sim.digest(), sim.store.spent().requests


@pytest.mark.parametrize("staleness", [1, 2])
@pytest.mark.parametrize("requests", [14, 33, 50])
def test_with_staleness_a_spent_budget_pauses_the_run(tmp_path, staleness, requests):
    changes = {"turns": {"staleness": staleness}}
    scenario = talkative(**changes, budget={"requests": requests})
    with hb.Simulation(scenario, out=tmp_path / "a", stand_ins={"small": ValidModel()}) as sim:
        last = sim.run()
        assert last < scenario.steps
        assert f"budget of {requests} requests" in sim.paused
        assert sim.t == last
        assert sim.show(0).user_id == 0
        with pytest.raises(BudgetSpent):
            sim.step()
        # what a turn needs beside its first call is an estimate, what is out is counted
        assert sim.store.spent().requests <= requests * 1.25
    with hb.Simulation.resume(tmp_path / "a", stand_ins={"small": ValidModel()}) as again:
        assert again.run() == last
        assert again.paused
    more = {"budget.requests": 1000}
    with hb.Simulation.resume(
        tmp_path / "a", stand_ins={"small": ValidModel()}, overrides=more
    ) as sim:
        sim.run()
        assert sim.paused is None
        assert sim.digest() == whole(**changes)[0]


@pytest.mark.parametrize("staleness", [0, 1])
def test_a_survey_that_costs_too_much_pauses_the_run_until_it_is_held(tmp_path, staleness):
    changes = {"turns": {"staleness": staleness}, "surveys": ASKED, "steps": 4}
    digest, spent = whole(**changes)
    for requests, held in ((5, set()), (spent - 1, {("s", 0), ("s", 2)})):
        scenario = talkative(**changes, budget={"requests": requests})
        folder, reports = tmp_path / str(requests), Reports()
        with hb.Simulation(scenario, out=folder, stand_ins={"small": ValidModel()}) as sim:
            last = sim.run(hooks=[reports])
            assert "the survey 's'" in sim.paused
            assert sim.run(hooks=[reports]) == last
            assert reports.steps == list(range(1, last + 1))
            assert sim.store.surveys_held() == held
        more = {"budget.requests": 1000}
        with hb.Simulation.resume(folder, stand_ins={"small": ValidModel()}, overrides=more) as sim:
            assert sim.run() == 4
            assert sim.paused is None
            assert sim.digest() == digest
            assert sim.store.surveys_held() == {("s", 0), ("s", 2), ("s", 4)}


def test_turns_that_came_to_nothing_are_in_the_record_and_paid(tmp_path):
    def moves(sim):
        sim.run(2)
        groups = sim._ready().model_turns.groups
        out = set(sim._ready().model_turns.asked(3).tolist())
        assert out
        other = next(a for a in range(40) if groups.model_of(a) and a not in out)
        sim.step({other: hb.Ask()}, only=True)  # those who are out take no part
        sim.run(2)  # up to the last step but one: turns of the last are out
        return out

    with ModelServer(latency=Latency(0.01, 1.0)) as server:
        models = {"small": {"urls": [server.url]}}
        scenario = talkative(models=models, turns={"staleness": 1})
        with hb.Simulation(scenario, out=tmp_path / "a") as sim:
            out = moves(sim)
            digest, spent = sim.digest(), sim.store.spent().requests
            calls = sim.completions().to_pylist()
        assert spent == len(calls)
        assert out <= {c["agent"] for c in calls if c["step"] == 3}
    with hb.Simulation(scenario, replay=tmp_path / "a") as again:
        moves(again)
        assert again.digest() == digest


def test_replies_that_had_arrived_for_later_turns_are_kept(tmp_path):
    with ModelServer() as server:
        scenario = talkative(
            models={"small": {"urls": [server.url]}}, turns={"staleness": 1, "max_calls": 1}
        )
        with hb.Simulation(scenario, out=tmp_path / "a") as sim:
            sim.run(2)
            out = len(sim._ready().model_turns.asked(3))
            assert out
            end = time.monotonic() + 10
            while (made := sim.usage()["small"].completions) < sim.usage()["small"].requests:
                assert time.monotonic() < end
        with hb.Simulation.resume(tmp_path / "a") as sim:
            assert sim.store.spent().requests == made
            sim.run(1)
            calls = [c for c in sim.completions().to_pylist() if c["step"] == 3]
            assert len(calls) == out


def test_looking_at_a_run_with_turns_out_asks_no_model(tmp_path):
    scenario = talkative(turns={"staleness": 1})
    with hb.Simulation(scenario, out=tmp_path / "a", stand_ins={"small": ValidModel()}) as sim:
        sim.run(2)
        assert len(sim._ready().model_turns.asked(3))
    model, valid = [], ValidModel()
    models = {"small": lambda request: model.append(request) or valid(request)}
    with hb.Simulation.resume(tmp_path / "a", stand_ins=models) as sim:
        assert sim.t == 2
        sim.show(0)
    assert not model
    with hb.Simulation.resume(tmp_path / "a", stand_ins=models) as sim:
        sim.run()
        assert model
        assert sim.digest() == whole(turns={"staleness": 1})[0]
