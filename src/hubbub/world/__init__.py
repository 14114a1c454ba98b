"""The state of a society, and how events change it."""

from hubbub.world.columns import Columns
from hubbub.world.pairs import PairSet, keys_of
from hubbub.world.records import SOURCES, Events, Population, Slate
from hubbub.world.world import World

__all__ = ["SOURCES", "Columns", "Events", "PairSet", "Population", "Slate", "World", "keys_of"]
