"""What passes between the parts: what was shown, what happened, who is in the population."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from hubbub.actions.batch import OpinionChanges

Ints = NDArray[np.int32]


@dataclass(slots=True)
class Slate:
    """What the active agents of a step were shown.

    Agent `agents[i]` (int32[k], ascending) saw items[offsets[i]:offsets[i+1]] in this order.
    `items` are item ids as shown (a repost where it came through one), int32[m]; `scores`
    float32[m]; `sources` uint8[m], codes: rows of SOURCES, or CUSTOM_SOURCES + i.
    """

    agents: Ints
    offsets: NDArray[np.int64]
    items: Ints
    scores: NDArray[np.float32]
    sources: NDArray[np.uint8]

    @classmethod
    def empty(cls, agents: NDArray[Any]) -> Slate:
        """Return a slate that shows nothing to these agents."""
        return cls(
            np.asarray(agents, np.int32),
            np.zeros(len(agents) + 1, np.int64),
            np.empty(0, np.int32),
            np.empty(0, np.float32),
            np.empty(0, np.uint8),
        )

    @classmethod
    def concat(cls, parts: list[Slate]) -> Slate:
        """Return the slates of consecutive shards of agents as one."""
        if len(parts) == 1:
            return parts[0]
        counts = [np.diff(p.offsets) for p in parts]
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(np.concatenate(counts))])
        return cls(
            np.concatenate([p.agents for p in parts]),
            offsets,
            np.concatenate([p.items for p in parts]),
            np.concatenate([p.scores for p in parts]),
            np.concatenate([p.sources for p in parts]),
        )

    @classmethod
    def merge(cls, parts: list[Slate]) -> Slate:
        """Return the slates of any distinct agents as one, in the order of agents."""
        parts = [p for p in parts if len(p.agents)]
        if len(parts) < 2:
            return parts[0] if parts else cls.empty(np.empty(0, np.int32))
        joined = cls.concat(parts)
        order = np.argsort(joined.agents, kind="stable")
        counts = np.diff(joined.offsets)[order]
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
        within = np.arange(offsets[-1]) - np.repeat(offsets[:-1], counts)
        rows = np.repeat(joined.offsets[:-1][order], counts) + within
        shown = (joined.items[rows], joined.scores[rows], joined.sources[rows])
        return cls(joined.agents[order], offsets, *shown)

    def select(self, keep: NDArray[np.bool_]) -> Slate:
        """Return the slates of some of the agents (bool[k])."""
        if keep.all():
            return self
        counts = np.diff(self.offsets)
        shown = np.repeat(keep, counts)
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts[keep])])
        columns = (self.items[shown], self.scores[shown], self.sources[shown])
        return Slate(self.agents[keep], offsets, *columns)

    def of(self, agent: int) -> slice:
        """Return the slice of `items` that this agent saw; empty if it was not active."""
        at = int(np.searchsorted(self.agents, agent))
        if at == len(self.agents) or self.agents[at] != agent:
            return slice(0, 0)
        return slice(int(self.offsets[at]), int(self.offsets[at + 1]))

    def rows(self) -> Ints:
        """Return for every shown item the row of its viewer in `agents`, int32[m]."""
        return np.repeat(np.arange(len(self.agents), dtype=np.int32), np.diff(self.offsets))


#: Where a shown item came from, by code.
SOURCES = ("in_network", "trending", "interest", "social_proof", "random", "custom", "newest")
#: The i-th of a scenario's `feed.sources` has this code + i.
CUSTOM_SOURCES = 128


def source_names(custom: Sequence[str] = ()) -> list[str]:
    """Return the names of all 256 codes of sources; `custom` are those of `feed.sources`."""
    names = [*SOURCES, *[""] * (CUSTOM_SOURCES - len(SOURCES)), *custom]
    return names + [""] * (256 - len(names))


@dataclass(slots=True)
class Events:
    """What happened, as columns of equal length, in the order of application.

    `target` is the item, agent, group or product that the action referred to in the end; `via` is
    the id that the agent named (the repost through which it saw a post, the comment it replied to).
    `item` is the id of what was created (item, group, agent, product), -1 for none. `text` is a row
    of the world's texts, -1 for none. `reason` is 0 for carried out, else why not (Reason).
    """

    wave: NDArray[np.int16]
    agent: Ints
    action: NDArray[np.int16]
    reason: NDArray[np.uint8]
    target: Ints
    via: Ints
    item: Ints
    text: Ints
    amount: Ints
    topic: NDArray[np.int16]
    stance: NDArray[np.int16]
    opinions: OpinionChanges = field(default_factory=OpinionChanges.none)

    def __len__(self) -> int:
        return len(self.agent)

    @classmethod
    def columns(cls) -> dict[str, Any]:
        """Return the names of the columns and their dtypes, in order."""
        small = {"wave": np.int16, "action": np.int16, "topic": np.int16, "stance": np.int16}
        names = [f.name for f in fields(cls) if f.name != "opinions"]
        return {n: np.uint8 if n == "reason" else small.get(n, np.int32) for n in names}

    @classmethod
    def concat(cls, parts: list[Events]) -> Events:
        """Return all events in order; opinions are those of the last part that has any."""
        if len(parts) == 1:
            return parts[0]
        columns = {
            name: np.concatenate([np.empty(0, dtype), *(getattr(p, name) for p in parts)])
            for name, dtype in cls.columns().items()
        }
        opinions = [p.opinions for p in parts if len(p.opinions)]
        return cls(**columns, opinions=opinions[-1] if opinions else OpinionChanges.none())

    def take(self, rows: Any) -> Events:
        """Return some events, without opinions."""
        return Events(**{name: getattr(self, name)[rows] for name in self.columns()})


@dataclass(slots=True)
class Population:
    """The population before step 1: n agents.

    `profiles` has n rows with at least user_name, name and bio (strings) and any other field.
    `core` bool[n]; `topics` uint64[n], bit j for an interest in topic j of the scenario; `interest`
    int8[n, d], the vector of the profile; `curves` float32[c, 24], hourly activity by UTC hour, in
    [0, 1] after normalisation; `curve` int32[n], a row of it; `rate` float32[n]; `sharing` and
    `verbosity` float32[n], standard normal traits; `contrary` float32[n], uniform; `opinions`
    int16[n, topics], fixed-point; `follows` int64[e], sorted distinct PairSet keys (follower << 32
    | followee); `posts` are (author, text) pairs that exist before step 1. `notes` are sentences on
    oddities in the data and how they were handled.
    """

    profiles: pa.Table
    core: NDArray[np.bool_]
    topics: NDArray[np.uint64]
    interest: NDArray[np.int8]
    curves: NDArray[np.float32]
    curve: Ints
    rate: NDArray[np.float32]
    sharing: NDArray[np.float32]
    verbosity: NDArray[np.float32]
    contrary: NDArray[np.float32]
    opinions: NDArray[np.int16]
    follows: NDArray[np.int64]
    posts: list[tuple[int, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.core)
