"""Networks: by hand, against networkx, and the follow graph of a run over time."""

from __future__ import annotations

import math

import networkx as nx
import numpy as np
import pytest

from hubbub.analysis.network import (
    FollowHistory,
    ccdf,
    clustering,
    degrees,
    ei_index,
    follows_at,
    group_assortativity,
    mixing,
    mixing_of_run,
    modularity,
    network_of_run,
    reciprocity,
    tie_change,
)
from hubbub.engine import Simulation
from hubbub.rng import Streams

N = 60


@pytest.fixture(params=range(4))
def graph(request: pytest.FixtureRequest) -> nx.DiGraph:
    """A random directed graph without loops, in which groups of three kinds prefer their own."""
    stream = Streams(request.param).at("graph")
    group = stream.integers(3, N)
    chance = np.where(group[:, None] == group[None, :], 0.2, 0.05)
    adjacent = stream.uniform(N, N) < chance
    np.fill_diagonal(adjacent, val=False)
    made = nx.from_numpy_array(adjacent.astype(int), create_using=nx.DiGraph)
    nx.set_node_attributes(made, {i: int(g) for i, g in enumerate(group)}, "group")
    return made


def ends(graph: nx.Graph) -> tuple[np.ndarray, np.ndarray]:
    left, right = np.array(graph.edges).T
    return left, right


def groups_of(graph: nx.Graph) -> np.ndarray:
    return np.array([graph.nodes[i]["group"] for i in range(N)])


def test_the_same_as_networkx(graph: nx.DiGraph) -> None:
    left, right = ends(graph)
    groups = groups_of(graph)
    communities = [set(np.flatnonzero(groups == g).tolist()) for g in range(3)]
    assert reciprocity(left, right) == pytest.approx(nx.overall_reciprocity(graph))
    assert group_assortativity(groups, left, right) == pytest.approx(
        nx.attribute_assortativity_coefficient(graph, "group")
    )
    assert modularity(groups, left, right) == pytest.approx(
        nx.community.modularity(graph, communities)
    )
    assert clustering(left, right, N) == pytest.approx(nx.average_clustering(graph.to_undirected()))
    assert degrees(right, N).tolist() == [d for _, d in graph.in_degree]


def test_groups_may_be_words(graph: nx.DiGraph) -> None:
    left, right = ends(graph)
    groups = groups_of(graph)
    words = np.array(["red", "green", "blue"])[groups]
    assert mixing(words, left, right) == mixing(groups, left, right)


def test_measures_by_hand() -> None:
    # 0 <-> 1, 2 -> 3, 1 -> 2; groups a a b b
    left, right, groups = [0, 1, 2, 1], [1, 0, 3, 2], ["a", "a", "b", "b"]
    assert reciprocity(left, right) == 0.5
    assert ei_index(groups, left, right) == -0.5
    # e = [[2, 1], [0, 1]] / 4: trace 3/4, a = (3, 1) / 4, b = (2, 2) / 4, a b = 1/2
    assert modularity(groups, left, right) == 0.25
    assert group_assortativity(groups, left, right) == 0.5


def test_what_is_not_defined_is_nan() -> None:
    assert math.isnan(reciprocity([], []))
    assert math.isnan(modularity([0, 1], [], []))
    assert math.isnan(ei_index([0, 1], [], []))
    assert math.isnan(group_assortativity([0, 1], [], []))
    assert math.isnan(group_assortativity([1, 1], [0], [1]))
    assert math.isnan(clustering([], [], 0))
    assert clustering([], [], 3) == 0


def test_clustering_of_a_sample(graph: nx.DiGraph) -> None:
    left, right = ends(graph)
    whole = clustering(left, right, N)
    one, same = (clustering(left, right, N, sample=30, seed=2) for _ in range(2))
    assert one == same
    assert abs(one - whole) < 0.1
    assert clustering(left, right, N, sample=30, seed=3) != one
    assert clustering(left, right, N, sample=1000) == whole
    many = np.mean([clustering(left, right, N, sample=10, seed=s) for s in range(200)])
    assert many == pytest.approx(whole, abs=0.01)


def test_ccdf_by_hand() -> None:
    assert ccdf([0, 2, 2, 5]).to_pydict() == {"value": [0, 2, 5], "share": [1.0, 0.75, 0.25]}
    assert ccdf([]).num_rows == 0


def test_change_by_hand() -> None:
    found = tie_change(([0, 1, 2], [1, 2, 0]), ([2, 0, 0, 1], [0, 1, 2, 0]))
    assert (found.kept, found.made, found.ended, found.jaccard) == (2, 2, 1, 0.4)
    assert math.isnan(tie_change(([], []), ([], [])).jaccard)


def test_follows_at_every_step_of_a_run(lively: Simulation) -> None:
    """Worked out from the start and the events, one by one."""
    store = lively.store
    start = {tuple(p) for p in np.transpose(follows_at(store, -1)).tolist()}
    done = [r for r in store.events().to_pylist() if r["reason"] == "ok"]
    history = FollowHistory(store)
    standing = set(start)
    for step in range(store.steps + 1):
        for row in done:
            if row["step"] == step and row["action"] == "follow":
                standing.add((row["agent"], row["target"]))
            if row["step"] == step and row["action"] == "unfollow":
                standing.discard((row["agent"], row["target"]))
        left, right = history.at(step)
        assert len(left) == len(standing)
        assert set(zip(left.tolist(), right.tolist(), strict=True)) == standing
    assert {r["action"] for r in done} >= {"follow", "unfollow"}
    relations = store.relations().to_pylist()
    assert standing == {(r["left"], r["right"]) for r in relations if r["kind"] == "follow"}
    change = tie_change(follows_at(store, -1), follows_at(store))
    assert change.kept == len(standing & start)
    assert change.made == len(standing - start)


def test_the_network_of_a_run(lively: Simulation) -> None:
    left, right = follows_at(lively.store)
    found = network_of_run(lively.store)
    graph = nx.Graph(list(zip(left.tolist(), right.tolist(), strict=True)))
    graph.add_nodes_from(range(120))
    assert (found.agents, found.ties) == (120, len(left))
    assert found.mean_degree == len(left) / 120
    assert found.clustering == pytest.approx(nx.average_clustering(graph))
    core = lively.store.agents()["core"].to_numpy()
    assert mixing_of_run(lively.store, core) == mixing(core, left, right)


def test_a_large_graph_takes_no_time() -> None:
    stream = Streams(1).at("large")
    left, right = stream.integers(50_000, 500_000), stream.integers(50_000, 500_000)
    groups = left[:50_000] % 5
    assert abs(mixing(groups, left, right).modularity) < 0.01
    assert reciprocity(left, right) < 0.001
    assert clustering(left, right, 50_000, sample=1000) < 0.001
