"""The figures of language models against plain counting in the tables of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from hubbub.analysis import exchanges, model_figures, said
from hubbub.config import parse_scenario
from hubbub.engine import Simulation
from hubbub.llm.chat import ChatRequest, Completion
from hubbub.testing import ValidModel

SCENARIO = {
    "seed": 5,
    "steps": 10,
    "topics": ["Politics", "Business"],
    "platform": {"preset": "reddit"},
    "population": {"synthetic": {"agents": 30, "core": 4, "posts_per_core": 2}},
    "time": {"activity": {"kind": "constant", "rate": 0.6, "core_rate": 0.9}},
    "encoder": {"kind": "hashing"},
    "models": {
        "big": {"urls": ["http://localhost:1/v1"]},
        "small": {"urls": ["http://localhost:2/v1"], "price": {"input": 2, "cached": 1}},
    },
    "agents": [{"model": "big", "where": {"core": True}}, {"model": "small"}],
    "surveys": [{"steps": [5], "questions": [{"name": "why", "ask": "Why?"}]}],
    "prompt": {"reflect_every": 3},
}
_VALID = ValidModel()


def flaky(request: ChatRequest) -> Completion:
    """Fails, or replies nonsense, as the request's own seed has it."""
    dice, attempts = request.seed % 10, 1 + request.seed % 3
    if dice < 2:
        failure = "timeout" if dice else "server_error"
        return Completion(None, failure=failure, latency=9.0, attempts=attempts)
    text = "Well..." if dice < 4 else _VALID(request)
    latency = 0.5 + dice / 10
    return Completion(text, "", 500, 100, 20, latency=latency, attempts=attempts)


@pytest.fixture(scope="module")
def sim() -> Iterator[Simulation]:
    models = {"big": ValidModel(), "small": flaky}
    with Simulation(parse_scenario(SCENARIO), stand_ins=models) as sim:
        sim.run()
        yield sim


@pytest.fixture(scope="module")
def calls(sim: Simulation) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sim.completions().to_pylist()
    return found


def test_figures_are_those_of_the_calls(sim: Simulation, calls: list[dict[str, Any]]) -> None:
    big, small = model_figures(sim.store)
    mine = [c for c in calls if c["model"] == "small"]
    replied = [c for c in mine if c["reply"] is not None]
    assert (big.model, big.calls, big.failures, big.latency) == (
        "big",
        len(calls) - len(mine),
        {},
        None,
    )
    assert (small.calls, small.replies) == (len(mine), len(replied))
    assert small.failures == Counter(c["failure"] for c in mine if c["failure"])
    assert set(small.failures) == {"timeout", "server_error"}
    assert small.retries == sum(c["attempts"] - 1 for c in mine) > 0
    assert (small.prompt_tokens, small.reply_tokens) == (500 * len(replied), 20 * len(replied))
    assert small.cached_share == pytest.approx(0.2)
    assert small.cost == pytest.approx(len(replied) * (400 * 2 + 100 * 1) / 1e6)
    expected = np.percentile([c["latency"] for c in replied], (50, 90, 99))
    assert small.latency == pytest.approx(tuple(expected))


def test_what_comes_from_a_record_costs_nothing(sim: Simulation, tmp_path: Any) -> None:
    config = parse_scenario({**SCENARIO, "steps": 3, "surveys": []})
    models = {"big": ValidModel(), "small": flaky}
    with Simulation(config, out=tmp_path / "first", stand_ins=models) as first:
        first.run()
        before = model_figures(first.store)
    with Simulation(config, replay=tmp_path / "first") as again:
        again.run()
        after = model_figures(again.store)
    for old, new in zip(before, after, strict=True):
        assert (new.calls, new.replies, new.failures) == (old.calls, old.replies, old.failures)
        assert (old.recorded, new.recorded) == (0, old.calls)
        assert (new.cost, new.retries, new.latency) == (0, 0, None)


def test_examples_are_real_replies(sim: Simulation, calls: list[dict[str, Any]]) -> None:
    found = said(sim.store, 6)
    assert len(found) == 6
    assert len({(s.step, s.agent) for s in found}) == 6
    assert [s.step for s in found] == sorted(s.step for s in found)
    assert found[-1].step - found[0].step >= 4, "they are from all over the run"
    events = sim.events().to_pylist()
    for turn in found:
        replies = [
            c["reply"]
            for c in calls
            if (c["step"], c["agent"], c["purpose"]) == (turn.step, turn.agent, "turn")
            and c["shape"] is not None
        ]
        assert turn.reply in replies
        assert [turn.user_name] == sim.world.profiles.user_names([turn.agent])
        mine = [e for e in events if (e["step"], e["agent"]) == (turn.step, turn.agent)]
        actions = [
            (e["action"], _or(e["target"], -1), _or(e["content"], ""), e["reason"])
            for e in mine
            if e["wave"] >= 0 and e["action"] != "reflect"
        ]
        assert [(d.action, d.target, d.text, d.reason) for d in turn.actions] == actions
        assert actions


def _or(value: Any, other: Any) -> Any:
    return other if value is None else value


def test_all_turns_are_examples_where_there_are_few(sim: Simulation) -> None:
    turns = {
        (c["step"], c["agent"])
        for c in sim.completions().to_pylist()
        if c["purpose"] == "turn" and c["shape"] is not None and c["reply"] is not None
    }
    found = said(sim.store, 10_000)
    assert {(s.step, s.agent) for s in found} == turns
    refused = {d.reason for s in found for d in s.actions}
    assert {"ok", "invalid_reply"} <= refused


def test_the_last_calls_of_an_agent(sim: Simulation, calls: list[dict[str, Any]]) -> None:
    agent = calls[0]["agent"]
    mine = [c for c in calls if c["agent"] == agent and c["purpose"] == "turn"]
    assert len(mine) > 4
    for count in (1, 4, 1000):
        found = exchanges(sim.store, agent, count)
        assert [(e.step, e.number, e.prompt, e.reply, e.system, e.failure) for e in found] == [
            (c["step"], c["number"], c["prompt"], c["reply"], c["system"], c["failure"])
            for c in mine[-count:]
        ]
    assert exchanges(sim.store, 999, 3) == []


def test_a_run_without_models_has_none() -> None:
    config = parse_scenario({**SCENARIO, "steps": 1, "agents": [], "surveys": []})
    with Simulation(config) as sim:
        sim.run()
        assert model_figures(sim.store) == []
        assert said(sim.store) == []
