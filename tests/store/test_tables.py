"""Tables for people and views for SQL: both say what the world is."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from store_society import Society, make_world, play, scenario

from hubbub.actions import SOCIAL, ActionBatch, Kind
from hubbub.embed import make_encoder
from hubbub.platform import apply
from hubbub.population.io import to_blobs
from hubbub.store import RunStore
from hubbub.world import Population, Slate, World
from societies import TOPICS, small_population

RELATIONS, REACTIONS = ("follow", "mute", "member"), ("like", "dislike", "repost", "report")


@pytest.mark.parametrize("exclusive", [False, True])
@pytest.mark.parametrize("relation_rows", [0, 10_000])
def test_tables_and_views_hold_the_pairs_of_the_world(exclusive: bool, relation_rows: int) -> None:
    sections = {"store": {"relation_rows": relation_rows}}
    store, world = play(None, 8, n=40, exclusive=exclusive, **sections)
    with store:
        assert store.meta()["relation_start"] == ("rows" if relation_rows else "bulk")
        for table, view, names, right in (
            (store.relations(), "relation", RELATIONS, "right"),
            (store.reactions(), "reaction", REACTIONS, "item"),
        ):
            columns = table.to_pydict()
            left = "left" if right == "right" else "agent"
            rows = set(zip(columns["kind"], columns[left], columns[right], strict=True))
            expected = {
                (n, a, b)
                for n in names
                for a, b in zip(*map(list, world.sets[n].columns()), strict=True)
            }
            assert rows == expected
            assert len(rows) == table.num_rows > 10
            if view == "reaction" or relation_rows:
                steps = zip(*(columns[c] for c in ("kind", left, right, "step")), strict=True)
                assert set(store.database.rows(f"SELECT * FROM {view}")) == set(steps)


def test_reactions_that_became_exclusive_in_mid_run() -> None:
    world = make_world(40)
    store = RunStore.create(None, scenario(), {}, world)
    for t in range(9):
        society = Society(world, seed=t, exclusive=t % 4 < 2)
        events, slate = society.step(t)
        store.commit(world, t, events, slate, finished=True)
    with store:
        rows = set(store.database.rows("SELECT kind, agent, item FROM reaction"))
        expected = {
            (n, a, b)
            for n in REACTIONS
            for a, b in zip(*(c.tolist() for c in world.sets[n].columns()), strict=True)
        }
        assert rows == expected
        store.digest()  # compares the counters with the events


def test_items_have_the_words_and_counters_of_the_world() -> None:
    store, world = play(None, 6, n=40)
    with store:
        table = store.items().to_pydict()
        assert table["id"] == list(range(len(world.items)))
        assert table["kind"] == [Kind(k).name for k in world.items["kind"]]
        assert table["content"] == [world.item(i).content for i in table["id"]]
        for name in world.table.item_counters:
            assert table[name] == world.items[name].tolist()
        assert table["ref"] == [r if r >= 0 else None for r in world.items["ref"].tolist()]
        posts, comments = store.posts(), store.comments()
        assert set(posts["kind"].to_pylist()) == {"post", "repost", "quote"}
        assert comments.num_rows == int((world.items["kind"] == Kind.comment).sum()) > 0
        for view, ours in (("post", posts), ("comment", comments)):
            names = [r[1] for r in store.database.rows(f"PRAGMA table_info({view})")]
            assert names == ours.column_names
            rows = store.database.rows(f"SELECT * FROM {view} ORDER BY id")
            at = names.index("stance")
            stances = [r[at] for r in rows]
            assert stances == pytest.approx(ours["stance"].to_pylist(), abs=1e-6)
            assert [r[:at] + r[at + 1 :] for r in rows] == [
                tuple(r.values()) for r in ours.drop_columns(["stance"]).to_pylist()
            ]


def test_topics_and_stances_are_words_and_shares() -> None:
    world = make_world(10)
    society = Society(world)
    with RunStore.create(None, scenario(), {}, world) as store:
        batch = ActionBatch.blank(np.arange(3), world.table.code("create_post"))
        batch.texts, batch.text[:] = ["Vote for me"], 0
        batch.topic[:], batch.stance[:] = [2, 0, -1], [-5_000, 10_000, -32_768]
        store.commit(
            world, 0, apply(society.platform, world, batch, 0), Slate.empty([]), finished=True
        )
        posts = store.posts().sort_by("agent").to_pydict()
        assert posts["topic"][:2] == [TOPICS[2], TOPICS[0]]
        assert posts["stance"] == [-0.5, 1.0, None]
        rows = store.database.rows("SELECT topic, stance FROM post ORDER BY agent")
        assert rows == list(zip(posts["topic"], posts["stance"], strict=True))
        topics = store.database.rows("SELECT code, name FROM topic ORDER BY code")
        assert topics == list(enumerate(TOPICS))


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        ({}, ["2024-01-01T07:57:00", "2024-01-01T08:00:00", "2024-01-01T08:03:00"]),
        (
            {"start": "2024-03-01T00:30:00+02:00", "step_minutes": 0.5},
            ["2024-02-29T22:29:30", "2024-02-29T22:30:00", "2024-02-29T22:30:30"],
        ),
    ],
)
def test_steps_have_a_calendar_time(time: dict[str, object], expected: list[str]) -> None:
    with play(None, 2, time=time)[0] as store:
        rows = store.database.rows("SELECT step, time FROM step ORDER BY step")
        assert rows == list(enumerate(expected))
        table = store.steps_table()
        assert [t.isoformat() for t in table["time"].to_pylist()] == expected
        names = [r[1] for r in store.database.rows("PRAGMA table_info(step)")]
        assert names == table.column_names
        numbers = "SELECT step, agents_active, events, digest FROM step ORDER BY step"
        ours = table.drop_columns(["time"]).to_pylist()
        assert [tuple(r.values()) for r in ours] == store.database.rows(numbers)
        assert table["digest"].to_pylist()[-1] == store.digest()


def test_opinions_from_the_start_to_the_end() -> None:
    people = small_population(20)
    world = World(SOCIAL, list(TOPICS), make_encoder("hashing", 64), people, seed=1)
    society = Society(world)
    with RunStore.create(None, scenario(), to_blobs(people), world) as store:
        store.commit(world, 0, society.start(), Slate.empty([]), finished=True)
        snapshots = {0: world.agents["opinion"].copy()}
        for t in range(1, 6):
            events, slate = society.step(t)
            store.commit(world, t, events, slate, finished=True)
            store.commit(world, t, society.act(t, [3]), None, finished=False)
            if t == 3:
                late = json.dumps({"user_name": "later", "name": "L", "bio": "l"})
                joins = society.act(t, [-1], "sign_up", opinions=False, text=late)
                store.commit(world, t, joins, None, finished=False)
            snapshots[t] = world.agents["opinion"].copy()
        for t, opinions in snapshots.items():
            assert len(opinions) == 21 + (t >= 3)
            np.testing.assert_array_equal(
                store.opinions_at(t), opinions.astype(np.float32) / np.float32(10_000)
            )
        np.testing.assert_array_equal(store.opinions_at(), store.opinions_at(5))
        anyhow = [1, 4, 4, 2, 5, 0]  # forwards, again, and back
        for t, opinions in zip(anyhow, store.opinions_over(anyhow), strict=True):
            np.testing.assert_array_equal(opinions, store.opinions_at(t))
        table = store.opinions()
        changes = store.opinions(changes_only=True)
        assert table.schema == changes.schema
        assert [f.name for f in table.schema] == ["step", "agent", "topic", "value"]
        assert table.num_rows == changes.num_rows + 22 * len(TOPICS)
        steps = table["step"].to_pylist()
        assert steps == sorted(steps)
        now: dict[tuple[int, str], float] = {}
        for row in table.to_pylist():  # the last row of each pair is its opinion
            now[row["agent"], row["topic"]] = row["value"]
        last = store.opinions_at()
        assert now == {(a, t): last[a, k] for a in range(22) for k, t in enumerate(TOPICS)}
        first = table.slice(0, 20 * len(TOPICS))
        assert set(first["step"].to_pylist()) == {0}
        assert first["topic"].to_pylist() == TOPICS * 20
        np.testing.assert_allclose(first["value"], people.opinions.reshape(-1) / 1e4, atol=1e-6)


def test_a_run_in_which_nothing_happened_has_empty_tables() -> None:
    with RunStore.create(None, scenario(), {}, make_world()) as store:
        assert store.steps_table().num_rows == store.opinions().num_rows == 0
        assert store.opinions(changes_only=True).num_rows == 0


def test_events_are_named() -> None:
    store, _ = play(None, 4)
    with store:
        table = store.events()
        rows = store.database.rows("SELECT * FROM event_named ORDER BY step, seq")
        assert [tuple(r.values()) for r in table.to_pylist()] == rows
        first = table.slice(0, 3).to_pylist()
        assert [e["action"] for e in first] == ["sign_up_product", "sign_up_product", "sign_up"]
        assert [e["content"] for e in first[:2]] == ["lamp", "sofa"]
        assert first[0]["agent"] is None
        assert set(table["reason"].to_pylist()) > {"ok", "not_found"}
        steps = store.database.rows("SELECT step, events, agents_active FROM step")
        counted = table.group_by("step").aggregate([("seq", "count")]).to_pydict()
        assert {s: n for s, n, _ in steps} == dict(
            zip(counted["step"], counted["seq_count"], strict=True)
        )


def test_agents_have_their_profiles_and_counters() -> None:
    store, world = play(None, 4)
    with store:
        table = store.agents().to_pydict()
        assert table["user_name"] == [*(f"user_{i}" for i in range(20)), "late"]
        assert table["followers"] == world.agents["followers"].tolist()
        assert table["followings"] == world.agents["followings"].tolist()
        assert table["core"] == world.agents["core"].tolist()
        assert table["extra"] == [None] * 20 + ['{"shoe": 44}']
        groups = store.database.rows("SELECT id, name, founder, step, members FROM chat_group")
        assert [g[4] for g in groups] == world.groups["members"].tolist()
        assert len(groups) > 1


def test_groups_and_products_have_their_numbers() -> None:
    store, world = play(None, 8, n=40)
    with store:
        sales = store.database.rows("SELECT name, sales FROM product ORDER BY id")
        assert sales == list(zip(["lamp", "sofa"], world.products["sales"].tolist(), strict=True))
        assert sum(s for _, s in sales) > 0


def test_slates_tell_who_was_shown_what() -> None:
    store, _ = play(None, 3)
    with store:
        table = store.slates().to_pylist()
        slate = [p.slate for p in store.replay() if p.slate is not None][3]
        rows = [r for r in table if r["step"] == 3]
        assert [r["item"] for r in rows] == slate.items.tolist()
        agent = rows[-1]["agent"]
        mine = [r for r in rows if r["agent"] == agent]
        assert [r["item"] for r in mine] == slate.items[slate.of(agent)].tolist()
        assert [r["position"] for r in mine] == list(range(len(mine)))
        np.testing.assert_array_equal([r["score"] for r in rows], slate.scores)


def test_profiles_of_every_type_come_back(tmp_path: Path) -> None:
    people: Population = small_population(4)
    people.profiles = pa.table(
        {
            **{n: people.profiles[n] for n in people.profiles.column_names},
            "age": pa.array([30, None, 18, 99], pa.int8()),
            "height": pa.array([1.5, None, float("nan"), -0.0], pa.float32()),
            "ID": ["a", "b", None, "ü"],
            "id": [5, 6, 7, 8],
            "active": [True, False, None, True],
            "topics": [["x", "y"], [], None, ["z"]],
            "country": pa.array(["CH", "DE", "CH", None]).dictionary_encode(),
            "big": pa.array([2**64 - 1, 1, None, 0], pa.uint64()),
            'quote"d': ["1", "2", "3", "4"],
        }
    )
    world = World(SOCIAL, list(TOPICS), make_encoder("hashing", 64), people)
    with RunStore.create(tmp_path / "run", scenario(), {}, world) as store:
        table = store.agents().to_pydict()
        assert store.digest()
    assert table["id"] == [0, 1, 2, 3]
    assert table["age"] == [30, None, 18, 99]
    assert table["height"] == [1.5, None, None, 0.0]
    assert table["profile_ID"] == ["a", "b", None, "ü"]
    assert table["profile_profile_id"] == [5, 6, 7, 8]
    assert table["active"] == [1, 0, None, 1]
    assert table["topics"] == ['["x", "y"]', "[]", None, '["z"]']
    assert table["country"] == ["CH", "DE", "CH", None]
    assert table["quote'd"] == ["1", "2", "3", "4"]
    assert table["big"] == [str(2**64 - 1), "1", None, "0"]


def test_who_signs_up_with_unusual_fields_keeps_them() -> None:
    people = small_population(3)
    people.profiles = people.profiles.append_column("age", pa.array([1, 2, 3]))
    world = World(SOCIAL, list(TOPICS), make_encoder("hashing", 64), people)
    society = Society(world)
    records = [
        {"user_name": "a", "name": "A", "bio": "", "age": "forty", "pets": ["cat"]},
        {"user_name": "b", "name": "B", "bio": "b", "age": 40},
        {"user_name": "c", "name": "C", "bio": "c", "age": 2**70},
    ]
    with RunStore.create(None, scenario(), {}, world) as store:
        for record in records:
            events = society.act(0, [-1], "sign_up", opinions=False, text=json.dumps(record))
            store.commit(world, 0, events, None, finished=False)
        table = store.agents().slice(3).to_pydict()
    assert table["age"] == [None, 40, None]
    assert table["bio"] == ["", "b", "c"]
    assert [json.loads(e or "{}") for e in table["extra"]] == [
        {"age": "forty", "pets": ["cat"]},
        {},
        {"age": 2**70},
    ]
