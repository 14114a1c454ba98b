"""Exports: OASIS's schema with counters that add up, Parquet, GraphML."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pyarrow.parquet as pq
import pytest
from store_society import Society, play

from hubbub.actions import Kind
from hubbub.errors import RunError
from hubbub.store import RunStore, export_run
from hubbub.world import World

#: As the documentation gives it.
OASIS = {
    "user": "user_id agent_id user_name name bio created_at num_followings num_followers",
    "post": "post_id user_id original_post_id content quote_content created_at num_likes "
    "num_dislikes num_shares num_reports",
    "comment": "comment_id post_id user_id content created_at num_likes num_dislikes",
    "like": "like_id user_id post_id created_at",
    "dislike": "dislike_id user_id post_id created_at",
    "comment_like": "comment_like_id user_id comment_id created_at",
    "comment_dislike": "comment_dislike_id user_id comment_id created_at",
    "follow": "follow_id follower_id followee_id created_at",
    "mute": "mute_id muter_id mutee_id created_at",
    "report": "report_id user_id post_id report_reason created_at",
    "product": "product_id product_name sales",
    "chat_group": "group_id name created_at",
    "group_members": "group_id agent_id joined_at",
    "group_messages": "message_id group_id sender_id content sent_at",
    "trace": "user_id created_at action info",
    "rec": "user_id post_id",
}
#: Counter of a table -> the records that it counts.
COUNTS = {
    ("post", "num_likes"): '"like" r WHERE r.post_id = t.post_id',
    ("post", "num_dislikes"): "dislike r WHERE r.post_id = t.post_id",
    ("post", "num_shares"): "post r WHERE r.original_post_id = t.post_id",
    ("post", "num_reports"): "report r WHERE r.post_id = t.post_id",
    ("comment", "num_likes"): "comment_like r WHERE r.comment_id = t.comment_id",
    ("comment", "num_dislikes"): "comment_dislike r WHERE r.comment_id = t.comment_id",
    ("user", "num_followings"): "follow r WHERE r.follower_id = t.user_id",
    ("user", "num_followers"): "follow r WHERE r.followee_id = t.user_id",
}


def take_back(store: RunStore, world: World, society: Society) -> None:
    """Let every other agent take back the first like, dislike, ... that it can."""
    on_post = world.items["kind"] != Kind.comment
    for pair_set, action, chosen in (
        ("like", "unlike_post", on_post),
        ("like", "unlike_comment", ~on_post),
        ("dislike", "undo_dislike_post", on_post),
        ("dislike", "undo_dislike_comment", ~on_post),
        ("follow", "unfollow", np.ones(len(world.agents), bool)),
        ("member", "leave_group", np.ones(len(world.groups), bool)),
    ):
        left, right = (c[chosen[world.sets[pair_set].columns()[1]]]
                       for c in world.sets[pair_set].columns())  # fmt: skip
        agents, first = (c[::2] for c in np.unique(left, return_index=True))
        event = society.act(world.step, agents, action, opinions=False, target=right[first])
        assert (event.reason == 0).all()
        store.commit(world, world.step, event, None, finished=False)


@pytest.fixture(scope="module")
def run() -> Iterator[tuple[RunStore, World]]:
    store, world = play(None, 12, n=60)
    society = Society(world)
    for group, founder in enumerate(world.groups["founder"].tolist()):
        event = society.act(12, [founder], "send_to_group", target=group)
        store.commit(world, 12, event, None, finished=False)
    take_back(store, world, society)
    question = society.act(12, [7], "interview", opinions=False, text="Why?")
    store.commit(world, 12, question, None, finished=False)
    with store:
        yield store, world


@pytest.fixture(scope="module")
def oasis(
    run: tuple[RunStore, World], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[sqlite3.Connection]:
    out = tmp_path_factory.mktemp("oasis") / "out.db"
    export_run(run[0], "oasis", out)
    with closing(sqlite3.connect(out)) as db:
        db.row_factory = sqlite3.Row
        yield db


def rows(db: sqlite3.Connection, sql: str) -> list[dict[str, Any]]:
    return [dict(r) for r in db.execute(sql)]


def test_oasis_has_its_tables_and_columns(oasis: sqlite3.Connection) -> None:
    tables = [r["name"] for r in rows(oasis, "SELECT name FROM sqlite_master WHERE type = 'table'")]
    assert sorted(tables) == sorted(OASIS)
    for table, columns in OASIS.items():
        found = [r["name"] for r in rows(oasis, f"PRAGMA table_info('{table}')")]
        assert found == columns.split()
        assert rows(oasis, f"SELECT count(*) AS n FROM '{table}'")[0]["n"] > 0, table
    assert rows(oasis, "PRAGMA integrity_check") == [{"integrity_check": "ok"}]


@pytest.mark.parametrize(("table", "counter"), list(COUNTS))
def test_oasis_counters_are_numbers_of_records(
    oasis: sqlite3.Connection, table: str, counter: str
) -> None:
    records = COUNTS[table, counter]
    sql = f"SELECT t.{counter} AS a, (SELECT count(*) FROM {records}) AS b FROM {table} t"
    pairs = [(r["a"], r["b"]) for r in rows(oasis, sql)]
    assert [a for a, _ in pairs] == [b for _, b in pairs]
    assert any(a for a, _ in pairs)


def test_oasis_numbers_posts_and_comments_from_one(
    run: tuple[RunStore, World], oasis: sqlite3.Connection
) -> None:
    for table in ("post", "comment", "report", "group_messages"):
        key = OASIS[table].split()[0]
        ids = [r[key] for r in rows(oasis, f"SELECT {key} FROM '{table}' ORDER BY rowid")]
        assert ids == list(range(1, len(ids) + 1))
    users = rows(oasis, "SELECT user_id, agent_id, user_name FROM user ORDER BY user_id")
    assert [u["user_id"] for u in users] == [u["agent_id"] for u in users]
    assert [u["user_name"] for u in users] == run[0].agents()["user_name"].to_pylist()
    posts = rows(oasis, "SELECT user_id, created_at FROM post ORDER BY post_id")
    ours = run[0].posts()
    assert [p["user_id"] for p in posts] == ours["agent"].to_pylist()
    assert [p["created_at"] for p in posts] == ours["step"].to_pylist()


def test_oasis_posts_reposts_and_quotes(
    run: tuple[RunStore, World], oasis: sqlite3.Connection
) -> None:
    posts = rows(oasis, "SELECT * FROM post ORDER BY post_id")
    ours = run[0].posts().to_pylist()
    number = {o["id"]: n for n, o in enumerate(ours, 1)}
    for post, our in zip(posts, ours, strict=True):
        original = None if our["ref"] is None else posts[number[our["ref"]] - 1]
        match our["kind"]:
            case "post":
                expected = (None, our["content"], None)
            case "repost":
                assert original is not None
                expected = (original["post_id"], "", None)
            case _:
                assert original is not None
                expected = (original["post_id"], original["content"], our["content"])
        assert (post["original_post_id"], post["content"], post["quote_content"]) == expected
    assert {o["kind"] for o in ours} == {"post", "repost", "quote"}


def by_action(db: sqlite3.Connection) -> dict[str, list[tuple[dict[str, Any], Any]]]:
    """Return the rows of trace with their `info`, by action."""
    found: dict[str, list[tuple[dict[str, Any], Any]]] = {}
    for row in rows(db, "SELECT * FROM trace ORDER BY rowid"):
        found.setdefault(row["action"], []).append((row, json.loads(row["info"])))
    return found


def test_oasis_trace_has_what_users_carried_out(
    run: tuple[RunStore, World], oasis: sqlite3.Connection
) -> None:
    trace = rows(oasis, "SELECT * FROM trace ORDER BY rowid")
    looked = [e for e in run[0].events().to_pylist() if e["reason"] == "ok"]
    done = [e for e in looked if e["action"] != "refresh" and e["agent"] is not None]
    acts = [t for t in trace if t["action"] not in ("sign_up", "refresh")]
    for column, ours in (("action", "action"), ("created_at", "step"), ("user_id", "agent")):
        assert [t[column] for t in acts] == [e[ours] for e in done]
    posts = {p["post_id"]: p for p in rows(oasis, "SELECT * FROM post")}
    comments = {c["comment_id"]: c for c in rows(oasis, "SELECT * FROM comment")}
    named = by_action(oasis)
    for t, info in named["create_post"]:
        assert posts[info["post_id"]]["content"] == info["content"]
        assert posts[info["post_id"]]["user_id"] == t["user_id"]
    for action, key in (("repost", "reposted_id"), ("quote_post", "quoted_id")):
        for _, info in named[action]:
            post = posts[info[key]]  # as named: a repost stands for its original
            originals = {info[key], post["original_post_id"]}
            assert posts[info["new_post_id"]]["original_post_id"] in originals
    for _, info in named["create_comment"]:
        comment = comments[info["comment_id"]]
        assert (comment["post_id"], comment["content"]) == (info["post_id"], info["content"])
    assert {i["product_name"] for _, i in named["purchase_product"]} <= {"lamp", "sofa"}
    groups = {g["group_id"]: g["name"] for g in rows(oasis, "SELECT * FROM chat_group")}
    assert all(groups[i["group_id"]] == i["group_name"] for _, i in named["create_group"])


#: Keys of `info` in OASIS (oasis/social_platform/platform.py).
INFO = {
    "sign_up": "name user_name bio",
    "refresh": "posts",
    "do_nothing": "",
    "create_post": "content post_id",
    "repost": "reposted_id new_post_id",
    "quote_post": "quoted_id new_post_id",
    "like_post": "post_id like_id",
    "unlike_post": "post_id like_id",
    "dislike_post": "post_id dislike_id",
    "undo_dislike_post": "post_id dislike_id",
    "report_post": "post_id report_id",
    "create_comment": "content comment_id",
    "like_comment": "comment_id comment_like_id",
    "unlike_comment": "comment_id comment_like_id",
    "dislike_comment": "comment_id comment_dislike_id",
    "undo_dislike_comment": "comment_id comment_dislike_id",
    "trend": "posts",
    "search_posts": "query",
    "search_user": "query",
    "follow": "follow_id",
    "unfollow": "followee_id",
    "mute": "mutee_id",
    "unmute": "mutee_id",
    "create_group": "group_id group_name",
    "join_group": "group_id",
    "leave_group": "group_id",
    "send_to_group": "group_id message_id content",
    "purchase_product": "product_name purchase_num",
    "interview": "prompt interview_id",
}


def test_oasis_info_has_the_keys_of_oasis(
    run: tuple[RunStore, World], oasis: sqlite3.Connection
) -> None:
    named = by_action(oasis)
    assert set(named) >= set(INFO)
    for action, keys in INFO.items():
        for row, info in named.get(action, []):
            assert set(keys.split()) <= set(info), (action, row)


def test_oasis_everyone_signs_up_first(
    run: tuple[RunStore, World], oasis: sqlite3.Connection
) -> None:
    agents = run[0].agents().to_pylist()
    trace = rows(oasis, "SELECT * FROM trace ORDER BY rowid")
    for agent, row in zip(agents[:60], trace[:60], strict=True):
        assert (row["user_id"], row["action"], row["created_at"]) == (agent["id"], "sign_up", 0)
        profile = {n: agent[n] for n in ("name", "user_name", "bio")}
        assert json.loads(row["info"]) == profile
    (late,) = [r for r in trace[60:] if r["action"] == "sign_up"]
    assert late["user_id"] == 60
    assert json.loads(late["info"]) == {"name": "Late", "user_name": "late", "bio": "new"}


def test_oasis_a_turn_begins_with_a_refresh(
    run: tuple[RunStore, World], oasis: sqlite3.Connection
) -> None:
    number = {p: n for n, p in enumerate(run[0].posts()["id"].to_pylist(), 1)}
    authors = {p["post_id"]: p["user_id"] for p in rows(oasis, "SELECT * FROM post")}
    shown: dict[tuple[int, int], list[int]] = {}
    for row in run[0].slates().to_pylist():
        shown.setdefault((row["agent"], row["step"]), []).append(number[row["item"]])
    first: dict[tuple[int, int], dict[str, Any]] = {}
    for t in rows(oasis, "SELECT * FROM trace WHERE created_at > 0 ORDER BY rowid"):
        first.setdefault((t["user_id"], t["created_at"]), t)
    for turn, posts in shown.items():
        assert first[turn]["action"] == "refresh"
        info = json.loads(first[turn]["info"])
        assert [p["post_id"] for p in info["posts"]] == posts
        assert [p["user_id"] for p in info["posts"]] == [authors[p] for p in posts]


RECORDS = {
    "like": ("like_post", "unlike_post", "post_id"),
    "dislike": ("dislike_post", "undo_dislike_post", "post_id"),
    "comment_like": ("like_comment", "unlike_comment", "comment_id"),
    "comment_dislike": ("dislike_comment", "undo_dislike_comment", "comment_id"),
    "report": ("report_post", "", "post_id"),
    "follow": ("follow", "", "followee_id"),
}


@pytest.mark.parametrize("exclusive", [False, True])
def test_oasis_records_have_the_numbers_that_the_trace_names(
    tmp_path: Path, exclusive: bool
) -> None:
    store, world = play(None, 12, n=60, exclusive=exclusive)
    with store:
        society = Society(world, exclusive=exclusive)
        take_back(store, world, society)
        for step in (13, 14):
            events, slate = society.step(step)
            store.commit(world, step, events, slate, finished=True)
        export_run(store, "oasis", tmp_path / "out.db")
        (start,) = store.database.rows("SELECT count(*) FROM relation_start")[0]
    with closing(sqlite3.connect(tmp_path / "out.db")) as db:
        db.row_factory = sqlite3.Row
        named = by_action(db)
        ended = 0
        for table, (make, end, what) in RECORDS.items():
            key = OASIS[table].split()[0]
            made = {i[key]: (t["user_id"], i[what], t["created_at"]) for t, i in named[make]}
            first = start if table == "follow" else 0
            assert list(made) == [first + n for n in range(1, len(made) + 1)]
            stand = {r[0]: (r[1], r[2], r["created_at"]) for r in rows_of(db, table)}
            assert {n: r for n, r in stand.items() if n > first}.items() <= made.items()
            for t, info in named.get(end, []):
                assert made[info[key]][:2] == (t["user_id"], info[what])
                assert info[key] not in stand
                ended += 1
        assert ended > 10


def rows_of(db: sqlite3.Connection, table: str) -> list[sqlite3.Row]:
    return db.execute(f"SELECT * FROM '{table}'").fetchall()


def test_oasis_recommendations_are_the_last_slates(
    run: tuple[RunStore, World], oasis: sqlite3.Connection
) -> None:
    number = {p: n for n, p in enumerate(run[0].posts()["id"].to_pylist(), 1)}
    last: dict[int, list[int]] = {}
    for part in run[0].replay():
        if part.slate is not None:
            for agent in part.slate.agents.tolist():
                last[agent] = [number[i] for i in part.slate.items[part.slate.of(agent)].tolist()]
    found: dict[int, list[int]] = {}
    for r in rows(oasis, "SELECT * FROM rec ORDER BY rowid"):
        found.setdefault(r["user_id"], []).append(r["post_id"])
    assert found == {a: posts for a, posts in last.items() if posts}


def test_oasis_on_reddit_has_times(tmp_path: Path) -> None:
    sections = {
        "platform": {"preset": "reddit"},
        "time": {"start": "2024-03-02T00:00:00+02:00", "step_minutes": 90.5},
    }
    with play(None, 3, **sections)[0] as store:
        export_run(store, "oasis", tmp_path / "out.db")
        steps = store.posts()["step"].to_pylist()
    with closing(sqlite3.connect(tmp_path / "out.db")) as db:
        times = [r[0] for r in db.execute("SELECT created_at FROM post ORDER BY post_id")]
        user = db.execute("SELECT created_at FROM user").fetchone()[0]
    expected = {
        1: "2024-03-01 22:00:00",
        2: "2024-03-01 23:30:30",
        3: "2024-03-02 01:01:00",
    }
    assert times == [expected[s] for s in steps]
    assert datetime.fromisoformat(user) < datetime.fromisoformat(times[0])


def test_parquet_has_every_table(run: tuple[RunStore, World], tmp_path: Path) -> None:
    store = run[0]
    export_run(store, "parquet", tmp_path / "out")
    for name in ("events", "posts", "comments", "items", "agents", "slates", "relations"):
        assert pq.read_table(tmp_path / "out" / f"{name}.parquet").equals(
            getattr(store, name)().arrow
        )
    for name, table in (("steps", store.steps_table()), ("opinions", store.opinions())):
        assert pq.read_table(tmp_path / "out" / f"{name}.parquet").equals(table.arrow)
        assert table.num_rows > 0
    reactions = pq.read_table(tmp_path / "out" / "reactions.parquet")
    assert reactions.num_rows == store.reactions().num_rows > 0
    assert json.loads((tmp_path / "out" / "scenario.json").read_text())["name"] == "test"


def test_graphml_is_the_follow_graph(run: tuple[RunStore, World], tmp_path: Path) -> None:
    store, world = run
    export_run(store, "graphml", tmp_path / "out.graphml")
    graph = nx.read_graphml(tmp_path / "out.graphml", node_type=int)
    assert graph.is_directed()
    assert graph.number_of_nodes() == len(world.agents)
    left, right = world.sets["follow"].columns()
    assert set(graph.edges()) == set(zip(left.tolist(), right.tolist(), strict=True))
    for agent, fields in graph.nodes(data=True):
        assert fields["user_name"] == world.agent(agent).user_name
        assert fields["followers"] == graph.in_degree(agent)
        assert fields["core"] is bool(world.agents["core"][agent])


def test_graphml_escapes_what_people_write(tmp_path: Path) -> None:
    store, _ = play(None, 0)
    with store:
        store.database.rows("UPDATE agent SET bio = ? WHERE id = 1", "<b> & \x00\x07 'ünï' \n 😀")
        export_run(store, "graphml", tmp_path / "out.graphml")
    graph = nx.read_graphml(tmp_path / "out.graphml")
    assert graph.nodes["1"]["bio"] == "<b> & \ufffd\ufffd 'ünï' \n 😀"


@pytest.mark.parametrize("format_name", ["oasis", "parquet", "graphml"])
def test_an_export_never_overwrites(
    run: tuple[RunStore, World], tmp_path: Path, format_name: str
) -> None:
    out = tmp_path / "out"
    out.write_text("mine")
    with pytest.raises(RunError, match="exists already; give another name"):
        export_run(run[0], format_name, out)
    assert out.read_text() == "mine"
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot be written"):
        export_run(run[0], format_name, tmp_path / "file" / "out")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "out"]


def test_an_unknown_format_is_met_with_a_suggestion(
    run: tuple[RunStore, World], tmp_path: Path
) -> None:
    with pytest.raises(RunError, match=r"no format 'parket' \(did you mean 'parquet'\?\)"):
        export_run(run[0], "parket", tmp_path / "out")
