"""One of each kind of extension, made of public names only."""

from __future__ import annotations

import asyncio

import numpy as np

import hubbub as hb
from hubbub.actions import POST, Action, ActionBatch, ActionSpec, Add, Exists, Kind, Pairs, Without
from hubbub.policy import Observation
from hubbub.studies import Study, StudyOptions, Trial, TrialOutcome
from hubbub.testing import ChatRequest

PINS = Pairs("pin", "item", counter="pins")
#: Pins a post, once.
PIN = ActionSpec(
    "pin", "pin a post", (POST,), requires=(Exists(), Without(PINS)), effects=(Add(PINS),)
)


def newest(world, agents, items, step):
    """A ranker: the newest first."""
    return world.items["step"][items]


def commented_by_followees(world, agents, step):
    """A feed source: posts that the viewers' followees wrote comments on."""
    comments = np.flatnonzero(world.items["kind"] == Kind.comment)
    offsets, followees = world.sets["follow"].rows(agents)
    viewers, posts = [], []
    for i, agent in enumerate(agents.tolist()):
        mine = followees[offsets[i] : offsets[i + 1]]
        found = comments[np.isin(world.items["author"][comments], mine)]
        parents = np.unique(world.items["ref"][found])
        viewers += [agent] * len(parents)
        posts += parents.tolist()
    return np.array(viewers, np.int32), np.array(posts, np.int32)


def no_shouting(world, agents, items, step):
    """A feed filter: no posts in capitals."""
    texts = [world.texts[int(t)] if t >= 0 else "" for t in world.items["text"][items]]
    return np.array([not text.isupper() for text in texts], bool)


class Pinner:
    """A policy: pins the first post shown."""

    def decide(self, obs: Observation) -> ActionBatch:
        turns = {}
        for row, agent in enumerate(obs.agents.tolist()):
            first, last = obs.slate.offsets[row : row + 2].tolist()
            turns[agent] = (
                [Action("pin", post_id=int(obs.slate.items[first]))] if last > first else []
            )
        return obs.batch(turns)


def half_way(seen):
    """An opinion rule: a twentieth of the way to each post."""
    return seen.opinion + 0.05 * (seen.stance - seen.opinion)


def ring(people, config, stream):
    """A follow graph: everyone follows the next agent."""
    n = len(people.core)
    ids = np.arange(n)
    return ids, (ids + 1) % n


class Lengths:
    """An encoder: how long a text is, and how many words it has."""

    dims = 2

    def encode(self, texts):
        rows = [(len(text) % 100, text.count(" ") % 100) for text in texts]
        return np.array(rows, float).reshape(len(texts), 2) + 1.0


class Liker:
    """A model provider: likes the first post."""

    async def complete(self, request: ChatRequest) -> str:
        await asyncio.sleep(0)
        return '{"do":[{"action":"like_post","id":1}]}'


SCENARIO = {
    "steps": 6,
    "platform": {"actions": "all", "extra_actions": ["hubbub_extras:PIN"]},
    "population": {
        "synthetic": {"agents": 60, "core": 4},
        "graph": {"kind": "hubbub_extras:ring"},
    },
    "encoder": {"kind": "hubbub_extras:Lengths"},
    "opinions": {"model": "hubbub_extras:half_way"},
    "feed": {
        "ranker": "hubbub_extras:newest",
        "sources": [{"source": "hubbub_extras:commented_by_followees", "slots": 2}],
        "filters": ["hubbub_extras:no_shouting"],
    },
    "models": {"liker": {"provider": "hubbub_extras:Liker"}},
    "agents": [
        {"policy": "hubbub_extras:Pinner", "share": 0.3},
        {"model": "liker", "where": {"core": True}},
        {"policy": "statistical"},
    ],
    "time": {"activity": {"rate": 0.5, "core_rate": 0.8}},
}


class Pinned(Study):
    """A study with its own driver: do pins come from pinners alone?"""

    name = "pinned"
    arms = {"none": {"share": 0.0}, "some": {"share": 0.5}}
    replicates = 2

    def run(self, trial: Trial, options: StudyOptions) -> TrialOutcome:
        agents = [
            {"policy": "hubbub_extras:Pinner", "share": trial.settings["share"]},
            {"policy": "idle"},
        ]
        scenario = hb.Scenario(**{**SCENARIO, "seed": trial.seed, "agents": agents, "models": {}})
        with hb.Simulation(scenario, threads=1) as sim:
            sim.run()
            return TrialOutcome({"pins": float(sim.world.items["pins"].sum())})
