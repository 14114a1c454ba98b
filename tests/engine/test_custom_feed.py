"""Runs with custom sources and filters in their feeds."""

from __future__ import annotations

import numpy as np

import hubbub as hb
from engine.scenarios import small

HERE = "engine.test_custom_feed"


def first_posts(world, agents, step):
    """Return the first posts of the run for everyone."""
    posts = np.arange(min(len(world.items), 40), dtype=np.int32)
    posts = posts[world.items["kind"][posts] <= 2]
    return np.repeat(agents, len(posts)), np.tile(posts, len(agents))


def odd(world, agents, items, step):
    """Keep posts with odd ids."""
    return items % 2 == 1


def changing(**feed):
    """A society whose source gets its slots in step 5, and loses them in step 8."""
    return small(
        feed={"sources": [{"source": f"{HERE}:first_posts", "slots": 0}], **feed},
        events=[
            {"step": 5, "set": {"feed.sources.0.slots": 2}},
            {"step": 8, "set": {"feed.sources.0.slots": 0}},
        ],
    )


def test_slots_of_a_source_change_during_a_run_that_is_resumed(tmp_path):
    with hb.Simulation(changing()) as sim:
        sim.run()
        digest = sim.digest()
        shown = sim.store.slates().to_pylist()
    assert {r["step"] for r in shown if r["source"] == "first_posts"} == {5, 6, 7}
    with hb.Simulation(changing(), out=tmp_path / "run") as sim:
        sim.run(6)
    with hb.Simulation.resume(tmp_path / "run") as sim:
        sim.run()
        assert sim.digest() == digest
        assert sim.store.slates().to_pylist() == shown


def test_a_filter_holds_for_every_slate():
    with hb.Simulation(changing(filters=[f"{HERE}:odd"], explore=0.3)) as sim:
        sim.run()
        shown = sim.store.slates().to_pylist()
        why = {told.verdict for told in sim.explain(3)}
    assert {r["item"] % 2 for r in shown} == {1}
    assert {"in_network", "interest", "random", "first_posts"} <= {r["source"] for r in shown}
    assert {"shown", "odd"} <= why
