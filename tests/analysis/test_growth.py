"""Growth of cascades: by hand, against networkx at every moment, and against real cascades."""

from __future__ import annotations

import csv
import gzip
import os
from pathlib import Path

import networkx as nx
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hubbub.analysis.cascades import cascades
from hubbub.analysis.growth import (
    Growth,
    growth,
    growth_of_items,
    growth_of_run,
    growth_of_trees,
    trees_of_edges,
    without,
)
from hubbub.engine import Simulation

FOLDER = Path(os.environ.get("HUBBUB_DATA", "")) / "twitter15"
needs_data = pytest.mark.skipif(
    "HUBBUB_DATA" not in os.environ or not FOLDER.is_dir(),
    reason="HUBBUB_DATA names no folder with twitter15/: real cascades are not in the project",
)


def test_a_tree_by_hand() -> None:
    #      0            joined at 0
    #    1   2          at 1 and 2
    #   3 4             at 3 and 2
    parent, time = [-1, 0, 0, 1, 1], [0, 1, 2, 3, 2]
    found = growth(parent, time, [0, 1, 2, 3, 9])
    assert found.cascade.tolist() == [0]
    assert found.scale.tolist() == [[1, 2, 4, 5, 5]]
    assert found.depth.tolist() == [[0, 1, 2, 2, 2]]
    assert found.max_breadth.tolist() == [[0, 1, 2, 2, 2]]
    # of {0, 1, 2, 4}: 0-1 1, 0-2 1, 0-4 2, 1-2 2, 1-4 1, 2-4 3; with 3: 0-3 2, 1-3 1, 2-3 3, 4-3 2
    assert found.virality[0].tolist() == pytest.approx([0, 1, 10 / 6, 1.8, 1.8])


def test_before_the_root_there_is_nothing_and_a_member_may_come_before_its_parent() -> None:
    found = growth([-1, 0, 1], [0, 5, 2], [-1, 2, 5])
    assert found.scale.tolist() == [[0, 2, 3]]
    assert found.depth.tolist() == [[0, 2, 2]]
    assert found.virality[0].tolist() == pytest.approx([0, 2, 4 / 3])  # 2 apart in the whole tree


def test_the_table_has_a_row_per_cascade_and_time() -> None:
    table = growth([-1, 0, -1], [0, 1, 0], [0, 1]).table()
    assert table.to_pydict() == {
        "cascade": [0, 0, 2, 2],
        "at": [0, 1, 0, 1],
        "scale": [1, 2, 1, 1],
        "depth": [0, 1, 0, 0],
        "max_breadth": [0, 1, 0, 0],
        "virality": [0, 1, 0, 0],
    }


def test_no_trees_and_no_times() -> None:
    assert growth([], [], [1, 2]).scale.shape == (0, 2)
    assert growth([-1], [0], []).scale.shape == (1, 0)
    assert len(trees_of_edges([], [], [], []).parent) == 0


@pytest.mark.parametrize("parent", [[0], [1, 0], [-1, 2, 3, 1]])
def test_a_circle_is_refused(parent: list[int]) -> None:
    with pytest.raises(ValueError, match="circle"):
        growth(parent, np.zeros(len(parent)), [0])


def test_times_must_ascend() -> None:
    with pytest.raises(ValueError, match="ascend"):
        growth([-1], [0], [2, 1])


def test_edges_in_any_order_and_names_that_two_cascades_share() -> None:
    trees = trees_of_edges(
        ["b", "a", "b", "a"], ["y", "x", "x", "y"], ["x", "r", "r", "r"], [3, 1, 2, 2]
    )
    assert trees.cascade.tolist() == ["b", "a", "b", "a", "a", "b"]
    assert trees.member.tolist() == ["y", "x", "x", "y", "r", "r"]
    assert trees.parent.tolist() == [2, 4, 5, 4, -1, -1]
    found = growth_of_trees(trees, [1, 2, 3])
    assert found.cascade.tolist() == ["a", "b"]
    assert found.scale.tolist() == [[2, 3, 3], [1, 2, 3]]
    assert found.depth.tolist() == [[1, 1, 1], [0, 1, 2]]


def test_edges_that_make_no_trees_are_refused() -> None:
    with pytest.raises(ValueError, match="two parents"):
        trees_of_edges([1, 1], [5, 5], [3, 4], [1, 1])
    with pytest.raises(ValueError, match="two roots"):
        trees_of_edges([1, 1], [5, 6], [3, 4], [1, 1])


def test_what_hung_on_those_left_out_hangs_on_who_is_above() -> None:
    # root 0 <- 1 <- 2 <- 3, 0 <- 4
    trees = trees_of_edges([7] * 4, [1, 2, 3, 4], [0, 1, 2, 0], [1, 2, 3, 4])
    left = without(trees, np.array([True, True, False, False, False]))
    assert left.member.tolist() == [3, 4, 0]
    assert left.parent.tolist() == [2, 2, -1]
    assert left.time.tolist() == [3, 4, 0]
    with pytest.raises(ValueError, match="root"):
        without(trees, np.ones(5, np.bool_))


@st.composite
def growing(draw: st.DrawFn) -> tuple[list[int], list[int]]:
    """Up to three trees; parents are earlier rows, times are anything from 0 to 6."""
    n = draw(st.integers(1, 25))
    parent = [draw(st.integers(-1 if i < 3 else 0, i - 1)) if i else -1 for i in range(n)]
    time = [0 if p < 0 else draw(st.integers(0, 6)) for p in parent]
    return parent, time


@settings(deadline=None, max_examples=100)
@given(growing())
def test_the_same_as_networkx(trees: tuple[list[int], list[int]]) -> None:
    parent, time = trees
    whole = nx.Graph([(i, p) for i, p in enumerate(parent) if p >= 0])
    whole.add_nodes_from(range(len(parent)))
    apart = dict(nx.all_pairs_shortest_path_length(whole))
    found = growth(parent, time, [0, 2, 3, 6])
    for c, root in enumerate(found.cascade.tolist()):
        for p, at in enumerate(found.at):
            there = [i for i in apart[root] if time[i] <= at]
            depths = [apart[root][i] for i in there]
            assert found.scale[c, p] == len(there)
            assert found.depth[c, p] == max(depths)
            broad = np.bincount(depths)[1:]
            assert found.max_breadth[c, p] == (broad.max() if len(broad) else 0)
            pairs = [apart[i][j] for i in there for j in there if i != j]
            assert found.virality[c, p] == pytest.approx(np.mean(pairs) if pairs else 0.0)


def test_items_by_steps_since_their_post() -> None:
    items = pa.table(
        {
            "id": [10, 11, 12, 13, 14],
            "kind": ["post", "comment", "repost", "post", "repost"],
            "step": [2, 2, 4, 5, 6],
            "ref": [None, 10, 10, None, 10],
            "parent": [None, 10, 10, None, 12],
        }
    )
    found = growth_of_items(items, [0, 1, 2, 4])
    assert found.cascade.tolist() == [10, 13]
    assert found.scale.tolist() == [[1, 1, 2, 3], [1, 1, 1, 1]]
    assert found.depth.tolist() == [[0, 0, 1, 2], [0, 0, 0, 0]]


def test_a_run_ends_where_its_cascades_do(lively: Simulation) -> None:
    found = growth_of_run(lively.store, range(16))
    final = cascades(lively.store.items())
    assert found.cascade.tolist() == final["post"].to_pylist()
    assert found.scale[:, -1].tolist() == final["size"].to_pylist()
    assert found.depth[:, -1].tolist() == final["depth"].to_pylist()
    assert found.virality[:, -1].tolist() == pytest.approx(final["virality"].to_pylist())
    assert found.scale.max() > 5
    assert (np.diff(found.scale, axis=1) >= 0).all()


def test_a_hundred_thousand_cascades() -> None:
    size, count = 20, 100_000
    inside = np.arange(size)
    parent = np.where(inside > 0, (inside - 1) // 2, -1)
    parents = (np.arange(count)[:, None] * size + parent).ravel()
    parents[::size] = -1
    found = growth(parents, np.tile(inside, count), np.arange(0, 51))
    one = growth(parent, inside, np.arange(0, 51))
    assert len(found.cascade) == count
    for name in ("scale", "depth", "max_breadth", "virality"):
        assert (getattr(found, name) == getattr(one, name)).all()


def real() -> dict[str, Growth]:
    """Return the real cascades grown to 300 minutes and for good, with and without replies."""
    import pandas as pd

    edges = pd.read_csv(FOLDER / "twitter15_edges.csv.gz")
    edges = edges[edges.in_tree == 1]
    names = ("cascade_id", "child_user", "parent_user", "delay_min")
    trees = trees_of_edges(*(edges[n].to_numpy() for n in names))
    replies = np.zeros(len(trees.parent), np.bool_)
    replies[: len(edges)] = edges.kind == "re"
    at = [*range(0, 301, 3), np.inf]
    return {"all": growth_of_trees(trees, at), "rt": growth_of_trees(without(trees, replies), at)}


@needs_data
def test_real_cascades_grow_as_they_did() -> None:
    found = real()
    row = {name: i for i, name in enumerate(found["rt"].cascade.tolist())}
    with gzip.open(FOLDER / "twitter15_growth_3min.csv.gz", "rt") as file:
        for cascade, variant, measure, *curve in list(csv.reader(file))[1:]:
            ours = getattr(found[variant], measure)[row[cascade], :-1]
            assert ours.tolist() == [int(v) for v in curve], (cascade, variant, measure)
    with (FOLDER / "twitter15_metrics.csv").open() as file:
        for line in csv.DictReader(file):
            for measure, name in (("virality", "structural_virality"), ("scale", "scale")):
                ours = getattr(found[line["variant"]], measure)[row[line["cascade_id"]], -1]
                assert ours == pytest.approx(float(line[name]), abs=6e-5)
