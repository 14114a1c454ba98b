"""Fitting the pace of people to real cascades; each fold is predicted by a fit to the others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hubbub.errors import DataError
from hubbub.rng import Streams
from hubbub.studies.cascade_files import STEP_MINUTES, Cascade
from hubbub.studies.propagation.pace import Pace, columns

Floats = NDArray[np.float64]

#: Waiting times are observed up to this many minutes, the time compared. Anything later is news of
#: another day.
HORIZON = 150.0
#: The weights but the first have a normal prior around 0 with this standard deviation.
PRIOR_SPREAD = 1.0
#: Smallest number of cascades for a fit.
FEWEST = 8
_ITERATIONS, _CLOSE = 100, 1e-9


def folds(cascades: int, count: int, seed: int) -> NDArray[np.int64]:
    """Return the fold, 0 to count - 1, of each cascade, int64[cascades]: equal random shares."""
    order = Streams(seed).at("folds").permutation(cascades)
    fold = np.empty(cascades, np.int64)
    fold[order] = np.arange(cascades) % count
    return fold


def fit(cascades: Sequence[Cascade]) -> Pace:
    """Return the pace that makes the waiting times of these cascades' members most likely.

    A waiting time runs from the retweet of the person followed (the root: the post), in whole steps
    of the simulation; from HORIZON on it is only known to be longer. With x the time, e the linear
    predictor, a the shape and r = x exp(e): survival (1 + r)**-a, hazard a exp(e) / (1 + r).
    Newton's method on (ln a, weights). DataError for fewer than FEWEST cascades.
    """
    if len(cascades) < FEWEST:
        raise DataError(
            f"{len(cascades)} cascades are too few to fit the pace of people to: give at least "
            f"{FEWEST}"
        )
    waits = np.concatenate([_waits(c) for c in cascades])
    x = np.concatenate([columns(c.ties)[1:] for c in cascades])
    return Pace.of(*_fitted(x, np.minimum(waits, HORIZON), waits < HORIZON))


def _waits(cascade: Cascade) -> Floats:
    """Return the waiting times in minutes, to the middles of steps, of everyone but the root."""
    step = np.ceil(cascade.minutes / STEP_MINUTES)
    steps = np.maximum(step[1:] - step[cascade.ties.parent[1:]], 1)
    middle: Floats = (steps - 0.5) * STEP_MINUTES
    return middle


def _fitted(x: Floats, wait: Floats, known: NDArray[np.bool_]) -> tuple[float, Floats]:
    """Return shape and weights at the maximum of the posterior."""
    prior = np.full(x.shape[1], PRIOR_SPREAD**-2)
    prior[0] = 0.0
    theta = np.zeros(1 + x.shape[1])
    theta[1] = -np.log(np.median(wait))
    value, slope, bend = _posterior(theta, x, wait, known, prior)
    for _ in range(_ITERATIONS):
        step = np.linalg.solve(bend, -slope)
        while True:
            new = _posterior(theta + step, x, wait, known, prior)
            if new[0] >= value or np.abs(step).max() < _CLOSE:
                break
            step /= 2
        theta = theta + step
        value, slope, bend = new
        if np.abs(step).max() < _CLOSE:
            break
    return float(np.exp(theta[0])), theta[1:]


def _posterior(
    theta: Floats, x: Floats, wait: Floats, known: NDArray[np.bool_], prior: Floats
) -> tuple[float, Floats, Floats]:
    """Return the log posterior at (ln a, weights), its gradient and a negative definite Hessian."""
    a, weights = np.exp(theta[0]), theta[1:]
    e = np.clip(x @ weights, -30, 30)
    grown = np.log1p(wait * np.exp(e))
    w = -np.expm1(-grown)  # r / (1 + r)
    value = (known * (theta[0] + e) - (a + known) * grown).sum() - 0.5 * (prior * weights**2).sum()
    slope = np.empty(len(theta))
    slope[0] = known.sum() - a * grown.sum()
    slope[1:] = x.T @ (known - (a + known) * w) - prior * weights
    bend = np.empty((len(theta), len(theta)))
    bend[0, 0] = -a * grown.sum()
    bend[0, 1:] = bend[1:, 0] = -a * (x.T @ w)
    bend[1:, 1:] = -(x.T * ((a + known) * w * (1 - w))) @ x - np.diag(prior)
    highest = np.linalg.eigvalsh(bend)[-1]
    if highest >= 0:  # far from the maximum it need not be concave
        bend -= (highest + 1.0) * np.eye(len(theta))
    return float(value), slope, bend
