"""The information channel: what each agent is shown."""

from hubbub.feed.custom import FilterFunction, SourceFunction
from hubbub.feed.feed import Explained
from hubbub.feed.ranker import RankerFunction
from hubbub.world import CUSTOM_SOURCES, SOURCES, Slate

__all__ = [
    "CUSTOM_SOURCES",
    "SOURCES",
    "Explained",
    "FilterFunction",
    "RankerFunction",
    "Slate",
    "SourceFunction",
]
