"""Distributions of cascades: the society, the shipped quantiles, matching, tests, the study."""

from __future__ import annotations

import os
from itertools import pairwise
from math import log
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from hubbub.embed import make_encoder
from hubbub.errors import DataError, ScenarioError
from hubbub.report.html import write_report
from hubbub.rng import Streams
from hubbub.studies.distributions.distances import (
    FARTHEST,
    REAL,
    SIMULATED,
    distance,
    real_sample,
)
from hubbub.studies.distributions.real import (
    FITTED,
    HELD_OUT,
    LEVELS,
    QUANTILES,
    measured,
    read,
    shipped,
)
from hubbub.studies.distributions.society import (
    FALSE,
    MEASURES,
    SIMILARITY,
    TOPIC,
    TRUE,
    Posts,
    simulate,
    society,
)
from hubbub.studies.distributions.study import study
from hubbub.studies.distributions.true_and_false import (
    CALIPER,
    labelled_arms,
    matched,
    share_left,
    sides,
    truth,
    truth_differences,
)
from hubbub.studies.statistics import judge
from hubbub.studies.study_folder import assemble
from hubbub.studies.trials import Results, StudyOptions, Trial, TrialOutcome
from hubbub.studies.verdicts import sentences
from report_checking import unfounded

FOLDER = Path(os.environ.get("HUBBUB_DATA", "")) / "twitter15"
needs_data = pytest.mark.skipif(
    "HUBBUB_DATA" not in os.environ or not FOLDER.is_dir(),
    reason="HUBBUB_DATA names no folder with twitter15/: real cascades are not in the project",
)
SMALL: dict[str, Any] = {
    "population.synthetic.agents": 2000,
    "population.synthetic.core": 6,
    "population.graph.core_follow": 0.3,
    "population.graph.mean_following": 4.0,
    "steps": 70,
}


# -- the society ----------------------------------------------------------------------------------


def test_a_row_says_how_far_each_post_went() -> None:
    rows = simulate(Posts(count=20), 1, SMALL)
    assert [row["post"] for row in rows] == list(range(20))
    assert sorted(row["truth"] for row in rows) == [FALSE] * 10 + [TRUE] * 10
    assert all(500 < row["followers"] < 2000 for row in rows)
    assert all(1 <= row["scale"] <= 2000 for row in rows)
    assert sum(row["scale"] for row in rows) > 200
    for row in rows:
        assert row["depth"] <= row["scale"] - 1
        assert row["max_breadth"] <= row["scale"] - 1
        assert 0 <= row["virality"] <= row["depth"] * 2
    assert rows == simulate(Posts(count=20), 1, SMALL)
    assert rows != simulate(Posts(count=20), 2, SMALL)


def _appeal(posts: Posts, seed: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the log-odds by which the texts differ, as the policy will see them."""
    scenario = society(posts, seed, {})
    encoder = make_encoder(scenario.encoder.kind, scenario.encoder.dims)
    texts = [str(event.args["content"]) for event in scenario.events]
    cosine = encoder.encode(texts).astype(np.int64) @ encoder.encode([TOPIC])[0] / 127**2
    return np.asarray(SIMILARITY * cosine, np.float64)


def test_texts_have_the_appeal_wanted_of_them() -> None:
    even = _appeal(Posts(count=300, spread=0.0, false_odds=1.0), 3)
    assert np.ptp(even) < 0.1
    odds = _appeal(Posts(count=300, spread=0.0, false_odds=1.7), 3)
    low, high = (odds[odds < odds.mean()], odds[odds >= odds.mean()])
    assert len(low) == len(high) == 150
    assert high.mean() - low.mean() == pytest.approx(log(1.7), abs=0.05)
    spread = _appeal(Posts(count=2000, spread=0.7, false_odds=1.0), 3)
    assert spread.std() == pytest.approx(0.7, abs=0.05)


def test_posts_have_time_to_spread_and_all_authors_write() -> None:
    scenario = society(Posts(count=400), 5, {})
    steps = [event.step for event in scenario.events]
    assert steps == sorted(steps)
    assert 1 <= steps[0] <= steps[-1] <= scenario.steps - scenario.feed.window
    assert scenario.population.synthetic is not None
    assert {e.by for e in scenario.events} == set(range(scenario.population.synthetic.core))


def test_posts_nobody_could_write_or_see_are_refused() -> None:
    with pytest.raises(ScenarioError, match="core users"):
        society(Posts(), 1, {"population.synthetic.core": 0})
    with pytest.raises(ScenarioError, match="more than 60 steps"):
        society(Posts(), 1, {"steps": 60})
    with pytest.raises(ScenarioError, match="false_odds"):
        Posts(false_odds=0.0)


# -- real distributions ---------------------------------------------------------------------------


def test_shipped_samples_have_the_shipped_quantiles() -> None:
    samples = shipped()
    assert set(samples) == {(half, m) for half in (FITTED, HELD_OUT) for m in MEASURES}
    for half, quantiles in QUANTILES.items():
        for measure, values in quantiles.items():
            assert len(values) == len(LEVELS)
            assert all(a <= b for a, b in pairwise(values))
            found = np.quantile(samples[half, measure], LEVELS[2:-2])
            assert found == pytest.approx(np.array(values[2:-2]), rel=0.02)
        assert len({len(samples[half, m]) for m in MEASURES}) == 1


@needs_data
def test_shipped_quantiles_are_those_of_the_data() -> None:
    samples, made = measured(read(FOLDER)), shipped()
    for key, sample in samples.items():
        gap = _gap(sample, made[key])
        assert gap < (1e-9 if key[1] == "depth" else 0.015)


def _gap(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> float:
    edges = np.concatenate([a, b])
    shares = (np.searchsorted(np.sort(x), edges, side="right") / len(x) for x in (a, b))
    return float(np.abs(np.subtract(*shares)).max())


def _folder(tmp_path: Path, sizes: dict[str, tuple[str, int]]) -> Path:
    """Write cascades of a root, of whose retweeters the last was reached by the first."""
    edges, labels = (
        ["cascade_id,parent_user,child_user,delay_min,parent_delay_min,kind,in_tree"],
        [],
    )
    for i, (name, (label, users)) in enumerate(sizes.items()):
        first = 1000 * i
        for k in range(1, users):
            above = first + 1 if k == users - 1 else first
            edges.append(f"{name},{above},{first + k},{k}.0,0.0,rt,1")
        labels.append(f"{name},{label},{first},2014-05-01T{i % 24:02}:45Z,")
    (tmp_path / "x_edges.csv").write_text("\n".join(edges) + "\n")
    head = "cascade_id,label,root_user,start_utc,oasis_topic"
    (tmp_path / "x_labels.csv").write_text("\n".join([head, *labels]) + "\n")
    return tmp_path


def test_given_cascades_are_measured_in_two_halves(tmp_path: Path) -> None:
    sizes = {f"c{i}": (FALSE if i % 2 else TRUE, 56 + i) for i in range(40)}
    folder = _folder(tmp_path, {**sizes, "small": (TRUE, 55)})
    samples = measured(read(folder))
    both = {m: np.concatenate([samples[h, m] for h in (FITTED, HELD_OUT)]) for m in MEASURES}
    assert sorted(both["scale"]) == list(range(56, 96))
    assert set(both["depth"]) == {2.0}
    assert sorted(both["max_breadth"]) == list(range(54, 94))
    assert 10 < len(samples[FITTED, "scale"]) < 30
    # a star of n with one more at a leaf: distances 1, 2 and 3
    n = both["scale"]
    pairs = (n - 2) + (n - 2) * (n - 3) + 1 + 2 + 3 * (n - 3)
    assert both["virality"] == pytest.approx(pairs / (n * (n - 1) / 2))


# -- true against false ---------------------------------------------------------------------------


def _pairs(a: list[float], b: list[float]) -> list[tuple[int, int]]:
    left, right = matched(np.array(a), np.array(b), Streams(1).at("a test"))
    return list(zip(left.tolist(), right.tolist(), strict=True))


def test_partners_are_nearest_in_size_and_taken_once() -> None:
    stream = Streams(1).at("a test")
    assert _pairs([100.0], [90.0, 104.0, 102.0]) == [(0, 2)]
    assert _pairs([100.0], [94.0, 106.0]) == _pairs([100.0], []) == _pairs([], [100.0]) == []
    sizes = np.exp(5 + stream.normal(200)), np.exp(4.5 + stream.normal(150))
    left, right = matched(*sizes, Streams(2).at("a test"))
    assert len(left) == len(set(left)) == len(right) == len(set(right)) > 80
    ratio = sizes[0][left] / sizes[1][right]
    assert np.maximum(ratio, 1 / ratio).max() <= CALIPER + 1e-9
    free_left, free_right = (np.setdiff1d(np.arange(len(s)), r) for s, r in
                             zip(sizes, (left, right), strict=True))  # fmt: skip
    apart = np.abs(np.log(sizes[0][free_left])[:, None] - np.log(sizes[1][free_right]))
    assert (apart > log(CALIPER)).all()  # nobody was left alone needlessly


def _made(n: int, *, deeper: float = 0.0, larger: float = 1.0) -> Results:
    """Return results of n false and n true posts whose shapes follow from their sizes."""
    stream = Streams(7).at("a test")
    sizes, rows = stream.normal(n).tolist(), []
    for i in range(2 * n):
        false = i < n
        scale = round(200 * np.exp(0.7 * sizes[i % n]) * (larger if false else 1.0)) + 56
        depth = np.log2(scale) / 2 + (deeper if false else 0.0) + stream.normal(1)[0] / 4
        rows.append({"post": i, "truth": FALSE if false else TRUE, "followers": 1000,
                     "scale": scale, "depth": depth, "max_breadth": round(scale * 0.8),
                     "virality": 2 + depth / 10})  # fmt: skip
    real = study().run(Trial(REAL, 0, 0), StudyOptions())
    trials = [Trial(SIMULATED, 0, 1), Trial(REAL, 0, 0)]
    return assemble(trials, [TrialOutcome({"posts": 1.0}, tables={"posts": rows}), real])


def test_shapes_that_follow_from_size_agree_at_equal_size() -> None:
    results = _made(150, larger=1.6)
    assert labelled_arms(results) == [SIMULATED]
    larger, *shapes = judge(truth(results))
    assert larger.verdict == "supported"
    assert larger.estimate == pytest.approx(0.5, abs=0.1)
    most, same = shapes[:3], shapes[3:]
    assert [f.measure for f in same] == ["depth", "breadth per user", "virality"]
    assert [f.verdict for f in same] == ["supported"] * 3
    assert (most[0].verdict, most[2].verdict) == ("supported", "supported")
    assert most[0].low < 0.0 < most[0].high < 0.5
    table = {row["arm"]: row for row in truth_differences(results, SIMULATED).to_pylist()}
    assert table["depth, all"]["low"] > 0.1
    assert table["depth, of equal size"]["low"] < 0 < table["depth, of equal size"]["high"]


def test_a_difference_of_shape_at_equal_size_is_found() -> None:
    results = _made(150, deeper=0.6)
    _, most, _, _, same, *_ = judge(truth(results))
    assert same.verdict == most.verdict == "opposite"
    assert same.low < 0.6 < same.high
    left = share_left(sides(results, SIMULATED), "depth")
    assert left.low < 1.0 < left.high


def test_no_difference_is_claimed_without_one() -> None:
    larger, most, _, _, same, *_ = judge(truth(_made(150)))
    assert (larger.verdict, same.verdict) == ("not found", "supported")
    assert most.test.startswith("not tested")


# -- the study ------------------------------------------------------------------------------------


def _results(options: StudyOptions) -> Results:
    trials = study().trials(options)
    return assemble(trials, [study().run(trial, options) for trial in trials])


def test_a_study_of_a_small_society_says_what_it_found(tmp_path: Path) -> None:
    cascades = _folder(
        tmp_path, {f"c{i}": (FALSE if i % 2 else TRUE, 56 + 3 * i) for i in range(30)}
    )
    options = StudyOptions(
        replicates=2, overrides={**SMALL, "posts.count": 60}, inputs={"cascades": cascades}
    )
    results = _results(options)
    assert results.tables["posts"].num_rows == 120
    assert real_sample(results, FITTED, "scale").min() >= 56
    assert labelled_arms(results) == [SIMULATED, REAL]
    real = sides(results, REAL)
    assert len(real.false["scale"]) == len(real.true["scale"]) == 15
    findings = study().judge(results, options)
    assert len(findings) == 14
    assert [f.hypothesis for f in findings] == [h.text for h in study().hypotheses(options)]
    assert [f.against for f in findings[:4]] == [f"{FARTHEST:g}"] * 4
    figures = study().figures(results, options)
    assert len(figures) == 11
    story = study().story(results, findings, options)
    assert "120 posts" in story[0]
    assert set(sentences(findings)) < set(story)
    rest = [paragraph for paragraph in story if paragraph not in sentences(findings)]
    pa.csv.write_csv(results.values.arrow, tmp_path / "values.csv")
    page = write_report(
        tmp_path, title="t", question="q", verdicts=[f.hypothesis for f in findings], findings=[],
        figures=figures, story=rest, files={}, how={},
    )  # fmt: skip
    numbers = unfounded(page.read_text(), tmp_path)
    assert set(numbers) <= {f"{FARTHEST:g}"}  # which is in findings.csv


def test_without_cascades_the_shipped_distributions_are_compared() -> None:
    results = _made(100)
    found = distance(results, HELD_OUT, "scale")
    assert found.n == (200, len(shipped()[HELD_OUT, "scale"]))
    assert found.value == pytest.approx(
        _gap(results.tables["posts"]["scale"].to_numpy(), shipped()[HELD_OUT, "scale"])
    )


def test_settings_are_taken_by_name_and_bad_ones_refused(tmp_path: Path) -> None:
    made = study().trials(StudyOptions(overrides={"posts.false_odds": 1.0, "steps": 100}))
    assert [t.arm for t in made] == [SIMULATED] * 4 + [REAL]
    assert made[0].settings["posts"]["false_odds"] == 1.0
    assert made[0].settings["scenario"] == {"steps": 100}
    scenario = study().scenario(made[0], StudyOptions())
    assert scenario is not None
    assert (scenario.steps, len(scenario.events)) == (100, 500)
    assert study().scenario(made[-1], StudyOptions()) is None
    assert len(study().hypotheses(StudyOptions())) == 11
    with pytest.raises(ScenarioError, match="odds"):
        study().trials(StudyOptions(overrides={"posts.odds": 2.0}))
    few = _folder(tmp_path, {"a": (TRUE, 60), "b": (FALSE, 60), "c": (FALSE, 50)})
    with pytest.raises(DataError, match="only 2 cascades"):
        study().run(made[-1], StudyOptions(inputs={"cascades": few}))
    with pytest.raises(ScenarioError, match="no language models"):
        study().trials(
            StudyOptions(overrides={"model": "m", "models.m.urls": ["http://localhost:1"]})
        )


@pytest.mark.slow
def test_a_society_out_of_the_box_is_near_the_real_cascades() -> None:
    options = StudyOptions(replicates=1)
    results = _results(options)
    for measure in MEASURES:
        assert distance(results, HELD_OUT, measure).value < FARTHEST
