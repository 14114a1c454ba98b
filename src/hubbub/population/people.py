"""What every source of a population provides, before graph, traits and activity are added."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


@dataclass(slots=True)
class People:
    """n agents: their profiles and what their source says about them.

    `profiles`, `core`, `topics`, `interest`, `posts` and `notes` as in `Population`. `utc_offset`
    int32[n] in minutes; `frequencies` float32[n, 24], the source's hourly activity, None if it has
    none; `follows` int64[e], sorted distinct keys of the source's own graph, None for none.
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
