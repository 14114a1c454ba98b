"""Opinions on the topics before step 1."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hubbub.actions import SCALE
from hubbub.population.marginals import OPINION_SEVENTHS
from hubbub.rng import Stream

_ROWS = 1 << 17  # agents drawn at a time, to bound memory


def initial_opinions(stream: Stream, agents: int, topics: int) -> NDArray[np.int16]:
    """Return opinions in [-SCALE, SCALE], int16[agents, topics], independent over topics.

    [-1, 1] is cut into seven equal parts, with the shares of the seven answers in
    marginals.OPINION_SEVENTHS; within a part opinions are uniform.
    """
    width = 2 * SCALE / len(OPINION_SEVENTHS)
    parts = np.array(OPINION_SEVENTHS, np.float64)
    result = np.empty((agents, topics), np.int16)
    for first in range(0, agents, _ROWS):
        rows = result[first : first + _ROWS]
        part = stream.choice(parts, rows.size)
        inside = stream.uniform(rows.size)
        rows[:] = np.floor((part + inside) * width - SCALE).reshape(rows.shape)
    return result
