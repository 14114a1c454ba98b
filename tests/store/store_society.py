"""Runs of a small society that does everything at random."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from hubbub.actions import SOCIAL, ActionBatch, Kind
from hubbub.config.scenario import PlatformConfig
from hubbub.embed import make_encoder
from hubbub.platform import Platform, apply
from hubbub.rng import Streams
from hubbub.store import RunStore
from hubbub.world import Events, Slate, World
from hubbub.world.fold import fold, fold_slate
from societies import TOPICS, small_population

TEXTS = [
    "Vote for me",
    "Buy my lamp",
    "a 'quoted' text; \x00 and ünï",
    "Good health @user_3",
    "",
    "no",
]

COMMENT_ACTIONS = ("like_comment", "unlike_comment", "dislike_comment", "undo_dislike_comment")


class Society:
    """A world whose agents act at random, and whether it is kept in a store."""

    def __init__(self, world: World, *, seed: int = 5, exclusive: bool = False) -> None:
        config = PlatformConfig(
            actions="all", allow_self_rating=True, exclusive_reactions=exclusive
        )
        self.world = world
        self.platform = Platform.from_config(config, world.table)
        self.streams = Streams(seed)

    def act(
        self,
        step: int,
        agents: Any,
        name: str | None = None,
        *,
        opinions: bool = True,
        **given: Any,
    ) -> Events:
        """Let each of the agents do one thing (any, or the one named)."""
        world = self.world
        stream = self.streams.at("act", step, len(world.texts))
        codes = [c for c, s in enumerate(world.table) if not s.environment_only]
        action = np.array(codes)[stream.integers(len(codes), len(agents))]
        for often in ("create_post", "create_comment", "like_comment", "dislike_comment"):
            action[stream.uniform(len(agents)) < 0.1] = world.table.code(often)
        if name is not None:
            action[:] = world.table.code(name)
        batch = ActionBatch.blank(agents, action)
        high = max(len(world.items), len(world.agents)) + 2
        batch.target[:] = stream.integers(high, len(agents))
        small = stream.uniform(len(agents)) < 0.5
        batch.target[small] = stream.integers(6, len(agents))[small]
        comments = np.flatnonzero(world.items["kind"] == Kind.comment)
        if len(comments):
            on_comment = np.isin(action, [world.table.code(n) for n in COMMENT_ACTIONS])
            batch.target[on_comment] = comments[
                stream.integers(len(comments), int(on_comment.sum()))
            ]
        batch.reply_to[:] = np.where(
            stream.uniform(len(agents)) < 0.5, -1, stream.integers(high, len(agents))
        )
        batch.target[:] = given.get("target", batch.target)
        batch.texts = [given["text"]] if "text" in given else [*TEXTS, f"step {step}"]
        batch.text[:] = stream.integers(len(batch.texts), len(agents))
        batch.amount[:] = stream.integers(4, len(agents))
        changed = stream.uniform(len(agents)) < (0.5 if opinions else 0.0)
        batch.opinions.agent = np.asarray(agents, np.int32)[changed]
        batch.opinions.topic = np.zeros(changed.sum(), np.int16)
        batch.opinions.value = stream.integers(10_000, int(changed.sum())).astype(np.int16)
        environment = name is not None and world.table.spec(name).environment_only
        return apply(self.platform, world, batch, step, environment=environment)

    def show(self, step: int, agents: Any) -> Slate:
        """Show each of the agents up to three posts, and remember it."""
        world = self.world
        stream = self.streams.at("show", step)
        posts = np.flatnonzero(world.items["kind"] < 3)
        counts = stream.integers(4, len(agents)) if len(posts) else np.zeros(len(agents), np.int64)
        n = int(counts.sum())
        slate = Slate(
            np.asarray(agents, np.int32),
            np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            posts[stream.integers(max(len(posts), 1), n)].astype(np.int32),
            stream.uniform(n).astype(np.float32),
            stream.integers(6, n).astype(np.uint8),
        )
        fold_slate(world, slate)
        return slate

    def step(self, step: int) -> tuple[Events, Slate]:
        """Play one step of three waves."""
        agents = np.flatnonzero(
            self.streams.at("awake", step).uniform(len(self.world.agents)) < 0.7
        )
        self.world.step = step
        slate = self.show(step, agents)
        parts = [self.act(step, agents, opinions=wave == 2) for wave in range(3)]
        for wave, part in enumerate(parts):
            part.wave[:] = wave
        return Events.concat(parts), slate

    def start(self, step: int = 0) -> Events:
        """Offer products and let someone sign up."""
        profile = json.dumps({"user_name": "late", "name": "Late", "bio": "new", "shoe": 44})
        parts = [
            self.act(step, [-1], "sign_up_product", opinions=False, text="lamp"),
            self.act(step, [-1], "sign_up_product", opinions=False, text="sofa"),
            self.act(step, [-1], "sign_up", opinions=False, text=profile),
        ]
        for wave, part in enumerate(parts):
            part.wave[:] = wave
        return Events.concat(parts)


def scenario(**sections: Any) -> str:
    """A scenario as the store is given it."""
    return json.dumps({"name": "test", "seed": 1, "steps": 5, **sections})


BLOBS = {"people": b"any bytes", "more": b"\x00\x01"}


def make_world(n: int = 20, *, follows: int = 3) -> World:
    """A small world before anything has happened."""
    return World(
        SOCIAL,
        list(TOPICS),
        make_encoder("hashing", 64),
        small_population(n, follows=follows),
        seed=1,
    )


def play(
    folder: Path | None = None,
    steps: int = 5,
    *,
    n: int = 20,
    exclusive: bool = False,
    acts: bool = True,
    **sections: Any,
) -> tuple[RunStore, World]:
    """Play and store a run; the store is still open."""
    world = make_world(n)
    society = Society(world, exclusive=exclusive)
    store = RunStore.create(folder, scenario(**sections), BLOBS, world)
    store.commit(world, 0, society.start(), Slate.empty([]), finished=True)
    for t in range(1, steps + 1):
        events, slate = society.step(t)
        store.commit(world, t, events, slate, finished=True)
        if acts:
            extra = society.act(t, [3])
            store.commit(world, t, extra, None, finished=False)
    return store, world


def refold(store: RunStore, world: World) -> World:
    """Return the world after all that the store holds."""
    for part in store.replay():
        world.step = part.step
        world.exclusive_reactions = part.exclusive
        world.texts.intern(part.texts)
        fold(world, part.events)
        if part.slate is not None:
            fold_slate(world, part.slate)
    return world
