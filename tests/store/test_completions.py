"""Calls of language models: kept with their step, found again, and no part of the digest."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_society import Society, make_world, play, refold

from hubbub.errors import StoreError
from hubbub.llm.chat import ChatRequest, Completion, ReplyShape
from hubbub.store import CompletionRow, RunStore, database, kept_text
from hubbub.store.completions import REPLY_CHARS, SCHEMA

SHAPE = ReplyShape("reply", {"type": "object", "properties": {"do": {"type": "array"}}})
ASKED = ChatRequest("small", "You are on X.", "You are Ann.\n1 @bob: hi", SHAPE, 90, 7)
DONE = Completion(
    '{"do": [{"action": "like_post", "id": 1}]}',
    prompt_tokens=600,
    cached_tokens=400,
    completion_tokens=14,
    latency=0.5,
    waited=0.25,
    attempts=2,
    endpoint="http://localhost:8000/v1",
    mode="json_schema",
    finish="stop",
)


def row(step: int = 3, agent: int = 0, number: int = 0, **given: Any) -> CompletionRow:
    """A call; fields of its request, completion or row may be given."""
    request = {k: v for k, v in given.items() if k in ChatRequest.__dataclass_fields__}
    done = {k: v for k, v in given.items() if k in Completion.__dataclass_fields__}
    return CompletionRow(
        step,
        agent,
        given.get("purpose", "turn"),
        number,
        replace(ASKED, **request),
        replace(DONE, **done),
        given.get("cost", 0.5),
    )


def next_step(store: RunStore, world: Any, step: int, rows: list[CompletionRow]) -> None:
    events, slate = Society(world).step(step)
    store.commit(world, step, events, slate, finished=True, completions=rows)


def test_a_call_is_found_again_as_it_was() -> None:
    store, world = play(None, 2)
    with store:
        plain = row(agent=4, number=1, shape=None, user="other", text="")
        failed = row(agent=2, text=None, failure="timeout", seed=2**31 - 1)
        next_step(store, world, 3, [row(), plain, failed])
        record = store.recorded()
        found = record.find(3, 0, "turn", 0)
        assert found is not None
        assert found.completion == replace(DONE, recorded=True)
        assert found.request == ASKED.digest()
        assert (found.model, found.system, found.prompt) == ("small", ASKED.system, ASKED.user)
        assert (found.shape, found.max_tokens, found.seed) == (SHAPE.raw.decode(), 90, 7)
        other = record.find(3, 4, "turn", 1)
        assert other is not None
        assert (other.shape, other.prompt, other.completion.text) == (None, "other", "")
        nothing = record.find(3, 2, "turn", 0)
        assert nothing is not None
        assert nothing.seed == 2**31 - 1
        assert (nothing.completion.text, nothing.completion.failure) == (None, "timeout")
        for address in ((3, 4, "turn", 0), (2, 0, "turn", 0), (3, 0, "?turn", 0)):
            assert record.find(*address) is None


def test_a_request_is_found_wherever_it_was_made() -> None:
    with play(None, 2)[0] as store:
        failed = row(agent=1, text=None, failure="timeout")
        again, alone = replace(row(agent=2, text="yes")), row(agent=3, user="me", text=None)
        alone = replace(alone, completion=replace(alone.completion, failure="refused"))
        store.keep([failed, again, alone])
        record = store.recorded()
        reply = record.by_digest(ASKED.digest())
        assert reply is not None
        assert (reply.text, reply.recorded) == ("yes", True)  # rather than the failure
        refused = record.by_digest(alone.request.digest())
        assert refused is not None
        assert (refused.text, refused.failure) == (None, "refused")
        assert record.by_digest(replace(ASKED, seed=8).digest()) is None


def test_what_calls_share_is_kept_once() -> None:
    with play(None, 2)[0] as store:
        store.keep([row(agent=a, user=f"I am {a}") for a in range(10)])
        store.keep([row(agent=a, system="Other rules.", step=4) for a in range(10)])
        contents = {r[0] for r in store.database.rows("SELECT content FROM prompt")}
        assert contents == {ASKED.system, "Other rules.", SHAPE.raw.decode()}


def test_completions_are_no_part_of_the_digest(tmp_path: Path) -> None:
    digests = set()
    for seconds, folder in ((0.1, tmp_path / "a"), (9.0, tmp_path / "b"), (None, None)):
        store, world = play(folder, 2)
        with store:
            calls = [] if seconds is None else [row(latency=seconds, text=f"{seconds}")]
            next_step(store, world, 3, calls)
            store.keep([row(step=4, latency=seconds)] if seconds else [])
            digests.add(store.digest())
    assert len(digests) == 1


def test_early_calls_stay_until_their_step_is_whole(tmp_path: Path) -> None:
    store, world = play(tmp_path, 2)
    with store:
        store.keep([row(agent=a, text=f"early {a}") for a in range(3)])
        assert store.completions()["early"].to_pylist() == [True] * 3
    with RunStore.open(tmp_path, mode="write") as store:
        world = refold(store, make_world())
        store.reread()
        assert store.steps == 2
        calls = []
        for agent in range(4):
            known = store.recorded().find(3, agent, "turn", 0)
            done = replace(DONE, text="late") if known is None else known.completion
            calls.append(CompletionRow(3, agent, "turn", 0, ASKED, done, 0.5))
        next_step(store, world, 3, calls)
        table = store.completions()
        assert table["reply"].to_pylist() == ["early 0", "early 1", "early 2", "late"]
        assert table["early"].to_pylist() == [False] * 4
        # the calls were made in this run, whatever the cache answered
        assert table["recorded"].to_pylist() == [False] * 4
        assert store.spent() == (4, 4 * 614, 2.0)
        straight, world = play(None, 2)
        with straight:
            next_step(straight, world, 3, calls)
            assert straight.digest() == store.digest()


def test_a_call_that_is_made_again_replaces_the_first_but_both_are_paid_for() -> None:
    with play(None, 2)[0] as store:
        store.keep([row(text=None, failure="timeout", prompt_tokens=0, completion_tokens=0)])
        store.keep([row(text="second")])
        store.keep([row(text="third", user="another prompt", recorded=True)])
        assert store.completions()["reply"].to_pylist() == ["third"]
        assert store.spent() == (2, 614, 1.0)


def test_the_replies_of_a_record_cost_nothing() -> None:
    with play(None, 2)[0] as store:
        assert store.spent() == (0, 0, 0.0)
        store.keep([row(agent=0, recorded=True), row(agent=1), row(agent=2, cost=0.25)])
        assert store.spent() == (2, 2 * 614, 0.75)
        (small,) = store.usage()
        assert (small.calls, small.recorded, small.cost, small.attempts) == (3, 1, 0.75, 4)
        assert small.prompt_tokens == 3 * 600


def test_figures_by_model() -> None:
    with play(None, 2)[0] as store:
        assert store.usage() == []
        seconds = np.linspace(0.1, 2.0, 40)
        rows = [row(agent=a, latency=s, model="big") for a, s in enumerate(seconds)]
        kinds = ("timeout", "overloaded", "timeout")
        bad = [
            row(agent=a, number=1, model="big", text=None, failure=k, latency=60.0, cost=0.0)
            for a, k in enumerate(kinds)
        ]
        store.keep([*rows, *bad, row(step=4)])
        big, small = store.usage()
        assert (big.model, big.calls, big.replies) == ("big", 43, 40)
        assert big.failures == {"overloaded": 1, "timeout": 2}
        assert (big.cached_tokens, big.completion_tokens) == (43 * 400, 43 * 14)
        expected = np.percentile(seconds, (50, 90, 99))
        assert [big.latency_p50, big.latency_p90, big.latency_p99] == pytest.approx(expected)
        assert (small.model, small.calls, small.failures, small.cost) == ("small", 1, {}, 0.5)


def test_table_and_view_say_the_same() -> None:
    store, world = play(None, 2)
    with store:
        next_step(store, world, 3, [row(agent=5, number=1), row(agent=5), row(agent=2, step=4)])
        table = store.completions()
        assert table.schema == SCHEMA
        names = [r[1] for r in store.database.rows("PRAGMA table_info(completion_named)")]
        assert names == table.column_names
        rows = store.database.rows("SELECT * FROM completion_named ORDER BY step, number")
        assert [tuple(r.values()) for r in table.to_pylist()] == rows
        assert [r[:5] for r in rows] == [
            (3, 5, "user_5", "turn", 0),
            (3, 5, "user_5", "turn", 1),
            (4, 2, "user_2", "turn", 0),
        ]
        assert table["early"].to_pylist() == [False, False, True]
        assert table["system"].type == pa.dictionary(pa.int32(), pa.string())
    with play(None, 1)[0] as store:
        assert store.completions().schema == SCHEMA


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=[])) | st.sampled_from(["\ud83d\x00", ""]))
def test_any_reply_can_be_kept_and_comes_back_as_it_was_acted_on(text: str) -> None:
    request = replace(ASKED, user=text, system=f"rules {text}")
    with play(None, 0, n=4)[0] as store:
        done = replace(DONE, text=text, finish=text)
        store.keep([CompletionRow(3, 0, "turn", 0, request, done)])
        found = store.recorded().find(3, 0, "turn", 0)
        assert found is not None
        assert found.completion.text == kept_text(text) == kept_text(kept_text(text))
        assert "\x00" not in found.prompt
        assert found.request == request.digest()


def test_a_huge_reply_is_cut_with_a_mark() -> None:
    huge = "é[" * 5_000_000
    with play(None, 1)[0] as store:
        store.keep([row(text=huge)])
        found = store.recorded().find(3, 0, "turn", 0)
        assert found is not None
        reply = found.completion.text
        assert reply == kept_text(huge) == kept_text(kept_text(huge))
        assert reply.endswith("[ [cut]")
        assert len(reply) == REPLY_CHARS
        whole = "x" * REPLY_CHARS
        assert kept_text(whole) == whole


def test_a_commit_that_fails_leaves_no_call_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    store, world = play(None, 2)
    with store:
        events, slate = Society(world).step(3)
        insert = database.Database.insert

        def interrupted(self: Any, table: str, *args: Any, **more: Any) -> None:
            insert(self, table, *args, **more)
            if table == "meta":  # the last thing written
                raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(database.Database, "insert", interrupted)
            with pytest.raises(KeyboardInterrupt):
                store.commit(world, 3, events, slate, finished=True, completions=[row()])
            with pytest.raises(KeyboardInterrupt):
                store.keep([row(step=4)])
        assert store.steps == 2
        assert store.completions().num_rows == 0
        assert store.database.rows("SELECT count(*) FROM prompt") == [(0,)]
        assert store.spent() == (0, 0, 0.0)
        store.commit(world, 3, events, slate, finished=True, completions=[row()])
        assert store.spent() == (1, 614, 0.5)


def test_kept_calls_are_those_that_a_run_that_goes_on_may_make_again() -> None:
    store, world = play(None, 2)
    with store:
        next_step(store, world, 3, [row(step=3)])
        store.keep([row(step=4), row(step=3, purpose="?mood")])
        kept = store.kept()
        assert kept.find(3, 0, "turn", 0) is None  # of a step that is whole
        for found in (kept.find(4, 0, "turn", 0), kept.find(3, 0, "?mood", 0)):
            assert found is not None
            assert found.completion == replace(DONE, recorded=True)


def test_kept_calls_are_looked_for_while_a_commit_is_under_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing is seen of a commit that may yet fail, and nobody waits for one in vain."""
    store, world = play(None, 2)
    store.keep([row(step=4)])
    kept = store.kept()
    insert, written, go_on = database.Database.insert, Event(), Event()

    def failing(self: Any, table: str, *args: Any, **more: Any) -> None:
        insert(self, table, *args, **more)
        if table == "completion":
            written.set()
            assert go_on.wait(20)
            raise sqlite3.OperationalError("disk I/O error")

    with monkeypatch.context() as patch:
        patch.setattr(database.Database, "insert", failing)
        events, slate = Society(world).step(3)
        store.commit(world, 3, events, slate, finished=True, completions=[row()], wait=False)
        assert written.wait(20)
        assert kept.find(3, 0, "turn", 0) is None
        go_on.set()
        with pytest.raises(StoreError, match="disk I/O error"):
            kept.find(4, 0, "turn", 0)
    store.reread()
    with store:
        assert kept.find(4, 0, "turn", 0) is not None


CHILD = """
import sys
from dataclasses import replace
from pathlib import Path
from store_society import Society, make_world, refold
from hubbub.llm.chat import ChatRequest, Completion
from hubbub.store import CompletionRow, RunStore
store = RunStore.open(Path(sys.argv[1]), mode="write")
world = refold(store, make_world(60))
society = Society(world)
for t in range(store.steps + 1, 10_000):
    events, slate = society.step(t)
    calls = [
        CompletionRow(t, a, "turn", 0, ChatRequest("m", "s", f"{t} {a}"), Completion("x"), 1.0)
        for a in range(500)
    ]
    store.keep(calls[:100])
    store.commit(world, t, events, slate, finished=True, completions=calls[100:])
    print(t, flush=True)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_kill_leaves_whole_steps_with_all_their_calls(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    play(folder, 0, n=60)[0].close()
    here = Path(__file__).parent
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(here), str(here.parent)])}
    for steps in (2, 5, 3):
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(folder)], env=env, stdout=subprocess.PIPE
        )
        assert child.stdout is not None
        with child.stdout:
            for _ in range(steps):
                assert child.stdout.readline()
            child.kill()
            child.wait()
        with RunStore.open(folder) as store:
            last = store.steps
            sql = "SELECT step, count(*) FROM completion GROUP BY step ORDER BY step"
            counts = dict(store.database.rows(sql))
            early = counts.pop(last + 1, 0)
            assert early in (0, 100)
            assert counts == dict.fromkeys(range(1, last + 1), 500)
            # calls of a step that was cut off were made twice, and paid for twice
            assert store.spent().requests >= last * 500 + early
            store.digest()
    assert last >= 10


def test_a_record_is_read_while_its_run_goes_on(tmp_path: Path) -> None:
    store, world = play(tmp_path, 2)
    with store, RunStore.open(tmp_path) as reader:
        record = reader.recorded()
        assert record.find(3, 0, "turn", 0) is None
        next_step(store, world, 3, [row()])
        found = record.find(3, 0, "turn", 0)
        assert found is not None
        assert found.completion.text == DONE.text
