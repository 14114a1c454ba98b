"""Custom follow graphs: functions of the user, named by dotted paths."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hubbub.config.scenario import GraphConfig
from hubbub.config.user_code import blamed_on, load_function
from hubbub.errors import ScenarioError
from hubbub.population.people import People
from hubbub.rng import Stream, Streams
from hubbub.world import keys_of


class GraphFunction(Protocol):
    """A custom follow graph, named in `population.graph.kind`: it says who follows whom."""

    def __call__(self, people: People, config: GraphConfig, stream: Stream, /) -> Any:
        """Return (followers, followees): two arrays of agent ids, one entry per tie."""


def custom_follows(config: GraphConfig, people: People, streams: Streams) -> NDArray[np.int64]:
    """Return the ties of the function `config.kind` as sorted distinct keys, int64[e]."""
    function = load_function(config.kind, "population.graph.kind")
    place = f"population.graph.kind '{config.kind}'"
    return follows_of(function, place, people, config, streams.at("graph/custom"))


def follows_of(
    function: GraphFunction, place: str, people: People, config: GraphConfig, stream: Stream
) -> NDArray[np.int64]:
    """Return the ties of a function as sorted distinct keys; ScenarioError if they are wrong.

    A single agent has none, and the function is not called.
    """
    n = len(people)
    if n < 2:
        return np.empty(0, np.int64)
    with blamed_on(place):
        found = function(people, config, stream)
    if not isinstance(found, tuple) or len(found) != 2:
        shown = f"a tuple of {len(found)}" if isinstance(found, tuple) else type(found).__name__
        raise ScenarioError(f"{place} must return (followers, followees), not {shown}")
    columns = [np.asarray(column) for column in found]
    if columns[0].ndim != 1 or columns[0].shape != columns[1].shape:
        shapes = f"{columns[0].shape} and {columns[1].shape}"
        raise ScenarioError(f"{place} must return two arrays of one length, not {shapes}")
    for name, column in zip(("followers", "followees"), columns, strict=True):
        if len(column) and column.dtype.kind not in "iu":
            raise ScenarioError(f"{place} must return {name} as integer ids, not {column.dtype}")
        beyond = column[(column < 0) | (column >= n)]
        if len(beyond):
            raise ScenarioError(
                f"{place} returned {int(beyond[0])} among the {name}; agents have the ids 0 to "
                f"{n - 1}"
            )
    followers, followees = (column.astype(np.int64) for column in columns)
    alone = followers[followers == followees]
    if len(alone):
        raise ScenarioError(f"{place} lets agent {alone[0]} follow itself; leave such ties out")
    return np.unique(keys_of(followers, followees))
