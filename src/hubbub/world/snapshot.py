"""A world as named arrays and back: what a checkpoint keeps of it.

What the population gives (interests, traits, profiles) is left out for the agents who were there
from the start; texts are in the log, and only their number is kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hubbub.world.pairs import PairSet
from hubbub.world.world import World

#: Columns of agents that nothing changes after the agent has joined.
FIXED = ("core", "topics", "interest", "curve", "rate", "sharing", "verbosity", "contrary",
         "opinion_start")  # fmt: skip
_TABLES = ("items", "groups", "products", "notes")


def state(world: World) -> dict[str, Any]:
    """Return what is no array, as plain values for JSON."""
    return {
        "step": world.step,
        "exclusive_reactions": world.exclusive_reactions,
        "settings": world.settings,
        "texts": len(world.texts),
        "joined": world.profiles.later,
        "rows": {name: len(getattr(world, name)) for name in _TABLES},
    }


def arrays(world: World) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yield the arrays with their names, one after the other to bound memory.

    Columns are called table/column. A set of pairs is the number of partners of each left id
    (sets/NAME/count) and all partners, those of one left id after the other (sets/NAME/right).
    """
    late = len(world.agents) - len(world.profiles.later)
    for name in world.agents.names:
        yield f"agents/{name}", world.agents[name][late if name in FIXED else 0 :]
    for table in _TABLES:
        for name in getattr(world, table).names:
            yield f"{table}/{name}", getattr(world, table)[name]
    for name, pairs in world.sets.items():
        left, right = pairs.columns()
        yield f"sets/{name}/count", np.bincount(left).astype(np.int32)
        del left
        yield f"sets/{name}/right", right


def names(world: World) -> list[str]:
    """Return the names that `arrays` gives, in order."""
    tables = [f"{t}/{name}" for t in ("agents", *_TABLES) for name in getattr(world, t).names]
    return tables + [f"sets/{name}/{part}" for name in world.sets for part in ("count", "right")]


def restore(
    world: World, state: Mapping[str, Any], kept: dict[str, NDArray[Any]], texts: Sequence[str]
) -> None:
    """Bring a world as its population settled to the moment that `state` and `arrays` tell of.

    `kept` are the arrays by name, which are taken out one by one; `texts` the first texts of the
    run, as many as `state` says.
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
        count, right = kept.pop(f"sets/{name}/count"), kept.pop(f"sets/{name}/right")
        keys = np.repeat(np.arange(len(count), dtype=np.int64) << np.int64(32), count)
        keys |= right
        world.sets[name] = PairSet(keys)
