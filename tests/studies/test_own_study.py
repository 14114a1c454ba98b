"""Custom studies: read with errors for people, run, measured and judged."""

from __future__ import annotations

import math
from pathlib import Path
from textwrap import indent
from typing import Any

import pytest

from hubbub.analysis import cascades
from hubbub.analysis.network import follows_at
from hubbub.analysis.polarization import mean_extremity, opinion_assortativity
from hubbub.config import load_scenario
from hubbub.engine import Simulation
from hubbub.errors import RunError, ScenarioError
from hubbub.studies.catalogue import find_study, study_in
from hubbub.studies.measures import CURVES, MEASURES
from hubbub.studies.report import report
from hubbub.studies.runner import run_study
from hubbub.studies.study_folder import StudyFolder
from hubbub.studies.trials import StudyOptions
from hubbub.studies.yaml_study import YamlStudy, load_study
from hubbub.testing import ModelServer, ScriptedModel

SCENARIO = """\
steps: 4
topics: [Politics, Business]
population:
  synthetic: {agents: 60, core: 4, posts_per_core: 2}
time:
  activity: {kind: constant, rate: 0.5, core_rate: 0.5}
encoder: {kind: hashing}
"""
STUDY = f"""\
name: sharing
title: Does ease of sharing spread posts?
scenario:
{indent(SCENARIO, "  ")}
arms:
  easy: {{behaviour.base: {{repost: 0}}}}
  hard: {{behaviour.base: {{repost: -6}}}}
replicates: 6
measures: [reposts, posts]
hypotheses:
  - {{text: Ease spreads, measure: reposts, arm: easy, against: hard, direction: greater}}
"""
OPTIONS = StudyOptions()


def written(folder: Path, text: str = STUDY, name: str = "study.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def changed(folder: Path, old: str, new: str) -> YamlStudy:
    assert old in STUDY
    return load_study(written(folder, STUDY.replace(old, new)))


def test_a_study_runs_and_finds_what_is_built_in(tmp_path: Path) -> None:
    study = load_study(written(tmp_path))
    results = run_study(study, OPTIONS, tmp_path / "out", processes=1)
    (finding,) = study.judge(results, OPTIONS)
    assert (finding.verdict, finding.n) == ("supported", (6, 6))
    assert finding.low > 0
    assert finding.p == 1 / 64  # the least that six pairs can give
    story = study.story(results, [finding], OPTIONS)
    assert "6 replicates" in story[0]
    assert "Ease spreads. Supported" in story[1]


def test_arms_share_their_seeds(tmp_path: Path) -> None:
    trials = load_study(written(tmp_path)).trials(StudyOptions(replicates=3))
    assert [(t.arm, t.replicate) for t in trials] == [
        ("easy", 0), ("easy", 1), ("easy", 2), ("hard", 0), ("hard", 1), ("hard", 2),
    ]  # fmt: skip
    seeds = [t.seed for t in trials]
    assert seeds[:3] == seeds[3:]
    assert len(set(seeds)) == 3
    others = load_study(written(tmp_path)).trials(StudyOptions(3, {"seed": 7}))
    assert not set(seeds) & {t.seed for t in others}


def test_an_arm_goes_before_the_options_and_they_before_the_scenario(tmp_path: Path) -> None:
    study = load_study(written(tmp_path))
    options = StudyOptions(1, {"behaviour.base": {"repost": 3}, "steps": 2})
    easy, hard = (t.settings["scenario"] for t in study.trials(options))
    assert easy["steps"] == hard["steps"] == 2
    assert easy["behaviour"]["base"] == {"repost": 0}
    assert hard["behaviour"]["base"] == {"repost": -6}


def test_a_scenario_may_be_a_file_beside_others(tmp_path: Path) -> None:
    folder = tmp_path / "inside"
    folder.mkdir()
    (folder / "who.csv").write_text("user_name,name,bio\na,A,x\nb,B,y\n")
    people = "population: {file: who.csv, graph: {kind: none}}\n"
    start, end = SCENARIO.index("population"), SCENARIO.index("time")
    written(folder, SCENARIO[:start] + people + SCENARIO[end:], "scenario.yaml")
    inline = STUDY[STUDY.index("scenario:") : STUDY.index("arms:")]
    study = changed(tmp_path, inline, "scenario: inside/scenario.yaml\n")
    (trial, *_) = study.trials(StudyOptions(replicates=1))
    assert list(study.run(trial, OPTIONS).values) == ["reposts", "posts"]
    assert list(trial.settings["files"]) == ["who.csv"]
    (folder / "who.csv").write_text("user_name,name,bio\na,A,x\nb,B,z\n")
    assert study.trials(StudyOptions(replicates=1))[0].settings != trial.settings


def test_the_definition_gives_the_study_again(tmp_path: Path) -> None:
    study = load_study(written(tmp_path))
    run_study(study, StudyOptions(replicates=1), tmp_path / "out", processes=1)
    folder = StudyFolder.open(tmp_path / "out")
    assert folder.definition is not None
    again = study_in(folder)
    assert isinstance(again, YamlStudy)
    assert again.trials(OPTIONS) == study.trials(OPTIONS)
    assert again.definition == study.definition


MODULE = """\
import math

def busy(store):
    return {"events": len(store.events()), "unknown": None, "endless": math.inf}

def steps(store):
    return store.steps

def line(store):
    return [(0, 1), (1, math.nan), (2, 3)]
"""


def test_measures_and_curves_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    module = tmp_path / "own_measures_a.py"
    module.write_text(MODULE)
    measures = "[own_measures_a:busy, own_measures_a:steps]\ncurves: [own_measures_a:line]"
    study = changed(tmp_path, "measures: [reposts, posts]", f"measures: {measures}")
    (trial, *_) = study.trials(StudyOptions(replicates=1))
    outcome = study.run(trial, OPTIONS)
    assert outcome.values["steps"] == 4.0
    assert outcome.values["events"] > 0
    assert set(outcome.values) == {"events", "steps"}  # what could not be taken is left out
    assert outcome.curves == {"line": [(0.0, 1.0), (2.0, 3.0)]}
    module.write_text(MODULE + "\n")
    assert study.trials(StudyOptions(replicates=1))[0].settings != trial.settings


def test_an_error_in_ones_own_measure_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "own_measures_b.py").write_text("def bad(store): return 1 / 0\n")
    study = changed(tmp_path, "measures: [reposts, posts]", "measures: ['own_measures_b:bad']")
    with pytest.raises(ZeroDivisionError) as caught:
        run_study(study, StudyOptions(replicates=1), tmp_path / "out", processes=1)
    assert caught.value.__notes__[0] == "This comes from the measure own_measures_b:bad."


def test_a_missing_measure_of_ones_own_is_told_before_anything_runs(tmp_path: Path) -> None:
    study = changed(tmp_path, "measures: [reposts, posts]", "measures: ['no_such_module:x']")
    with pytest.raises(ScenarioError, match="measures: cannot import 'no_such_module'"):
        run_study(study, OPTIONS, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("name: sharing", "name: a/b", "name (line 1): must be letters"),
        ("title:", "titel:", "titel (line 2): there is no such key (did you mean 'title'?)"),
        ("steps: 4", "steps: many", "scenario.steps (line 4): must be a whole number"),
        ("[reposts, posts]", "[repost, posts]", "no measure 'repost' (did you mean 'reposts'?)"),
        ("[reposts, posts]", "[posts]", "'reposts' is not one of the study's measures"),
        (
            "[reposts, posts]",
            "[reposts]\ncurves: [post]",
            "no curve 'post' (did you mean 'posts'?)",
        ),
        ("against: hard", "against: hart", "no arm 'hart' (did you mean 'hard'?)"),
        ("direction: greater", "direction: more", "hypotheses.0.direction (line 18): must be"),
        ("direction: greater", "direction: same", "hypotheses.0 (line 18): direction 'same', and"),
        ("replicates: 6", "replicates: 0", "replicates (line 15): must be a whole number, at"),
    ],
)
def test_errors_say_where_and_what(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        changed(tmp_path, old, new)
    assert message in str(caught.value)


def test_an_error_in_an_arm_names_it(tmp_path: Path) -> None:
    study = changed(tmp_path, "hard: {behaviour.base", "hard: {behaviour.basis")
    with pytest.raises(ScenarioError, match=r"sharing, arm 'hard': behaviour\.basis: there is no"):
        study.trials(OPTIONS)


def test_a_name_may_be_that_of_one_that_comes_with_hubbub_only_once(tmp_path: Path) -> None:
    path = written(tmp_path, STUDY.replace("name: sharing", "name: herding"))
    with pytest.raises(ScenarioError, match="'herding' is a study of hubbub's"):
        find_study(str(path))
    with pytest.raises(ScenarioError, match=r"no study 'herdign' \(did you mean 'herding'"):
        find_study("herdign")


def test_files_that_are_no_studies(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="there is no file"):
        load_study(tmp_path / "nothing.yaml")
    with pytest.raises(ScenarioError, match="a study is keys and values"):
        load_study(written(tmp_path, "- a\n"))
    with pytest.raises(ScenarioError, match=r"there is no file .*gone\.yaml"):
        load_study(written(tmp_path, "name: x\nscenario: gone.yaml\n"))


def test_a_spent_budget_is_an_error(tmp_path: Path) -> None:
    with ModelServer(ScriptedModel([{"do": []}])) as server:
        arms = f"""\
models: {{small: {{urls: ['{server.url}']}}}}
  agents: [{{model: small}}]
  budget: {{requests: 1}}
arms:"""
        study = changed(tmp_path, "arms:", f"  {arms}")
        with pytest.raises(RunError, match="paused after step 0 of 4"):
            run_study(study, StudyOptions(replicates=1), tmp_path / "out")


@pytest.fixture(scope="module")
def sim(tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = written(tmp_path_factory.mktemp("sim"), SCENARIO, "scenario.yaml")
    with Simulation(load_scenario(path, {"behaviour.base": {"repost": 0}})) as sim:
        sim.run()
        yield sim


def test_the_measures_are_those_of_the_analysis(sim: Simulation) -> None:
    taken = {name: measure.take(sim.store) for name, measure in MEASURES.items()}
    items, trees = sim.store.items(), cascades(sim.store.items())
    kinds = items["kind"].to_pylist()
    assert taken["posts"] == kinds.count("post") + kinds.count("quote") == len(trees)
    assert taken["reposts"] == kinds.count("repost") > 0
    assert taken["comments"] == kinds.count("comment")
    assert taken["likes"] == sim.store.reactions()["kind"].to_pylist().count("like") > 0
    assert taken["cascade_size_mean"] == pytest.approx(trees["size"].to_numpy().mean())
    assert taken["cascade_size_max"] == trees["size"].to_numpy().max()
    assert taken["reposts_per_post"] == pytest.approx(taken["cascade_size_mean"] - 1)
    opinions, follows = sim.store.opinions_at(), follows_at(sim.store)
    each = [mean_extremity(opinions[:, k]) for k in range(2)]
    assert taken["mean_extremity"] == pytest.approx(sum(each) / 2)
    each = [opinion_assortativity(opinions[:, k], *follows) for k in range(2)]
    assert taken["opinion_assortativity"] == pytest.approx(sum(each) / 2)
    assert all(math.isfinite(value) for value in taken.values())


def test_curves_end_where_the_measures_are(sim: Simulation) -> None:
    for name, curve in CURVES.items():
        points = curve.take(sim.store)
        assert [x for x, _ in points][-1] == sim.t
        if name in MEASURES:
            assert points[-1][1] == pytest.approx(MEASURES[name].take(sim.store)), name


def test_figures_show_each_measure_and_curve_by_arm(tmp_path: Path) -> None:
    figure_of = pytest.importorskip("matplotlib.figure").Figure
    study = changed(tmp_path, "[reposts, posts]", "[reposts]\ncurves: [posts]")
    results = run_study(study, StudyOptions(replicates=2), tmp_path / "out", processes=1)
    figures = study.figures(results, OPTIONS)
    assert [f.name for f in figures] == ["measure-reposts", "curve-posts"]
    values = results.values.to_pandas().groupby("arm")["value"].mean()
    for row in figures[0].data.to_pylist():
        assert row["mean"] == pytest.approx(values[row["arm"]])
        assert row["low"] <= row["mean"] <= row["high"]
        assert row["replicates"] == 2
    assert len(figures[1].data) == 2 * 5  # arms x (steps + 1)
    drawn = [figure_of().subplots() for _ in figures]
    for figure, axes in zip(figures, drawn, strict=True):
        figure.draw(axes)
    assert [label.get_text() for label in drawn[0].get_yticklabels()] == ["easy", "hard"]
    assert drawn[0].get_xlabel() == "reposts (reposts)"
    assert [text.get_text() for text in drawn[1].get_legend().get_texts()] == ["easy", "hard"]


def test_a_report_is_made_from_the_folder_alone(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    study = load_study(written(tmp_path))
    results = run_study(study, StudyOptions(replicates=2), tmp_path / "out", processes=1)
    folder = StudyFolder.open(tmp_path / "out")
    with pytest.raises(RunError, match="findings"):
        folder.findings()
    folder.write_findings(study.judge(results, OPTIONS))
    (tmp_path / "study.yaml").unlink()
    page = report(tmp_path / "out").read_text(encoding="utf-8")
    assert "Does ease of sharing spread posts?" in page
    assert "Ease spreads" in page
