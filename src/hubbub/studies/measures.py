"""Measures and curves that YAML studies may name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hubbub.actions import Kind
from hubbub.analysis import cascades
from hubbub.analysis.exposure import attention_of_run
from hubbub.analysis.network import follows_at, reciprocity
from hubbub.analysis.polarization import (
    bimodality,
    cross_cutting,
    mean_extremity,
    opinion_assortativity,
    variance,
)
from hubbub.analysis.summary import items_light
from hubbub.store import RunStore
from hubbub.store.read import items, steps

Points = Sequence[tuple[float, float]]
OfOpinions = Callable[[NDArray[np.float64]], float]


@dataclass(frozen=True, slots=True)
class Measure:
    """A number of a finished run. `take` returns NaN if the run does not have it."""

    words: str
    unit: str
    take: Callable[[RunStore], float]


@dataclass(frozen=True, slots=True)
class Curve:
    """A number over the steps of a run, as points (step, number)."""

    words: str
    unit: str
    take: Callable[[RunStore], Points]


def _count(*kinds: Kind) -> Callable[[RunStore], float]:
    """Return the measure that counts the items of these kinds."""

    def take(store: RunStore) -> float:
        return float(items.made_by_step(store, kinds).sum())

    return take


def _likes(store: RunStore) -> float:
    return float(items.total_likes(store))


def _sizes(store: RunStore) -> NDArray[np.float64]:
    return np.asarray(cascades(items_light(store))["size"], np.float64)


def _reposts_per_post(store: RunStore) -> float:
    return _mean(_sizes(store) - 1)


def _mean(values: NDArray[np.float64]) -> float:
    return float(values.mean()) if len(values) else np.nan


def _cascade(column: str) -> Callable[[RunStore], float]:
    """Return the measure that is the mean of a column of `analysis.cascades`."""

    def take(store: RunStore) -> float:
        return _mean(np.asarray(cascades(items_light(store))[column], np.float64))

    return take


def _largest(store: RunStore) -> float:
    sizes = _sizes(store)
    return float(sizes.max()) if len(sizes) else np.nan


def _over_topics(measure: OfOpinions, opinions: NDArray[np.float32]) -> float:
    """Return the mean over the topics of a measure of opinions, where it is defined."""
    taken = np.array([measure(column) for column in opinions.T.astype(np.float64)])
    return _mean(taken[np.isfinite(taken)])


def _opinions(measure: OfOpinions) -> Callable[[RunStore], float]:
    """Return a measure of the opinions at the end."""
    return lambda store: _over_topics(measure, store.opinions_at())


def _opinions_by_step(measure: OfOpinions) -> Callable[[RunStore], Points]:
    def take(store: RunStore) -> Points:
        taken = store.opinions_over(range(store.steps + 1))
        return [(step, _over_topics(measure, opinions)) for step, opinions in enumerate(taken)]

    return take


def _tied(measure: Callable[..., float]) -> Callable[[RunStore], float]:
    """Return a measure of opinions over the ties at the end."""

    def take(store: RunStore) -> float:
        left, right = follows_at(store)
        return _over_topics(lambda column: measure(column, left, right), store.opinions_at())

    return take


def _follows(measure: Callable[..., float]) -> Callable[[RunStore], float]:
    """Return a measure of the follow graph at the end."""
    return lambda store: measure(*follows_at(store))


def _attention(name: str) -> Callable[[RunStore], float]:
    """Return the measure that is a field of `analysis.exposure.Attention`."""
    return lambda store: float(getattr(attention_of_run(store), name))


def _cumulated(*kinds: Kind) -> Callable[[RunStore], Points]:
    def take(store: RunStore) -> Points:
        return list(enumerate(np.cumsum(items.made_by_step(store, kinds)).astype(float).tolist()))

    return take


def _active(store: RunStore) -> Points:
    step, active = (column.astype(float).tolist() for column in steps.active(store))
    return list(zip(step, active, strict=True))


#: What exists before step 1 counts too. Measures of opinions are means over the topics.
MEASURES = {
    "posts": Measure("original posts and quotes", "posts", _count(Kind.post, Kind.quote)),
    "reposts": Measure("reposts", "reposts", _count(Kind.repost)),
    "comments": Measure("comments", "comments", _count(Kind.comment)),
    "likes": Measure("likes that stand at the end", "likes", _likes),
    "reposts_per_post": Measure("reposts per original post or quote", "reposts", _reposts_per_post),
    "cascade_size_mean": Measure("mean size of the cascades", "users", _cascade("size")),
    "cascade_size_max": Measure("size of the largest cascade", "users", _largest),
    "cascade_depth_mean": Measure("mean depth of the cascades", "reposts", _cascade("depth")),
    "virality_mean": Measure("mean structural virality", "reposts", _cascade("virality")),
    "attention_gini": Measure(
        "how unequally exposures are spread over authors", "Gini, 0 to 1", _attention("gini")
    ),
    "authors_per_viewer": Measure(
        "effective number of authors that an agent was shown",
        "authors",
        _attention("authors_per_viewer"),
    ),
    "reciprocity": Measure("share of follows that are returned", "0 to 1", _follows(reciprocity)),
    "mean_extremity": Measure(
        "mean distance of opinions from 0", "0 to 1", _opinions(mean_extremity)
    ),
    "opinion_variance": Measure("variance of opinions", "0 to 1", _opinions(variance)),
    "opinion_bimodality": Measure(
        "bimodality coefficient of opinions", "coefficient", _opinions(bimodality)
    ),
    "opinion_assortativity": Measure(
        "how alike the opinions of follower and followed are",
        "-1 to 1",
        _tied(opinion_assortativity),
    ),
    "cross_cutting_ties": Measure(
        "share of follows between for and against", "0 to 1", _tied(cross_cutting)
    ),
}

#: Measures of opinions are means over the topics.
CURVES = {
    "active": Curve("agents awake", "agents", _active),
    "posts": Curve("original posts and quotes so far", "posts", _cumulated(Kind.post, Kind.quote)),
    "reposts": Curve("reposts so far", "reposts", _cumulated(Kind.repost)),
    "comments": Curve("comments so far", "comments", _cumulated(Kind.comment)),
    "mean_extremity": Curve(
        "mean distance of opinions from 0", "0 to 1", _opinions_by_step(mean_extremity)
    ),
    "opinion_variance": Curve("variance of opinions", "0 to 1", _opinions_by_step(variance)),
}
