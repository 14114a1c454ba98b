"""How far, how fast and how long each message of a run spread, and how interest groups cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hubbub.actions import Kind
from hubbub.analysis.exposure import Exposures, exposures
from hubbub.analysis.network import FollowHistory, mixing
from hubbub.analysis.summary import items_light
from hubbub.engine import Simulation
from hubbub.studies.rumor.messages import Rumor

Ints = NDArray[np.int64]
Points = list[tuple[float, float]]

#: Groups are measured every EVERY steps.
EVERY = 10
#: The measures of each message.
MEASURES = ("reach", "half_time", "life", "related", "reposts", "passed_on")


def measure_rumors(sim: Simulation, rumors: Sequence[Rumor]) -> list[dict[str, Any]]:
    """Return a row per message: the fields of `Rumor`, MEASURES, and `reached` (a curve).

    `reach`: other agents who were shown it; `half_time`: steps until half of them were (left out if
    nobody was); `life`: the step of the last repost, quote or comment, 0 without any; `related`:
    quotes and comments on it, and new posts on its topic by agents who were shown it in an earlier
    step; `reposts`; `viewings`: how often somebody saw it in a step without having reposted it
    before; `passed_on`: the share of viewings that led to a repost.
    """
    seen, items = exposures(sim.store), items_light(sim.store)
    kind, agent, step, ref = (
        np.asarray(items[name]).astype(np.int64) for name in ("kind", "agent", "step", "ref")
    )
    about = _about(kind, ref)
    topic = sim.world.items["topic"]
    rows = []
    for rumor in rumors:
        first = _first_seen(seen, rumor, len(sim.world.agents))
        shown = np.sort(first[first <= sim.t])
        answers = (about == rumor.post) & (np.arange(len(kind)) != rumor.post)
        new = (kind == Kind.post) & (topic == topic[rumor.post]) & (step > first[agent])
        reposts = answers & (kind == Kind.repost)
        row = {
            "domain": rumor.domain, "truth": rumor.truth, "followers": rumor.followers,
            "reach": float(len(shown)),
            "life": float(step[answers].max(initial=0)),
            "related": float((answers & ~reposts).sum() + new.sum()),
            "reposts": float(reposts.sum()),
            "reached": np.searchsorted(shown, np.arange(sim.t + 1), side="right"),
        }  # fmt: skip
        if len(shown):
            row["half_time"] = float(shown[(len(shown) - 1) // 2])
            passed, viewings = _passed_on(seen, rumor, agent[reposts], step[reposts])
            row |= {"viewings": float(viewings), "passed_on": passed / max(1, viewings)}
        rows.append(row)
    return rows


def group_curves(sim: Simulation) -> dict[str, Points]:
    """Return assortativity and modularity of interest groups every EVERY steps, and at the end."""
    groups, history = interest_groups(sim), FollowHistory(sim.store)
    curves: dict[str, Points] = {"assortativity": [], "modularity": []}
    for t in sorted({*range(0, sim.t, EVERY), sim.t}):
        found = mixing(groups, *history.at(t))
        if np.isfinite(found.assortativity):
            curves["assortativity"].append((float(t), found.assortativity))
            curves["modularity"].append((float(t), found.modularity))
    return curves


def interest_groups(sim: Simulation) -> Ints:
    """Return the topic that is nearest to each agent's interests, int64[agents]."""
    taste = sim.world.agents["taste"].astype(np.int32)
    nearest: Ints = (taste @ sim.world.texts.topic_vectors.T.astype(np.int32)).argmax(axis=1)
    return nearest


def picture(sim: Simulation, most: int) -> dict[str, list[dict[str, Any]]]:
    """Return the graph of the first agents, among whom the core users come first, as two tables.

    `members`: agent, group; `ties`: when ("start" or "end"), follower, followed.
    """
    groups, history, topics = interest_groups(sim), FollowHistory(sim.store), sim.world.topics
    members = [{"agent": i, "group": topics[g]} for i, g in enumerate(groups[:most].tolist())]
    ties = []
    for when, step in (("start", 0), ("end", sim.t)):
        left, right = history.at(step)
        among = (left < most) & (right < most)
        ties += [
            {"when": when, "follower": a, "followed": b}
            for a, b in zip(left[among].tolist(), right[among].tolist(), strict=True)
        ]
    return {"members": members, "ties": ties}


def means(rows: Sequence[Mapping[str, Any]], measure: str) -> dict[str, float]:
    """Return the mean of a measure over the messages of each truth that have it, by truth.

    `passed_on` is that of all viewings together: a message that few saw says little alone.
    """
    found: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        if measure in row:
            weight = row["viewings"] if measure == "passed_on" else 1.0
            found.setdefault(row["truth"], []).append((row[measure], weight))
    result = {}
    for truth, pairs in found.items():
        values, weights = np.array(pairs).T
        if weights.sum() > 0:
            result[truth] = float(values @ weights / weights.sum())
    return result


def _about(kind: Ints, ref: Ints) -> Ints:
    """Return the post that each item is or answers, through at most one repost or quote."""
    own = np.arange(len(kind))
    target = np.where(ref >= 0, ref, own)
    return np.where(kind[target] == Kind.repost, target[target], target)


def _first_seen(seen: Exposures, rumor: Rumor, n: int) -> Ints:
    """Return the first step in which each other agent was shown a message; NEVER if none."""
    first = np.full(n, np.iinfo(np.int64).max)
    mine = (seen.post == rumor.post) & (seen.viewer != rumor.author)
    np.minimum.at(first, seen.viewer[mine], seen.step[mine])
    return first


def _passed_on(seen: Exposures, rumor: Rumor, agents: Ints, steps: Ints) -> tuple[int, int]:
    """Return how often a message was passed on, and the number of viewings."""
    mine = (seen.post == rumor.post) & (seen.viewer != rumor.author)
    viewings = set(zip(seen.viewer[mine].tolist(), seen.step[mine].tolist(), strict=True))
    reposted = dict(zip(agents.tolist(), steps.tolist(), strict=True))
    before = [(v, t) for v, t in viewings if t <= reposted.get(v, t)]
    return sum(reposted.get(v) == t for v, t in before), len(before)
