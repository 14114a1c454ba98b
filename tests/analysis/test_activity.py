"""Activity by hour: by hand, and against plain counting in the tables of a run."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import pyarrow as pa

from hubbub.analysis.activity import actions_done, activity_by_hour, activity_of_run, by_hour, hours
from hubbub.engine import Simulation

START = datetime(2024, 1, 1, 22, 30)


def steps_table(active: list[int], minutes: int) -> pa.Table:
    times = [START + timedelta(minutes=minutes) * i for i in range(-1, len(active) - 1)]
    return pa.table(
        {
            "step": pa.array(range(len(active)), pa.int32()),
            "time": pa.array(times, pa.timestamp("us")),
            "agents_active": pa.array(active, pa.int32()),
        }
    )


EVENTS = pa.table(
    {
        "step": [0, 1, 1, 1, 2, 3, 3, 4],
        "agent": pa.array([0, 0, 1, 2, 2, 0, None, 1], pa.int32()),
        "wave": [-1, 0, 0, 1, 0, 0, -1, 0],
        "action": ["create_post", "repost", "do_nothing", "refresh", "like_post", "follow",
                   "report_post", "create_post"],
        "reason": ["ok", "ok", "ok", "ok", "ok", "duplicate", "ok", "ok"],
    }
)  # fmt: skip


def test_a_night_by_hand() -> None:
    # steps 1 to 4 begin at 22:30, 23:00, 23:30, 0:00; step 0 doesn't count
    found = activity_by_hour(steps_table([99, 4, 3, 2, 1], 30), EVENTS)
    assert found["hour"].to_pylist() == list(range(24))
    rows = {r["hour"]: (r["steps"], r["turns"], r["actions"]) for r in found.to_pylist()}
    assert rows.pop(22) == (1, 4, 1)
    assert rows.pop(23) == (2, 5, 1)
    assert rows.pop(0) == (1, 1, 1)
    assert set(rows.values()) == {(0, 0, 0)}


def test_no_steps() -> None:
    found = activity_by_hour(steps_table([], 30), EVENTS)
    assert sum(found["turns"].to_pylist()) == sum(found["actions"].to_pylist()) == 0


def test_actions_done_are_what_agents_did_in_their_turns() -> None:
    assert actions_done(EVENTS)["action"].to_pylist() == ["repost", "like_post", "create_post"]


def test_by_hour_counts_or_adds_up() -> None:
    assert by_hour([3, 3, 23])[[3, 23, 0]].tolist() == [2, 1, 0]
    assert by_hour([3, 3], [5, 6])[3] == 11
    assert hours(pa.array([START])).tolist() == [22]


def test_a_run(lively: Simulation) -> None:
    store = lively.store
    found = activity_of_run(store)
    assert found.equals(activity_by_hour(store.steps_table(), store.events()))
    # 15 steps of half an hour from 20:00 on
    assert found["steps"].to_pylist() == [2] * 3 + [1] + [0] * 16 + [2] * 4
    turns = Counter(t.hour for t in store.steps_table()["time"].to_pylist()[1:])
    assert sum(turns.values()) == 15
    assert sum(found["turns"].to_pylist()) == sum(
        store.steps_table()["agents_active"].to_pylist()[1:]
    )
    assert sum(found["actions"].to_pylist()) > 100
