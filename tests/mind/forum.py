"""A forum in which agents act one at a time, and what they are shown of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa

from hubbub.actions import SOCIAL, Action, ActionBatch, ActionTable
from hubbub.config.prompts import PromptConfig
from hubbub.config.scenario import PlatformConfig
from hubbub.embed import make_encoder
from hubbub.feed.comments import shown_comments
from hubbub.mind.prompt import Prompter
from hubbub.mind.turn_records import UserPrompt
from hubbub.platform import Platform, apply
from hubbub.policy import Observation
from hubbub.time import Clock
from hubbub.world import Slate, World
from hubbub.world.fold import fold_slate
from societies import TOPICS, small_population

NAMES = ["ann", "bob", "cyd", "dan", "eve", "fay"]
ANN, BOB, CYD, DAN, EVE, FAY = range(6)


@dataclass
class PlainForm:
    """A form of replies that is easy to recognise."""

    max_actions: int = 1
    actions: Sequence[str] = ("like_post", "trend")

    def guide(self) -> str:
        return "Reply as you like."


class Forum:
    """A world of six agents. A step lasts an hour; step 1 begins on a Monday at 22:00."""

    def __init__(
        self, *, table: ActionTable = SOCIAL, preset: str = "reddit", **profile: list[Any]
    ) -> None:
        people = small_population(len(NAMES), follows=0)
        columns = {"user_name": NAMES, "name": NAMES, "bio": [""] * 6, **profile}
        people.profiles = pa.table(columns)
        self.world = World(table, list(TOPICS), make_encoder("hashing", 64), people)
        self.preset = preset
        config = PlatformConfig(preset=preset, actions="all", allow_self_rating=True)
        self.platform = Platform.from_config(config, table)

    def do(self, step: int, agent: int, name: str, /, **args: Any) -> int:
        """Let an agent do something that must succeed; return the id of what it made."""
        turns = [(agent, [Action(name, **args)])]
        batch = ActionBatch.from_actions(self.world.table, turns, self.world.product)
        events = apply(self.platform, self.world, batch, step, environment=agent < 0)
        assert events.reason.tolist() == [0]
        return int(events.item[0])

    def awake(self, step: int, *agents: int) -> None:
        """Let agents wake and see nothing."""
        self.world.step = step
        fold_slate(self.world, Slate.empty(np.array(agents)))

    def observe(
        self, step: int, shown: dict[int, Sequence[int]], allowed: Sequence[str] | None = None
    ) -> Observation:
        """Return what agents see in a step: these items, each with its two best comments."""
        agents = np.array(sorted(shown), np.int32)
        items = np.array([i for a in agents.tolist() for i in shown[a]], np.int32)
        offsets = np.append(0, np.cumsum([len(shown[a]) for a in agents.tolist()]))
        zeros = np.zeros(len(items))
        slate = Slate(agents, offsets, items, zeros.astype(np.float32), zeros.astype(np.uint8))
        on = self.platform.allowed
        if allowed is not None:
            on = np.array([s.name in allowed for s in self.world.table])
        return Observation(
            world=self.world,
            step=step,
            slate=slate,
            comments=shown_comments(self.world, slate, 2, self.world.sets["mute"]),
            allowed=on,
            show_score=self.platform.show_score,
            report_threshold=self.platform.report_threshold,
            step_minutes=60.0,
            streams=self.world.streams,
            shard=0,
            rows=np.arange(len(agents)),
            shard_size=len(agents),
        )

    def prompter(self, **prompt: Any) -> Prompter:
        return Prompter(
            self.world,
            prompt=PromptConfig(**prompt),
            form=PlainForm(),
            preset=self.preset,
            clock=Clock(datetime(2024, 1, 1, 22, 0), 60.0),
        )

    def user_prompt(
        self, step: int, agent: int, items: Sequence[int] = (), **prompt: Any
    ) -> UserPrompt:
        """Return what one agent is told, without memory and groups."""
        obs = self.observe(step, {agent: items}, allowed=["do_nothing"])
        return self.prompter(**prompt).user_prompts(obs, lambda _: "")[0]
