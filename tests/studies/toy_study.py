"""A study whose trials take no time: they write that they ran, and give numbers of their seed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hubbub.errors import ScenarioError
from hubbub.report.figure_data import Figure
from hubbub.studies.statistics import Hypothesis
from hubbub.studies.study import Study
from hubbub.studies.trial_process import threads
from hubbub.studies.trials import Finding, Results, StudyOptions, Trial, TrialOutcome


class ToyStudy(Study):
    """Arms a and b; `ran` is a folder in which each trial leaves its process's number."""

    name = "toy"
    title = "A toy"
    question = "Does it run?"
    takes = frozenset({"cascades", "x"})

    def __init__(self, ran: Path, *, version: int = 1, wrong: str = "", bug: str = "") -> None:
        self.version = version
        self.ran = ran
        self.wrong = wrong
        self.bug = bug

    def trials(self, options: StudyOptions) -> list[Trial]:
        number = 3 if options.replicates is None else options.replicates
        return [
            Trial(arm, r, 10 * r + a, {"x": a}) for a, arm in enumerate("ab") for r in range(number)
        ]

    def scenario(self, trial: Trial, options: StudyOptions) -> None:
        return None

    def hypotheses(self, options: StudyOptions) -> list[Hypothesis]:
        return []

    def run(self, trial: Trial, options: StudyOptions) -> TrialOutcome:
        name = f"{trial.arm}{trial.replicate}"
        if name == self.wrong:
            raise ScenarioError("it cannot be run")
        if name == self.bug:
            raise ZeroDivisionError("a bug")
        with (self.ran / name).open("a") as file:
            file.write(f"{os.getpid()} {threads()} {os.environ.get('OMP_NUM_THREADS')}\n")
        seed = trial.seed
        rows: list[dict[str, Any]] = [
            {"who": f'x, "{seed}"', "n": seed, "share": seed / 7, "said": None if seed else ""}
        ]
        return TrialOutcome(
            {"third": seed / 3, "seed": float(seed)},
            {"line": [(0, seed / 3), (1, seed)]},
            {"people": rows, "none": [{"empty": None}]} if trial.arm == "a" else {"people": rows},
        )

    def judge(self, results: Results, options: StudyOptions) -> list[Finding]:
        return []

    def figures(self, results: Results, options: StudyOptions) -> list[Figure]:
        return []

    def story(
        self, results: Results, findings: Sequence[Finding], options: StudyOptions
    ) -> list[str]:
        return []

    def runs(self) -> dict[str, int]:
        """Return how often each trial ran."""
        return {p.name: len(p.read_text().splitlines()) for p in sorted(self.ran.iterdir())}
