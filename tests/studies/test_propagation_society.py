"""The society of cascades, and the study on top of it."""

from __future__ import annotations

import inspect
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from hubbub.errors import DataError, ScenarioError
from hubbub.report.style import draw
from hubbub.studies.cascade_files import MINUTES, Ties
from hubbub.studies.propagation.example_cascades import made_cascades
from hubbub.studies.propagation.pace import Pace
from hubbub.studies.propagation.report import FITTED, REAL, SHIPPED
from hubbub.studies.propagation.society import simulate
from hubbub.studies.propagation.study import (
    DAYS,
    PropagationStudy,
    by_cascade,
    paces_by_fold,
    read_pace,
    split_overrides,
)
from hubbub.studies.study_folder import assemble
from hubbub.studies.trials import StudyOptions, Trial, TrialOutcome
from hubbub.studies.verdicts import sentences

FLAT = Pace(shape=1.0, minutes=30.0, indirect=0.0, audience=0.0, crowd=0.0, day=(0, 0, 0, 0))


def tree(name: str, parent: list[int], hour: int = 12) -> Ties:
    above, depth = np.array(parent), np.zeros(len(parent), np.int64)
    for row in range(1, len(parent)):
        depth[row] = depth[above[row]] + 1
    return Ties(name, datetime(2014, 3, 1, hour, 30), above, depth)


def test_waiting_times_are_those_of_the_pace() -> None:
    star = tree("star", [-1] + [0] * 1000, hour=23)
    (scale, depth, breadth) = simulate([star], [FLAT], 1)[0]
    reached = 1 - (1 + MINUTES / 30.0) ** -1.0  # Lomax
    assert np.abs((scale - 1) / 1000 - reached).max() < 0.05
    assert (breadth >= scale - 1 - 10).all()  # a bystander's repost is rare
    assert depth[0] == 0
    assert depth[-1] in (1, 2)


def test_trees_grow_along_known_ties() -> None:
    quick = FLAT.model_copy(update={"shape": 50.0})
    chain = tree("chain", list(range(-1, 9)), hour=0)
    fork = tree("fork", [-1, 0, 0, 1, 1, 2], hour=5)
    found = simulate([chain, fork], [quick, quick], 3)
    assert found.shape == (2, 3, 51)
    assert found[0, :, -1].tolist() == [10, 9, 1]
    assert found[1, :, -1].tolist() == [6, 2, 3]
    assert (np.diff(found, axis=2) >= 0).all()
    # one step for each tie: in k steps no more than k are passed
    assert (found[0, 1] <= np.arange(51)).all()


def test_same_seed_same_day() -> None:
    ties = [c.ties for c in made_cascades()[:2]]
    paces = [FLAT, FLAT]
    first = simulate(ties, paces, 4)
    assert np.array_equal(first, simulate(ties, paces, 4))
    assert not np.array_equal(first, simulate(ties, paces, 5))


def test_a_simulation_is_never_given_times() -> None:
    parameters = inspect.signature(simulate).parameters
    assert list(parameters) == ["ties", "paces", "seed", "overrides"]
    assert set(Ties.__dataclass_fields__) == {"name", "start", "parent", "depth", "text"}


def test_no_cascade_has_a_part_in_its_own_pace() -> None:
    cascades = made_cascades()
    before = paces_by_fold(cascades, 5)
    i = 7
    changed = list(cascades)
    changed[i] = type(cascades[i])(cascades[i].ties, "true", cascades[i].minutes * 10)
    after = paces_by_fold(changed, 5)
    assert after[i] == before[i]
    assert any(a != b for a, b in zip(after, before, strict=True))


def outcomes(options: StudyOptions) -> list[tuple[Trial, TrialOutcome]]:
    """Return all outcomes of the study, with predictions 10 % off in place of simulated ones."""
    study, found = PropagationStudy(), []
    real = study.run(Trial(REAL, 0, 0), options)
    off = {
        "cascades": [{**row, "error": 0.1 + 0.01 * (i % 7)} for i, row in
                     enumerate(real.tables["cascades"])]
    }  # fmt: skip
    for trial in study.trials(options):
        simulated = trial.arm in (FITTED, SHIPPED)
        found.append((trial, TrialOutcome({"error scale": 0.1}, real.curves, off) if simulated
                      else study.run(trial, options)))  # fmt: skip
    return found


def test_the_study_judges_and_draws() -> None:
    pytest.importorskip("matplotlib")
    options = StudyOptions(replicates=2)
    study, found = PropagationStudy(), outcomes(StudyOptions(replicates=2))
    results = assemble([t for t, _ in found], [o for _, o in found])
    findings = study.judge(results, options)
    assert len(findings) == 8
    assert {f.arm for f in findings} == {FITTED}
    assert all(f.n == (40, 40) for f in findings)
    depth = next(f for f in findings if f.measure == "error depth" and f.against == "f N g(t)")
    assert depth.estimate < 0
    assert depth.verdict == "supported"
    values = by_cascade(results)
    assert set(values["replicate"].to_pylist()) == set(range(40))
    figures = {f.name: f for f in study.figures(results, options)}
    assert list(figures) == ["errors", "labels", "means", "examples"]
    assert (figures["means"].panels, figures["examples"].panels) == (3, 6)
    for figure in figures.values():
        assert figure.data.num_rows
        assert b"<svg" in draw(figure).svg
    lines = {row["arm"] for row in figures["means"].data.to_pylist()}
    assert lines == {REAL, FITTED}
    story = study.story(results, findings, options)
    assert "synthetic" in story[0]
    assert set(sentences(findings)) <= set(story)


def test_trials_name_all_that_they_depend_on(tmp_path: Path) -> None:
    file = tmp_path / "pace.yaml"
    file.write_text("pace:\n  shape: 0.9\n  minutes: 7.0\n")
    options = StudyOptions(1, {"pace": str(file), "pace.minutes": 8.0, "feed.comments": 1})
    trials = {t.arm: t for t in PropagationStudy().trials(options)}
    given = trials[SHIPPED].settings
    assert (given["pace"]["shape"], given["pace"]["minutes"]) == (0.9, 8.0)
    assert given["scenario"] == trials[FITTED].settings["scenario"] == {"feed.comments": 1}
    assert "pace" not in trials[FITTED].settings
    _, scenario = split_overrides({"model": "small"})
    assert scenario["agents"][0] == {"model": "small", "where": {"role": "known"}}
    held_out = PropagationStudy().trials(StudyOptions(1, flags=frozenset({"held_out"})))
    assert SHIPPED not in {t.arm for t in held_out}


def test_another_seed_makes_other_days() -> None:
    one, other = (StudyOptions(2, overrides={"seed": seed}) for seed in (0, 5))
    simulated = [t for t in PropagationStudy().trials(other) if t.arm == SHIPPED]
    scenarios = [PropagationStudy().scenario(t, other) for t in simulated]
    days = {scenario.seed for scenario in scenarios if scenario}
    assert len(days) == 2
    assert days.isdisjoint(t.seed * DAYS for t in PropagationStudy().trials(one))
    with pytest.raises(ScenarioError, match="give --cascades DIR"):
        PropagationStudy().trials(StudyOptions(1, flags=frozenset({"only_oasis"})))


def test_wrong_parameters_are_said(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="shape"):
        split_overrides({"pace.shape": -1})
    with pytest.raises(DataError, match="cannot be read"):
        read_pace(tmp_path / "none.yaml")
    (tmp_path / "x.yaml").write_text("shape: 1\n")
    with pytest.raises(DataError, match="no 'pace:'"):
        read_pace(tmp_path / "x.yaml")
