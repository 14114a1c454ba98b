"""Study 4, rumor: whether false messages go further, faster and longer than true ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from hubbub.config.load import apply_overrides, parse_scenario
from hubbub.config.scenario import Scenario
from hubbub.engine import Simulation
from hubbub.errors import ScenarioError
from hubbub.report.figure_data import Figure
from hubbub.store import Table
from hubbub.studies.drivers import STATISTICAL, driver, run_on
from hubbub.studies.herding.predictions import by_treatment, treated
from hubbub.studies.lost_replies import turns_lost, usable
from hubbub.studies.options import RunOptions
from hubbub.studies.rumor.measures import (
    MEASURES,
    group_curves,
    means,
    measure_rumors,
    picture,
)
from hubbub.studies.rumor.messages import FALSE, MESSAGES, TRUE, spread_rumors, tempt
from hubbub.studies.rumor.report import figures, story
from hubbub.studies.statistics import Hypothesis, compare
from hubbub.studies.study import Study
from hubbub.studies.trial_process import threads
from hubbub.studies.trials import Finding, Results, StudyOptions, Trial, TrialOutcome

#: The override that builds in a difference: the chance that a viewer of a false message passes it
#: on, in addition to what the viewer decides itself.
APPEAL = "appeal"
_REPLICATES = 20
#: The number that a sign-flip test needs to find anything among six: 2 / 2^8 * 6 < 0.05.
_REPLICATES_WITH_MODEL = 8
#: Numbers of agents, and of core users among them, without and with a language model.
_PEOPLE = {False: (10_000, 100), True: (200, 20)}
_WORDS = {
    "reach": "reach a different number of agents",
    "half_time": "reach half of their audience after a different number of steps",
    "life": "are answered for a different number of steps",
    "related": "have a different number of related new posts",
    "passed_on": "are passed on by those who see them with a different chance",
}


class RumorStudy(Study):
    """One arm for each driver of the agents; truth is compared within a run."""

    name = "rumor"
    title = "Rumor"
    question = (
        "Do false messages go further, faster and longer than true ones, and how do interest "
        "groups cluster meanwhile?"
    )
    version = 3
    takes = frozenset[str]()

    def trials(self, options: StudyOptions) -> Sequence[Trial]:
        """Return the replicates of the statistical policy, or of each model that is named."""
        asked = RunOptions.of(options)
        appeal, settings = _split(asked.settings)
        arms = {
            model or STATISTICAL: {"model": model, APPEAL: appeal, "overrides": settings}
            for model in asked.drivers
        }
        trials = asked.trials(arms, _REPLICATES_WITH_MODEL if asked.models else _REPLICATES)
        _scenario(trials[0])  # bad settings fail here
        return trials

    def scenario(self, trial: Trial, options: StudyOptions) -> Scenario:
        """Return the society of a trial, without the messages."""
        return _scenario(trial)

    def hypotheses(self, options: StudyOptions) -> Sequence[Hypothesis]:
        """Return the predictions of each arm.

        Truth is the only difference within a run, so false and true messages are compared in pairs.
        """
        return [
            h
            for model in RunOptions.of(options).drivers
            for h in _predictions(model or STATISTICAL)
        ]

    def run(self, trial: Trial, options: StudyOptions) -> TrialOutcome:
        """Post the messages, run the society, and measure each message."""
        scenario, appeal = _scenario(trial), trial.settings[APPEAL]
        with Simulation(scenario, threads=threads()) as sim:
            sim.reset()
            synthetic = scenario.population.synthetic
            core = synthetic.core if synthetic else 0
            rumors = spread_rumors(sim, core, trial.seed)
            false = np.array([r.post for r in rumors if r.truth == FALSE])
            while sim.t < scenario.steps:
                run_on(sim, 1)
                if appeal:
                    tempt(sim, false, appeal, trial.seed)
            rows, curves = measure_rumors(sim, rumors), group_curves(sim)
            drawn = picture(sim, core) if trial.replicate == 0 else {}
            lost = turns_lost(sim)
        return _outcome(rows, curves, drawn, lost)

    def judge(self, results: Results, options: StudyOptions) -> Sequence[Finding]:
        """Return whether false and true messages differ, and how interest groups cluster."""
        values = Table(pa.concat_tables([results.values.arrow, by_treatment(results.values)]))
        return compare(values, self.hypotheses(options), seed=RunOptions.of(options).seed)

    def figures(self, results: Results, options: StudyOptions) -> Sequence[Figure]:
        """Return reach over time, each message, groups over time, the graph before and after."""
        return figures(results)

    def story(
        self, results: Results, findings: Sequence[Finding], options: StudyOptions
    ) -> Sequence[str]:
        asked = RunOptions.of(options)
        told = story(findings, asked, _split(asked.settings)[0])
        return [*told, *usable(results.values)]


def study() -> RumorStudy:
    return RumorStudy()


def _split(settings: Mapping[str, Any]) -> tuple[float, dict[str, Any]]:
    """Return the appeal of false messages and the settings of the scenario."""
    rest = dict(settings)
    appeal = rest.pop(APPEAL, 0.0)
    if isinstance(appeal, bool) or not isinstance(appeal, int | float) or not 0 <= appeal <= 1:
        raise ScenarioError(f"{APPEAL}: must be a chance from 0 to 1, not {appeal!r}")
    return float(appeal), rest


def _scenario(trial: Trial) -> Scenario:
    model = trial.settings["model"]
    agents, core = _PEOPLE[model is not None]
    data: dict[str, Any] = {
        "name": "rumor",
        "seed": trial.seed,
        "steps": 60,
        "topics": list(MESSAGES),
        "platform": {
            "preset": "x",
            "actions": ["create_post", "repost", "quote_post", "like_post", "create_comment",
                        "follow", "unfollow", "do_nothing"],
        },
        "population": {
            "synthetic": {"agents": agents, "core": core},
            "graph": {"kind": "topic"},
        },
        "time": {"activity": {"kind": "constant", "core_rate": 0.1, "rate": 0.01}},
        "behaviour": {"base": {"repost": -4.5, "quote_post": -6.0, "create_comment": -5.0,
                               "follow": -4.5, "unfollow": -6.0}},
    }  # fmt: skip
    data = apply_overrides(data, trial.settings["overrides"])
    data["agents"] = [driver(model)]
    return parse_scenario(data, "the study 'rumor'")


def _outcome(
    rows: list[dict[str, Any]],
    curves: dict[str, Any],
    drawn: dict[str, Any],
    lost: Mapping[str, float],
) -> TrialOutcome:
    values = dict(lost)
    for measure in MEASURES:
        values |= {f"{measure}/{truth}": mean for truth, mean in means(rows, measure).items()}
    for name, points in curves.items():
        if points:
            values |= {name: points[-1][1], f"{name}_change": points[-1][1] - points[0][1]}
    curves = dict(curves)
    for truth in (TRUE, FALSE):
        reached = np.mean([r["reached"] for r in rows if r["truth"] == truth], axis=0)
        curves[f"reach/{truth}"] = list(enumerate(reached.tolist()))
    kept = ("domain", "truth", "followers", "viewings", *MEASURES)
    messages = [{name: row.get(name) for name in kept} for row in rows]
    return TrialOutcome(values, curves, {"messages": messages, **drawn})


def _predictions(arm: str) -> list[Hypothesis]:
    false, true = treated(arm, FALSE), treated(arm, TRUE)
    clusters = f"Interest groups cluster more or less at the end than at the start ({arm})."
    return [
        *(
            Hypothesis(f"False messages {words} than true ones ({arm}).", m, false, true,
                       test="paired")
            for m, words in _WORDS.items()
        ),
        Hypothesis(clusters, "assortativity_change", arm, 0.0),
    ]  # fmt: skip
