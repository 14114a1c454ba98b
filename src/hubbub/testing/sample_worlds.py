"""Small synthetic worlds on which the checks call an author's object."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hubbub.actions import SOCIAL, Action, ActionBatch, ActionSpec
from hubbub.config.scenario import Scenario, SyntheticConfig
from hubbub.embed import make_encoder
from hubbub.feed.comments import shown_comments
from hubbub.feed.feed import make_feed
from hubbub.platform import Platform, apply
from hubbub.policy import Observation, StatisticalPolicy
from hubbub.population import build
from hubbub.population.people import People
from hubbub.population.synthetic import generate
from hubbub.rng import Streams
from hubbub.time import Clock
from hubbub.world import World
from hubbub.world.fold import fold_slate

#: Agents do more than in a real society, so that a few steps hold some of everything.
_BASE = {
    "do_nothing": -1.0,
    "create_post": 0.0,
    "create_comment": -1.5,
    "like_post": -1.5,
    "like_comment": -1.5,
    "dislike_post": -2.0,
    "report_post": -3.0,
    "quote_post": -2.5,
    "repost": -2.5,
    "follow": -3.0,
    "unfollow": -3.0,
    "mute": -4.0,
    "create_group": -1.5,
    "join_group": 0.0,
    "send_to_group": -1.0,
    "purchase_product": -1.0,
}
#: What the statistical policy never writes: a link, a long text, other letters.
_TEXTS = ("See https://example.org/news for 3 reasons.", "x" * 900, "Grüße 🌍\n#tag @user_1")


@dataclass(frozen=True, slots=True)
class SampleWorld:
    """A world, and the rules in force on it. `about` says what is special about it."""

    about: str
    world: World
    scenario: Scenario
    platform: Platform
    clock: Clock

    @property
    def step(self) -> int:
        """The step that would come next."""
        return self.world.step + 1

    @property
    def agents(self) -> NDArray[np.int32]:
        """The ids of all agents."""
        return np.arange(len(self.world.agents), dtype=np.int32)

    @property
    def posts(self) -> NDArray[np.int32]:
        """The ids of posts, reposts and quotes."""
        return np.flatnonzero(self.world.items["kind"] <= 2).astype(np.int32)

    def observe(self, agents: NDArray[np.int32]) -> Observation:
        """Return what these agents (ascending ids) would be shown in the next step."""
        world, t = self.world, self.step
        feed = make_feed(self.scenario.feed, self.scenario.platform.preset, self.clock)
        frame = feed.prepare(world, t, world.streams)
        slate = feed.rank(world, frame, agents)
        return Observation(
            world=world,
            step=t,
            slate=slate,
            comments=shown_comments(world, slate, self.scenario.feed.comments, frame.hidden),
            allowed=self.platform.allowed,
            show_score=self.platform.show_score,
            report_threshold=self.platform.report_threshold,
            step_minutes=self.scenario.time.step_minutes,
            streams=world.streams,
            shard=0,
            rows=np.arange(len(agents)),
            shard_size=len(agents),
        )

    def fingerprint(self) -> dict[str, bytes]:
        """Return a hash of each part of the world, by its name, to notice changes."""
        world, found = self.world, dict[str, bytes]()
        for table in ("agents", "items", "groups", "products", "notes"):
            columns = getattr(world, table)
            for name in columns.names:
                found[f"world.{table}['{name}']"] = _hash(columns[name])
        for name, pairs in world.sets.items():
            found[f"world.sets['{name}']"] = _hash(pairs.keys())
        found["world.texts"] = _hash(world.texts.vectors) + str(len(world.texts)).encode()
        found["world.step"] = str(world.step).encode()
        found["world.settings"] = repr(world.settings).encode()
        return found


def sample_worlds(extra_actions: Sequence[ActionSpec] = ()) -> list[SampleWorld]:
    """Return new worlds: lively ones of both platforms, an empty one, and one of a single agent.

    Their tables of actions include `extra_actions`, which agents use if their policy knows how.
    """
    return [
        _world("a society of 40 agents on x", 40, "x", steps=8, extra=extra_actions),
        _world("a forum of 25 agents on reddit", 25, "reddit", steps=6, extra=extra_actions),
        _world("a society in which nothing was posted", 12, "x", steps=0, extra=extra_actions),
        _world("a society of one agent", 1, "x", steps=3, extra=extra_actions),
    ]


def _world(
    about: str,
    agents: int,
    preset: Literal["x", "reddit"],
    *,
    steps: int,
    extra: Sequence[ActionSpec],
) -> SampleWorld:
    scenario = Scenario(
        seed=11,
        topics=["Politics", "Health", "Sports"],
        platform={"preset": preset, "actions": "all"},
        population={
            "synthetic": {"agents": agents, "core": min(4, agents // 2), "posts_per_core": 0},
            "graph": {"kind": "random", "mean_following": 5},
        },
        encoder={"kind": "hashing"},
        behaviour={"base": _BASE, "actions_per_turn": 2},
        feed={"comments": 2},
    )
    encoder, streams = make_encoder("hashing", 64), Streams(scenario.seed)
    people = build(scenario, encoder, streams, Path())
    table = SOCIAL.with_extra(extra)
    world = World(table, list(scenario.topics), encoder, people, seed=scenario.seed)
    platform = Platform.from_config(scenario.platform, table)
    clock = Clock(scenario.time.start, scenario.time.step_minutes)
    sample = SampleWorld(about, world, scenario, platform, clock)
    policy = StatisticalPolicy(scenario.behaviour, scenario.opinions, table, world.topics)
    if steps:
        lamp = [(-1, [Action("sign_up_product", name="lamp")])]
        batch = ActionBatch.from_actions(table, lamp, world.product)
        apply(platform, world, batch, 0, environment=True)
    for _ in range(steps):
        _live(sample, policy)
    return sample


def _live(sample: SampleWorld, policy: StatisticalPolicy) -> None:
    """Let a step pass in which everyone is awake."""
    world, t = sample.world, sample.step
    obs = sample.observe(sample.agents)
    batch = policy.decide(obs)
    apply(sample.platform, world, batch, t)
    if t == 1:
        turn = (0, [Action("create_post", content=text) for text in _TEXTS])
        apply(
            sample.platform, world, ActionBatch.from_actions(world.table, [turn], world.product), t
        )
    fold_slate(world, obs.slate)


def _hash(values: NDArray[Any]) -> bytes:
    return blake2b(np.ascontiguousarray(values).tobytes(), digest_size=12).digest()


def sample_people(n: int) -> People:
    """Return n people as a source would give them; every tenth is a core user."""
    encoder, topics = make_encoder("hashing", 64), ["Politics", "Health", "Sports"]
    config = SyntheticConfig(agents=n, core=n // 10)
    return generate(config, topics, encoder, Streams(11))
