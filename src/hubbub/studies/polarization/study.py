"""Study 2, group polarization: whether people who discuss a dilemma become more extreme."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hubbub.analysis.network import follows_at
from hubbub.analysis.polarization import polarization
from hubbub.config.scenario import Scenario
from hubbub.engine import Simulation
from hubbub.errors import ModelError, ScenarioError
from hubbub.report.figure_data import Figure
from hubbub.studies.drivers import run_on
from hubbub.studies.llm_judge import Judge, judging
from hubbub.studies.lost_replies import turns_lost, usable
from hubbub.studies.options import RunOptions
from hubbub.studies.polarization.dilemma import EVERY, dilemma_scenario
from hubbub.studies.polarization.extremity import ExtremityShift, by_judge, by_value
from hubbub.studies.polarization.report import figures, story
from hubbub.studies.statistics import Hypothesis, compare
from hubbub.studies.study import Study
from hubbub.studies.trial_process import threads
from hubbub.studies.trials import Finding, Results, StudyOptions, Trial, TrialOutcome

Floats = NDArray[np.float64]

_REPLICATES, _REPLICATES_WITH_MODEL = 16, 8
#: The share of ties between agents of like opinion in a homophilous network.
_HOMOPHILY = 0.8
#: The arms of the statistical policy: homophily, and changes to the scenario.
_ARMS: dict[str, tuple[float, dict[str, Any]]] = {
    "homophilous": (_HOMOPHILY, {}),
    "mixed": (0.0, {}),
    "averaging": (_HOMOPHILY, {"opinions.model": "friedkin-johnsen"}),
    "bounded confidence": (_HOMOPHILY, {"opinions.model": "bounded-confidence"}),
    "interest feed": (_HOMOPHILY, {"feed.preset": "interest"}),
    "random feed": (_HOMOPHILY, {"feed.preset": "random"}),
}
_DEFAULTS = {"feed.preset": "chronological", "opinions.model": "biased-assimilation"}
#: The measures of opinions at a moment, as named in analysis.polarization.
_MEASURES = ("mean_extremity", "variance", "bimodality", "assortativity", "cross_cutting")


@dataclass(frozen=True, slots=True)
class OpinionPoll:
    """The answers after a step: opinions float[n] in [-1, 1] (NaN for none), and advice as text."""

    step: int
    opinions: Floats
    advice: Sequence[str | None] | None = None


class PolarizationStudy(Study):
    """Arms differ in the network, the feed, and the rule (or model) by which opinions move."""

    name = "polarization"
    title = "Group polarization"
    question = (
        "Do people who talk about a risky choice end up with more extreme opinions than they began "
        "with, and what do the network, the feed and the way they listen have to do with it?"
    )
    version = 1
    takes = frozenset[str]()

    def trials(self, options: StudyOptions) -> Sequence[Trial]:
        """Return all arms x replicates; with models, two arms per model."""
        asked = RunOptions.of(options)
        arms: dict[str, dict[str, Any]] = {}
        for model in asked.models:
            for name in ("homophilous", "mixed"):
                homophily, changes = _ARMS[name]
                arms[f"{model}, {name}"] = _settings(asked, homophily, changes, model)
        if not arms:
            arms = {name: _settings(asked, *arm, None) for name, arm in _ARMS.items()}
        trials = asked.trials(arms, _REPLICATES_WITH_MODEL if asked.models else _REPLICATES)
        self.scenario(trials[0], options)  # bad settings fail here
        return trials

    def scenario(self, trial: Trial, options: StudyOptions) -> Scenario:
        s = trial.settings
        scenario = dilemma_scenario(trial.seed, s["homophily"], s["model"], s["overrides"])
        if scenario.steps < EVERY:
            raise ScenarioError(f"steps: at least {EVERY}, since opinions are asked that often")
        return scenario

    def hypotheses(self, options: StudyOptions) -> Sequence[Hypothesis]:
        """Return the predictions for the models that are named, or else for the policy."""
        models = RunOptions.of(options).models
        return _of_models(models) if models else _of_policy()

    def run(self, trial: Trial, options: StudyOptions) -> TrialOutcome:
        """Let the society discuss, and compare each questionnaire with the first."""
        scenario = self.scenario(trial, options)
        with Simulation(scenario, threads=threads()) as sim:
            run_on(sim)
            forms = _questionnaires(sim, with_model=trial.settings["model"] is not None)
            ties = follows_at(sim.store, scenario.steps)
            seen = sim.store.slates().num_rows / len(sim.world.agents)
            further, spent = {"posts_seen": seen, **turns_lost(sim)}, sim.store.spent()
        judge = trial.settings["judge"]
        if judge is None or forms[0].advice is None:
            against_start = [by_value(forms[0].opinions, f.opinions) for f in forms]
        else:
            with judging(scenario, judge, trial.seed, spent) as asked:
                against_start = _judged(asked, forms)
            further |= asked.lost
        return _outcome(forms, against_start, ties, further)

    def judge(self, results: Results, options: StudyOptions) -> Sequence[Finding]:
        """Return a finding for each hypothesis."""
        return compare(results.values, self.hypotheses(options), seed=RunOptions.of(options).seed)

    def figures(self, results: Results, options: StudyOptions) -> Sequence[Figure]:
        """Return the measures over time, the last opinions, and the judgements."""
        return figures(results)

    def story(
        self, results: Results, findings: Sequence[Finding], options: StudyOptions
    ) -> Sequence[str]:
        return [*story(results, findings, RunOptions.of(options)), *usable(results.values)]


def study() -> PolarizationStudy:
    return PolarizationStudy()


def _settings(
    asked: RunOptions, homophily: float, changes: Mapping[str, Any], model: str | None
) -> dict[str, Any]:
    return {
        "homophily": homophily,
        "model": model,
        "judge": asked.judge,
        "overrides": {**_DEFAULTS, **changes, **asked.settings},
    }


def _questionnaires(sim: Simulation, *, with_model: bool) -> list[OpinionPoll]:
    """Return the answers every EVERY steps: what models said, else the opinions themselves."""
    steps = range(0, sim.scenario.steps + 1, EVERY)
    if not with_model:
        taken = zip(steps, sim.store.opinions_over(steps), strict=True)
        return [OpinionPoll(step, x[:, 0].astype(np.float64)) for step, x in taken]
    n = len(sim.world.agents)
    forms = {step: OpinionPoll(step, np.full(n, np.nan), [None] * n) for step in steps}
    for row in sim.answers().arrow.filter(sim.answers().arrow["valid"]).to_pylist():
        form = forms[row["step"]]
        if row["question"] == "risk":
            form.opinions[row["agent"]] = row["value"] / 5.0 - 1.0
        elif row["question"] == "advice" and isinstance(form.advice, list):
            form.advice[row["agent"]] = row["answer"]
    for form in forms.values():
        if not np.isfinite(form.opinions + forms[0].opinions).any():
            raise ModelError(
                f"after step {form.step} none of {n:,} agents had said, then and at the start, how "
                "strongly they are for the risk: no answer could be read"
            )
    return list(forms.values())


def _judged(judge: Judge, forms: Sequence[OpinionPoll]) -> list[ExtremityShift]:
    start = forms[0].advice or []
    return [ExtremityShift(0.0, 0.0), *(by_judge(judge, start, f.advice or []) for f in forms[1:])]


def _outcome(
    forms: Sequence[OpinionPoll],
    against_start: Sequence[ExtremityShift],
    ties: tuple[NDArray[np.integer], NDArray[np.integer]],
    further: Mapping[str, float],
) -> TrialOutcome:
    rows = [_measured(form.opinions, *ties) for form in forms]
    for row, comparison in zip(rows, against_start, strict=True):
        row |= {"more_extreme": comparison.more, "less_extreme": comparison.less}
        row |= {"net_more_extreme": comparison.net, "agreement_of_orders": comparison.agreement}
    steps = [form.step for form in forms]
    first, last = rows[0], rows[-1]
    values = {**last, **{f"{m}_change": last[m] - first[m] for m in _MEASURES}, **further}
    curves = {
        name: [(float(t), r[name]) for t, r in zip(steps, rows, strict=True) if isfinite(r[name])]
        for name in first
    }
    opinions = zip(forms[0].opinions.tolist(), forms[-1].opinions.tolist(), strict=True)
    table = [
        {"agent": agent, "start": start, "end": end}
        for agent, (start, end) in enumerate(opinions)
        if isfinite(start) and isfinite(end)
    ]
    return TrialOutcome(
        {k: v for k, v in values.items() if isfinite(v)},
        {k: v for k, v in curves.items() if v},
        {"opinions": table},
    )


def _measured(
    opinions: Floats, left: NDArray[np.integer], right: NDArray[np.integer]
) -> dict[str, float]:
    """Return the measures over those who gave an opinion."""
    known = np.isfinite(opinions)
    number = np.cumsum(known) - 1
    both = known[left] & known[right]
    found = polarization(opinions[known], number[left[both]], number[right[both]])
    return {m: getattr(found, m) for m in _MEASURES}


def _of_policy() -> list[Hypothesis]:
    change, homophilous = "mean_extremity_change", "homophilous"
    return [
        Hypothesis("Biased listeners in a homophilous network end more extreme than they began.",
                   change, homophilous, 0.0, "greater"),
        Hypothesis("Biased listeners in a mixed network end more extreme than they began.",
                   change, "mixed", 0.0, "greater"),
        Hypothesis("A homophilous network makes opinions more extreme than a mixed one.",
                   change, homophilous, "mixed", "greater", "paired"),
        Hypothesis("A homophilous network leaves opinions further apart than a mixed one.",
                   "variance_change", homophilous, "mixed", "greater", "paired"),
        Hypothesis("A homophilous network splits opinions into two camps more than a mixed one.",
                   "bimodality_change", homophilous, "mixed", "greater", "paired"),
        Hypothesis("In a homophilous network those who are tied become more alike.",
                   "assortativity_change", homophilous, 0.0, "greater"),
        Hypothesis("A feed by interest changes how extreme opinions become.",
                   change, "interest feed", homophilous, "different", "paired"),
        Hypothesis("A random feed changes how extreme opinions become.",
                   change, "random feed", homophilous, "different", "paired"),
        Hypothesis("Feeds by interest and at random differ in how extreme opinions become.",
                   change, "interest feed", "random feed", "different", "paired"),
        Hypothesis("Listeners of bounded confidence end less extreme than they began.",
                   change, "bounded confidence", 0.0, "less"),
        Hypothesis("Listeners who average what they see end less extreme than they began.",
                   change, "averaging", 0.0, "less"),
        Hypothesis("More people are judged more extreme than at the start than less extreme.",
                   "net_more_extreme", homophilous, 0.0, "greater"),
    ]  # fmt: skip


def _of_models(models: Sequence[str]) -> list[Hypothesis]:
    """Return the hypotheses on each model, and on each further model against the first."""
    change, hypotheses = "mean_extremity_change", []
    for model in models:
        homophilous, mixed = f"{model}, homophilous", f"{model}, mixed"
        hypotheses += [
            Hypothesis(f"Agents of {model} in a mixed network end more extreme than they began.",
                       change, mixed, 0.0, "greater"),
            Hypothesis(f"More agents of {model} are judged more extreme than at the start than "
                       "less extreme.", "net_more_extreme", mixed, 0.0, "greater"),
            Hypothesis(f"A homophilous network makes agents of {model} more extreme than a mixed "
                       "one.", change, homophilous, mixed, "greater", "paired"),
        ]  # fmt: skip
        if model != models[0]:
            text = f"Agents of {model} become more or less extreme than those of {models[0]}."
            other = f"{models[0]}, mixed"
            hypotheses.append(Hypothesis(text, change, mixed, other, "different", "paired"))
    return hypotheses
