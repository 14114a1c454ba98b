"""Templates are tried on everyone they are for before a run begins."""

from __future__ import annotations

import pytest

import hubbub as hb
from engine.model_scenarios import talkative
from hubbub.errors import ScenarioError
from hubbub.testing import ValidModel

PEOPLE = [{"user_name": f"u{i}", "bio": "b", "age": None if i == 7 else i} for i in range(9)]


def society(persona, **group):
    return talkative(
        population={"records": PEOPLE},
        agents=[{"model": "small", "prompt": {"persona": persona}, **group}, {"policy": "idle"}],
    )


def test_a_template_that_fails_on_one_agent_fails_before_the_run(tmp_path):
    scenario = society("{{ name }}, next year {{ age + 1 }}")
    models = {"small": ValidModel()}
    with (
        hb.Simulation(scenario, out=tmp_path / "a", stand_ins=models) as sim,
        pytest.raises(ScenarioError, match=r"prompt\.persona of agent 7: "),
    ):
        sim.reset()
    assert not (tmp_path / "a").exists()


def test_only_those_it_is_for_count(tmp_path):
    scenario = society("{{ name }}, next year {{ age + 1 }}", where={"age": {"max": 6}})
    with hb.Simulation(scenario, stand_ins={"small": ValidModel()}) as sim:
        assert sim.run() == scenario.steps


def test_queries_are_offered_only_where_a_turn_may_see_what_they_find():
    asked = []
    for most in (1, 2):
        model = ValidModel()
        scenario = talkative(turns={"max_calls": most}, steps=1)
        with hb.Simulation(
            scenario, stand_ins={"small": lambda r, m=model: asked.append(r) or m(r)}
        ) as sim:
            sim.run()
        named = ("trend", "search_posts", "search_user")
        for request in asked:
            if request.shape is None:
                continue
            assert all((n in request.system) == (most > 1) for n in named)
        assert ("trend" in asked[0].shape.raw.decode()) == (most > 1)
        asked.clear()
