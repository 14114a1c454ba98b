"""A platform: an action table with rules. Presets are data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hubbub.actions import SOCIAL, ActionBatch, ActionSpec, ActionTable
from hubbub.config.scenario import PlatformConfig
from hubbub.config.user_code import load_own
from hubbub.errors import ActionError, ScenarioError, did_you_mean
from hubbub.platform.judge import judge
from hubbub.world import Events, World
from hubbub.world.fold import Each, fold_opinions, fold_wave


@dataclass(frozen=True, slots=True)
class Preset:
    """What a platform is when the scenario says no more than its name."""

    actions: tuple[str, ...]
    allow_self_rating: bool
    exclusive_reactions: bool
    show_score: bool
    max_text_length: int


#: Default actions as in the presets of OASIS; see docs/actions.md for what each means.
PRESETS = {
    "x": Preset(
        ("create_post", "like_post", "repost", "follow", "do_nothing", "quote_post"),
        allow_self_rating=True,
        exclusive_reactions=False,
        show_score=False,
        max_text_length=1_000,
    ),
    "reddit": Preset(
        (
            "like_post",
            "dislike_post",
            "create_post",
            "create_comment",
            "like_comment",
            "dislike_comment",
            "search_posts",
            "search_user",
            "trend",
            "refresh",
            "do_nothing",
            "follow",
            "mute",
        ),
        allow_self_rating=False,
        exclusive_reactions=True,
        show_score=True,
        max_text_length=10_000,
    ),
}


@dataclass(frozen=True, slots=True)
class Platform:
    """The rules in force. `allowed` bool[a] says which action codes are switched on."""

    table: ActionTable
    allowed: NDArray[np.bool_]
    allow_self_rating: bool
    exclusive_reactions: bool
    show_score: bool
    report_threshold: int
    max_text_length: int
    trend_days: int
    trend_size: int

    @classmethod
    def from_config(cls, config: PlatformConfig, table: ActionTable) -> Platform:
        """Return the platform of a scenario; ScenarioError for an action that does not exist."""
        preset = PRESETS[config.preset]

        def or_preset(name: str) -> int:
            given = getattr(config, name)
            return int(getattr(preset, name) if given is None else given)

        return cls(
            table=table,
            allowed=_switched_on(config, preset, table),
            allow_self_rating=bool(or_preset("allow_self_rating")),
            exclusive_reactions=bool(or_preset("exclusive_reactions")),
            show_score=bool(or_preset("show_score")),
            max_text_length=or_preset("max_text_length"),
            report_threshold=config.report_threshold,
            trend_days=config.trend_days,
            trend_size=config.trend_size,
        )

    def apply(
        self,
        world: World,
        batch: ActionBatch,
        step: int,
        *,
        environment: bool = False,
        each: Each = map,
    ) -> Events:
        """Carry out a batch at `step`, in waves, and return what happened.

        The k-th actions of all agents form wave k. Within a wave, all actions are judged on the
        world as the wave began, in an order given by (seed, step, agent). `environment` marks what
        the scenario, not an agent, does: it may use the environment's actions. `each` goes through
        long columns part by part.
        """
        order = self._order(world, batch, step)
        _check_agents(world, batch, order, lowest=-1 if environment else 0)
        world.step = step
        if "platform.exclusive_reactions" not in world.settings:  # else the log has the say
            world.exclusive_reactions = self.exclusive_reactions
        text = _intern(world, batch, order)
        parts = [Events.concat([])]
        wave = batch.wave[order]
        for rows in np.split(order, np.flatnonzero(np.diff(wave)) + 1) if len(order) else ():
            events = judge(self, world, batch, text, rows, environment=environment)
            fold_wave(world, events, each=each)
            parts.append(events)
        events = Events.concat(parts)
        events.opinions = batch.opinions
        fold_opinions(world, batch.opinions)
        return events

    def without_limits(self) -> Platform:
        """Return this platform with every action allowed and texts of any length."""
        return replace(self, allowed=np.ones_like(self.allowed), max_text_length=2**31 - 1)

    @staticmethod
    def _order(world: World, batch: ActionBatch, step: int) -> NDArray[np.int64]:
        keys = world.streams.at("order", step).scramble(batch.agent)  # no two agents have one key
        return np.lexsort((keys, batch.wave)) if batch.wave.any() else np.argsort(keys)


def _check_agents(world: World, batch: ActionBatch, order: NDArray[np.int64], lowest: int) -> None:
    """Refuse a batch that no policy should have made: it would damage the world."""
    agent, wave = batch.agent[order], batch.wave[order]
    unknown = agent[(agent < lowest) | (agent >= len(world.agents))]
    if len(unknown):
        raise ActionError(f"a batch has an action of agent {unknown[0]}, who does not exist")
    twice = np.flatnonzero((agent[1:] == agent[:-1]) & (wave[1:] == wave[:-1]))
    if len(twice):
        raise ActionError(
            f"a batch has two actions of agent {agent[twice[0]]} in wave {wave[twice[0]]}: "
            "number the actions of a turn by their wave, 0, 1, ..."
        )


def action_table(extra: Sequence[str]) -> ActionTable:
    """Return the built-in actions and the user's own, given as dotted paths 'module:NAME'."""
    return SOCIAL.with_extra([_load_action(path) for path in extra]) if extra else SOCIAL


def _load_action(path: str) -> ActionSpec:
    found = load_own(path, "platform.extra_actions")
    if not isinstance(found, ActionSpec):
        raise ScenarioError(f"platform.extra_actions: '{path}' is not an ActionSpec")
    return found


def _switched_on(config: PlatformConfig, preset: Preset, table: ActionTable) -> NDArray[np.bool_]:
    extra = table.names[len(SOCIAL) :]
    if config.actions == "all":
        names = [s.name for s in table if not s.environment_only]
    elif config.actions == "default":
        names = [*preset.actions, *extra]
    else:
        names = ["do_nothing", *config.actions]
    allowed = np.zeros(len(table), np.bool_)
    for name in names:
        if name not in table:
            hint = did_you_mean(name, table.names)
            raise ScenarioError(f"platform.actions: there is no action '{name}'{hint}")
        if table.spec(name).environment_only:
            raise ScenarioError(
                f"platform.actions: '{name}' is the environment's alone and cannot be switched "
                "on; schedule it under 'events'"
            )
        allowed[table.code(name)] = True
    return allowed


def _intern(world: World, batch: ActionBatch, order: NDArray[np.int64]) -> NDArray[np.int32]:
    """Return the world's text id of each row; texts that no row uses are left out."""
    result = np.full(len(batch), -1, np.int32)
    rows = order[batch.text[order] >= 0]
    used, first, which = np.unique(batch.text[rows], return_index=True, return_inverse=True)
    by_first = np.argsort(first)  # new ids in the order of application
    ids = np.empty(len(used), np.int32)
    ids[by_first] = world.texts.intern([batch.texts[i] for i in used[by_first].tolist()])
    result[rows] = ids[which]
    return result
