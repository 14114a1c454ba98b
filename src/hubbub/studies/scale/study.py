"""Study 5, scale: how a group's behaviour becomes clearer with its size, and how answers vary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hubbub.config.scenario import Scenario
from hubbub.engine import Simulation
from hubbub.errors import ScenarioError
from hubbub.report.figure_data import Figure
from hubbub.studies.distribution_tests import trend
from hubbub.studies.drivers import STATISTICAL, run_on
from hubbub.studies.llm_judge import judging
from hubbub.studies.lost_replies import turns_lost, usable
from hubbub.studies.options import RunOptions
from hubbub.studies.scale.question import helpfulness, question_scenario, read_answers, sample
from hubbub.studies.scale.report import Group, figures, free_deviations, story
from hubbub.studies.statistics import Hypothesis, judge
from hubbub.studies.study import Study
from hubbub.studies.trial_process import threads
from hubbub.studies.trials import Finding, Results, StudyOptions, Trial, TrialOutcome

#: The override that names the sizes of the groups.
SIZES = "sizes"
_SIZES, _SIZES_WITH_MODEL = (100, 1_000, 10_000, 100_000), (10, 30, 100)
_REPLICATES, _REPLICATES_WITH_MODEL = 16, 5
#: The suffix of a measure's name that means its spread between replicates.
_SPREAD = "_spread"
#: The measures predicted to vary less between replicates, and to change, with the size.
_CLEARER = {"approval": "approval of the question", "support": "mean stance of the answers"}
_CHANGING = {
    "approval": "approval of the question",
    "variety": "number of different texts among equally many answers",
    "distance": "distance of answers in meaning",
    "helpfulness": "helpfulness of answers",
}


class ScaleStudy(Study):
    """An arm is a size of the group (and a model, if any is named)."""

    name = "scale"
    title = "Scale"
    question = (
        "How clear does a group's behaviour become with its size, and how diverse and helpful are "
        "its answers to a question?"
    )
    version = 1
    takes = frozenset[str]()

    def trials(self, options: StudyOptions) -> Sequence[Trial]:
        """Return all sizes x replicates, for each model if any is named."""
        asked = RunOptions.of(options)
        sizes, settings = _split(asked)
        arms = {
            _arm(model, size): {
                "size": size, "model": model, "judge": asked.judge, "overrides": settings,
            }
            for model in asked.drivers
            for size in sizes
        }  # fmt: skip
        trials = asked.trials(arms, _REPLICATES_WITH_MODEL if asked.models else _REPLICATES)
        self.scenario(trials[0], options)  # bad settings fail here
        return trials

    def scenario(self, trial: Trial, options: StudyOptions) -> Scenario:
        """Return the group of a trial and its question."""
        s = trial.settings
        return question_scenario(trial.seed, s["size"], s["model"], s["overrides"])

    def hypotheses(self, options: StudyOptions) -> Sequence[Hypothesis]:
        """Return what is predicted to change with the size, for each driver."""
        asked = RunOptions.of(options)
        sizes, _ = _split(asked)
        return [h for model in asked.drivers for h in _predictions(model, sizes, asked.judge)]

    def run(self, trial: Trial, options: StudyOptions) -> TrialOutcome:
        """Ask the group, and measure its votes and answers."""
        scenario, name = self.scenario(trial, options), trial.settings["judge"]
        with Simulation(scenario, threads=threads()) as sim:
            run_on(sim)
            (post,) = sim.store.posts().slice(0, 1).to_pylist()
            comments = sim.store.comments()
            comments = comments.filter(pc.equal(comments["post"], post["id"]))
            lost, spent = turns_lost(sim), sim.store.spent()
        values = read_answers(comments, (post["likes"], post["dislikes"]), trial.seed) | lost
        texts = sample(comments["content"].to_pylist(), trial.seed)
        if name is not None and texts:
            with judging(scenario, name, trial.seed, spent) as asked:
                values |= helpfulness(asked, texts)
            values |= asked.lost
        return TrialOutcome(values, tables={"answers": [{"content": text} for text in texts]})

    def judge(self, results: Results, options: StudyOptions) -> Sequence[Finding]:
        """Return the rank correlations of spread and of diversity with the size."""
        asked = RunOptions.of(options)
        sizes, _ = _split(asked)
        tested = []
        for model in asked.drivers:
            for h in _predictions(model, sizes, asked.judge):
                arms = _by_size(results.values, model, sizes, h.measure.removesuffix(_SPREAD))
                taken = [free_deviations(a) for a in arms] if h.measure.endswith(_SPREAD) else arms
                found = trend(taken, seed=asked.seed)
                tested.append((h, replace(found, n=(len(arms[-1]), len(arms[0])))))
        return judge(tested)

    def figures(self, results: Results, options: StudyOptions) -> Sequence[Figure]:
        """Return votes and stances by size, their spread beside 1/sqrt(n), and the answers."""
        asked = RunOptions.of(options)
        groups = {
            _arm(model, size): Group(model or STATISTICAL, size)
            for model in asked.drivers
            for size in _split(asked)[0]
        }
        return figures(results, groups)

    def story(
        self, results: Results, findings: Sequence[Finding], options: StudyOptions
    ) -> Sequence[str]:
        return [*story(findings, RunOptions.of(options)), *usable(results.values)]


def study() -> ScaleStudy:
    return ScaleStudy()


def _split(asked: RunOptions) -> tuple[tuple[int, ...], dict[str, Any]]:
    """Split overrides into the sizes of the groups, ascending, and the settings of the scenario."""
    rest = dict(asked.settings)
    sizes = rest.pop(SIZES, _SIZES_WITH_MODEL if asked.models else _SIZES)
    whole = isinstance(sizes, list | tuple) and all(type(n) is int and n >= 1 for n in sizes)
    if not whole or len(sizes) < 2 or any(a >= b for a, b in pairwise(sizes)):
        raise ScenarioError(f"{SIZES}: must be at least 2 ascending whole numbers, not {sizes!r}")
    return tuple(sizes), rest


def _predictions(model: str | None, sizes: Sequence[int], judge: str | None) -> list[Hypothesis]:
    who, smallest, largest = model or STATISTICAL, _arm(model, sizes[0]), _arm(model, sizes[-1])
    clearer = [
        Hypothesis(f"Larger groups agree more between replicates: {words} ({who}).",
                   f"{measure}{_SPREAD}", largest, smallest, "less")
        for measure, words in _CLEARER.items()
        if measure != "support" or model is None  # no stance is known of what models write
    ]  # fmt: skip
    changing = [
        Hypothesis(f"With the size of the group changes: {words} ({who}).",
                   measure, largest, smallest)
        for measure, words in _CHANGING.items()
        if measure != "helpfulness" or judge is not None
    ]  # fmt: skip
    return clearer + changing


def _arm(model: str | None, size: int) -> str:
    return f"{model}, {size:,} agents" if model else f"{size:,} agents"


def _by_size(
    values: pa.Table, model: str | None, sizes: Sequence[int], measure: str
) -> list[np.ndarray[Any, np.dtype[np.float64]]]:
    """Return the values of a measure in the replicates of each size."""
    found: Mapping[str, list[float]] = {_arm(model, size): [] for size in sizes}
    for row in values.to_pylist():
        if row["measure"] == measure and row["arm"] in found:
            found[row["arm"]].append(row["value"])
    return [np.array(replicates, np.float64) for replicates in found.values()]
