"""Made-up cascades, to try the study of propagation where there are no real ones."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np

from hubbub.rng import Stream, Streams
from hubbub.studies.cascade_files import Cascade, Ties
from hubbub.studies.propagation.pace import Pace

#: Number of cascades, and the range of their sizes, evenly spread on a log scale.
COUNT, SIZES = 40, (60.0, 400.0)
#: Share of people who follow the root, not an earlier retweeter: about that of Twitter15 (0.82).
OF_ROOT = 0.8
#: Standard deviation of the log pace between cascades: some messages are faster than others.
SPREAD = 0.5


def made_cascades(seed: int = 0) -> list[Cascade]:
    """Return cascades with random trees and times by the shipped pace, the same for a seed."""
    streams = Streams(seed)
    return [_made(i, streams.at("made cascade", i)) for i in range(COUNT)]


def _made(i: int, stream: Stream) -> Cascade:
    size, hour, pace, label = stream.uniform(4)
    n = round(SIZES[0] * (SIZES[1] / SIZES[0]) ** size)
    parent = (stream.uniform(n) * np.arange(n)).astype(np.int64)
    parent[stream.uniform(n) < OF_ROOT] = 0
    parent[0] = -1
    depth = np.zeros(n, np.int64)
    for row in range(1, n):
        depth[row] = depth[parent[row]] + 1
    start = datetime(2014, 1, 1) + timedelta(minutes=int(hour * 1440))  # noqa: DTZ001 - UTC
    ties = Ties(f"made-{i:02}", start, parent, depth)
    rate = Pace().hourly_rates(ties, stream)[:, start.hour]
    rate *= np.exp(SPREAD * (2 * pace - 1) * np.sqrt(3.0))
    minutes = -np.log1p(-stream.uniform(n)) / np.maximum(rate, 1e-12)
    minutes[0] = 0.0
    for row in range(1, n):
        minutes[row] += minutes[parent[row]]
    return Cascade(ties, "true" if label < 0.5 else "false", minutes)
