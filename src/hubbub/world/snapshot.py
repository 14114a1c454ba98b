"""A world as named arrays and back: the content of a checkpoint.

What the population defines (interests, traits, profiles) is left out for the initial agents; texts
are in the log, so only their number is kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hubbub.world.pairs import PairSet, columns_of
from hubbub.world.world import World

#: Columns of agents that nothing changes after the agent has joined.
FIXED = ("core", "topics", "interest", "curve", "rate", "sharing", "verbosity", "contrary",
         "opinion_start")  # fmt: skip
_TABLES = ("items", "groups", "products", "notes")
_NONE = np.empty(0, np.int64)


def state(world: World) -> dict[str, Any]:
    """Return everything that is not an array, as plain values for JSON."""
    return {
        "step": world.step,
        "exclusive_reactions": world.exclusive_reactions,
        "settings": world.settings,
        "texts": len(world.texts),
        "joined": world.profiles.later,
        "rows": {name: len(getattr(world, name)) for name in _TABLES},
        "merged": [name for name, pairs in world.sets.items() if pairs.merged],
    }


def arrays(world: World) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yield the arrays with their names, one after the other to limit memory.

    Columns are called table/column. A set of pairs is stored as its changes since the start
    (sets/NAME/added, removed), or as all its pairs if they have been merged (all, none).
    """
    late = len(world.agents) - len(world.profiles.later)
    for name in world.agents.names:
        yield f"agents/{name}", world.agents[name][late if name in FIXED else 0 :]
    for table in _TABLES:
        for name in getattr(world, table).names:
            yield f"{table}/{name}", getattr(world, table)[name]
    for name, pairs in world.sets.items():
        added, removed = (pairs.keys(), _NONE) if pairs.merged else pairs.waiting()
        yield f"sets/{name}/added", added
        yield f"sets/{name}/removed", removed


def names(world: World) -> list[str]:
    """Return the names that `arrays` gives, in order."""
    tables = [f"{t}/{name}" for t in ("agents", *_TABLES) for name in getattr(world, t).names]
    return tables + [f"sets/{name}/{part}" for name in world.sets for part in ("added", "removed")]


def restore(
    world: World, state: Mapping[str, Any], kept: dict[str, NDArray[Any]], texts: Sequence[str]
) -> None:
    """Bring a freshly populated world to the moment described by `state` and `arrays`.

    `kept` are the arrays by name, which are taken out one by one; `texts` are the first texts of
    the run, as many as `state` says.
    """
    world.step = state["step"]
    world.exclusive_reactions = state["exclusive_reactions"]
    world.settings = dict(state["settings"])
    world.texts.intern(texts)
    for record in state["joined"]:
        world.profiles.append(record)
    world.agents.extend(len(state["joined"]))
    for name in world.agents.names:
        column = kept.pop(f"agents/{name}")
        world.agents[name][len(world.agents) - len(column) :] = column
    for name in _TABLES:
        table = getattr(world, name)
        columns = {column: kept.pop(f"{name}/{column}") for column in table.names}
        table.extend(state["rows"][name], **columns)
    for name in world.sets:
        added, removed = kept.pop(f"sets/{name}/added"), kept.pop(f"sets/{name}/removed")
        if name in state["merged"]:
            world.sets[name] = PairSet(added, merged=True)
        else:
            world.sets[name].add(*columns_of(added))
            world.sets[name].remove(*columns_of(removed))
