"""Predictions of cascades without a simulation: the skill to beat.

A simulation is useful when it beats the baseline that knows as much as it does. All baselines are
made from the same cascades on which they are judged, which favours them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hubbub.studies.cascade_files import Cascade

Curves = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Baseline:
    """A prediction by rule: its name, its description, and what it knows."""

    name: str
    words: str
    knows: str


MEDIAN = Baseline("median curve", "the median of all real curves", "nothing of a cascade")
SIZE = Baseline("f N g(t)", "the median share f of the users, in the mean shape g", "the users")
TIES = Baseline("f M g(t)", "the median share f of the whole tree's measure M", "the ties")
FLOOR = Baseline("floor", "the real value at 150 minutes in the mean shape g", "all but the shape")
REFERENCES = (MEDIAN, SIZE, TIES, FLOOR)


def predictions(cascades: Sequence[Cascade]) -> dict[str, Curves]:
    """Return each baseline's predictions by its name, float64[c, 3, 51] (MEASURES by MINUTES).

    g(t) is the mean over cascades of the curve divided by its value at 150 minutes; f, for each
    measure, is the median over cascades of its value at 150 minutes divided by N (SIZE) or M
    (TIES). A cascade whose value at 150 minutes is 0 has no part in g. (README of the project's
    data.)
    """
    real = np.stack([c.curves() for c in cascades])
    whole = np.stack([c.whole() for c in cascades])
    users = np.repeat([[len(c.ties)] for c in cascades], 3, axis=1).astype(np.float64)
    final = real[:, :, -1]
    with np.errstate(divide="ignore", invalid="ignore"):
        shape = np.nanmean(real / final[:, :, None], axis=0)

    def share_of(known: NDArray[np.float64]) -> Curves:
        f = np.median(final / np.maximum(known, 1), axis=0)
        curves: Curves = (f * known)[:, :, None] * shape
        return curves

    return {
        MEDIAN.name: np.broadcast_to(np.median(real, axis=0), real.shape),
        SIZE.name: share_of(users),
        TIES.name: share_of(whole),
        FLOOR.name: final[:, :, None] * shape,
    }


def errors(predicted: Curves, real: Curves) -> NDArray[np.float64]:
    """Return root mean squared error over the points / real value at the last, float64[c, 3].

    NaN where that value is 0: the error is not defined there. (OASIS, arXiv 2411.11581, section on
    information propagation, divides by the same value.)
    """
    final = real[:, :, -1]
    squares = np.mean((predicted - real) ** 2, axis=2)
    result = np.full(final.shape, np.nan)
    np.divide(np.sqrt(squares), final, out=result, where=final > 0)
    return result
