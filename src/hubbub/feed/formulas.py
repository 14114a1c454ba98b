"""The formulas that score posts. Each is a function of one post, or of one post and viewer.

Logarithms and powers may differ in the last bit between machines, so they are rounded to multiples
of 2**-16: then the same run gives the same slates everywhere.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

#: Length of a vector squared: dot / UNIT is a cosine.
UNIT = np.float32(127 * 127)
#: Seconds since 1970 from which Reddit counts.
REDDIT_EPOCH = 1134028003.0
#: Weights of one like, repost, reply, dislike and report: of favourite, retweet, reply, negative
#: feedback and report in X's heavy ranker (twitter/the-algorithm-ml, README of projects/home/recap,
#: "April 5, 2023"; the first version of that page gave a reply 27). X multiplies them by predicted
#: probabilities, we by counts.
X_WEIGHTS = {"likes": 0.5, "shares": 1.0, "comments": 13.5, "dislikes": -74.0, "reports": -369.0}
#: X's factor for out-of-network posts (OutOfNetworkScaleFactor of its home mixer), and the
#: half-life of a post's score in minutes (ageDecayHalflife of its search index, without its floor).
X_OUT_OF_NETWORK = np.float32(0.75)
X_HALF_LIFE = 360.0

_QUANTUM = 2.0**16


def _rounded(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.rint(values * _QUANTUM) / _QUANTUM, np.float64)


def hot(ups: NDArray[Any], downs: NDArray[Any], epoch_seconds: NDArray[np.float64]) -> Floats:
    """Return Reddit's hot score: sign(s) log10(max(|s|, 1)) + (epoch - 1134028003) / 45000."""
    score = ups.astype(np.int64) - downs
    order = np.zeros(len(score), np.float64)
    many = np.flatnonzero(np.abs(score) > 1)  # the logarithm of 1 is 0, and most have no more
    order[many] = np.sign(score[many]) * _rounded(np.log10(np.abs(score[many])))
    return np.asarray(order + hot_time(epoch_seconds), np.float32)


def hot_time(epoch_seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the part of the hot score that depends only on a post's time."""
    return (epoch_seconds - REDDIT_EPOCH) / 45000.0


def recency(age: NDArray[Any]) -> Floats:
    """Return R = ln((271.8 - age) / 100) of OASIS, age in steps; never below 0.

    The formula turns negative at an age of 172 steps, where it would rank an old post that is
    far from the viewer's interests above one that is near; from there on R is 0.
    """
    table = _rounded(np.log(np.maximum(271.8 - np.arange(172), 100.0) / 100.0))
    return np.asarray(np.append(table, 0.0)[np.clip(age, 0, 172)], np.float32)


def fame(followers: NDArray[Any]) -> Floats:
    """Return F = max(1, log1000(followers + 1)) of OASIS."""
    result = np.ones(len(followers), np.float32)
    famous = np.flatnonzero(followers >= 1000)
    result[famous] = _rounded(np.log(followers[famous] + 1.0) / np.log(1000.0))
    return result


def x_worth(counts: dict[str, NDArray[Any]], age: NDArray[Any], step_minutes: float) -> Floats:
    """Return engagement * recency of posts, in the spirit of X's weighted scorer.

    E = sum of weight * count (X_WEIGHTS); engagement is 1 + ln(1 + E), or 1 / (1 + ln(1 - E)) where
    dislikes and reports prevail; recency halves in X_HALF_LIFE minutes. `age` is in steps.
    """
    weighted = np.zeros(len(age), np.float64)
    for name, weight in X_WEIGHTS.items():
        if name in counts:
            weighted += weight * counts[name]
    engagement = np.ones(len(age), np.float64)
    some = np.flatnonzero(weighted)
    size = 1.0 + _rounded(np.log1p(np.abs(weighted[some])))
    engagement[some] = np.where(weighted[some] > 0, size, 1.0 / size)
    steps = np.arange(int(age.max(initial=0)) + 1)
    fresh = _rounded(np.exp2(-steps * (step_minutes / X_HALF_LIFE)))
    return np.asarray(engagement * fresh[np.maximum(age, 0)], np.float32)


def mixed(salt: int, left: NDArray[Any], right: NDArray[Any]) -> NDArray[np.uint32]:
    """Return a random word for each pair of ids, broadcast, uint32.

    This is a counter-based generator: the words depend only on salt (a word of a random stream) and
    the pair, so they can be computed for any pairs in any order. Two rounds of the finaliser of
    MurmurHash3 (Appleby, public domain).
    """
    low, high = np.uint32(salt & 0xFFFFFFFF), np.uint32(salt >> 32 & 0xFFFFFFFF)
    words = _finalised(np.asarray(left).astype(np.uint32) ^ low)
    other = np.asarray(right).astype(np.uint32) * np.uint32(0x9E3779B1) ^ high
    return _finalised(words ^ other)


def _finalised(words: NDArray[np.uint32]) -> NDArray[np.uint32]:
    words ^= words >> np.uint32(16)
    words *= np.uint32(0x85EBCA6B)
    words ^= words >> np.uint32(13)
    words *= np.uint32(0xC2B2AE35)
    words ^= words >> np.uint32(16)
    return words


def unit_interval(words: NDArray[np.uint32]) -> Floats:
    """Return random words as numbers in [0, 1), float32."""
    return (words >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-24)
