"""Study 3, herding: what a randomly assigned first vote does to the votes that follow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hubbub.config.scenario import Scenario
from hubbub.engine import Simulation
from hubbub.report.figure_data import Figure
from hubbub.studies.herding.false_claims import (
    agreement,
    claims_settings,
    in_equal_parts,
    post_claims,
)
from hubbub.studies.herding.forum import at_random, forum_scenario, run_treated
from hubbub.studies.herding.predictions import (
    AS_PUBLISHED,
    BLIND,
    CLAIMS,
    HOT,
    NONE,
    STRENGTH,
    by_treatment,
    predictions,
    strength_in,
)
from hubbub.studies.herding.report import figures, story
from hubbub.studies.herding.votes import (
    STRENGTHS,
    TREATMENTS,
    Forum,
    balance,
    read_forum,
    strength,
    treatment_means,
)
from hubbub.studies.llm_judge import judging
from hubbub.studies.lost_replies import turns_lost, usable
from hubbub.studies.options import RunOptions
from hubbub.studies.statistics import Estimate, Hypothesis, estimates, judge
from hubbub.studies.study import Study
from hubbub.studies.trial_process import threads
from hubbub.studies.trials import Finding, Results, StudyOptions, Trial, TrialOutcome

_REPLICATES = 12
_ARMS: dict[str, dict[str, Any]] = {
    BLIND: {"feed.preset": "random", "behaviour.herding": AS_PUBLISHED},
    NONE: {"feed.preset": "random", "behaviour.herding": 0.0},
    HOT: {"feed.preset": "hot", "behaviour.herding": AS_PUBLISHED},
    CLAIMS: {
        **claims_settings(),
        "feed.preset": "random",
        "behaviour.herding": AS_PUBLISHED,
    },
}


class HerdingStudy(Study):
    """Arms differ in the feed and in how much agents heed scores; treatments vary within a run."""

    name = "herding"
    title = "Herding"
    question = (
        "Does one randomly assigned vote, given right after something was written, change "
        "how others vote on it?"
    )
    version = 1
    takes = frozenset[str]()

    def trials(self, options: StudyOptions) -> Sequence[Trial]:
        """Return all arms x replicates.

        A model has the score-blind feed and, with a judge of what it writes, the false claims.
        """
        asked = RunOptions.of(options)
        arms = {
            f"{model}, {name}": _settings(asked, name, model)
            for model in asked.models
            for name in ((BLIND, CLAIMS) if asked.judge else (BLIND,))
        }
        if not arms:
            arms = {name: _settings(asked, name, None) for name in _ARMS}
            if "behaviour.herding" in asked.settings:
                del arms[NONE]  # the person's own strength holds in all arms
        trials = asked.trials(arms, _REPLICATES)
        for trial in trials[:: len(trials) // len(arms)]:
            self.scenario(trial, options)  # bad settings fail here
        return trials

    def scenario(self, trial: Trial, options: StudyOptions) -> Scenario:
        """Return the forum of a trial, without the first points and the false claims."""
        s = trial.settings
        return forum_scenario(trial.seed, s["model"], s["changes"], s["overrides"])

    def hypotheses(self, options: StudyOptions) -> Sequence[Hypothesis]:
        """Return the predictions of each arm."""
        arms = dict.fromkeys(trial.arm for trial in self.trials(options))
        return [h for arm in arms for h in predictions(arm)]

    def run(self, trial: Trial, options: StudyOptions) -> TrialOutcome:
        """Run a forum, assign first points at random, and measure later votes by treatment."""
        scenario, claims = self.scenario(trial, options), trial.settings["setting"] == CLAIMS
        assignment = in_equal_parts(trial.seed) if claims else at_random(trial.seed)
        with Simulation(scenario, threads=threads()) as sim:
            sim.reset()
            if claims:
                post_claims(sim)
            forum = read_forum(sim, run_treated(sim, assignment))
            values = (_of_claims(forum) if claims else _values(forum)) | turns_lost(sim)
            if claims:
                values |= _agreement(sim, forum, trial, scenario)
        total = balance(forum)
        found = strength(total)
        curves: dict[str, list[tuple[float, float]]] = {}
        if not claims:
            curves = {"imbalance": _curve(total.imbalance), "spread": _curve(total.spread)}
            if np.isfinite(found.value):
                values[STRENGTH] = found.value
        return TrialOutcome(values, curves, {} if claims else {"scores": _scores(forum)})

    def judge(self, results: Results, options: StudyOptions) -> Sequence[Finding]:
        """Return a finding for each hypothesis, corrected for all of them together."""
        asked = RunOptions.of(options)
        values = by_treatment(results.values)
        tested: list[tuple[Hypothesis, Estimate]] = []
        for arm in dict.fromkeys(results.values["arm"].to_pylist()):
            for h in predictions(arm):
                if h.measure == STRENGTH:
                    tested.append((h, strength_in(arm, results)))
                else:
                    tested += estimates(values, [h], seed=asked.seed)
        return judge(tested)

    def figures(self, results: Results, options: StudyOptions) -> Sequence[Figure]:
        """Return ratios beside published values, the strength, scores, and agreement."""
        return figures(results, RunOptions.of(options))

    def story(
        self, results: Results, findings: Sequence[Finding], options: StudyOptions
    ) -> Sequence[str]:
        return [*story(results, findings, RunOptions.of(options)), *usable(results.values)]


def study() -> HerdingStudy:
    return HerdingStudy()


def _settings(asked: RunOptions, name: str, model: str | None) -> dict[str, Any]:
    return {
        "setting": name,
        "model": model,
        "judge": asked.judge,
        "changes": _ARMS[name],
        "overrides": dict(asked.settings),
    }


def _values(forum: Forum) -> dict[str, float]:
    """Return measures named as "posts_score/control"."""
    among = {
        "posts": forum.is_post,
        "comments": ~forum.is_post,
        "items": np.ones_like(forum.is_post),
    }
    return {
        f"{kind}_{measure}": value
        for kind, mine in among.items()
        for measure, value in treatment_means(forum, mine).items()
    }


def _of_claims(forum: Forum) -> dict[str, float]:
    """Return measures named as "posts_score/control" of the claims, posted before step 1."""
    means = treatment_means(forum, forum.is_post & (forum.created == 0))
    return {f"posts_{measure}": value for measure, value in means.items()}


def _agreement(sim: Simulation, forum: Forum, trial: Trial, scenario: Scenario) -> dict[str, float]:
    """Return the mean agreement of comments by the treatment of their statement."""
    name, found = trial.settings["judge"], dict[str, float]()
    if name is None:
        posts, agreed = agreement(sim, None)
    else:
        with judging(scenario, name, trial.seed, sim.store.spent()) as asked:
            posts, agreed = agreement(sim, asked)
        found = asked.lost
    for treatment, sign in TREATMENTS.items():
        mine = [a for p, a in zip(posts, agreed, strict=True)
                if a is not None and forum.treatment[p] == sign]  # fmt: skip
        if mine:
            found[f"agreement/{treatment}"] = sum(mine) / len(mine)
    return found


def _scores(forum: Forum) -> list[dict[str, Any]]:
    """Return how many posts and comments of each treatment ended with each score."""
    organic = forum.organic()
    rows = []
    for kind, mine in (("post", forum.is_post), ("comment", ~forum.is_post)):
        for treatment, sign in TREATMENTS.items():
            scores = organic[mine & (forum.treatment == sign)]
            for score, count in zip(*np.unique(scores, return_counts=True), strict=True):
                rows.append({"kind": kind, "treatment": treatment, "score": int(score),
                             "count": int(count)})  # fmt: skip
    return rows


def _curve(y: Any) -> list[tuple[float, float]]:
    return list(zip(STRENGTHS.tolist(), y.tolist(), strict=True))
