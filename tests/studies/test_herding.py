"""Herding: assignment, displayed scores, the estimator of strength, published values, recovery."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from hubbub.engine import Simulation
from hubbub.llm.chat import ChatRequest
from hubbub.studies.herding.false_claims import CLAIMS, agreement, in_equal_parts, post_claims
from hubbub.studies.herding.forum import at_random, forum_scenario, run_treated
from hubbub.studies.herding.predictions import AS_PUBLISHED, BLIND, HOT, NONE
from hubbub.studies.herding.predictions import CLAIMS as FALSE
from hubbub.studies.herding.report import PUBLISHED
from hubbub.studies.herding.study import study
from hubbub.studies.herding.votes import (
    STRENGTHS,
    Balance,
    Forum,
    balance,
    read_forum,
    strength,
    treatment_means,
    two_sided,
)
from hubbub.studies.llm_judge import Judge
from hubbub.studies.study_folder import assemble
from hubbub.studies.trials import StudyOptions
from hubbub.testing import ModelServer

SMALL = {"population.synthetic.agents": 60, "steps": 12}
FOLDER = Path(os.environ.get("HUBBUB_DATA", "")) / "herding"


def _forum(treatment: list[int], votes: list[tuple[int, int, int]], views: list[tuple[int, int]],
           steps: int = 10) -> Forum:  # fmt: skip
    """Return a forum of posts written in step 1: votes (item, step, sign), views (item, step)."""
    n, z = len(treatment), np.array(treatment)
    rows = np.array(sorted(votes), np.int64).reshape(-1, 3)
    item, step, sign = rows.T
    earlier = [
        sum(s for i, t, s in votes if i == mine and t < now)
        for mine, now in zip(item.tolist(), step.tolist(), strict=True)
    ]
    stride = steps + 2
    return Forum(
        treatment=z,
        is_post=np.ones(n, np.bool_),
        created=np.ones(n, np.int64),
        page=np.arange(n),
        item=item,
        step=step,
        sign=sign,
        change=sign,
        displayed=z[item] + np.array(earlier, np.int64),
        views=np.sort(np.array([p * stride + t for p, t in views], np.int64)),
        stride=stride,
    )


def test_means_by_treatment_by_hand() -> None:
    # item 0 (+1): shown in steps 2, 3, 4, up-voted twice in 3 and down-voted in 4
    # item 1 (0): shown twice in 2, never voted on; item 2 (-1): never shown
    forum = _forum(
        [1, 0, -1],
        [(0, 3, 1), (0, 3, 1), (0, 4, -1)],
        [(0, 1), (0, 2), (0, 3), (0, 3), (0, 4), (1, 2), (1, 2)],
    )
    assert treatment_means(forum, np.ones(3, np.bool_)) == {
        "score/up-treated": 1.0,
        "first_up/up-treated": 2 / 3,
        "first_down/up-treated": 0.0,
        "views/up-treated": 4.0,  # that of step 1 was before it was written
        "score/control": 0.0,
        "first_up/control": 0.0,
        "first_down/control": 0.0,
        "views/control": 2.0,
        "score/down-treated": 0.0,
        "views/down-treated": 0.0,
    }


def test_balance_by_hand() -> None:
    forum = _forum([1, -1], [(0, 2, 1), (1, 2, -1)], [])
    found = balance(forum)
    at = int(np.abs(STRENGTHS).argmin())
    assert STRENGTHS[at] == pytest.approx(0.0)
    # g = (1, -1) at strength 0: D = 1 + 1, V = 2 * 2 / 1
    assert (found.imbalance[at], found.spread[at]) == pytest.approx((2.0, 4.0))
    f = np.log10(2.0)  # both votes are taken down by exp(-h f)
    assert found.imbalance == pytest.approx(2 * np.exp(-STRENGTHS * f))


def test_the_strength_is_where_the_difference_is_gone() -> None:
    z = 2.0 * (0.5 - STRENGTHS)  # falls through 1.96, 0 and -1.96
    found = strength(Balance(z, np.ones_like(z)))
    assert found.value == pytest.approx(0.5)
    assert (found.low, found.high) == pytest.approx((0.5 - 0.98, 0.5 + 0.98), abs=1e-3)
    assert found.z == pytest.approx(1.0)
    assert two_sided(1.0).different == pytest.approx(0.3173, abs=1e-4)


def test_no_votes_give_no_strength() -> None:
    found = strength(balance(_forum([1, 0, -1], [], [])))
    assert np.isnan([found.value, found.low, found.high, found.z]).all()


def _simulated(seed: int, h: float, items: int = 1000, rounds: int = 8) -> Forum:
    """Return a forum of independent voters: rates exp(u_i +- h f(score)), items of many worths."""
    dice = np.random.default_rng(seed)
    z = dice.integers(-1, 2, items)
    worth = 0.08 * np.exp(dice.normal(0, 0.7, items))
    score, parts = z.copy(), []
    for step in range(2, 2 + rounds):
        f = np.sign(score) * np.log10(1 + np.abs(score))
        ups, downs = dice.poisson(worth * np.exp(h * f)), dice.poisson(worth / 3 * np.exp(-h * f))
        for sign, number in ((1, ups), (-1, downs)):
            who = np.repeat(np.arange(items), number)
            rows = np.full(len(who), step), np.full(len(who), sign), score[who]
            parts.append(np.stack([who, *rows]))
        score = score + ups - downs
    item, step, sign, shown = np.concatenate(parts, axis=1)
    order = np.lexsort((step, item))
    item, step, sign, shown = item[order], step[order], sign[order], shown[order]
    own = np.arange(items)
    empty = np.empty(0, np.int64)
    return Forum(z, own >= 0, own * 0 + 1, own, item, step, sign, sign, shown, empty, 20)


@pytest.mark.parametrize("h", [-0.5, 0.0, 0.9])
def test_the_interval_holds_the_truth_as_often_as_it_should(h: float) -> None:
    found = [strength(balance(_simulated(seed, h))) for seed in range(100)]
    assert sum(s.low <= h <= s.high for s in found) >= 90
    assert np.mean([s.value for s in found]) == pytest.approx(h, abs=0.05)


def _run(seed: int, changes: dict[str, object]) -> tuple[Simulation, np.ndarray, Forum]:
    scenario = forum_scenario(seed, None, {"feed.preset": "random"}, {**SMALL, **changes})
    sim = Simulation(scenario).reset()
    treatment = run_treated(sim, at_random(seed))
    return sim, treatment, read_forum(sim, treatment)


def test_first_points_are_there_before_anybody_sees_the_item() -> None:
    sim, treatment, forum = _run(1, {})
    with sim:
        events, items = sim.store.events().to_pylist(), sim.store.items()
        helper = len(sim.world.agents) - 1
        slates = sim.store.slates().to_pylist()
    assert set(treatment.tolist()) == {-1, 0, 1}
    created = items["step"].to_pylist()
    given = {e["target"]: e for e in events if e["agent"] == helper and e["target"] is not None}
    assert sorted(given) == np.flatnonzero(treatment).tolist()
    for item, event in given.items():
        assert event["reason"] == "ok"
        assert event["step"] == created[item]
        assert event["action"].startswith("like" if treatment[item] > 0 else "dislike")
    assert all(row["step"] > created[row["item"]] for row in slates)
    scores = np.asarray(items["likes"]) - np.asarray(items["dislikes"])
    assert (forum.organic() + treatment == scores).all()


def test_displayed_scores_are_those_before_the_step() -> None:
    sim, treatment, forum = _run(2, {"behaviour.base.dislike_post": -4.0})
    with sim:
        sim.close()
    score = {i: int(z) for i, z in enumerate(treatment)}
    order = np.lexsort((forum.item, forum.step))
    for step in np.unique(forum.step):
        rows = [k for k in order if forum.step[k] == step]
        assert [forum.displayed[k] for k in rows] == [score[forum.item[k]] for k in rows]
        for k in rows:
            score[forum.item[k]] += int(forum.change[k])


def test_a_study_of_one_small_replicate() -> None:
    options = StudyOptions(replicates=1, overrides=SMALL)
    trials = study().trials(options)
    assert [t.arm for t in trials] == [BLIND, NONE, HOT, FALSE]
    outcomes = [study().run(t, options) for t in trials]
    assert outcomes[0] == study().run(trials[0], options)
    assert outcomes[0] != outcomes[1]
    results = assemble(trials, outcomes)
    findings = study().judge(results, options)
    assert len(findings) == 5 + 5 + 4 + 2
    assert findings[0].measure == "herding_strength"
    assert study().story(results, findings, options)
    figures = study().figures(results, options)
    strengths = {row["arm"]: row["built in"] for row in figures[1].data.to_pylist()}
    assert strengths == {BLIND: AS_PUBLISHED, NONE: 0.0}
    names = [f.name for f in figures]
    assert names == ["ratios", "strength", "scores", "agreement"]


def test_a_strength_of_ones_own_holds_in_all_arms() -> None:
    trials = study().trials(StudyOptions(replicates=1, overrides={"behaviour.herding": 0.5}))
    assert NONE not in [t.arm for t in trials]


def test_false_claims_are_known_by_subject_and_treated_in_equal_parts() -> None:
    options = StudyOptions(replicates=1)
    trial = study().trials(options)[-1]
    scenario = forum_scenario(4, None, trial.settings["changes"], {"steps": 6})
    with Simulation(scenario) as sim:
        sim.reset()
        post_claims(sim)
        treatment = run_treated(sim, in_equal_parts(4))
        shown = sim.store.slates()["step"].to_pylist()
        given = [e["step"] for e in sim.store.events().to_pylist() if e["agent"] == 400]
        posts = sim.store.posts()
        texts = sim.world.texts
        subjects = [list(CLAIMS)[texts.topic[t]] for t in sim.world.items["text"][:24]]
        where, agreed = agreement(sim, None)
        stances = sim.store.comments()["stance"].to_pylist()

        def rating(request: ChatRequest) -> str:
            assert request.user.startswith("Statement: ")
            assert "Comment: " in request.user
            return '{"score": 3}'

        judged = {"j": {"urls": ["http://localhost:9/v1"]}}
        with Judge("j", judged, seed=1, stand_ins={"j": rating}) as judge:
            assert set(agreement(sim, judge)[1]) == {3.0}
    assert subjects == [name for name, claims in CLAIMS.items() for _ in claims]
    assert posts["content"].to_pylist() == [c for claims in CLAIMS.values() for c in claims]
    assert [int((treatment[:24] == z).sum()) for z in (-1, 0, 1)] == [8, 8, 8]
    assert not treatment[24:].any()
    assert min(shown) == 1
    assert [s for s in given if s == 0] == [0] * 16  # treated before anybody sees them
    assert len(where) > 20
    assert agreed == [1 + 4.5 * (x + 1) for x in stances]


def test_models_take_part() -> None:
    with ModelServer() as server:
        overrides = {
            "models.small.urls": [server.url],
            "model": "small",
            "judge": "small",
            "steps": 3,
            "population.synthetic.agents": 30,
        }
        options = StudyOptions(replicates=1, overrides=overrides)
        trials = study().trials(options)
        assert [t.arm for t in trials] == [f"small, {BLIND}", f"small, {FALSE}"]
        outcomes = [study().run(t, options) for t in trials]
    results = assemble(trials, outcomes)
    findings = study().judge(results, options)
    assert len(findings) == 5 + 2
    assert study().story(results, findings, options)
    assert study().figures(results, options)


@pytest.mark.skipif(
    "HUBBUB_DATA" not in os.environ or not FOLDER.is_dir(),
    reason="HUBBUB_DATA names no folder with herding/: published results are not in the project",
)
def test_published_values_are_those_of_the_papers() -> None:
    known = json.loads((FOLDER / "published_herding_results.json").read_text())
    muchnik, glenski = known["muchnik_2013"], known["glenski_weninger_2016"]
    up, down = "up-treated", "down-treated"
    assert {(p.measure, p.treatment): p.ratio - 1 for p in PUBLISHED} == pytest.approx(
        {
            ("items_first_up", up):
                muchnik["up_treatment_increase_in_probability_of_positive_rating"],
            ("items_score", up): muchnik["up_treatment_increase_in_mean_final_rating"],
            ("items_score", down): 0.0,
            ("posts_score", up): glenski["posts_up_treated_mean_final_score_change"],
            ("posts_score", down): glenski["posts_down_treated_mean_final_score_change"],
            ("comments_score", up): 0.0,
            ("comments_score", down): glenski["comments_down_treated_mean_final_score_change"],
        }
    )  # fmt: skip


@pytest.mark.parametrize("h", [0.0, 0.9])
@pytest.mark.parametrize(
    ("seeds", "least_inside", "least_found", "most_claimed"),
    [(4, 3, 4, 1), pytest.param(100, 90, 90, 8, marks=pytest.mark.slow)],
)
def test_the_study_finds_the_herding_that_is_built_in_and_no_other(
    h: float, seeds: int, least_inside: int, least_found: int, most_claimed: int
) -> None:
    inside = claimed = 0
    for seed in range(seeds):
        overrides = {"seed": seed, "behaviour.herding": h, "behaviour.social_proof": 0.0}
        options = StudyOptions(replicates=1, overrides=overrides)
        trial = next(t for t in study().trials(options) if t.arm == BLIND)
        results = assemble([trial], [study().run(trial, options)])
        found = study().judge(results, options)[0]
        inside += found.low <= h <= found.high
        claimed += found.verdict == "supported"
    assert inside >= least_inside
    assert claimed >= least_found if h else claimed <= most_claimed
