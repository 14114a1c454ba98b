"""People, networks and importers: the society before step 1."""

from hubbub.population.build import build
from hubbub.population.people import People

__all__ = ["People", "build"]
