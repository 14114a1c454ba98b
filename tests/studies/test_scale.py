"""Scale: measures of answers by hand, trends of spread, sizes, a judge of helpfulness."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from hubbub.errors import ScenarioError
from hubbub.studies.distribution_tests import trend
from hubbub.studies.llm_judge import Judge
from hubbub.studies.scale.question import (
    SAMPLE,
    helpfulness,
    read_answers,
    sample,
)
from hubbub.studies.scale.report import Group, free_deviations, spreads
from hubbub.studies.scale.study import study
from hubbub.studies.study_folder import assemble
from hubbub.studies.trials import VALUES, Results, StudyOptions, Trial, TrialOutcome
from hubbub.testing import ModelServer


def _comments(texts: list[str], stances: list[float | None]) -> pa.Table:
    return pa.table({"content": texts, "stance": pa.array(stances, pa.float64())})


def test_measures_of_answers_by_hand() -> None:
    texts = ["Plant trees."] * (SAMPLE // 2) + ["Run more buses."] * (SAMPLE // 2)
    found = read_answers(_comments(texts, [1.0, -0.5, *[None] * (SAMPLE - 2)]), (3, 1), seed=0)
    assert found["answers"] == SAMPLE
    assert found["approval"] == 0.75
    assert found["support"] == 0.25
    assert found["variety"] == pytest.approx(2.0)
    same = read_answers(_comments(["Plant trees."] * 30, [None] * 30), (0, 0), seed=0)
    assert same["variety"] == 1.0
    assert same["distance"] == pytest.approx(0.0, abs=1e-9)
    assert found["distance"] > 0.1
    assert not {"approval", "support"} & set(same)


def test_too_few_answers_have_no_diversity() -> None:
    assert read_answers(_comments(["Yes."], [0.5]), (0, 0), seed=0) == {
        "answers": 1.0,
        "support": 0.5,
    }


def test_a_sample_is_drawn_without_repetition_and_by_seed() -> None:
    texts = [str(i) for i in range(100)]
    drawn = sample([*texts, None], 1)
    assert len(set(drawn)) == SAMPLE
    assert drawn == sample([*texts, None], 1) != sample([*texts, None], 2)
    assert sample(["a", "", None], 1) == ["a"]


def _results(values: dict[str, list[float]]) -> Results:
    rows = [
        {"arm": arm, "replicate": r, "seed": r, "measure": "support", "value": value}
        for arm, replicates in values.items()
        for r, value in enumerate(replicates)
    ]
    return Results(pa.Table.from_pylist(rows, schema=VALUES), pa.table({}), {})


def test_a_spread_that_falls_with_the_size_is_found() -> None:
    away = [-4.0, -3.0, -2.0, -1.0, 1.0, 2.0, 3.0, 4.0]
    sizes = {"100 agents": 1.0, "1,000 agents": 0.3, "10,000 agents": 0.1, "100,000 agents": 0.03}
    results = _results({arm: [scale * a for a in away] for arm, scale in sizes.items()})
    found = {f.measure: f for f in study().judge(results, StudyOptions())}
    assert found["support_spread"].verdict == "supported"
    assert found["support_spread"].estimate < -0.7
    groups = {arm: Group("policy", int(arm.split()[0].replace(",", ""))) for arm in sizes}
    rows = spreads(results, groups).to_pylist()
    assert [row["x"] for row in rows] == [100, 1_000, 10_000, 100_000]
    assert [row["mean"] for row in rows] == pytest.approx([2.5 * s for s in sizes.values()])
    assert all(row["low"] < row["mean"] < row["high"] for row in rows)
    level = _results(dict.fromkeys(sizes, away))
    found = {f.measure: f for f in study().judge(level, StudyOptions())}
    assert found["support_spread"].verdict == "not found"
    assert found["support_spread"].estimate == pytest.approx(0.0)


def test_two_replicates_say_nothing_of_the_spread() -> None:
    sizes = {"100 agents": 8.0, "1,000 agents": 4.0, "10,000 agents": 2.0, "100,000 agents": 1.0}
    results = _results({arm: [-scale, scale] for arm, scale in sizes.items()})
    found = {f.measure: f for f in study().judge(results, StudyOptions())}
    assert found["support_spread"].test.startswith("not tested")  # two distances are one number
    assert found["support_spread"].n == (2, 2)


@pytest.mark.parametrize("replicates", [3, 4, 5])
def test_an_equal_spread_is_rarely_called_a_smaller_one(replicates: int) -> None:
    draws = np.random.default_rng(replicates).normal(size=(40, 3, replicates))
    spread = [trend([free_deviations(size) for size in case], seed=1).p.less for case in draws]
    assert 0 < np.mean(np.array(spread) <= 0.1) <= 0.2


def _run(options: StudyOptions) -> tuple[list[Trial], list[TrialOutcome], Results]:
    trials = list(study().trials(options))
    outcomes = [study().run(trial, options) for trial in trials]
    return trials, outcomes, assemble(trials, outcomes)


def test_the_study_from_trials_to_figures() -> None:
    options = StudyOptions(replicates=3, overrides={"sizes": [60, 240], "steps": 8})
    trials, outcomes, results = _run(options)
    assert [t.arm for t in trials[::3]] == ["60 agents", "240 agents"]
    answers = [o.values["answers"] for o in outcomes]
    assert max(answers[:3]) < min(answers[3:])
    assert study().run(trials[0], options) == outcomes[0]
    findings = study().judge(results, options)
    assert [f.measure for f in findings] == [
        "approval_spread", "support_spread", "approval", "variety", "distance",
    ]  # fmt: skip
    figures = study().figures(results, options)
    assert [f.name for f in figures] == ["behaviour", "spread", "answers"]
    assert all(f.data.num_rows for f in figures)
    told = " ".join(study().story(results, findings, options))
    assert "No judge model was named" in told


@pytest.mark.parametrize("sizes", [[100], [100, 10], [10, 10], [0, 5], [1.5, 3], ["a", "b"], 100])
def test_bad_sizes_are_refused(sizes: Any) -> None:
    with pytest.raises(ScenarioError, match="sizes: must be at least 2 ascending whole numbers"):
        study().trials(StudyOptions(overrides={"sizes": sizes}))


def test_helpfulness_is_the_mean_of_what_the_judge_can_say() -> None:
    with ModelServer(lambda _: '{"score": 7}') as server:
        models = {"judge": {"urls": [server.url]}}
        with Judge("judge", models, seed=0) as judge:
            assert helpfulness(judge, ["Run more buses.", "No."]) == {"helpfulness": 7.0}
    with ModelServer(lambda _: "I cannot say.") as server:
        models = {"judge": {"urls": [server.url]}}
        with Judge("judge", models, seed=0) as judge:
            assert helpfulness(judge, ["Run more buses."]) == {}


def test_language_models_can_answer_and_judge() -> None:
    with ModelServer() as server:
        overrides = {
            "models.small.urls": [server.url],
            "model": "small",
            "judge": "small",
            "sizes": [5, 15],
            "steps": 3,
        }
        options = StudyOptions(replicates=1, overrides=overrides)
        trials, _, results = _run(options)
        assert [t.arm for t in trials] == ["small, 5 agents", "small, 15 agents"]
        assert [f.measure for f in study().judge(results, options)][-1] == "helpfulness"
