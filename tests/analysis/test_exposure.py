"""Exposure: by hand, against plain counting in the tables of a run, and ten million at once."""

from __future__ import annotations

import math
from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hubbub.analysis.exposure import (
    Exposures,
    attention,
    attention_of_run,
    cross_cutting_exposure,
    diversity,
    exposures,
    repost_by_exposure,
    repost_by_exposure_of_run,
)
from hubbub.analysis.inequality import gini, hill_number
from hubbub.engine import Simulation
from hubbub.errors import RunError
from hubbub.rng import Streams


@pytest.fixture(scope="module")
def seen(lively: Simulation) -> Exposures:
    return exposures(lively.store)


def test_exposures_are_the_slates_with_their_authors(lively: Simulation, seen: Exposures) -> None:
    slates = lively.store.slates().to_pylist()
    items = lively.store.items().to_pylist()
    assert len(seen) == len(slates) > 1000
    for i, row in enumerate(slates):
        item = items[row["item"]]
        post = items[item["ref"]] if item["kind"] == "repost" else item
        assert (seen.step[i], seen.viewer[i], seen.item[i]) == (
            row["step"],
            row["agent"],
            row["item"],
        )
        assert (seen.post[i], seen.author[i]) == (post["id"], post["agent"])
        assert seen.sharer[i] == item["agent"]
    assert (seen.author != seen.sharer).any()


def test_exposures_of_some_steps(lively: Simulation, seen: Exposures) -> None:
    some = exposures(lively.store, first=3, last=5)
    assert len(some) == ((seen.step >= 3) & (seen.step <= 5)).sum()
    assert set(some.step.tolist()) == {3, 4, 5}
    assert len(exposures(lively.store, first=99)) == 0


def test_attention_and_diversity_of_a_run(lively: Simulation, seen: Exposures) -> None:
    counts = attention(seen.author, 120)
    assert counts.tolist() == [int((seen.author == a).sum()) for a in range(120)]
    found = attention_of_run(lively.store)
    assert found.exposures == len(seen)
    assert found.gini == pytest.approx(gini(counts))
    by_viewer: dict[int, Counter[int]] = defaultdict(Counter)
    for viewer, author in zip(seen.viewer.tolist(), seen.author.tolist(), strict=True):
        by_viewer[viewer][author] += 1
    expected = [hill_number(list(c.values())) for c in by_viewer.values()]
    assert found.authors_per_viewer == pytest.approx(np.mean(expected))
    now = lively.store.opinions_at()[:, 0]
    sides = np.sign(now[seen.viewer]) * np.sign(now[seen.author])
    assert found.cross_cutting == pytest.approx((sides < 0).sum() / (sides != 0).sum())
    with pytest.raises(RunError, match="no topic"):
        attention_of_run(lively.store, "chess")


def test_diversity_by_hand() -> None:
    found = diversity([0, 0, 0, 0, 2, 2, 2], [5, 5, 7, 7, 1, 1, -1], 3)
    assert found[[0, 2]].tolist() == pytest.approx([2, 1])
    assert math.isnan(found[1])
    far = diversity([0, 1], [10**8, 3], 2)
    assert far.tolist() == [1, 1]
    assert diversity([], [], 2).shape == (2,)


def test_cross_cutting_exposure_by_hand() -> None:
    assert cross_cutting_exposure([1, -1, 0.5], [0, 0, 1], [1, 2, 2]) == pytest.approx(2 / 3)


def test_reposts_by_exposure_by_hand() -> None:
    exposed = (
        [1, 2, 2, 3, 1, 4, 1, 5],  # steps
        [0, 0, 0, 0, 1, 1, 2, 3],  # agents
        [9, 9, 9, 9, 9, 9, 9, 9],
    )
    # agent 0 sees 9 in steps 1, 2 (twice) and 3, and reposts it in 2: after two exposures;
    # agent 1 sees it twice and never does; agent 2 does after one; agent 4 without having seen it;
    # agent 3 did before it saw it
    reposted = ([2, 1, 2, 3], [0, 2, 4, 3], [9, 9, 9, 9])
    assert repost_by_exposure(exposed, reposted, most=3).to_pydict() == {
        "k": [1, 2, 3],
        "exposed": [3, 2, 0],
        "reposted": [1, 1, 0],
        "share": [pytest.approx(1 / 3), 0.5, None],
    }
    nothing: tuple[list[int], list[int], list[int]] = ([], [], [])
    assert repost_by_exposure(nothing, nothing, most=2)["exposed"].to_pylist() == [0, 0]
    assert repost_by_exposure(exposed, nothing, most=1)["exposed"].to_pylist() == [4]


def counted_one_by_one(
    exposed: list[tuple[int, int, int]], reposted: list[tuple[int, int, int]], most: int
) -> tuple[list[int], list[int]]:
    when: dict[tuple[int, int], int] = {}
    for step, agent, post in reposted:
        when[agent, post] = min(step, when.get((agent, post), step))
    steps: dict[tuple[int, int], set[int]] = defaultdict(set)
    for step, agent, post in exposed:
        steps[agent, post].add(step)
    at_risk, moved = [0] * (most + 1), [0] * (most + 1)
    for pair, days in steps.items():
        end = when.get(pair, math.inf)
        k = sum(day <= end for day in days)
        for j in range(1, min(k, most) + 1):
            at_risk[j] += 1
        if pair in when and 1 <= k <= most:
            moved[k] += 1
    return at_risk[1:], moved[1:]


triples = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 3), st.integers(0, 3)), max_size=60)


@settings(deadline=None)
@given(triples, triples)
def test_reposts_by_exposure_counted_one_by_one(
    exposed: list[tuple[int, int, int]], reposted: list[tuple[int, int, int]]
) -> None:
    columns = [tuple(np.array(rows).reshape(-1, 3).T) for rows in (exposed, reposted)]
    table = repost_by_exposure(columns[0], columns[1], 4)
    assert (table["exposed"].to_pylist(), table["reposted"].to_pylist()) == counted_one_by_one(
        exposed, reposted, 4
    )


def test_reposts_by_exposure_of_a_run(lively: Simulation, seen: Exposures) -> None:
    items = lively.store.items().to_pylist()
    reposts = [(r["step"], r["agent"], r["ref"]) for r in items if r["kind"] == "repost"]
    shown = list(zip(*(c.tolist() for c in (seen.step, seen.viewer, seen.post)), strict=True))
    table = repost_by_exposure_of_run(lively.store, 5)
    assert (table["exposed"].to_pylist(), table["reposted"].to_pylist()) == counted_one_by_one(
        shown, reposts, 5
    )
    assert sum(table["reposted"].to_pylist()) > 20


@pytest.mark.slow
def test_ten_million_exposures_take_seconds() -> None:
    stream = Streams(1).at("exposures")
    m, n = 10_000_000, 100_000
    viewer, author = stream.integers(n, m), stream.integers(n, m)
    assert attention(author, n).sum() == m
    assert diversity(viewer, author, n).max() < 200
    step, post = stream.integers(50, m), stream.integers(20_000, m)
    table = repost_by_exposure((step, viewer, post), (step[:9], viewer[:9], post[:9]))
    assert sum(table["reposted"].to_pylist()) == 9
