"""What every source of a population provides, before graph, traits and activity are added."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


@dataclass(slots=True)
class People:
    """n agents: their profiles and what their source says about them.

    `profiles` has n rows with at least user_name, name and bio. `core` bool[n]; `topics` uint64[n],
    bit j for an interest in topic j of the scenario; `interest` int8[n, d], the vector of the
    profile; `utc_offset` int32[n] in minutes; `frequencies` float32[n, 24], the source's hourly
    activity, None if it has none; `follows` int64[e], sorted distinct keys (follower << 32 |
    followee) of the source's own graph, None for none. `posts` are (author, text) pairs that exist
    before step 1, `notes` sentences on oddities in the data and how they were handled.
    """

    profiles: pa.Table
    core: NDArray[np.bool_]
    topics: NDArray[np.uint64]
    interest: NDArray[np.int8]
    utc_offset: NDArray[np.int32]
    frequencies: NDArray[np.float32] | None = None
    follows: NDArray[np.int64] | None = None
    posts: list[tuple[int, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.core)
