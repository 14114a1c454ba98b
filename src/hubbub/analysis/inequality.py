"""How unequally something is distributed: attention over authors, followers over agents, topics.

Values are amounts of at least 0, one per holder, including zeros for those who have nothing.
ValueError for negative ones. If the total is 0, a measure is NaN.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hubbub.store import Table

Floats = NDArray[np.float64]


def gini(amounts: ArrayLike) -> float:
    """Return the Gini coefficient: 0 if all have the same, 1 - 1/n if one has everything.

    G = sum over i of (2 i - n - 1) x_i / (n sum x), x ascending, i from 1: half the mean absolute
    difference of two holders over the mean (Gini 1912; Sen 1973, On Economic Inequality, ch. 2).
    """
    x = np.sort(_amounts(amounts))
    n, total = len(x), x.sum()
    if not total > 0:
        return math.nan
    return float((2 * np.arange(1, n + 1) - n - 1) @ x / (n * total))


def top_share(amounts: ArrayLike, share: float = 0.01) -> float:
    """Return the share of the total that the top `share` of the holders have, in [0, 1].

    These are the ceil(share x n) with the most; `share` in (0, 1], ValueError otherwise.
    """
    if not 0 < share <= 1:
        raise ValueError("share must be in (0, 1]")
    x = np.sort(_amounts(amounts))[::-1]
    total = x.sum()
    if not total > 0:
        return math.nan
    count = math.ceil(round(share * len(x), 9))  # 0.07 x 100 is 7, not 7.000000000000001
    return float(x[:count].sum() / total)


def lorenz(amounts: ArrayLike) -> Table:
    """Return the Lorenz curve: the share of the total that the poorest share of holders have.

    Columns `holders` and `amount`, both from 0 to 1, n + 1 rows (Lorenz 1905, doi:10.2307/2276207).
    """
    x = np.sort(_amounts(amounts))
    sums = np.concatenate([np.zeros(1), np.cumsum(x)])
    held = sums / sums[-1] if sums[-1] > 0 else np.full(len(sums), math.nan)
    return Table({"holders": np.linspace(0, 1, len(sums)), "amount": held})


def entropy(amounts: ArrayLike) -> float:
    """Return Shannon's entropy of the shares p, - sum p ln p, in nats; 0 for a single holder."""
    p = _shares(amounts)
    return float(-(p @ np.log(p)) + 0.0) if len(p) else math.nan


def hill_number(amounts: ArrayLike, order: float = 1.0) -> float:
    """Return the effective number of holders, from 1 to n (Hill 1973, doi:10.2307/1934352, eq. 3).

    (sum p^q)^(1 / (1 - q)) for the shares p. Order q = 0 counts those who have anything; order 1
    (the limit) is exp(entropy), order 2 one over Simpson's index, order infinity one over the
    largest share. ValueError for a negative order.
    """
    if not order >= 0:
        raise ValueError("order must be at least 0")
    p = _shares(amounts)
    if not len(p):
        return math.nan
    if math.isinf(order):
        return float(1 / p.max())
    if order == 1:
        return math.exp(entropy(p))
    if abs(order - 1) < 0.1:  # where p^q sums to nearly 1: all digits of the difference count
        log_sum = math.log1p(p @ np.expm1((order - 1) * np.log(p)))
    else:  # the largest set apart, so that nothing is too small for a float
        log_sum = order * math.log(p.max()) + math.log(((p / p.max()) ** order).sum())
    return math.exp(log_sum / (1 - order))


def _amounts(values: ArrayLike) -> Floats:
    x = np.asarray(values, np.float64)
    if (x < 0).any():
        raise ValueError("amounts must be at least 0")
    return x


def _shares(amounts: ArrayLike) -> Floats:
    """Return the shares that are not 0; none if the total is 0."""
    x = _amounts(amounts)
    x = x[x > 0]
    return x / x.sum() if len(x) else x
