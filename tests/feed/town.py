"""A small town for the tests of the feed: agents do things one at a time, through the platform."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa

from hubbub.actions import SOCIAL, Action, ActionBatch, ActionSpec, Pairs
from hubbub.actions.social import USER
from hubbub.actions.spec import Add, Exists, NotSelf, Without
from hubbub.config.scenario import FeedConfig, PlatformConfig
from hubbub.embed import make_encoder
from hubbub.feed.feed import Feed, make_feed
from hubbub.feed.frame import Frame
from hubbub.platform import Platform, apply
from hubbub.time import Clock
from hubbub.world import Population, Slate, World, keys_of
from hubbub.world.fold import fold_slate

BLOCK = Pairs("block", "agent")
TABLE = SOCIAL.with_extra(
    [
        ActionSpec(
            "block",
            "keep a user away",
            (USER,),
            (Exists(), NotSelf(), Without(BLOCK)),
            (Add(BLOCK),),
        )
    ]
)
CLOCK = Clock(datetime(2024, 1, 1, 8, tzinfo=UTC), 3.0)
TOPICS = ["Politics", "Health"]
WORDS = ["politics", "health", "cats", "rain", "bread", "trains"]


class Town:
    """A world of n agents in which nothing has happened yet, and its platform."""

    def __init__(self, n: int, follows: list[tuple[int, int]], seed: int = 1) -> None:
        encoder = make_encoder("hashing", 64)
        src, dst = np.array([*follows, (0, 0)]).T[:, : len(follows)]
        names = [f"user_{i}" for i in range(n)]
        interest = encoder.encode([" ".join(WORDS[i % 6 : i % 6 + 2]) for i in range(n)])
        people = Population(
            profiles=pa.table({"user_name": names, "name": names, "bio": names}),
            core=np.zeros(n, np.bool_),
            topics=np.ones(n, np.uint64),
            interest=interest,
            curves=np.ones((1, 24), np.float32),
            curve=np.zeros(n, np.int32),
            rate=np.full(n, 0.5, np.float32),
            sharing=np.zeros(n, np.float32),
            verbosity=np.zeros(n, np.float32),
            contrary=np.zeros(n, np.float32),
            opinions=np.zeros((n, len(TOPICS)), np.int16),
            follows=np.unique(keys_of(src, dst)),
        )
        self.world = World(TABLE, TOPICS, encoder, people, seed=seed)
        self.platform = Platform.from_config(PlatformConfig(), TABLE).without_limits()

    def do(self, step: int, agent: int, name: str, /, **args: Any) -> int:
        """Let an agent do something; return the id of what it created, -2 if it was refused."""
        turn = [(agent, [Action(name, **args)])]
        batch = ActionBatch.from_actions(self.world.table, turn, lambda _: -1)
        events = apply(self.platform, self.world, batch, step, environment=agent < 0)
        return int(events.item[0]) if events.reason[0] == 0 else -2

    def post(self, step: int, agent: int, text: str = "") -> int:
        """Let an agent write a post."""
        return self.do(step, agent, "create_post", content=text or f"post {len(self.world.items)}")

    def like(self, step: int, post: int, *agents: int) -> None:
        """Let agents like a post."""
        for agent in agents:
            self.do(step, agent, "like_post", post_id=post)

    def feed(self, platform: Any = "x", **config: Any) -> Feed:
        """Return a feed for this town."""
        return make_feed(FeedConfig(**config), platform, CLOCK)

    def frame(self, feed: Feed, step: int) -> Frame:
        """Return the frame of a step."""
        return feed.prepare(self.world, step, self.world.streams)

    def slate(self, feed: Feed, step: int, agents: Any = None) -> Slate:
        """Return what the agents (all, if none are named) would be shown."""
        if agents is None:
            agents = np.arange(len(self.world.agents))
        return feed.rank(self.world, self.frame(feed, step), np.asarray(agents))

    def shown(self, feed: Feed, step: int, agent: int) -> list[int]:
        """Return the items that one agent would be shown, in order."""
        return self.slate(feed, step, [agent]).items.tolist()

    def show(self, feed: Feed, step: int, agents: Any = None) -> Slate:
        """Return what the agents are shown, and let them remember it."""
        slate = self.slate(feed, step, agents)
        fold_slate(self.world, slate)
        return slate

    def why(self, feed: Feed, step: int, agent: int) -> dict[int, str]:
        """Return the verdict on each candidate; the better one for an item that is there twice."""
        verdicts = feed.explain(self.world, self.frame(feed, step), agent)
        return {e.item: e.verdict for e in reversed(verdicts)}


def lively(seed: int, n: int = 12, steps: int = 8, acts: int = 14) -> Town:
    """Return a town in which much has happened at random: every kind of action of the feed."""
    rng = np.random.default_rng(seed)  # a test's own numbers: not of a run
    follows = [(a, b) for a in range(n) for b in range(n) if a != b and rng.random() < 0.3]
    town = Town(n, follows, seed)
    kinds = ["create_post", "repost", "quote_post", "create_comment", "like_post", "dislike_post"]
    kinds += ["report_post", "follow", "unfollow", "mute", "block"]
    chance = np.array([5, 4, 2, 3, 6, 1, 1, 1, 1, 0.4, 0.3])
    for step in range(1, steps + 1):
        for _ in range(acts):
            agent, kind = int(rng.integers(n)), str(rng.choice(kinds, p=chance / chance.sum()))
            args: dict[str, Any] = {}
            spec = town.world.table.spec(kind)
            for arg in spec.args:
                if arg.kind == "post":
                    args["post_id"] = int(rng.integers(max(len(town.world.items), 1)))
                elif arg.kind == "user":
                    args["user_id"] = int(rng.integers(n))
                elif arg.name == "content":
                    args["content"] = " ".join(rng.choice(WORDS, 3).tolist())
            town.do(step, agent, kind, **args)
    return town
