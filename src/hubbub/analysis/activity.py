"""When agents are awake and act: turns and actions by the hour of the simulated day (UTC)."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import ArrayLike, NDArray

from hubbub.store import RunStore, Table
from hubbub.store.read.events import done_by_step

HOURS = 24
#: What does not count as an action: doing nothing, and looking at the feed.
IDLE = ("do_nothing", "refresh")


def hours(times: pa.ChunkedArray | pa.Array) -> NDArray[np.int64]:
    """Return the hour of the day (UTC) of timestamps, int64[n], 0 to 23."""
    return np.asarray(pc.hour(times))


def by_hour(hour: ArrayLike, amount: ArrayLike | None = None) -> NDArray[np.int64]:
    """Return the count in each hour, int64[24], or the sum of whole `amount`s."""
    hour = np.asarray(hour, np.int64)
    if amount is None:
        return np.bincount(hour, minlength=HOURS)
    return np.bincount(hour, np.asarray(amount, np.float64), minlength=HOURS).astype(np.int64)


def actions_done(events: Table) -> Table:
    """Return the events that are actions of agents, carried out in a turn, and more than looking.

    Columns as of `RunStore.events()`.
    """
    done = pc.and_(pc.equal(events["reason"], "ok"), pc.is_valid(events["agent"]))
    turn = pc.greater_equal(events["wave"], 0)
    idle = pc.is_in(events["action"], value_set=pa.array(IDLE))
    kept: Table = events.filter(pc.and_(pc.and_(done, turn), pc.invert(idle)))
    return kept


def activity_by_hour(steps: Table, events: Table) -> Table:
    """Return a row per hour of the day: hour, steps, turns, actions.

    Columns as of `RunStore.steps_table()` and `RunStore.events()`; step 0 precedes the run and is
    left out. A step belongs to the hour (UTC) in which it begins, even if it is longer than an
    hour. `steps` counts those that began in the hour; turns / steps is the mean number of agents
    awake.
    """
    run = steps.filter(pc.greater(steps["step"], 0))
    numbers, hour = np.asarray(run["step"]), hours(run["time"])
    done = np.asarray(actions_done(events)["step"])
    per_step = np.bincount(done, minlength=int(numbers.max(initial=0)) + 1)[numbers]
    return _table(hour, np.asarray(run["agents_active"]), per_step)


def activity_of_run(store: RunStore) -> Table:
    """Return `activity_by_hour` of a run, counted in the database: no events are loaded."""
    steps = store.steps_table()
    run = steps.filter(pc.greater(steps["step"], 0))
    numbers = np.asarray(run["step"])
    at, count = done_by_step(store, IDLE)
    per_step = np.zeros(int(max(numbers.max(initial=0), at.max(initial=0))) + 1, np.int64)
    per_step[at] = count
    return _table(hours(run["time"]), np.asarray(run["agents_active"]), per_step[numbers])


def _table(hour: NDArray[np.int64], turns: ArrayLike, done: ArrayLike) -> Table:
    return Table(
        {
            "hour": pa.array(np.arange(HOURS)),
            "steps": pa.array(by_hour(hour)),
            "turns": pa.array(by_hour(hour, turns)),
            "actions": pa.array(by_hour(hour, done)),
        }
    )
