"""What runs mean: functions of their tables."""

from hubbub.analysis.cascades import cascades, forest
from hubbub.analysis.models import ModelFigures, Said, exchanges, model_figures, said
from hubbub.analysis.summary import OpinionShift, Summary, summarise

__all__ = [
    "ModelFigures",
    "OpinionShift",
    "Said",
    "Summary",
    "cascades",
    "exchanges",
    "forest",
    "model_figures",
    "said",
    "summarise",
]
