"""Samples of simulated and real cascades, and how far apart their distributions are."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from hubbub.studies.distribution_tests import ks_distance
from hubbub.studies.distributions.real import HELD_OUT, SMALLEST
from hubbub.studies.distributions.society import MEASURES
from hubbub.studies.statistics import Estimate, Hypothesis
from hubbub.studies.trials import Results

Floats = NDArray[np.float64]

#: The arms. A real arm has the halves of hubbub.studies.distributions.real.
SIMULATED, REAL = "simulated", "real"
WORDS = {
    "scale": "scale", "depth": "depth", "max_breadth": "maximum breadth",
    "virality": "structural virality",
}  # fmt: skip
#: The Kolmogorov-Smirnov distance that a society should stay below.
FARTHEST = 0.2
_SEED = 15


def large(results: Results) -> pa.Table:
    """Return the rows of the simulated posts whose cascades reach SMALLEST users."""
    posts = results.tables["posts"]
    return posts.filter(pc.greater_equal(posts["scale"], SMALLEST))


def simulated_sample(results: Results, measure: str) -> Floats:
    """Return a measure of the simulated cascades that reach SMALLEST users."""
    sample: Floats = large(results)[measure].to_numpy().astype(np.float64)
    return sample


def real_sample(results: Results, half: str, measure: str) -> Floats:
    """Return a measure of one half of the real cascades."""
    table = results.tables["real"]
    rows = pc.and_(pc.equal(table["half"], half), pc.equal(table["measure"], measure))
    sample: Floats = table.filter(rows)["value"].to_numpy()
    return sample


def distance(results: Results, half: str, measure: str) -> Estimate:
    """Return the Kolmogorov-Smirnov distance of simulated and real cascades, against FARTHEST."""
    simulated, real = simulated_sample(results, measure), real_sample(results, half, measure)
    return ks_distance(simulated, real, seed=_SEED, bound=FARTHEST)


def hypotheses() -> list[Hypothesis]:
    """Return the prediction that each of MEASURES is distributed as in real cascades."""
    return [
        Hypothesis(
            f"Simulated cascades are distributed in {WORDS[m]} as the real ones held out, but for "
            f"a distance below {FARTHEST:g}.",
            WORDS[m], SIMULATED, FARTHEST, "less",
        )
        for m in MEASURES
    ]  # fmt: skip


def tested(results: Results) -> list[tuple[Hypothesis, Estimate]]:
    """Return the predictions with the distances to the held-out half of the real cascades."""
    return [
        (predicted, distance(results, HELD_OUT, m))
        for predicted, m in zip(hypotheses(), MEASURES, strict=True)
    ]
