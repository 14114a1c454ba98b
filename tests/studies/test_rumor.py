"""Rumor: texts, lots, measures of messages by hand, built-in appeal, recovery."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hubbub.actions import Action, Kind
from hubbub.analysis import follows_at
from hubbub.config.load import parse_scenario
from hubbub.embed import make_encoder
from hubbub.engine import Simulation
from hubbub.errors import ScenarioError
from hubbub.studies.rumor.measures import group_curves, means, measure_rumors, picture
from hubbub.studies.rumor.messages import (
    FALSE,
    MESSAGES,
    TRUE,
    Rumor,
    spread_rumors,
    tempt,
)
from hubbub.studies.rumor.study import study
from hubbub.studies.study_folder import assemble
from hubbub.studies.trials import Results, StudyOptions
from hubbub.testing import ModelServer

SMALL = {"population.synthetic.agents": 200, "population.synthetic.core": 20, "steps": 12}


def _society(seed: int = 1, **more: object) -> Simulation:
    return Simulation(
        parse_scenario(
            {
                "seed": seed,
                "topics": list(MESSAGES),
                "population": {"synthetic": {"agents": 60, "core": 12}},
                "time": {"activity": {"kind": "constant", "rate": 0.5}},
                **more,
            },
            "a test",
        )
    )


def _results(**overrides: object) -> Results:
    options = StudyOptions(replicates=3, overrides={**SMALL, **overrides})
    trials = study().trials(options)
    return assemble(trials, [study().run(trial, options) for trial in trials])


def test_the_messages_of_a_pair_have_the_same_vector() -> None:
    encoder = make_encoder("wordllama", 64)
    for true, false in MESSAGES.values():
        assert true != false
        assert np.array_equal(*encoder.encode([true, false]))


def test_messages_are_posted_by_the_core_users_of_largest_reach_and_by_lot() -> None:
    orders = set()
    for seed in range(6):
        with _society() as sim:
            sim.reset()
            rumors = spread_rumors(sim, 12, seed)
            followers = sim.world.agents["followers"][:12]
            assert sorted(r.followers for r in rumors) == sorted(followers.tolist())[-8:]
            assert [r.followers for r in rumors] == sorted(r.followers for r in rumors)[::-1]
            assert {r.domain for r in rumors} == set(MESSAGES)
            for rumor in rumors:
                text = sim.store.items()["content"][rumor.post].as_py()
                assert text == MESSAGES[rumor.domain][rumor.truth == FALSE]
        pairs = zip(rumors[::2], rumors[1::2], strict=True)
        orders |= {(a.truth, b.truth) for a, b in pairs if a.domain == b.domain}
    assert orders == {(TRUE, FALSE), (FALSE, TRUE)}


def test_too_few_core_users_are_refused() -> None:
    with _society() as sim:
        sim.reset()
        with pytest.raises(ScenarioError, match="eight core users"):
            spread_rumors(sim, 7, 0)


def test_measures_of_a_message_by_hand() -> None:
    """Four agents: 1 follows the author 0, 2 and 3 follow 1; nobody acts on their own."""
    following = {"a": [], "b": [0], "c": [1], "d": [1]}
    records = [{"user_name": name, "following": whom} for name, whom in following.items()]
    sim = _society(
        platform={"actions": "all"},
        population={"records": records, "graph": {"kind": "file"}},
        time={"activity": {"kind": "constant", "rate": 1.0}},
        feed={"preset": "chronological"},
        agents=[{"policy": "idle"}],
    )
    with sim:
        sim.reset()
        post = sim.act(0, "create_post", content=MESSAGES["Health"][1]).id
        assert post is not None
        sim.step()  # 1 sees it
        sim.act(1, "repost", post_id=post)
        sim.step()  # 2 and 3 see the repost
        sim.step({2: Action("create_comment", post_id=post, content="Is that so?")})
        sim.step({3: Action("create_post", content="Health: what is it with antibiotics?")})
        (row,) = measure_rumors(sim, [Rumor(post, "Health", FALSE, 0, 1)])
    assert row["reach"] == 3
    assert row["half_time"] == 2
    assert row["life"] == 3
    assert row["related"] == 2  # the comment, and the post of 3 about health
    assert row["reposts"] == 1
    assert row["reached"].tolist() == [0, 1, 3, 3, 3]
    # seen by 1 in step 1 (and passed on), by 2 and 3 in step 2: this feed shows things once
    assert row["passed_on"] == pytest.approx(1 / 3)


def test_means_leave_out_messages_without_a_value() -> None:
    rows: list[dict[str, Any]] = [
        {"truth": TRUE, "x": 1.0},
        {"truth": TRUE},
        {"truth": TRUE, "x": 4.0},
        {"truth": FALSE},
    ]
    assert means(rows, "x") == {TRUE: 2.5}


def test_a_certain_appeal_makes_all_viewers_of_false_messages_repost_them_once() -> None:
    with _society(agents=[{"policy": "idle"}]) as sim:
        sim.reset()
        rumors = spread_rumors(sim, 12, 0)
        false = np.array([r.post for r in rumors if r.truth == FALSE])
        for _ in range(4):
            sim.step()
            tempt(sim, false, 1.0, 0)
        for row in measure_rumors(sim, rumors):
            assert row["reposts"] == (row["reach"] if row["truth"] == FALSE else 0)
        items = sim.world.items
        assert set(items["ref"][items["kind"] == Kind.repost].tolist()) <= set(false.tolist())


def test_interest_groups_over_time_and_their_picture() -> None:
    with _society() as sim:
        sim.run(20)
        curves, tables = group_curves(sim), picture(sim, 30)
        left, right = follows_at(sim.store)
    assert [t for t, _ in curves["assortativity"]] == [0.0, 10.0, 20.0]
    assert [t for t, _ in curves["modularity"]] == [0.0, 10.0, 20.0]
    assert [row["agent"] for row in tables["members"]] == list(range(30))
    assert {row["group"] for row in tables["members"]} <= set(MESSAGES)
    drawn = [(r["follower"], r["followed"]) for r in tables["ties"] if r["when"] == "end"]
    pairs = zip(left.tolist(), right.tolist(), strict=True)
    assert sorted(drawn) == sorted((a, b) for a, b in pairs if a < 30 and b < 30)


def test_the_study_from_trials_to_figures() -> None:
    results = _results()
    findings = study().judge(results, StudyOptions())
    assert [f.measure for f in findings] == [
        "reach", "half_time", "life", "related", "passed_on", "assortativity_change",
    ]  # fmt: skip
    assert results.tables["messages"].num_rows == 3 * 8
    figures = study().figures(results, StudyOptions())
    assert [f.name for f in figures] == ["reach", "messages", "groups", "graph"]
    reach, messages, groups, graph = (f.data.to_pylist() for f in figures)
    assert {row["arm"] for row in reach} == {TRUE, FALSE}
    kinds = {(row["measure"], row["pair"], row["truth"]) for row in messages}
    assert {("reach", pair, truth) for pair in MESSAGES for truth in (TRUE, FALSE)} <= kinds
    assert {row["measure"] for row in messages} == {"reach", "half_time", "life", "related"}
    starts = [row["mean"] for row in groups if "change" in row["curve"] and row["x"] == 0]
    assert starts == [0.0, 0.0]
    assert {row["curve"] for row in groups} == {
        "assortativity", "modularity", "assortativity_change", "modularity_change",
    }  # fmt: skip
    assert [row["agent"] for row in graph] == [*range(20), *range(20)]
    follows = sum(len(row["follows"].split()) for row in graph)
    assert follows == results.tables["ties"].num_rows
    told = " ".join(study().story(results, findings, StudyOptions()))
    assert "No difference was built in" in told


def test_an_outcome_is_a_function_of_its_trial() -> None:
    options = StudyOptions(replicates=1, overrides={**SMALL, "appeal": 0.1})
    (trial,) = study().trials(options)
    assert study().run(trial, options) == study().run(trial, options)


def test_a_bad_appeal_is_refused() -> None:
    with pytest.raises(ScenarioError, match="appeal: must be a chance from 0 to 1, not 2"):
        study().trials(StudyOptions(overrides={"appeal": 2}))


def test_language_models_can_drive_the_agents() -> None:
    with ModelServer() as server:
        overrides = {**SMALL, "models.small.urls": [server.url], "model": "small", "steps": 3}
        options = StudyOptions(replicates=1, overrides=overrides)
        (trial,) = study().trials(options)
        assert trial.arm == "small"
        assert study().run(trial, options).values["reach/true"] > 0


@pytest.mark.parametrize("appeal", [0.0, 0.05])
@pytest.mark.parametrize(
    ("seeds", "least_inside", "least_found", "most_claimed"),
    [(2, 1, 2, 1), pytest.param(100, 90, 90, 8, marks=pytest.mark.slow)],
)
def test_the_study_finds_the_appeal_that_is_built_in_and_no_other(
    appeal: float, seeds: int, least_inside: int, least_found: int, most_claimed: int
) -> None:
    inside = claimed = 0
    for seed in range(seeds):
        people = {"population.synthetic.agents": 1000, "seed": seed, "appeal": appeal}
        options = StudyOptions(overrides=people)
        trials = study().trials(options)
        results = assemble(trials, [study().run(trial, options) for trial in trials])
        found = {f.measure: f for f in study().judge(results, options)}
        inside += found["passed_on"].low <= appeal <= found["passed_on"].high
        found.pop("assortativity_change")  # it compares no messages
        claimed += any(f.verdict in ("supported", "opposite") for f in found.values())
    assert inside >= least_inside
    assert claimed >= least_found if appeal else claimed <= most_claimed
