"""Folding: how events and slates change the world. The only place where a world changes.

A live run and a replay from the store go through the same functions, so that the log alone
determines the world, bit for bit.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hubbub.actions.batch import OpinionChanges
from hubbub.actions.spec import (
    ActionSpec,
    Add,
    Bump,
    Configure,
    Found,
    Kind,
    Notify,
    Pairs,
    Remove,
    Sell,
)
from hubbub.world.kernels import move_tastes, remember_shown
from hubbub.world.records import Events, Slate
from hubbub.world.world import MENTION, World, new_agent_columns

_MENTION = re.compile(r"@([\w.-]+)")
#: Share of the way that taste moves towards an item engaged with, and back to the profile's
#: interest.
TASTE_STEP, TASTE_RETURN = 0.10, 0.02
_RARE = (Found, Configure)
#: Maps work over parts of long columns: `map`, or that of several threads.
Each = Callable[[Callable[[slice], None], Sequence[slice]], Iterable[None]]
_PART = 8192  # rows


def fold(world: World, events: Events) -> None:
    """Apply events (in order of application, waves ascending) of the world's current step."""
    if len(events):
        edges = np.flatnonzero(np.diff(events.wave)) + 1
        for rows in np.split(np.arange(len(events)), edges):
            fold_wave(world, events.take(rows) if len(edges) else events)
    fold_opinions(world, events.opinions)


def fold_wave(world: World, events: Events, *, each: Each = map) -> None:
    """Apply the events of one wave, in which no agent acts twice."""
    done = np.flatnonzero(events.reason == 0)
    _insert_items(world, events, done)
    codes = np.unique(events.action[done])
    _found(world, events, done, codes)
    for code in codes:
        spec = world.table[int(code)]
        rows = done[events.action[done] == code]
        for effect in spec.effects:
            match effect:
                case Add():
                    _add(world, effect, spec, events, rows)
                case Remove():
                    _remove(world, effect.pairs, events.agent[rows], events.target[rows])
                case Bump():
                    np.add.at(world.items[effect.counter], events.target[rows], 1)
                case Sell():
                    np.add.at(world.products["sales"], events.target[rows], events.amount[rows])
                case Notify():
                    _notify(world, spec, int(code), events, rows)
                case _:  # what is new is in already; queries change nothing
                    pass
        if spec.engages:
            _move_taste(world, events.agent[rows], events.target[rows], each)


def fold_slate(
    world: World, slate: Slate, behind: NDArray[Any] | int = 0, *, each: Each = map
) -> None:
    """Remember who was awake and what was shown: the last SEEN posts of each agent.

    `behind` int[k] says how many steps older the world was that each agent saw.
    """
    world.agents["last_awake"][slate.agents] = world.step - behind
    seen, count = world.agents["seen"], world.agents["seen_count"]
    kind, ref = world.items["kind"], world.items["ref"]

    def remember(part: slice) -> None:
        ends = slate.offsets[part.start : part.stop + 1]
        remember_shown(slate.agents[part], ends, slate.items, kind, ref, seen, count)

    _in_parts(each, remember, len(slate.agents))


def fold_opinions(world: World, changes: OpinionChanges) -> None:
    """Set the changed opinions."""
    world.agents["opinion"][changes.agent, changes.topic] = changes.value


def _insert_items(world: World, events: Events, done: NDArray[np.int64]) -> None:
    kind = world.table.kinds[events.action[done]]
    rows, kind = done[kind >= 0], kind[kind >= 0]
    if not len(rows):
        return
    author, target = events.agent[rows], events.target[rows]
    previous = world.agents["last_item"][author]
    first = world.items.extend(
        len(rows),
        kind=kind,
        author=author,
        step=world.step,
        ref=target,
        parent=np.where(kind == Kind.message, -1, events.via[rows]),
        text=events.text[rows],
        topic=events.topic[rows],
        stance=events.stance[rows],
        previous=previous,
        last_comment=-1,
        next_comment=-1,
    )
    new = events.item[rows]
    if not np.array_equal(new, np.arange(first, first + len(rows))):
        raise ValueError("items must be created in the order of their ids")
    public = kind != Kind.message
    world.agents["last_item"][author[public]] = new[public]
    comments = kind == Kind.comment
    _chain_comments(world, new[comments], target[comments])
    _mention(world, events, rows[public])


def _chain_comments(world: World, new: NDArray[Any], post: NDArray[Any]) -> None:
    if not len(new):
        return
    order = np.argsort(post, kind="stable")  # within a post the ids stay ascending
    new, post = new[order], post[order]
    same = np.flatnonzero(post[1:] == post[:-1]) + 1
    older = world.items["last_comment"][post]
    older[same] = new[same - 1]
    world.items["next_comment"][new] = older
    world.items["last_comment"][post] = new  # the last write, the newest comment, stays


def _add(
    world: World, effect: Add, spec: ActionSpec, events: Events, rows: NDArray[np.int64]
) -> None:
    agent = events.agent[rows]
    founded = any(isinstance(e, Found) for e in spec.effects)
    target = events.item[rows] if founded else events.target[rows]
    new = world.sets[effect.pairs.name].add(agent, target)
    _count(world, effect.pairs, agent[new], target[new], 1)
    if effect.withdraws and world.exclusive_reactions:
        _remove(world, effect.withdraws, agent, target)


def _remove(world: World, pairs: Pairs, agent: NDArray[Any], target: NDArray[Any]) -> None:
    gone = world.sets[pairs.name].remove(agent, target)
    _count(world, pairs, agent[gone], target[gone], -1)


def _count(world: World, pairs: Pairs, agent: Any, target: Any, by: int) -> None:
    table = {"agent": world.agents, "item": world.items, "group": world.groups}[pairs.over]
    if pairs.counter:
        np.add.at(table[pairs.counter], target, by)
    if pairs.own_counter:
        np.add.at(world.agents[pairs.own_counter], agent, by)


def _notify(
    world: World, spec: ActionSpec, code: int, events: Events, rows: NDArray[np.int64]
) -> None:
    target, actor = events.target[rows], events.agent[rows]
    if spec.target_kind == "user":
        recipient, item = target, np.full(len(rows), -1)
    else:
        reply = spec.inserts == Kind.comment
        answered = events.via[rows] if reply else target
        recipient = world.items["author"][answered]
        item = np.where(events.item[rows] >= 0, events.item[rows], target)
        if reply:
            world.agents["noticed"][recipient[recipient != actor]] = world.step
    keep = recipient != actor
    _add_notes(world, recipient[keep], actor[keep], code, item[keep])


def _mention(world: World, events: Events, rows: NDArray[np.int64]) -> None:
    rows = rows[events.text[rows] >= 0]
    for row in rows[world.texts.has_mention[events.text[rows]]]:
        actor = int(events.agent[row])
        words = _MENTION.findall(world.texts[int(events.text[row])])
        for agent in dict.fromkeys(_mentioned(world, word) for word in words):
            if agent is not None and agent != actor:
                world.agents["noticed"][agent] = world.step
                one = np.array([agent])
                _add_notes(world, one, np.array([actor]), MENTION, events.item[row : row + 1])


def _mentioned(world: World, word: str) -> int | None:
    """Return the agent that a word after an @ names: the longest that ends at a dot or dash."""
    while word:
        agent = world.profiles.find(word)
        if agent is not None:
            return agent
        word = word[: max(word.rfind("."), word.rfind("-"), 0)]
    return None


def _add_notes(world: World, recipient: Any, actor: Any, code: int, item: Any) -> None:
    if not len(recipient):
        return
    order = np.argsort(recipient, kind="stable")
    recipient = recipient[order]
    previous = world.agents["last_note"][recipient]
    first = len(world.notes)
    ids = np.arange(first, first + len(recipient))
    same = np.flatnonzero(recipient[1:] == recipient[:-1]) + 1
    previous[same] = ids[same - 1]
    world.notes.extend(
        len(recipient),
        recipient=recipient,
        actor=actor[order],
        action=code,
        item=item[order],
        step=world.step,
        previous=previous,
    )
    world.agents["last_note"][recipient] = ids


def _found(world: World, events: Events, done: NDArray[np.int64], codes: NDArray[np.int16]) -> None:
    """Create groups, agents and products, one by one in the order of application."""
    making = [c for c in codes if any(isinstance(e, _RARE) for e in world.table[int(c)].effects)]
    for row in done[np.isin(events.action[done], making)] if making else ():
        text = int(events.text[row])
        for effect in world.table[int(events.action[row])].effects:
            match effect:
                case Configure():
                    _configure(world, json.loads(world.texts[text]))
                case Found("group"):
                    agent = events.agent[row]
                    world.groups.extend(1, founder=agent, step=world.step, text=text)
                case Found("product"):
                    world.products.extend(1, text=text)
                case Found("agent"):
                    record = json.loads(world.texts[text])
                    agent = world.profiles.append(record)
                    world.agents.extend(1, **new_agent_columns(world, agent, record))


def _configure(world: World, settings: dict[str, Any]) -> None:
    world.settings.update(settings)
    exclusive = settings.get("platform.exclusive_reactions")
    if exclusive is not None:  # the one rule that folding itself depends on
        world.exclusive_reactions = bool(exclusive)


def _move_taste(world: World, agent: NDArray[Any], item: NDArray[Any], each: Each) -> None:
    text = world.items["text"][item]
    step, back = np.float32(TASTE_STEP), np.float32(TASTE_RETURN)
    interest, taste = world.agents["interest"], world.agents["taste"]
    vectors = world.texts.vectors

    def move(part: slice) -> None:
        move_tastes(agent[part], text[part], vectors, interest, step, back, taste)

    _in_parts(each, move, len(agent))


def _in_parts(each: Each, work: Callable[[slice], None], n: int) -> None:
    """Do the work on n rows, each of a different agent, in any order."""
    parts = [slice(first, min(first + _PART, n)) for first in range(0, n, _PART)]
    for _ in each(work, parts) if len(parts) > 1 else map(work, parts):
        pass
