"""Custom follow graphs, named by dotted paths."""

from __future__ import annotations

import numpy as np
import pytest

import hubbub as hb
from engine.scenarios import small
from hubbub.config.scenario import GraphConfig
from hubbub.errors import ScenarioError

HERE = "population.test_custom_graph"


def ring(people, config, stream):
    """Everyone follows the next agents, as many as `mean_following` says, and one at random."""
    n = len(people)
    src = np.repeat(np.arange(n), int(config.mean_following))
    dst = (src + 1 + np.tile(np.arange(int(config.mean_following)), n)) % n
    lots = stream.integers(n - 1, n)
    return np.append(src, np.arange(n)), np.append(dst, (np.arange(n) + 1 + lots) % n)


def fans(people, config, stream):
    """Everyone who is not a core user follows all core users; lists will do."""
    core = np.flatnonzero(people.core).tolist()
    pairs = [(i, c) for i in range(len(people)) for c in core if not people.core[i]]
    return tuple(zip(*pairs, strict=True))


def graph_of(answer):
    return lambda people, config, stream: answer


one_array = graph_of(np.zeros((2, 4), int))
three = graph_of(([1], [2], [3]))
uneven = graph_of(([1, 2], [2]))
halves = graph_of(([1.5], [2]))
outside = graph_of(([1], [120]))
negative = graph_of(([-1], [2]))
alone = graph_of(([1, 7], [2, 7]))
empty = graph_of(([], []))


def follows(kind, **config):
    scenario = small(
        steps=1,
        events=[],
        population={
            "synthetic": {"agents": 120, "core": 6},
            "graph": {"kind": f"{HERE}:{kind}", **config},
        },
    )
    with hb.Simulation(scenario) as sim:
        sim.reset()
        left, right = sim.world.sets["follow"].columns()
        return left.tolist(), right.tolist(), sim.world


def test_a_graph_of_the_user_is_followed():
    left, right, world = follows("ring", mean_following=2)
    pairs = set(zip(left, right, strict=True))
    assert len(pairs) == len(left)
    assert {(i, (i + d) % 120) for i in range(120) for d in (1, 2)} <= pairs
    assert 120 * 2 < len(pairs) <= 120 * 3  # ties that come twice count once
    assert world.agents["followings"].sum() == len(pairs)
    assert follows("ring", mean_following=2)[:2] == (left, right)


def test_a_graph_knows_the_people():
    left, right, world = follows("fans")
    assert len(left) == 114 * 6
    assert world.agents["core"][right].all()
    assert follows("empty")[0] == []


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("one_array", r"must return \(followers, followees\), not ndarray"),
        ("three", "not a tuple of 3"),
        ("uneven", r"two arrays of one length, not \(2,\) and \(1,\)"),
        ("halves", "must return followers as integer ids, not float64"),
        ("outside", "returned 120 among the followees; agents have the ids 0 to 119"),
        ("negative", "returned -1 among the followers"),
        ("alone", "lets agent 7 follow itself"),
        ("rng", "did you mean 'ring'"),
        ("HERE", "is not a function"),
    ],
)
def test_a_wrong_graph_is_named(kind, message):
    with pytest.raises(ScenarioError, match=f"population.graph.kind.*{message}"):
        follows(kind)


def test_a_misspelt_kind_has_a_hint():
    with pytest.raises(ScenarioError, match=r"or a dotted path .*did you mean 'preferential'"):
        GraphConfig(kind="preferental")
