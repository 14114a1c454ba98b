"""Real distributions of scale, depth, maximum breadth and virality: given cascades, or shipped.

Real cascades are split at random into two halves. The society of
`hubbub.studies.distributions.society` was fitted to the half FITTED of Twitter15 and is judged on
the half HELD_OUT. Neither half of any other cascades was used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hubbub.rng import Streams
from hubbub.studies.cascade_files import Cascade, read_cascades
from hubbub.studies.distributions.society import MEASURES

Floats = NDArray[np.float64]

FITTED, HELD_OUT = "fitted to", "held out"
#: Cascades of fewer users are left out: Twitter15 has hardly any.
SMALLEST = 56
_SEED = 15

#: The quantiles below are at these levels.
LEVELS = (
    0.0, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7,
    0.75, 0.8, 0.85, 0.9, 0.925, 0.95, 0.975, 0.99, 1.0,
)  # fmt: skip
#: Quantiles of the trees of retweets in Twitter15 (Ma, Gao and Wong 2017,
#: doi:10.18653/v1/P17-1066) with at least SMALLEST users, by half.
QUANTILES: Mapping[str, Mapping[str, Sequence[float]]] = {
    FITTED: {
        "scale": (
            64, 89, 92, 97, 104, 110, 117, 130, 142, 155, 172, 200, 225, 261, 294, 329, 372, 412,
            487, 611, 767, 929, 1077, 1519, 1996, 2758,
        ),
        "max_breadth": (
            33, 50, 59, 74, 86, 91, 96, 102, 109, 122, 136, 150, 169, 199, 232, 261, 304, 341,
            382, 469, 573, 702, 871, 1082, 1426, 2285,
        ),
        "virality": (
            1.977, 1.999, 2.014, 2.038, 2.061, 2.085, 2.108, 2.139, 2.165, 2.2, 2.236, 2.283,
            2.331, 2.377, 2.465, 2.513, 2.592, 2.652, 2.76, 2.884, 3.11, 3.224, 3.432, 3.84, 4.41,
            5.139,
        ),
    },
    HELD_OUT: {
        "scale": (
            83, 92, 95, 99, 107, 115, 123, 134, 145, 161, 182, 210, 240, 268, 296, 326, 371, 425,
            486, 569, 744, 856, 1159, 1889, 2447, 2906,
        ),
        "max_breadth": (
            37, 50, 57, 67, 79, 87, 95, 104, 113, 123, 138, 154, 180, 206, 231, 261, 293, 330,
            391, 465, 577, 661, 809, 1374, 1778, 2340,
        ),
        "virality": (
            1.976, 2, 2.008, 2.032, 2.064, 2.099, 2.125, 2.16, 2.192, 2.23, 2.263, 2.306, 2.37,
            2.436, 2.525, 2.581, 2.645, 2.719, 2.833, 3.039, 3.299, 3.482, 3.741, 4.072, 4.546,
            4.953,
        ),
    },
}  # fmt: skip
#: How many of them have depth 1, 2, ....
DEPTHS: Mapping[str, Sequence[int]] = {
    FITTED: (7, 165, 254, 142, 73, 37, 16, 10, 8, 1, 1),
    HELD_OUT: (7, 180, 245, 155, 96, 42, 28, 12, 3, 1, 4, 1),
}  # fmt: skip


def shipped() -> dict[tuple[str, str], Floats]:
    """Return samples with the shipped quantiles, of the size of the real ones, by half and measure.

    Values between two quantiles are evenly spread; depths are exact.
    """
    result = {}
    for half, quantiles in QUANTILES.items():
        counts = DEPTHS[half]
        depth = np.repeat(np.arange(1.0, len(counts) + 1), counts)
        places = (np.arange(len(depth)) + 0.5) / len(depth)
        for measure in MEASURES:
            if measure == "depth":
                result[half, measure] = depth
                continue
            values = np.interp(places, LEVELS, quantiles[measure])
            result[half, measure] = values if measure == "virality" else np.rint(values)
    return result


def measured(cascades: Sequence[Cascade]) -> dict[tuple[str, str], Floats]:
    """Return the measures of these cascades by half and measure, in order."""
    table = measures(cascades)
    half = np.array([half_of(c) for c in cascades])
    return {
        (h, name): table[half == h, m]
        for h in (FITTED, HELD_OUT)
        for m, name in enumerate(MEASURES)
    }


def read(folder: Path) -> list[Cascade]:
    """Return the cascades of a folder that reach SMALLEST users."""
    return [c for c in read_cascades(folder) if len(c.ties) >= SMALLEST]


def measures(cascades: Sequence[Cascade]) -> Floats:
    """Return MEASURES of whole cascades, float64[cascades, 4]."""
    whole = [c.ties.growth(np.zeros(len(c.ties)), np.zeros(1)) for c in cascades]
    rows = [[float(getattr(w, name)[0, 0]) for name in MEASURES] for w in whole]
    return np.array(rows).reshape(-1, len(MEASURES))


def half_of(cascade: Cascade) -> str:
    """Return the half of a cascade; it depends only on the cascade's users and start."""
    name = f"{cascade.ties.start:%Y-%m-%d %H:%M}, {len(cascade.ties)}"
    return FITTED if Streams(_SEED).at(name).uniform(1)[0] < 0.5 else HELD_OUT
