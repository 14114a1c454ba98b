"""People, networks and importers: the society before step 1."""

from hubbub.population.build import build

__all__ = ["build"]
