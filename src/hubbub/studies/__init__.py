"""Studies: arms x replicates of a scenario, measured, judged and reported.

Names load at their first use: the processes of trials start without numerical libraries.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hubbub.report.figure_data import Figure
    from hubbub.studies.catalogue import find_study
    from hubbub.studies.checking import check_study
    from hubbub.studies.drivers import driver, run_on
    from hubbub.studies.resampling import Tails
    from hubbub.studies.runner import StudyHook, run_study
    from hubbub.studies.statistics import Estimate, Hypothesis, compare, judge
    from hubbub.studies.study import Study
    from hubbub.studies.trials import Finding, Results, StudyOptions, Trial, TrialOutcome

_HOMES = {
    "Estimate": "hubbub.studies.statistics",
    "Figure": "hubbub.report.figure_data",
    "Finding": "hubbub.studies.trials",
    "Hypothesis": "hubbub.studies.statistics",
    "Results": "hubbub.studies.trials",
    "Study": "hubbub.studies.study",
    "StudyHook": "hubbub.studies.runner",
    "StudyOptions": "hubbub.studies.trials",
    "Tails": "hubbub.studies.resampling",
    "Trial": "hubbub.studies.trials",
    "TrialOutcome": "hubbub.studies.trials",
    "check_study": "hubbub.studies.checking",
    "compare": "hubbub.studies.statistics",
    "driver": "hubbub.studies.drivers",
    "find_study": "hubbub.studies.catalogue",
    "judge": "hubbub.studies.statistics",
    "run_on": "hubbub.studies.drivers",
    "run_study": "hubbub.studies.runner",
}

__all__ = [
    "Estimate",
    "Figure",
    "Finding",
    "Hypothesis",
    "Results",
    "Study",
    "StudyHook",
    "StudyOptions",
    "Tails",
    "Trial",
    "TrialOutcome",
    "check_study",
    "compare",
    "driver",
    "find_study",
    "judge",
    "run_on",
    "run_study",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'hubbub.studies' has no attribute '{name}'")
    return getattr(import_module(home), name)
