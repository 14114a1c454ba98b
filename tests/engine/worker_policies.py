"""A lively society with a feed and policies of its own, for tests with workers elsewhere."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import numpy as np

from engine.scenarios import small
from hubbub.actions import Action, ActionBatch, Kind
from hubbub.config.scenario import Scenario

#: Names a file that holds the head's process id: the first worker to find it removes it and dies.
FATAL = "HUBBUB_TEST_FATAL"
HERE = "engine.worker_policies"


def bustling(**changes: object) -> Scenario:
    """120 agents, most awake, of three kinds; mutes, sign-ups, and a new feed in mid-run."""
    return small(
        steps=9,
        feed={
            "ranker": f"{HERE}:nearest",
            "sources": [{"source": f"{HERE}:Others", "slots": 2}],
            "filters": [f"{HERE}:not_next"],
        },
        agents=[
            {"policy": f"{HERE}:Grumpy", "share": 0.3},
            {"policy": "scripted", "script": {5: [{"agent": "zoe", "action": "trend"}]}},
            {"policy": "statistical"},
        ],
        **changes,
    )


def nearest(world, agent, item, step):
    """Rank high what an agent with a near id wrote lately."""
    return -np.abs(world.items["author"][item] - agent) - (step - world.items["step"][item])


class Others:
    """Show each agent what the one with the next id wrote last."""

    def __call__(self, world, agents, step):
        last = world.agents["last_item"][(agents + 1) % len(world.agents)]
        wrote = (last >= 0) & np.isin(world.items["kind"][last], (Kind.post, Kind.repost))
        return agents[wrote], last[wrote]


def not_next(world, agents, items, step):
    """Show no posts whose id is that of the viewer, or the next one."""
    return (items != agents) & (items != agents + 1)


class Grumpy:
    """Mutes authors, likes posts or writes, at random; may end its process."""

    def decide(self, obs) -> ActionBatch:
        die_once(obs.step)
        lots = obs.uniform("grumpy", 2)
        authors = obs.world.items["author"]
        turns = {}
        for row, agent in enumerate(obs.agents.tolist()):
            shown = obs.slate.items[obs.slate.offsets[row] : obs.slate.offsets[row + 1]]
            if lots[row, 0] < 0.3 or not len(shown):
                turns[agent] = [Action("create_post", content=f"Bah {lots[row, 1]:.3f}")]
            elif lots[row, 0] < 0.6:
                turns[agent] = [Action("mute", user_id=int(authors[shown[0]]))]
            else:
                turns[agent] = [Action("like_post", post_id=int(shown[-1]))]
        return obs.batch(turns)


class Wrong:
    """Fails in step 3."""

    def decide(self, obs) -> ActionBatch:
        if obs.step == 3:
            raise KeyError("no such mood")
        return obs.batch({})


class Doomed:
    """Ends its process in step 3, in the head's case with an error."""

    def decide(self, obs) -> ActionBatch:
        if obs.step == 3:
            os._exit(7)
        return obs.batch({})


class Slow:
    """Takes its time, and leaves the id of its process behind as a file in the working folder."""

    def decide(self, obs) -> ActionBatch:
        Path(f"worker-{os.getpid()}").touch()
        time.sleep(0.3)
        return obs.batch({})


def die_once(step: int) -> None:
    """End this process by SIGKILL if a file says so, unless it is the head."""
    file = Path(os.environ.get(FATAL, "/nowhere"))
    if step == 4 and file.exists() and file.read_text() != str(os.getpid()):
        file.unlink(missing_ok=True)
        os.kill(os.getpid(), signal.SIGKILL)
