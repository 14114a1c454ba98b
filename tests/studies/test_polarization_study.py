"""Group polarization: the society, comparing opinions, the arms, and models end to end."""

from __future__ import annotations

from collections.abc import Collection
from math import isnan, nan

import numpy as np
import pytest

from hubbub.analysis.polarization import opinion_assortativity
from hubbub.engine import Simulation
from hubbub.errors import ScenarioError
from hubbub.llm.chat import ChatRequest
from hubbub.rng import Streams
from hubbub.studies.llm_judge import Judge
from hubbub.studies.polarization.dilemma import AGENTS, FOLLOWING, LEANINGS, dilemma_scenario, ties
from hubbub.studies.polarization.extremity import by_judge, by_value
from hubbub.studies.polarization.study import study
from hubbub.studies.study_folder import assemble
from hubbub.studies.trials import Results, StudyOptions, TrialOutcome
from hubbub.testing import ModelServer

SHORT = {"steps": 20}
#: A model block that a stand-in replaces.
NOWHERE = {"urls": ["http://localhost:9/v1"]}


def _run(options: StudyOptions, arms: Collection[str]) -> tuple[Results, dict[str, TrialOutcome]]:
    trials = [t for t in study().trials(options) if t.arm in arms]
    outcomes = {t.arm: study().run(t, options) for t in trials}
    return assemble(trials, outcomes.values()), outcomes


@pytest.mark.parametrize("homophily", [0.0, 0.5, 1.0])
def test_everyone_follows_as_many_others(homophily: float) -> None:
    opinions = Streams(1).at("opinions").uniform(60) * 2 - 1
    following = ties(opinions, homophily, Streams(1).at("ties"))
    assert [len(set(f)) for f in following] == [FOLLOWING] * 60
    assert all(i not in f for i, f in enumerate(following))
    left, right = np.repeat(np.arange(60), FOLLOWING), np.concatenate(following)
    alike = opinion_assortativity(opinions, left, right)
    assert abs(alike) < 0.15 if homophily == 0.0 else alike > homophily / 2


def test_the_society_has_the_opinions_its_ties_are_made_of() -> None:
    scenario = dilemma_scenario(3, 1.0, None, {"steps": 0})
    records = scenario.population.records
    assert records is not None
    assert len(records) == AGENTS
    with Simulation(scenario) as sim:
        sim.reset()
        opinions = sim.store.opinions_at(0)[:, 0].astype(float)
    for i, record in enumerate(records):
        fifth = min(4, int((opinions[i] + 1) * 2.5))
        assert record["persona"] == LEANINGS[fifth]
        near = np.sort(np.abs(np.delete(opinions, i) - opinions[i]))[round(0.25 * AGENTS)]
        assert all(abs(opinions[j] - opinions[i]) <= near for j in record["following"])


def test_comparing_by_value() -> None:
    start = np.array([0.1, -0.5, 0.5, 0.9, nan])
    now = np.array([-0.6, -0.52, 0.2, nan, 1.0])
    found = by_value(start, now)
    assert (found.more, found.less) == (1 / 3, 1 / 3)
    assert found.net == 0.0
    assert isnan(found.agreement)
    assert isnan(by_value(np.array([nan]), np.array([0.0])).net)


def _longer(request: ChatRequest) -> str:
    """Choose the longer text, as a judge without a preferred place does."""
    a, b = (line[3:] for line in request.user.splitlines())
    choice = "same" if len(a) == len(b) else "A" if len(a) > len(b) else "B"
    return f'Sure: {{"choice": "{choice}"}}'


def test_a_judge_without_bias_is_believed() -> None:
    with Judge("j", {"j": NOWHERE}, seed=1, stand_ins={"j": _longer}) as judge:
        found = by_judge(judge, ["aa", "bbb", "c", None, "d"], ["aaaa", "b", "x", "e", "ddd"])
    assert (found.more, found.less, found.agreement) == (0.5, 0.25, 1.0)


@pytest.mark.parametrize("place", ["A", "B"])
def test_a_judge_that_prefers_a_place_is_not(place: str) -> None:
    def biased(_: ChatRequest) -> str:
        return f'{{"choice": "{place}"}}'

    with Judge("j", {"j": NOWHERE}, seed=1, stand_ins={"j": biased}) as judge:
        found = by_judge(judge, ["a", "b"], ["c", "d"])
    assert (found.more, found.less, found.agreement) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("reply", ["no idea", "{", '{"choice": "C"}', '{"choice": 1}', "[1]"])
def test_what_a_judge_says_in_no_form_does_not_count(reply: str) -> None:
    with Judge("j", {"j": NOWHERE}, seed=1, stand_ins={"j": lambda _: reply}) as judge:
        assert judge.choose("rules", ["case"], ["A", "B"]) == [None]
        assert judge.rate("rules", ["case"], 1, 10) == [None]
        assert isnan(by_judge(judge, ["a"], ["b"]).net)


@pytest.mark.parametrize(("reply", "rating"), [("7", 7), ("0", None), ("11", None), ("true", None)])
def test_ratings_lie_on_the_scale(reply: str, rating: int | None) -> None:
    stand_in = {"j": lambda _: f'{{"score": {reply}}}'}
    with Judge("j", {"j": NOWHERE}, seed=1, stand_ins=stand_in) as judge:
        assert judge.rate("rules", ["case"], 1, 10) == [rating]


def test_arms_share_seeds_and_differ_in_keys() -> None:
    trials = study().trials(StudyOptions(replicates=3, overrides={"seed": 5}))
    assert len({t.key("polarization", 1) for t in trials}) == len(trials)
    arms = list(dict.fromkeys(t.arm for t in trials))
    seeds = [[t.seed for t in trials if t.arm == arm] for arm in arms]
    assert seeds == [[50_000, 50_001, 50_002]] * len(arms)


@pytest.mark.parametrize(
    "overrides",
    [
        {"model": "nobody"},
        {"judge": "jugde", "models.judge.urls": ["http://localhost:9/v1"]},
        {"seed": -1},
        {"feed.preset": "sideways"},
    ],
)
def test_bad_options_are_refused_before_anything_runs(overrides: dict[str, object]) -> None:
    with pytest.raises(ScenarioError):
        study().trials(StudyOptions(overrides=overrides))


def test_biased_listeners_polarise_and_averagers_do_not() -> None:
    options = StudyOptions(replicates=1, overrides=SHORT)
    results, outcomes = _run(options, ("homophilous", "mixed", "averaging"))
    change = {arm: o.values["mean_extremity_change"] for arm, o in outcomes.items()}
    assert change["homophilous"] > change["mixed"]
    assert change["homophilous"] > 0.02
    assert change["averaging"] < 0
    first = outcomes["homophilous"]
    assert first.curves["mean_extremity"][0][0] == 0.0
    assert first.curves["mean_extremity"][-1] == (20.0, first.values["mean_extremity"])
    ends = np.array([row["end"] for row in first.tables["opinions"]])
    assert np.isclose(np.abs(ends).mean(), first.values["mean_extremity"])
    assert np.isclose(ends.var(), first.values["variance"])
    assert study().run(study().trials(options)[0], options) == first
    findings = study().judge(results, options)
    assert {f.verdict for f in findings} <= {"not found", "not tested"}  # one replicate
    assert study().story(results, findings, options)
    figures = {f.name: f for f in study().figures(results, options)}
    assert list(figures) == ["mean_extremity", "opinions", "measures"]
    assert figures["opinions"].panels == len(outcomes)
    shares = figures["opinions"].data.to_pandas().groupby("arm")[["start", "end"]].sum()
    assert np.allclose(shares, 1.0)
    assert set(figures["measures"].data["curve"].to_pylist()) == {
        "variance", "bimodality", "assortativity", "net_more_extreme",
    }  # fmt: skip


def test_opinions_that_stay_polarise_nobody() -> None:
    options = StudyOptions(replicates=1, overrides={**SHORT, "opinions.model": "none"})
    trial = study().trials(options)[0]
    values = study().run(trial, options).values
    assert [values[m] for m in ("mean_extremity_change", "net_more_extreme")] == [0.0, 0.0]


def test_models_are_asked_and_judged() -> None:
    with ModelServer() as server:
        options = StudyOptions(
            replicates=1,
            overrides={
                "models.aligned.urls": [server.url],
                "models.uncensored.urls": [server.url],
                "models.wise.urls": [server.url],
                "model": ["aligned", "uncensored"],
                "judge": "wise",
                "steps": 10,
                "time.activity.rate": 0.01,
            },
        )
        trials = study().trials(options)
        assert [t.arm for t in trials] == [
            "aligned, homophilous",
            "aligned, mixed",
            "uncensored, homophilous",
            "uncensored, mixed",
        ]
        outcome = study().run(trials[1], options)
    values = outcome.values
    assert 0 <= values["agreement_of_orders"] <= 1
    assert [x for x, _ in outcome.curves["mean_extremity"]] == [0.0, 10.0]
    assert len(outcome.tables["opinions"]) == AGENTS
    results = assemble([trials[1]], [outcome])
    findings = study().judge(results, options)
    assert len(findings) == 7
    assert study().story(results, findings, options)
