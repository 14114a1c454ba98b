"""What an estimate says before a run, against what the run comes to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubbub.config.load import load_scenario
from hubbub.config.scenario import Scenario
from hubbub.engine import Simulation
from hubbub.errors import RunError, ScenarioError
from hubbub.estimate.dry_run import STEPS
from hubbub.estimate.estimate import estimate
from hubbub.estimate.prompt_sizes import SAMPLE, sample
from hubbub.estimate.reply_stats import LOOKING, REPAIRING, REPLY
from hubbub.llm.chat import Completion
from hubbub.llm.tokens import BYTES_PER_TOKEN
from hubbub.testing import ScriptedModel, ValidModel

ALWAYS = {"activity": {"kind": "constant", "rate": 1.0, "core_rate": 1.0}, "wake_on_notice": False}


def scenario(**changes: Any) -> Scenario:
    data: dict[str, Any] = {
        "seed": 5,
        "steps": 24,
        "topics": ["Politics", "Business"],
        "population": {"synthetic": {"agents": 60, "core": 6, "posts_per_core": 3}},
        "time": {
            "activity": {"kind": "constant", "rate": 0.3, "core_rate": 0.6},
            "wake_on_notice": False,
        },
        "encoder": {"kind": "hashing"},
        # nothing listens there, and there is no such key: an estimate needs neither
        "models": {"small": {"urls": ["http://localhost:1/v1"], "key_env": "NO_SUCH_KEY"}},
        "agents": [{"model": "small"}],
    }
    return Scenario(**{**data, **changes})


@contextmanager
def ran(config: Scenario) -> Iterator[Simulation]:
    models = {name: ValidModel() for name in config.models}
    with Simulation(config, stand_ins=models) as sim:
        sim.run()
        yield sim


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"platform": {"preset": "reddit"}},
        {"population": {"synthetic": {"agents": 60, "core": 6, "posts_per_core": 0}}},
        {"agents": [{"model": "small", "where": {"core": True}}, {"policy": "statistical"}]},
        {"agents": [{"model": "small", "share": 0.5}], "prompt": {"memory_tokens": 0}},
        {
            "steps": 60,
            "platform": {"actions": "all"},
            "time": {"activity": {"kind": "chronotype"}, "wake_on_notice": False},
        },
    ],
    ids=["x", "reddit", "no posts", "core", "share", "all actions by the hour"],
)
def test_turns_and_prompts_are_those_of_a_run(changes: dict[str, Any]) -> None:
    config = scenario(**changes)
    (row,) = estimate(config).models
    with ran(config) as sim:
        (usage,) = sim.store.usage()
        calls = sim.store.completions()
        driven = int(sim._ready().decider.policy.modelled(sim.world).sum())
    turns = sum(number == 0 for number in calls["number"].to_pylist())
    assert row.agents == driven
    assert row.most_turns == pytest.approx(row.turns)
    # a sum of independent chances p has a variance of at most the sum of p
    assert abs(turns - row.turns) < 4 * sqrt(row.turns)
    per_call = row.prompt_tokens / row.calls
    assert per_call == pytest.approx(usage.prompt_tokens / usage.calls, rel=0.25)
    assert row.prompt_tokens == pytest.approx(usage.prompt_tokens, rel=0.3)


def test_notices_wake_more_but_not_beyond_the_bound() -> None:
    config = scenario(platform={"preset": "reddit"}, time={"wake_on_notice": True}, steps=40)
    (row,) = estimate(config).models
    with ran(config) as sim:
        turns = len(sim.store.completions().filter(_first_calls(sim)))
    assert turns == pytest.approx(row.turns, rel=0.2)
    assert row.woken > 10
    assert max(turns, row.turns) < row.most_turns


def _first_calls(sim: Simulation) -> Any:
    return [number == 0 for number in sim.store.completions()["number"].to_pylist()]


def test_what_others_do_to_a_few_leaders_is_in_their_prompts() -> None:
    config = scenario(
        population={"synthetic": {"agents": 600, "core": 10, "posts_per_core": 2}},
        time={"activity": {"kind": "constant", "rate": 0.3, "core_rate": 0.1}},
        agents=[{"model": "small", "where": {"core": True}}, {"policy": "statistical"}],
        steps=40,
    )
    (row,) = estimate(config).models
    with ran(config) as sim:
        (usage,) = sim.store.usage()
        prompts = sim.store.completions()["prompt"].to_pylist()
    assert sum("\nNew:\n" in prompt for prompt in prompts) > 0.5 * len(prompts)
    per_call = row.prompt_tokens / row.calls
    assert per_call == pytest.approx(usage.prompt_tokens / usage.calls, rel=0.1)


def test_after_the_dry_run_a_run_goes_on_as_at_its_end() -> None:
    config = scenario(steps=STEPS + 50)
    found = estimate(config)
    (row,) = found.models
    assert found.notes[0].startswith(f"The first {STEPS} steps were simulated ")
    with ran(config) as sim:
        (usage,) = sim.store.usage()
    per_call = row.prompt_tokens / row.calls
    assert per_call == pytest.approx(usage.prompt_tokens / usage.calls, rel=0.2)


def test_a_run_of_the_same_models_gives_their_reply_statistics(tmp_path: Path) -> None:
    config = scenario(steps=6)
    replies = {"small": ScriptedModel([completion(300, 60), completion(300, 20)])}
    with Simulation(config, out=tmp_path / "short", stand_ins=replies) as sim:
        sim.run()
        calls = sim.store.completions()
        (usage,) = sim.store.usage()
    turns = calls["number"].to_pylist().count(0)
    texts = zip(calls["system"].to_pylist(), calls["prompt"].to_pylist(), strict=True)
    size = sum(len(system.encode()) + len(prompt.encode()) for system, prompt in texts)
    (assumed,) = estimate(config).models
    found = estimate(config, measured=tmp_path / "short")
    (row,) = found.models
    assert row.turns == assumed.turns
    assert row.calls / row.turns == pytest.approx(usage.calls / turns)
    assert row.reply_tokens / row.calls == pytest.approx(usage.completion_tokens / usage.calls)
    longer = (row.prompt_tokens / row.calls) / (assumed.prompt_tokens / assumed.calls)
    assert longer == pytest.approx(usage.prompt_tokens / size * BYTES_PER_TOKEN)
    assert any(note.startswith("Measured of small: ") for note in found.notes)


def completion(prompt: int, reply: int) -> Completion:
    return Completion(
        '{"do":[{"action":"do_nothing"}]}', prompt_tokens=prompt, completion_tokens=reply
    )


def test_a_run_of_other_models_tells_nothing(tmp_path: Path) -> None:
    with Simulation(
        scenario(steps=1), out=tmp_path / "short", stand_ins={"small": ValidModel()}
    ) as s:
        s.run()
    other = {"big": {"urls": ["http://localhost:1/v1"]}}
    with pytest.raises(RunError, match="no turn of big is on record there; its models are small"):
        estimate(scenario(models=other, agents=[{"model": "big"}]), measured=tmp_path / "short")


def test_hours_of_a_gpu() -> None:
    (row,) = estimate(scenario(time=ALWAYS, steps=10)).models
    fresh = row.prompt_tokens - row.cached_tokens
    assert row.gpu_hours(8_000, 2_000) * 3_600 == pytest.approx(
        fresh / 8_000 + row.reply_tokens / 2_000
    )
    assert row.gpu_hours(4_000, 1_000) == pytest.approx(2 * row.gpu_hours(8_000, 2_000))


@pytest.mark.parametrize(
    "agents", [20_000, pytest.param(1_000_000, marks=pytest.mark.slow)], ids=str
)
def test_the_million_agents_of_the_paper(agents: int) -> None:
    path = Path(__file__).parents[2] / "examples" / "paper-million" / "scenario.yaml"
    config = load_scenario(path, {"population.synthetic.agents": agents})
    (row,) = estimate(config, path.parent).models
    assert row.agents == agents
    assert row.turns == pytest.approx((196 * 0.1 + (agents - 196) * 0.01) * 60, rel=1e-6)
    assert row.woken == 0
    assert 300 < row.prompt_tokens / row.calls < 700


def test_each_model_has_a_row_of_its_own() -> None:
    big = {"urls": ["http://localhost:2/v1"]}
    small = {"urls": ["http://localhost:1/v1"], "max_tokens": 50}
    groups = [
        {"model": "small", "where": {"core": True}},
        {"model": "big", "where": {"core": False}, "prompt": {"rules": "Be brief. {{ reply }}"}},
    ]
    config = scenario(models={"small": small, "big": big}, agents=groups, time=ALWAYS, steps=4)
    found = estimate(config)
    assert [(m.model, m.agents, m.turns) for m in found.models] == [
        ("big", 54, 54 * 4),
        ("small", 6, 6 * 4),
    ]
    assert found.decisions == 60 * 4
    rules = [m.cached_tokens / m.calls for m in found.models]
    assert rules[0] < rules[1]


def test_calls_replies_and_cost_add_up() -> None:
    price = {"input": 3.0, "cached": 1.0, "output": 10.0}
    models = {"small": {"urls": ["http://localhost:1/v1"], "price": price}}
    config = scenario(platform={"preset": "reddit"}, models=models, time=ALWAYS, steps=10)
    (row,) = estimate(config).models
    assert row.turns == 600
    assert row.calls == pytest.approx(600 * (1 + LOOKING + REPAIRING))
    assert row.reply_tokens == pytest.approx(row.calls * REPLY)
    fresh = row.prompt_tokens - row.cached_tokens
    expected = (fresh * 3 + row.cached_tokens * 1 + row.reply_tokens * 10) / 1e6
    assert row.cost == pytest.approx(expected)
    once = estimate(config.model_copy(update={"turns": config.turns.model_copy(
        update={"max_calls": 1})})).models[0]  # fmt: skip
    assert once.calls == pytest.approx(600 * (1 + REPAIRING))


def test_notes_to_oneself_are_counted() -> None:
    config = scenario(time=ALWAYS, steps=12)
    noting = config.model_copy(
        update={"prompt": config.prompt.model_copy(update={"reflect_every": 5})}
    )
    (plain,), (row,) = estimate(config).models, estimate(noting).models
    with ran(noting) as sim:
        notes = sum(name == "reflect" for name in sim.store.events()["action"].to_pylist())
    assert notes == 60 * 2
    assert row.calls - plain.calls == pytest.approx(notes)


def test_surveys_are_counted_one_by_one() -> None:
    mood = {"questions": [{"name": "why", "ask": "Why are you here?"}]}
    surveys = [
        {**mood, "name": "often", "every": 4, "share": 0.4},
        {**mood, "name": "ends", "steps": [0, 10, 99]},
        {**mood, "name": "all", "steps": [3], "model": "big"},
    ]
    models = {n: {"urls": ["http://localhost:1/v1"]} for n in ("small", "big")}
    groups = [{"model": "small", "where": {"core": True}}, {"policy": "statistical"}]
    config = scenario(models=models, agents=groups, surveys=surveys, steps=10)
    found = {m.model: m for m in estimate(config).models}
    with ran(config) as sim:
        answers = sim.store.answers()["model"].to_pylist()
        usage = {u.model: u for u in sim.store.usage()}
    assert found["small"].surveyed == answers.count("small")
    assert found["big"].surveyed == answers.count("big") == 60
    assert found["big"].turns == 0
    per_call = found["big"].prompt_tokens / found["big"].calls
    measured = usage["big"].prompt_tokens / usage["big"].calls
    assert per_call == pytest.approx(measured, rel=0.2)


@pytest.mark.parametrize(("unit", "share"), [("requests", 0.52), ("tokens", 0.32), ("money", 0.72)])
def test_how_far_a_budget_reaches(unit: str, share: float) -> None:
    price = {"input": 1.0, "output": 1.0}
    models = {"small": {"urls": ["http://localhost:1/v1"], "price": price}}
    free = scenario(models=models, steps=30)
    whole = estimate(free)
    assert (whole.reaches, whole.short) == (30, "")
    (row,) = whole.models
    total = {"requests": row.calls, "tokens": row.tokens, "money": row.cost}[unit]
    limit = total * share if unit == "money" else int(total * share)
    config = free.model_copy(update={"budget": free.budget.model_copy(update={unit: limit})})
    found = estimate(config)
    assert found.short == unit
    assert found.reaches == pytest.approx(30 * share, abs=1.5)  # prompts grow at first
    with ran(config) as sim:
        assert sim.paused is not None
        assert sim.t == pytest.approx(found.reaches, rel=0.2, abs=2)


def test_a_survey_before_step_1_may_be_too_much() -> None:
    survey = {"steps": [0], "questions": [{"name": "why", "ask": "Why?"}]}
    found = estimate(scenario(surveys=[survey], budget={"requests": 10}))
    assert (found.reaches, found.short) == (0, "requests")


def test_without_models_or_steps_there_is_nothing() -> None:
    assert estimate(scenario(agents=[{"policy": "statistical"}])).models == ()
    (row,) = estimate(scenario(steps=0)).models
    assert (row.agents, row.turns, row.calls, row.cost) == (60, 0, 0, 0)
    nobody = estimate(scenario(agents=[{"model": "small", "where": {"age": {"min": 500}}}]))
    assert nobody.models[0].agents == 0


def test_what_a_run_would_refuse_is_refused() -> None:
    with pytest.raises(ScenarioError, match="beyond the year 9999"):
        estimate(scenario(time={**ALWAYS, "start": "9999-12-31 23:00"}))
    with pytest.raises(ScenarioError, match="no agent with the user name 'eve'"):
        estimate(scenario(events=[{"step": 1, "act": "trend", "by": "eve"}]))


@given(st.lists(st.integers(0, 9), min_size=1, max_size=300).filter(any))
def test_a_sample_follows_the_weights(weights: list[int]) -> None:
    chosen = sample(np.array(weights, np.float64)).tolist()
    assert chosen == sorted(set(chosen))
    assert len(chosen) <= SAMPLE
    assert all(weights[i] for i in chosen)
    if len(weights) - weights.count(0) <= 5:
        assert len(chosen) == len([w for w in weights if w])
