"""Measures of runs: functions of their tables.

This package exports the functions that take a run, and the trees of its items. The functions of
arrays and tables behind them, and those of survey answers, are in the modules, one per subject.
"""

from hubbub.analysis.activity import activity_of_run
from hubbub.analysis.cascades import cascades, forest
from hubbub.analysis.exposure import attention_of_run, exposures, repost_by_exposure_of_run
from hubbub.analysis.growth import growth_of_run
from hubbub.analysis.model_calls import ModelFigures, Said, exchanges, model_figures, said
from hubbub.analysis.network import follows_at, mixing_of_run, network_of_run
from hubbub.analysis.polarization import polarization_of_run
from hubbub.analysis.summary import OpinionShift, Summary, items_light, summarise

__all__ = [
    "ModelFigures",
    "OpinionShift",
    "Said",
    "Summary",
    "activity_of_run",
    "attention_of_run",
    "cascades",
    "exchanges",
    "exposures",
    "follows_at",
    "forest",
    "growth_of_run",
    "items_light",
    "mixing_of_run",
    "model_figures",
    "network_of_run",
    "polarization_of_run",
    "repost_by_exposure_of_run",
    "said",
    "summarise",
]
