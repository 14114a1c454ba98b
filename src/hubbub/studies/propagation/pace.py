"""How soon people see a message that they will pass on: how often each is awake, by its known ties.

Each person looks at a rate of their own, so the waiting time from exposure is exponential. The
rates are gamma distributed; over all people the waiting time is then Lomax distributed (Pareto II),
heavy-tailed as response times are found to be: P(T > t) = (1 + t / minutes)**-shape. (Johnson,
Kotz, Balakrishnan 1994, Continuous Univariate Distributions I, chapter 20, section 3.)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from hubbub.config.section import Section
from hubbub.rng import Stream
from hubbub.studies.cascade_files import MINUTES, Ties

Floats = NDArray[np.float64]

#: The size of a cascade is measured relative to this number of people.
USUAL_CROWD = 300.0
#: The effect of the hour is made of waves with these frequencies, in cycles per day.
WAVES = (1.0, 2.0)


class Pace(Section):
    """How often people look, by what is known of their ties: the fitted part of study 1(a).

    The rate of a person is a gamma variate of `shape`, divided by `minutes`, times exp(indirect, if
    they follow somebody other than the root + audience * ln(1 + their followers in the tree) +
    crowd * ln(people in the tree / 300) + the effect of the hour (UTC)). The defaults were fitted
    by `hubbub calibrate propagation` to the 134 cascades of Twitter15 (Ma, Gao, Wong 2017,
    doi:10.18653/v1/P17-1066) that OASIS simulated (arXiv 2411.11581).
    """

    shape: float = Field(0.5875, gt=0.05, description="Shape of the gamma distribution of rates.")
    minutes: float = Field(11.8378, gt=0, description="Scale of the waiting time in minutes.")
    indirect: float = Field(0.6876, description="Added to the log rate of who follows a retweeter.")
    audience: float = Field(0.5492, description="Weight of ln(1 + followers in the tree).")
    crowd: float = Field(-0.5098, description="Weight of ln(people in the tree / 300).")
    day: tuple[float, float, float, float] = Field(
        (-0.1761, 0.1498, 0.2161, -0.1635),
        description="Weights of sine and cosine of the hour, in one and in two waves a day.",
    )

    @property
    def weights(self) -> Floats:
        """The weights of `columns`, float64[8]."""
        people = (-np.log(self.minutes), self.indirect, self.audience, self.crowd)
        return np.array([*people, *self.day])

    @classmethod
    def of(cls, shape: float, weights: Floats) -> Pace:
        """Return the pace with this shape and these weights of `columns`, to four digits."""
        w = [round(float(x), 4) for x in weights]
        return cls(
            shape=round(shape, 4), minutes=round(float(np.exp(-weights[0])), 4),
            indirect=w[1], audience=w[2], crowd=w[3], day=(w[4], w[5], w[6], w[7]),
        )  # fmt: skip

    def hourly_rates(self, ties: Ties, stream: Stream) -> Floats:
        """Return how often per minute each person looks, by UTC hour, float64[n, 24]."""
        own = gamma(self.shape, len(ties), stream)
        weights = self.weights
        log_rate = people_columns(ties) @ weights[:4]
        by_hour = day_columns(np.arange(24.0) + 0.5) @ weights[4:]
        rates: Floats = own[:, None] * np.exp(log_rate[:, None] + by_hour)
        return rates


def people_columns(ties: Ties) -> Floats:
    """Return the predictors of people's rates, float64[n, 4]: 1, indirect, audience, crowd."""
    n = len(ties)
    return np.stack(
        [
            np.ones(n),
            ties.depth >= 2,
            np.log1p(ties.children),
            np.full(n, np.log(n / USUAL_CROWD)),
        ],
        axis=1,
    ).astype(np.float64)


def day_columns(hours: Floats) -> Floats:
    """Return the waves of the day at these hours (UTC, float64[m]), float64[m, 4]."""
    angles = 2 * np.pi / 24 * np.outer(hours, WAVES)
    return np.stack([np.sin(angles), np.cos(angles)], axis=2).reshape(len(hours), 4)


def columns(ties: Ties) -> Floats:
    """Return people_columns, and day_columns at the middle of the time compared, float64[n, 8]."""
    hour = ties.start.hour + ties.start.minute / 60 + MINUTES[-1] / 120
    day = np.broadcast_to(day_columns(np.array([hour])), (len(ties), 4))
    return np.concatenate([people_columns(ties), day], axis=1)


def gamma(shape: float, n: int, stream: Stream) -> Floats:
    """Return gamma variates of this shape and scale 1, float64[n], to nine digits.

    Marsaglia and Tsang 2000 (doi:10.1145/358407.358414), section 8 for shapes below 1.
    """
    d = max(shape, shape + 1.0 if shape < 1 else shape) - 1.0 / 3.0
    result, left = np.empty(n), np.arange(n)
    while len(left):
        x, u = stream.normal(len(left)), stream.uniform(len(left))
        v = np.maximum(1.0 + x / np.sqrt(9.0 * d), 0.0) ** 3
        with np.errstate(divide="ignore"):
            fits = (v > 0) & (np.log(u) < 0.5 * x**2 + d - d * v + d * np.log(v))
        result[left[fits]] = d * v[fits]
        left = left[~fits]
    if shape < 1:
        result *= stream.uniform(n) ** (1.0 / shape)
    return np.round(result, 9)
