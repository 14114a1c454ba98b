"""The cores that a process may use."""

from __future__ import annotations

import os
import threading

import pytest

import hubbub as hb
from engine.scenarios import small
from hubbub.cores import usable_cores
from hubbub.engine import society


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="cores can't be chosen here")
def test_there_are_as_many_threads_as_cores_that_may_be_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(society, "SHARD", 4)  # work for many threads
    before, cores = set(threading.enumerate()), os.sched_getaffinity(0)
    assert usable_cores() == len(cores)
    os.sched_setaffinity(0, {min(cores)})
    try:
        assert usable_cores() == 1
        with hb.Simulation(small(steps=2)) as sim:
            sim.run()
            made = set(threading.enumerate()) - before
            assert len([t for t in made if not t.name.startswith("hubbub-")]) == 1
    finally:
        os.sched_setaffinity(0, cores)
