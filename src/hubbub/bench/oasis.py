"""OASIS and hubbub at the same work: the figures of `hubbub bench compare oasis`.

All agents of one profile file, with one follow graph, decide in each step. The models are
stand-ins in the asking process: they answer at once and like a post they are shown. Slates have
up to three posts of followees and two drawn at random: these are the sizes of OASIS's Twitter, and
the one of its recommenders that needs no model from the network.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow.compute as pc

from hubbub.bench.engine import timed_steps, turns_per_second, warm_up
from hubbub.bench.machine import peak, resident
from hubbub.bench.mixed import LikesFirstPost
from hubbub.config.load import parse_scenario
from hubbub.config.scenario import Scenario
from hubbub.engine.simulation import Simulation
from hubbub.errors import RunError
from hubbub.testing.dice import Dice
from hubbub.testing.instances import sentence

_SCRIPT = Path(__file__).with_name("oasis_side.py")
_MODEL = "double"
_COLUMNS = (
    *("user_id", "name", "username", "following_agentid_list", "previous_tweets"),
    *("user_char", "description"),
)
#: Followees of each agent.
FOLLOWING = 10
_LAST = 12


@dataclass(frozen=True, slots=True)
class Side:
    """The cost of the work for one of the two. Imports and compilation are not measured.

    `ms_per_agent` is the time to make an agent, from the profile file to the database with its
    follows and first post. `turns_per_second` is over all steps. `cpu_ms_per_agent` and
    `cpu_us_per_turn` are the same in processor time, which other programs affect less. `peak_mb` is
    the largest memory of the process; `grown_mb` its growth from before the agents were made to
    after the last step. `disk_mb` is all that was written, `database_mb` the database alone. `did`
    counts the actions that were carried out, by name, without those of the set-up.
    """

    agents: int
    ms_per_agent: float
    cpu_ms_per_agent: float
    turns_per_second: float
    cpu_us_per_turn: float
    peak_mb: float
    grown_mb: float
    disk_mb: float
    database_mb: float
    did: dict[str, int]
    digest: str = ""


def write_profiles(path: Path, agents: int) -> None:
    """Write a profile file in OASIS's Twitter format: everyone follows ten others, has one post."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(_COLUMNS)
        for agent in range(agents):
            dice = Dice(agent)
            others = min(FOLLOWING, agents - 1)
            step = 1 + dice.below(max(1, (agents - 1) // max(1, others)))
            followed = [(agent + step * nth) % agents for nth in range(1, others + 1)]
            name, post = f"Agent {agent}", sentence(dice)
            about = [sentence(dice), sentence(dice)]
            table.writerow((agent, name, f"agent_{agent}", followed, [post], *about))


def oasis_side(python: Path, profiles: Path, steps: int) -> Side:
    """Let OASIS do the work, in the interpreter that has it. RunError if that fails."""
    with TemporaryDirectory(prefix="hubbub-bench-") as work:
        folder, log = Path(work) / "run", Path(work) / "said"
        folder.mkdir()
        command = [str(python), "-I", str(_SCRIPT), str(profiles), str(folder), str(steps)]
        offline = {**os.environ, "HF_HUB_OFFLINE": "1"}
        with log.open("w", encoding="utf-8") as said:
            done = subprocess.run(  # noqa: S603 - a Python of the user, with our own script
                command, stdout=said, stderr=subprocess.STDOUT, cwd=folder, env=offline, check=False
            )
        result = folder / "result.json"
        if done.returncode or not result.is_file():
            lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LAST:]
            raise RunError("\n".join(["OASIS failed:", *(f"    {line}" for line in lines)]))
        found: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
    agents = found["agents"]
    if found["calls"] != agents * steps:
        raise RunError(f"OASIS asked its models {found['calls']} times, not {agents * steps}")
    return Side(
        agents=agents,
        ms_per_agent=1e3 * found["setup_seconds"] / agents,
        cpu_ms_per_agent=1e3 * found["setup_cpu_seconds"] / agents,
        turns_per_second=agents * steps / sum(found["step_seconds"]),
        cpu_us_per_turn=1e6 * found["steps_cpu_seconds"] / (agents * steps),
        peak_mb=found["peak_bytes"] / 1e6,
        grown_mb=found["bytes_grown"] / 1e6,
        disk_mb=found["bytes_on_disk"] / 1e6,
        database_mb=found["bytes_of_database"] / 1e6,
        did=found["did"],
    )


def our_side(*, profiles: str, steps: int, models: bool) -> Side:
    """Let hubbub do the work: all agents models, or all by the statistical policy."""
    warm_up()
    before = resident()
    with TemporaryDirectory(prefix="hubbub-bench-") as work:
        folder = Path(work) / "run"
        began, began_cpu = time.perf_counter(), time.process_time()
        # the scenario has only the file's name, so the digest is the same anywhere
        file, stand_ins = Path(profiles), {_MODEL: LikesFirstPost()} if models else None
        scenario = _scenario(file.name, steps, models=models)
        with Simulation(scenario, out=folder, base=file.parent, stand_ins=stand_ins) as sim:
            sim.reset()
            setup, made_cpu = time.perf_counter() - began, time.process_time()
            measured = timed_steps(sim, steps)
            ended_cpu = time.process_time()
            grown, most = resident() - before, peak()
            digest = sim.digest()
            events = sim.events()
            agents = len(sim.world.agents)
        good = pc.and_(pc.greater(events["step"], 0), pc.equal(events["reason"], "ok"))
        return Side(
            agents=agents,
            ms_per_agent=1e3 * setup / agents,
            cpu_ms_per_agent=1e3 * (made_cpu - began_cpu) / agents,
            turns_per_second=turns_per_second(measured),
            cpu_us_per_turn=1e6 * (ended_cpu - made_cpu) / sum(r.active for r, _ in measured),
            peak_mb=most / 1e6,
            grown_mb=max(0, grown) / 1e6,
            disk_mb=_size(folder.iterdir()) / 1e6,
            database_mb=_size(folder.glob("run.db*")) / 1e6,
            did=dict(sorted(Counter(events.filter(good)["action"].to_pylist()).items())),
            digest=digest,
        )


def _size(files: Any) -> int:
    return sum(file.stat().st_size for file in files)


def _scenario(profiles: str, steps: int, *, models: bool) -> Scenario:
    rate = {"kind": "constant", "rate": 1.0, "core_rate": 1.0}
    driver = {"model": _MODEL} if models else {"policy": "statistical"}
    # a stand-in in this process replaces the model at this address
    stand_ins = {_MODEL: {"urls": ["http://localhost:1/v1"]}} if models else {}
    return parse_scenario(
        {
            "name": "compare",
            "steps": steps,
            "platform": {"preset": "x"},
            "population": {
                "file": profiles,
                "format": "oasis-twitter",
                "graph": {"kind": "file"},
            },
            "time": {"activity": rate, "wake_on_notice": False},
            "feed": {"preset": "random", "following": 3, "recommended": 2},
            "agents": [driver],
            "models": stand_ins,
        }
    )
