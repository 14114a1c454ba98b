"""The eight messages of the study of rumor, who posts them, and how to favour false ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hubbub.analysis.exposure import exposures
from hubbub.analysis.network import follows_at
from hubbub.engine import Simulation
from hubbub.errors import RunError, ScenarioError
from hubbub.rng import Streams

#: The true and the false message of each subject; the subjects are the scenario's topics. The two
#: have the same words in another order, so a policy that knows texts by their vectors, which ignore
#: order, has no reason to prefer one of them.
MESSAGES: dict[str, tuple[str, str]] = {
    "Technology": (
        "Technology: cold weather drains a phone faster than mild weather.",
        "Technology: mild weather drains a phone faster than cold weather.",
    ),
    "Entertainment": (
        "Entertainment: silent films were made before films with sound.",
        "Entertainment: films with sound were made before silent films.",
    ),
    "Education": (
        "Education: pupils who test themselves remember more than pupils who only read.",
        "Education: pupils who only read remember more than pupils who test themselves.",
    ),
    "Health": (
        "Health: antibiotics kill bacteria and leave viruses alone.",
        "Health: antibiotics kill viruses and leave bacteria alone.",
    ),
}
TRUE, FALSE = "true", "false"


@dataclass(frozen=True, slots=True)
class Rumor:
    """A message of a run: the `post` by `author`, who had `followers` followers at the start."""

    post: int
    domain: str
    truth: str
    author: int
    followers: int


def spread_rumors(sim: Simulation, core: int, seed: int) -> list[Rumor]:
    """Post the eight messages before step 1 by the eight core users with the most followers.

    Each pair of messages is posted by two neighbours in that ranking. Which pair has which two, and
    who of them posts the false one, is random, so truth is related to reach and to the order of
    posting (feeds prefer the newer of two posts) only by chance. The core users are the first
    `core` agents; ScenarioError if there are fewer than eight.
    """
    core = min(core, len(sim.world.agents))
    if core < 2 * len(MESSAGES):
        raise ScenarioError(
            f"the eight messages need eight core users (population.synthetic.core), not {core}"
        )
    followed = follows_at(sim.store, 0)[1]
    followers = np.bincount(followed, minlength=core)[:core]
    largest = np.argsort(-followers, kind="stable")[: 2 * len(MESSAGES)].reshape(-1, 2)
    lots = Streams(seed).at("study/authors")
    domains = [list(MESSAGES)[k] for k in lots.permutation(len(MESSAGES)).tolist()]
    turned = (lots.uniform(len(MESSAGES)) < 0.5).tolist()
    rumors = []
    for domain, pair, turn in zip(domains, largest.tolist(), turned, strict=True):
        versions = list(zip((TRUE, FALSE), MESSAGES[domain], strict=True))
        for author, (truth, text) in zip(pair, versions[::-1] if turn else versions, strict=True):
            posted = sim.act(author, "create_post", content=text)
            if posted.id is None:
                raise RunError(f"a message could not be posted: {posted.reason}")
            rumors.append(Rumor(posted.id, domain, truth, author, int(followers[author])))
    return rumors


def tempt(sim: Simulation, posts: NDArray[np.int64], appeal: float, seed: int) -> None:
    """Let all who were shown one of these posts in the last step repost it with chance `appeal`.

    It is the known difference that the study must find: those who have not reposted a post do so
    with this chance in each step they see it, in addition to their own decision.
    """
    step = sim.t
    seen = exposures(sim.store, step, step)
    mine = np.isin(seen.post, posts) & (seen.viewer != seen.author)
    viewer, post, item = seen.viewer[mine], seen.post[mine], seen.item[mine]
    first = np.unique(np.stack([viewer, post]), axis=1, return_index=True)[1]
    chosen = first[Streams(seed).at("study/appeal", step).uniform(len(first)) < appeal]
    for agent, shown in zip(viewer[chosen].tolist(), item[chosen].tolist(), strict=True):
        sim.act(agent, "repost", post_id=shown)  # refused of those who have reposted it
