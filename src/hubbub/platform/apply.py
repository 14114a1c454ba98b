"""Applying actions: order a batch by the seed, judge it wave by wave, fold it into the world."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hubbub.actions import ActionBatch
from hubbub.errors import ActionError
from hubbub.platform.judge import judge
from hubbub.platform.rules import Platform
from hubbub.world import Events, World
from hubbub.world.fold import Each, fold_opinions, fold_wave


def apply(
    rules: Platform,
    world: World,
    batch: ActionBatch,
    step: int,
    *,
    environment: bool = False,
    each: Each = map,
) -> Events:
    """Carry out a batch at `step`, in waves, and return what happened.

    The k-th actions of all agents form wave k. Within a wave, all actions are judged on the world
    as the wave began, in an order given by (seed, step, agent). `environment` marks actions of the
    scenario, not of an agent: they may include the environment's own. `each` maps over parts of
    long columns. ActionError for an agent that does not exist, or two actions in one wave.
    """
    order = _order(world, batch, step)
    _check_agents(world, batch, order, lowest=-1 if environment else 0)
    world.step = step
    if "platform.exclusive_reactions" not in world.settings:  # else the log has set it
        world.exclusive_reactions = rules.exclusive_reactions
    text = _intern(world, batch, order)
    parts = [Events.concat([])]
    wave = batch.wave[order]
    for rows in np.split(order, np.flatnonzero(np.diff(wave)) + 1) if len(order) else ():
        events = judge(rules, world, batch, text, rows, environment=environment)
        fold_wave(world, events, each=each)
        parts.append(events)
    events = Events.concat(parts)
    events.opinions = batch.opinions
    fold_opinions(world, batch.opinions)
    return events


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
