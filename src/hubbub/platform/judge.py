"""Judging: which actions of a wave are carried out, and why not the others. Changes nothing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hubbub.actions import NO_STANCE, NOTHING, ActionBatch, ActionSpec, Kind, Reason
from hubbub.platform.preconditions import exists, fails, stands_for
from hubbub.platform.rules import Platform
from hubbub.world import Events, World

Rows = NDArray[np.int64]


def judge(
    platform: Platform,
    world: World,
    batch: ActionBatch,
    text: NDArray[np.int32],
    rows: Rows,
    *,
    environment: bool,
) -> Events:
    """Return the events of one wave: these rows of the batch, in this order.

    `text` holds the world's text id of every row of the batch. An action may name anything that
    existed when the wave began. Rows that were already refused keep their reason and text.
    """
    events = Events(
        wave=batch.wave[rows].astype(np.int16),
        agent=batch.agent[rows],
        action=batch.action[rows].astype(np.int16),
        reason=np.zeros(len(rows), np.uint8),
        target=batch.target[rows],
        via=np.full(len(rows), -1, np.int32),
        item=np.full(len(rows), -1, np.int32),
        text=text[rows],
        amount=batch.amount[rows],
        topic=batch.topic[rows],
        stance=batch.stance[rows],
    )
    reply_to = batch.reply_to[rows]
    events.reason[:] = batch.refused[rows]
    refused = events.reason > 0
    events.target[refused] = NOTHING
    events.amount[refused] = 0
    for code in np.unique(events.action):
        spec = platform.table[int(code)]
        mine = np.flatnonzero((events.action == code) & (events.reason == 0))
        if not platform.allowed[code] and not (environment and spec.environment_only):
            events.reason[mine] = Reason.not_allowed
            continue
        _clear(spec, events, mine)
        _resolve(world, spec, events, reply_to, mine)
        for check in spec.requires:
            open_ = mine[events.reason[mine] == 0]
            bad = fails(platform, world, check, events, open_)
            events.reason[open_[bad]] = check.reason
    _number(world, platform, events)
    return events


def _clear(spec: ActionSpec, events: Events, mine: Rows) -> None:
    """Clear the columns for which the action has no argument."""
    used = {a.column for a in spec.args}
    for column, nothing in (("target", NOTHING), ("text", NOTHING), ("amount", 0)):
        if column not in used:
            getattr(events, column)[mine] = nothing


def _resolve(
    world: World, spec: ActionSpec, events: Events, reply_to: NDArray[np.int32], mine: Rows
) -> None:
    """Replace the ids that agents named by what they stand for; refuse what does not exist."""
    kind = spec.target_kind
    if kind is None:
        return
    named = events.target[mine]
    known = exists(world, kind, named)
    events.reason[mine[~known]] = Reason.not_found
    mine, named = mine[known], named[known]
    events.via[mine] = named
    if kind != "post" or not len(mine):
        return
    target = stands_for(world, spec, named)
    events.target[mine] = target
    if spec.inserts != Kind.comment:
        return
    answered = reply_to[mine]
    is_reply = answered != NOTHING
    good = ~is_reply | exists(world, "comment", answered)
    good[is_reply & good] = (
        world.items["ref"][answered[is_reply & good]] == (target[is_reply & good])
    )
    events.reason[mine[~good]] = Reason.not_found
    events.via[mine] = np.where(is_reply, answered, target)


def _number(world: World, platform: Platform, events: Events) -> None:
    """Give ids to what is created, in the order of application; describe new items."""
    accepted = events.reason == 0
    table = platform.table
    tables = {"group": world.groups, "agent": world.agents, "product": world.products}
    for what, codes in table.founding.items():
        new = np.flatnonzero(accepted & np.isin(events.action, codes))
        events.item[new] = np.arange(len(tables[what]), len(tables[what]) + len(new))
    new = np.flatnonzero(accepted & (table.kinds[events.action] >= 0))
    events.item[new] = np.arange(len(world.items), len(world.items) + len(new))
    has_text = events.text[new] >= 0
    own, bare = new[has_text], new[~has_text]
    unknown = own[events.topic[own] < 0]
    events.topic[unknown] = world.texts.topic[events.text[unknown]]
    events.topic[bare] = world.items["topic"][events.target[bare]]
    events.stance[bare] = world.items["stance"][events.target[bare]]
    rest = np.ones(len(events), np.bool_)
    rest[new] = False
    events.topic[rest], events.stance[rest] = -1, NO_STANCE
