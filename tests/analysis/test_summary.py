"""The summary of a run against plain counting in its tables."""

from __future__ import annotations

from collections import Counter

import pytest

from hubbub.analysis import Summary, cascades, summarise
from hubbub.config import parse_scenario
from hubbub.engine import Simulation

SCENARIO = {
    "name": "counted",
    "seed": 5,
    "steps": 12,
    "platform": {"preset": "x", "actions": "all"},
    "population": {"synthetic": {"agents": 80, "core": 5, "posts_per_core": 3}},
    "time": {"activity": {"kind": "constant", "rate": 0.5, "core_rate": 0.5}},
    "behaviour": {"base": {"repost": -2.0, "like_post": -2.0, "unlike_post": -3.0}},
    "encoder": {"kind": "hashing"},
    "agents": [
        {"policy": "scripted", "share": 0.1, "script": {2: [{"agent": 0, "action": "do_nothing"}]}},
        {"policy": "statistical"},
    ],
}


@pytest.fixture(scope="module")
def sim() -> Simulation:
    sim = Simulation(parse_scenario(SCENARIO))
    sim.run()
    sim.act(1, "follow", user_id=1)  # refused
    return sim


@pytest.fixture(scope="module")
def summary(sim: Simulation) -> Summary:
    return summarise(sim.store, top=4)


def after_start(sim: Simulation) -> list[dict[str, object]]:
    """Return the events without the posts from before step 1."""
    return [row for row in sim.events().to_pylist() if row["step"] > 0]


def test_the_head(sim: Simulation, summary: Summary) -> None:
    assert (summary.name, summary.seed, summary.steps, summary.agents) == ("counted", 5, 12, 80)
    assert summary.follows == len(sim.world.sets["follow"])
    assert summary.items == Counter(sim.store.items()["kind"].to_pylist())


def test_actions_by_kind(sim: Simulation, summary: Summary) -> None:
    rows = after_start(sim)
    done = Counter(r["action"] for r in rows if r["reason"] == "ok")
    refused = Counter((r["action"], r["reason"]) for r in rows if r["reason"] != "ok")
    assert {a.action: a.accepted for a in summary.actions if a.accepted} == done
    assert {(a.action, r): n for a in summary.actions for r, n in a.refused.items()} == refused
    assert refused["follow", "self_target"] == 1
    assert summary.accepted == sum(done.values())
    assert summary.refused == sum(refused.values())
    counts = [a.accepted for a in summary.actions]
    assert counts == sorted(counts, reverse=True)


def test_activity_over_time(sim: Simulation, summary: Summary) -> None:
    slates = sim.store.slates()
    done = Counter(
        r["step"]
        for r in after_start(sim)
        if r["reason"] == "ok" and r["action"] not in ("do_nothing", "refresh")
    )
    assert summary.done.tolist() == [done[step] for step in range(1, 13)]
    assert len(summary.active) == 12
    for step in range(1, 13):
        viewers = slates.filter(slates["step"].to_numpy() == step)["agent"].unique()
        assert len(viewers) <= summary.active[step - 1]


def test_rankings(sim: Simulation, summary: Summary) -> None:
    agents = sim.agents().to_pylist()
    best = sorted(agents, key=lambda a: (-a["followers"], a["id"]))[:4]
    assert [(r.agent, r.user_name, r.number) for r in summary.most_followed] == [
        (a["id"], a["user_name"], a["followers"]) for a in best
    ]
    done = Counter(
        r["agent"]
        for r in after_start(sim)
        if r["reason"] == "ok" and r["action"] not in ("do_nothing", "refresh")
    )
    busiest = sorted(done.items(), key=lambda pair: (-pair[1], pair[0]))[:4]
    assert [(r.agent, r.number) for r in summary.most_active] == busiest


def test_most_shared(sim: Simulation, summary: Summary) -> None:
    trees = cascades(sim.store.items()).sort_by([("size", "descending"), ("post", "ascending")])
    for shared, tree in zip(summary.most_shared, trees.to_pylist(), strict=False):
        assert (shared.post, shared.size, shared.depth) == (
            tree["post"],
            tree["size"],
            tree["depth"],
        )
        item = sim.world.item(shared.post)
        assert (shared.content, shared.likes) == (item.content, item.likes)
    assert len(summary.most_shared) == 4


def test_opinions_at_the_start_and_the_end(sim: Simulation, summary: Summary) -> None:
    agents, topics = sim.world.agents, sim.world.topics
    assert [o.topic for o in summary.opinions] == topics
    moved = 0
    for k, shift in enumerate(summary.opinions):
        start, end = agents["opinion_start"][:, k] / 1e4, agents["opinion"][:, k] / 1e4
        assert shift.mean_start == pytest.approx(start.mean(), abs=1e-6)
        assert shift.mean_end == pytest.approx(end.mean(), abs=1e-6)
        assert shift.spread_start == pytest.approx(start.std(), abs=1e-6)
        assert shift.spread_end == pytest.approx(end.std(), abs=1e-6)
        moved += shift.mean_start != shift.mean_end
    assert moved > 3


def test_posts_alone_give_the_same_cascades(sim: Simulation) -> None:
    """Ids are not row numbers in the table of posts, which leaves comments out."""
    assert cascades(sim.posts()).equals(cascades(sim.store.items()))


def test_a_run_in_which_nothing_happened() -> None:
    with Simulation(parse_scenario({**SCENARIO, "steps": 0})) as sim:
        sim.run()
        summary = summarise(sim.store)
    assert summary.steps == 0
    assert summary.actions == []
    assert summary.most_shared == []
    assert len(summary.active) == len(summary.done) == 0
