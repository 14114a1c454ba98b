"""The state of a society, and how events change it."""

from hubbub.world.columns import Columns
from hubbub.world.pairs import PairSet, keys_of
from hubbub.world.records import CUSTOM_SOURCES, SOURCES, Events, Population, Slate, source_names
from hubbub.world.world import World

__all__ = [
    "CUSTOM_SOURCES",
    "SOURCES",
    "Columns",
    "Events",
    "PairSet",
    "Population",
    "Slate",
    "World",
    "keys_of",
    "source_names",
]
