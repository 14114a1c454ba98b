"""Agents that are language models, in a running society: turns, failures, staleness, budgets."""

from __future__ import annotations

import json
from contextlib import ExitStack

import numpy as np
import pytest

import hubbub as hb
from engine.model_scenarios import talkative
from hubbub.engine.models.budget import BudgetSpent
from hubbub.errors import ScenarioError
from hubbub.llm.chat import ChatRequest, Completion
from hubbub.testing import ScriptedModel, ValidModel

LIKE = {"do": [{"action": "like_post", "id": 1}]}


@pytest.fixture
def simulate():
    """Return a function that makes simulations; they are closed after the test."""
    with ExitStack() as stack:
        yield lambda *args, **options: stack.enter_context(hb.Simulation(*args, **options))


def modelled(sim):
    return np.flatnonzero(sim._ready().decider.policy.modelled(sim.world))


def named(sim):
    return sim.store.database.rows(
        "SELECT step, agent, action, reason, content FROM event_named ORDER BY step, seq"
    )


def test_models_decide_for_their_agents_and_for_no_others(simulate):
    model = ScriptedModel([{"do": [{"action": "create_post", "text": "I am a model"}]}])
    sim = simulate(talkative(), stand_ins={"small": model})
    sim.run()
    mine = set(modelled(sim).tolist())
    assert 10 < len(mine) < 30
    wrote = {a for s, a, act, _, text in named(sim) if s > 0 and text == "I am a model"}
    assert wrote
    assert wrote <= mine
    others = {a for s, a, act, _, text in named(sim) if s > 0 and act == "create_post"} - wrote
    assert not others & mine
    awake = sum(1 for s in sim.store.slates()["step"].to_pylist() if s)
    assert awake
    turns = {(c["step"], c["agent"]) for c in sim.completions().to_pylist()}
    assert len(turns) == len(model.requests)
    assert {agent for _, agent in turns} <= mine


def test_what_a_model_is_shown_is_kept_as_the_slate_of_that_step(simulate):
    seen = {}

    def model(request: ChatRequest) -> dict:
        seen[request.user] = True
        return {"do": [{"action": "do_nothing"}]}

    sim = simulate(talkative(), stand_ins={"small": ScriptedModel(model)})
    sim.step()
    slates = sim.store.slates().to_pylist()
    for call in sim.completions().to_pylist():
        shown = [r["item"] for r in slates if r["step"] == 1 and r["agent"] == call["agent"]]
        for place, item in enumerate(shown, 1):
            assert f"\n{place} " in call["prompt"]
            words = sim.world.item(item).content.split()[:4]
            assert " ".join(words) in call["prompt"]


def test_an_unreadable_reply_is_repaired_once_and_then_recorded(simulate):
    model = ScriptedModel(["I would rather not."])
    sim = simulate(talkative(), stand_ins={"small": model})
    sim.step()
    mine = set(modelled(sim).tolist())
    refused = [e for e in named(sim) if e[3] == "invalid_reply"]
    assert refused
    assert {e[1] for e in refused} <= mine
    assert {(e[2], e[4]) for e in refused} == {("do_nothing", "I would rather not.")}
    calls = sim.completions().to_pylist()
    assert sorted({c["number"] for c in calls}) == [0, 1]
    assert len(calls) == 2 * len(refused)
    sim.run(5)
    assert not any("rather not" in r.user or "rather not" in r.system for r in model.requests)


def test_a_model_that_does_not_reply_costs_the_turn_and_nothing_later(simulate):
    said = {"failed": False}

    def model(request: ChatRequest) -> Completion | dict:
        return Completion(None, "timeout") if said["failed"] else LIKE

    said["failed"] = True
    sim = simulate(talkative(), stand_ins={"small": ScriptedModel(model)})
    sim.step()
    said["failed"] = False
    sim.step()
    by_step = {s: {r for t, a, _, r, _ in named(sim) if t == s} for s in (1, 2)}
    assert "no_reply" in by_step[1]
    assert "no_reply" not in by_step[2]
    assert all("timeout" not in c["prompt"] for c in sim.completions().to_pylist())


@pytest.mark.parametrize("staleness", [0, 1, 3])
def test_replay_needs_no_model_and_gives_the_same_digest(tmp_path, staleness):
    scenario = talkative(turns={"staleness": staleness, "max_actions": 2})
    with hb.Simulation(scenario, out=tmp_path / "a", stand_ins={"small": ValidModel(3)}) as sim:
        sim.run()
        digest = sim.digest()
        calls = sim.completions()
    with hb.Simulation(scenario, out=tmp_path / "b", replay=tmp_path / "a") as again:
        again.run()
        assert again.digest() == digest
        assert again.completions()["reply"].to_pylist() == calls["reply"].to_pylist()
        assert set(again.completions()["recorded"].to_pylist()) == {1}
        assert again.store.spent()[0] == 0
    with hb.Simulation(scenario, replay=tmp_path / "b") as third:
        third.run()
        assert third.digest() == digest


@pytest.mark.parametrize("staleness", [0, 1, 3])
def test_halves_and_a_whole_are_the_same_run(simulate, tmp_path, staleness):
    scenario = talkative(turns={"staleness": staleness, "max_actions": 2}, steps=7)
    whole = simulate(scenario, stand_ins={"small": ValidModel(3)})
    whole.run()
    with hb.Simulation(scenario, out=tmp_path / "a", stand_ins={"small": ValidModel(3)}) as first:
        first.run(3)
    for _ in range(2):
        with hb.Simulation.resume(tmp_path / "a", stand_ins={"small": ValidModel(3)}) as second:
            second.run(2)
            digest = second.digest()
    assert digest == whole.digest()


def test_a_run_that_is_extended_is_the_longer_run(simulate):
    long = simulate(talkative(turns={"staleness": 2}), stand_ins={"small": ValidModel(3)})
    long.run()
    short = simulate(talkative(turns={"staleness": 2}, steps=3), stand_ins={"small": ValidModel(3)})
    short.run()
    short.extend(3)
    short.run()
    assert short.digest() == long.digest()


def test_with_staleness_models_see_a_world_that_is_so_many_steps_older(simulate):
    prompts: dict[int, dict[int, list[str]]] = {}
    for staleness in (0, 2):
        sim = simulate(
            talkative(
                turns={"staleness": staleness},
                events=[{"step": 3, "act": "create_post", "by": 1, "args": {"content": "ZEBRA"}}],
                feed={"preset": "chronological"},
            ),
            stand_ins={"small": ScriptedModel([{"do": [{"action": "do_nothing"}]}])},
        )
        sim.run()
        prompts[staleness] = {}
        for call in sim.completions().to_pylist():
            prompts[staleness].setdefault(call["step"], []).append(call["prompt"])
    first = {
        s: min(t for t, texts in p.items() if any("ZEBRA" in x for x in texts))
        for s, p in prompts.items()
    }
    assert first == {0: 3, 2: 5}


def test_the_order_of_replies_does_not_matter(simulate):
    digests = set()
    for order in (1, -1):
        sim = simulate(talkative(), stand_ins={"small": ValidModel(3)})
        sim.step()
        inferencer = sim._ready().model_turns.inferencer
        wait = inferencer.wait
        inferencer.wait = lambda timeout=None, wait=wait, order=order: wait(timeout)[::order]
        sim.run()
        digests.add(sim.digest())
    assert len(digests) == 1


def test_a_budget_pauses_at_a_whole_step_and_a_larger_one_goes_on(simulate, tmp_path):
    straight = simulate(talkative(), stand_ins={"small": ValidModel(3)})
    straight.run()
    limited = talkative(budget={"requests": 25})
    with hb.Simulation(limited, out=tmp_path / "a", stand_ins={"small": ValidModel(3)}) as sim:
        last = sim.run()
        assert 0 < last < 6
        assert sim.paused is not None
        assert "budget of 25 requests" in sim.paused
        assert sim.store.steps == last
        assert sim.store.spent()[0] <= 25 * 1.2  # calls after a query are not foreseen one by one
        with pytest.raises(BudgetSpent, match="budget of 25 requests"):
            sim.step()
    with hb.Simulation.resume(
        tmp_path / "a", overrides={"budget.requests": 1000}, stand_ins={"small": ValidModel(3)}
    ) as sim:
        assert sim.run() == 6
        assert sim.paused is None
        assert sim.digest() == straight.digest()
        assert sim.scenario.budget.requests == 1000
    with pytest.raises(ScenarioError, match="seed"):
        hb.Simulation.resume(tmp_path / "a", overrides={"seed": 4})


def test_money_and_tokens_are_counted_by_the_prices(simulate):
    def model(request: ChatRequest) -> Completion:
        return Completion(json.dumps(LIKE), "", 1000, 400, 10)

    price = {"input": 2.0, "cached": 1.0, "output": 10.0}
    models = {"small": {"urls": ["http://127.0.0.1:9/v1"], "price": price}}
    sim = simulate(
        talkative(models=models, budget={"money": 0.02}), stand_ins={"small": ScriptedModel(model)}
    )
    sim.run()
    requests, tokens, money = sim.store.spent()
    assert money == pytest.approx(requests * (600 * 2 + 400 * 1 + 10 * 10) / 1e6)
    assert tokens == requests * 1010
    assert sim.paused is not None
    assert "money" in sim.paused


def test_agents_told_and_asked(simulate):
    model = ScriptedModel([{"do": [{"action": "create_post", "text": "asked"}]}])
    sim = simulate(talkative(), stand_ins={"small": model})
    sim.reset()
    one, two = modelled(sim)[:2].tolist()
    other = next(a for a in range(40) if a not in set(modelled(sim).tolist()))
    sim.step(
        {one: [hb.Action("create_post", content="told")], two: hb.Ask(), other: hb.Ask()},
        only=True,
    )
    assert [(a, text) for s, a, act, _, text in named(sim) if s == 1 and text] == sorted(
        [(one, "told"), (two, "asked")],
        key=lambda pair: [e[1] for e in named(sim) if e[0] == 1].index(pair[0]),
    )
    assert len(model.requests) == 1
    assert set(sim.store.slates().to_pydict()["agent"]) <= {one, two, other}


@pytest.mark.parametrize("staleness", [0, 2])
def test_a_person_overrules_a_model(simulate, staleness):
    model = ScriptedModel([{"do": [{"action": "create_post", "text": "model"}]}])
    sim = simulate(talkative(turns={"staleness": staleness}), stand_ins={"small": model})
    sim.reset()
    everyone = modelled(sim).tolist()
    sim.step({a: [] for a in everyone})
    sim.step({a: [hb.Action("create_post", content="person")] for a in everyone})
    texts = {(s, text) for s, a, _, _, text in named(sim) if s and a in everyone}
    assert texts == {(2, "person")}


def test_reflections_are_events_and_come_back_in_prompts(simulate):
    def model(request: ChatRequest) -> str | dict:
        return LIKE if request.shape is not None else "I care about trees."

    scenario = talkative(prompt={"reflect_every": 2}, steps=5)
    sim = simulate(scenario, stand_ins={"small": ScriptedModel(model)})
    sim.run()
    notes = [(s, a) for s, a, act, reason, _ in named(sim) if act == "reflect"]
    assert notes
    calls = sim.completions().to_pylist()
    for step, agent in notes:
        later = [c["prompt"] for c in calls if c["agent"] == agent and c["step"] > step]
        assert all("I care about trees." in prompt for prompt in later)
    again = simulate(scenario, stand_ins={"small": ScriptedModel(model)})
    again.run()
    assert again.digest() == sim.digest()


def test_the_shared_rules_are_the_same_bytes_for_all_agents(simulate):
    sim = simulate(talkative(), stand_ins={"small": ValidModel(1)})
    sim.run()
    assert len(set(sim.completions()["system"].to_pylist())) == 1


def test_a_prompt_does_not_grow_with_history(simulate):
    """2,000 steps, the agents awake in each: the prompt is no longer than after 50."""
    sizes: list[int] = []

    def model(request: ChatRequest) -> dict:
        sizes.append(len(request.system) + len(request.user))
        return [LIKE, {"do": [{"action": "create_comment", "id": 1, "text": "I see. " * 4}]}][
            len(sizes) % 2
        ]

    sim = simulate(
        talkative(
            steps=2000,
            population={"synthetic": {"agents": 12, "core": 2, "posts_per_core": 4}},
            agents=[{"model": "small", "where": {"id": [0, 1]}}, {"policy": "idle"}],
            time={"activity": {"kind": "constant", "rate": 1.0, "core_rate": 1.0}},
            events=[
                {"step": s, "act": "create_post", "by": by, "args": {"content": "news " * 30}}
                for s in range(1, 2001)
                for by in (5, 6)
            ],
            feed={"preset": "chronological", "recommended": 2},
        ),
        stand_ins={"small": ScriptedModel(model)},
    )
    sim.run()
    after_50 = max(sizes[80:120])
    assert len(sizes) >= 4000
    assert max(sizes[3600:]) <= after_50 * 1.02
