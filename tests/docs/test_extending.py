"""docs/extending.md runs as written, and names every part there is."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import get_args

import numpy as np
import pytest
import yaml
from pages import DOCS, blocks

import hubbub as hb
from hubbub.actions import SCALE
from hubbub.actions.spec import Effect, Precondition
from hubbub.studies import StudyOptions, run_study
from hubbub.studies.catalogue import find_study
from hubbub.studies.study_folder import StudyFolder
from hubbub.testing import check_policy

PAGE = (DOCS / "extending.md").read_text(encoding="utf-8")


@pytest.fixture
def society(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[hb.Simulation]:
    """Yield the page's society after its run."""
    (scenario,) = blocks("extending.md", "yaml")
    (tmp_path / "mine.py").write_text("\n\n".join(blocks("extending.md", "python")))
    (tmp_path / "scenario.yaml").write_text(scenario)
    monkeypatch.syspath_prepend(tmp_path)
    sys.modules.pop("mine", None)
    sim = hb.Simulation.from_yaml(tmp_path / "scenario.yaml")
    sim.run()
    yield sim
    sim.close()


def test_the_society_of_the_page_runs_as_written(society: hb.Simulation) -> None:
    world = society.world
    kept = world.items["bookmarks"].sum()
    assert kept == len(world.sets["bookmark"]) == world.agents["kept"].sum() > 10
    assert {"bookmarks", "tips"} <= set(society.posts().column_names)
    texts = [world.texts[int(t)] for t in world.items["text"]]
    assert texts.count("Nothing to like here.") > 1
    preached = [i for i, t in enumerate(texts) if t.startswith("We need")]
    assert preached
    for item in preached:
        author = int(world.items["author"][item])
        assert world.agents["core"][author]
        assert world.items["topic"][item] == 0
        assert abs(int(world.items["stance"][item])) <= SCALE
        want = "less" if world.items["stance"][item] < 0 else "more"
        assert texts[item] == f"We need {want} of it."


def test_the_source_finds_what_followees_liked(society: hb.Simulation) -> None:
    rows = [r for r in society.store.slates().to_pylist() if r["source"] == "followees_liked"]
    assert len(rows) > 50
    assert {r["position"] for r in rows} == {0, 1}  # before all others, as there is a ranker
    world = society.world
    for row in rows:
        followees = world.sets["follow"].partners(row["agent"])
        liked = world.sets["like"].contains(followees, np.full(len(followees), row["item"]))
        assert row["score"] <= liked.sum()  # nobody unlikes or unfollows here


def test_the_filter_removes_links(society: hb.Simulation) -> None:
    post = society.act(7, "create_post", content="Look at http://example.org").id
    fan = int(np.flatnonzero(np.arange(len(society.world.agents)) != 7)[0])
    assert {e.item: e.verdict for e in society.explain(fan)}[post] == "no_links"


def test_the_graph_is_a_small_world(society: hb.Simulation) -> None:
    scenario = society.scenario
    with hb.Simulation(scenario) as fresh:
        fresh.reset()
        followers, followees = fresh.world.sets["follow"].columns()
    near = (followees - followers) % 200 <= 8
    assert 0.87 < near.mean() < 0.95
    assert 1500 < len(near) <= 1600


def test_the_encoder_counts_letters(society: hb.Simulation) -> None:
    vectors = society.world.texts.encoder.encode(["Aab", "b"])
    assert vectors[:, :3].tolist() == [[114, 57, 0], [0, 127, 0]]
    assert society.world.agents["taste"].shape == (200, 26)


def test_the_opinion_rule_moves_opinions(society: hb.Simulation) -> None:
    agents = society.world.agents
    moved = agents["opinion"] - agents["opinion_start"].astype(int)
    assert np.count_nonzero(moved) > 50
    rule = sys.modules["mine"].repulsion
    config = society.scenario.opinions
    seen = SimpleNamespace(
        opinion=np.array([0.0, -0.5, -0.99]), stance=np.array([0.4, 0.7, 0.9]), config=config
    )
    assert rule(seen) == pytest.approx([0.02, -0.515, -1.0])


def test_the_parts_of_the_page_pass_their_checks(society: hb.Simulation) -> None:
    mine = sys.modules["mine"]
    mine.test_my_parts()
    check_policy(mine.Preacher)
    for name in (n for n in dir(mine) if n.startswith("check_")):
        assert f"- `{name}`" in PAGE or f", `{name}`" in PAGE or f", `{name}` |" in PAGE


def test_a_second_run_is_the_same(society: hb.Simulation) -> None:
    first = society.events()
    society.reset()
    society.run()
    assert society.events().to_pylist() == first.to_pylist()


def test_a_stand_in_speaks_for_its_agents(society: hb.Simulation) -> None:
    scenario = hb.Scenario(
        steps=3,
        platform={"preset": "reddit"},
        population={"synthetic": {"agents": 20, "core": 5, "posts_per_core": 1}},
        time={"activity": {"kind": "constant", "rate": 1.0}},
        models={"small": {"urls": ["http://localhost:8000/v1"]}},
        agents=[{"model": "small"}],
    )
    with hb.Simulation(scenario, stand_ins={"small": sys.modules["mine"].grumpy}) as sim:
        sim.run()
        said = sim.store.comments()["content"].to_pylist()
        refused = set(sim.events()["reason"].to_pylist()) - {"ok"}
    assert said
    assert set(said) == {"It was better before."}
    assert not refused


def test_own_actions_do_what_the_page_says(society: hb.Simulation) -> None:
    post = society.act(7, "create_post", content="Hello").id
    before = society.world.agent(8).kept
    assert society.act(8, "bookmark", post_id=post).ok
    assert society.act(8, "bookmark", post_id=post).reason == "duplicate"
    assert society.world.item(post).bookmarks == 1
    assert society.world.agent(8).kept == before + 1
    assert society.act(8, "forget", post_id=post).ok
    assert society.act(8, "forget", post_id=post).reason == "absent"
    tip = society.act(8, "tip", post_id=post, content="Thank you")
    assert society.world.item(tip.id).kind == "comment"
    assert society.world.item(post).tips == society.world.item(post).comments == 1


@pytest.mark.parametrize("block", [*get_args(Precondition), *get_args(Effect)])
def test_every_building_block_has_a_line(block: type) -> None:
    assert f"- `{block.__name__}(" in PAGE


def test_every_column_is_named(society: hb.Simulation) -> None:
    world = society.world
    hidden = {"curve", "seen_count", "last_note", "noticed", "last_comment", "next_comment"}
    own = {"kept", "bookmarks", "tips"}
    for name in {*world.agents.names, *world.items.names, *world.groups.names} - hidden - own:
        assert f"`{name}`" in PAGE, name
    for name in set(world.sets) - {"bookmark"}:
        assert f"`{name}`" in PAGE, name


def test_a_provider_speaks_for_its_agents(society: hb.Simulation) -> None:
    (models,) = (b for b in blocks("extending.md", "text") if b.startswith("models:"))
    scenario = hb.Scenario(
        steps=2,
        population={"synthetic": {"agents": 10, "core": 5, "posts_per_core": 1}},
        time={"activity": {"kind": "constant", "rate": 1.0}},
        agents=[{"model": "canned"}],
        **yaml.safe_load(models),
    )
    with hb.Simulation(scenario) as sim:
        sim.run()
        calls = sim.completions().to_pylist()
    assert len(calls) > 10
    assert all("like_post" in call["reply"] and call["latency"] >= 0.1 for call in calls)


def test_the_study_of_the_page_finds_more_posts(society: hb.Simulation, tmp_path: Path) -> None:
    study = find_study("mine:Awake")
    run_study(study, StudyOptions(), tmp_path / "awake", processes=2)
    folder = StudyFolder.open(tmp_path / "awake")
    (finding,) = study.judge(folder.results(), StudyOptions())
    assert finding.verdict == "supported"
    assert finding.n == (5, 5)
