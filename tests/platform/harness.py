"""A world and its plain-Python reference side by side, and how they are compared."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from reference import Ask, Reference, Result, Rules

from hubbub.actions import SOCIAL, ActionBatch, ActionSpec, Kind, Pairs, Reason
from hubbub.actions.social import COMMENT, CONTENT, FOLLOW, MEMBER, MUTE, POST, USER
from hubbub.actions.spec import (
    Add,
    Bump,
    Exists,
    Found,
    GoodText,
    Notify,
    NotOwn,
    NotSelf,
    Query,
    Remove,
    Without,
)
from hubbub.config.scenario import PlatformConfig
from hubbub.embed import make_encoder
from hubbub.platform import Platform, apply
from hubbub.world import Events, Population, World
from hubbub.world.fold import fold
from hubbub.world.world import MENTION
from societies import TOPICS, small_population

BOOST = Pairs("boost", "item", counter="boosts", own_counter="boosted")
BOOST_ACTION = ActionSpec(
    "boost",
    "make a post count for more",
    (POST,),
    (Exists(), NotOwn(), Without(BOOST)),
    (Add(BOOST), Notify()),
)
MISSPELT_QUERY = ActionSpec("look_around", "look", effects=(Query("trends"),))
#: Own actions of a user: a reaction, a counter, effects without preconditions, a second way to
#: found a group.
TABLE = SOCIAL.with_extra(
    [
        BOOST_ACTION,
        ActionSpec("look_at_comment", "look", (COMMENT,), (Exists(),), (Bump("views"),)),
        ActionSpec(
            "shun",
            "mute and unfollow, whatever held before",
            (USER,),
            (Exists(), NotSelf()),
            (Add(MUTE), Remove(FOLLOW)),
        ),
        ActionSpec(
            "open_channel", "a group", (CONTENT,), (GoodText(),), (Found("group"), Add(MEMBER))
        ),
    ]
)
MAX_TEXT = 30
SEED = 5


@cache
def population(n: int) -> Population:
    """Return n agents; the same every time, since worlds copy what they are given."""
    return small_population(n, seed=n, follows=2)


def new_world(n: int, *, exclusive: bool = False) -> World:
    """Return a world of n agents in which nothing has happened yet."""
    return World(
        TABLE,
        list(TOPICS),
        make_encoder("hashing", 64),
        population(n),
        seed=SEED,
        exclusive_reactions=exclusive,
    )


def as_batch(asks: Sequence[Ask], permutation: Sequence[int] | None = None) -> ActionBatch:
    """Return the batch of these asks; text rows come in the order of the permutation, if given."""
    ints = {
        name: np.array([getattr(a, name) for a in asks], np.int32)
        for name in ("wave", "target", "reply_to", "amount")
    }
    agents = np.array([a.agent for a in asks], np.int32)
    codes = np.array([TABLE.code(a.name) for a in asks], np.int32)
    batch = replace(ActionBatch.blank(agents, codes), **ints)
    batch.refused[:] = [Reason[a.refused or "ok"] for a in asks]
    rows = [i for i in permutation or range(len(asks)) if asks[i].text is not None]
    for i in rows:
        batch.text[i] = len(batch.texts)
        batch.texts.append(str(asks[i].text))
    return batch


@dataclass(frozen=True, slots=True)
class Done:
    """One batch that was carried out, and the texts that came with it."""

    step: int
    asks: list[Ask]
    environment: bool
    events: Events
    texts: list[str]


class Pair:
    """The same society twice: as columns and as its reference."""

    def __init__(self, n: int, config: PlatformConfig) -> None:
        self.n = n
        self.platform = Platform.from_config(config, TABLE)
        self.world = new_world(n, exclusive=self.platform.exclusive_reactions)
        left, right = self.world.sets["follow"].columns()
        self.reference = Reference(
            [f"user_{i}" for i in range(n)],
            zip(left.tolist(), right.tolist(), strict=True),
            Rules(set(), self.platform.allow_self_rating, self.platform.exclusive_reactions, 0),
            SEED,
        )
        self.log: list[Done] = []

    def apply(
        self,
        asks: Sequence[Ask],
        step: int,
        *,
        environment: bool = False,
        platform: Platform | None = None,
    ) -> Events:
        """Carry the asks out in both; every single event must agree."""
        platform = platform or self.platform
        rules = self.reference.rules
        rules.max_text_length = platform.max_text_length
        rules.allowed = {n for n in TABLE.names if platform.allowed[TABLE.code(n)]}
        known = len(self.world.texts)
        events = apply(platform, self.world, as_batch(asks), step, environment=environment)
        results = self.reference.carry_out(asks, step, environment=environment)
        assert outcomes(events) == [expected(r) for r in results]
        texts = self.world.texts.since(known)
        self.log.append(Done(step, list(asks), environment, events, texts))
        return events

    def replayed(self, *, before: int | None = None) -> World:
        """Return a fresh world into which the log was folded, up to a step or whole."""
        world = new_world(self.n, exclusive=self.platform.exclusive_reactions)
        for done in self.log:
            if before is not None and done.step >= before:
                break
            world.step = done.step
            world.texts.intern(done.texts)
            fold(world, done.events)
        return world


def outcomes(events: Events) -> list[tuple[Any, ...]]:
    """Return the result of each action, as plain values."""
    names = [TABLE[int(c)].name for c in events.action]
    reasons = [Reason(int(r)).name for r in events.reason]
    columns = (events.wave, events.agent, events.target, events.item)
    return list(zip(names, reasons, *(c.tolist() for c in columns), strict=True))


def expected(result: Result) -> tuple[Any, ...]:
    """Return the same of the reference."""
    ask = result.ask
    return (ask.name, result.reason, ask.wave, ask.agent, result.target, result.created)


def assert_same(world: World, reference: Reference) -> None:
    """Every table, counter, set, chain and note of the world is as the reference has it."""
    _same_items(world, reference)
    _same_agents(world, reference)
    for name, pairs in reference.sets.items():
        left, right = world.sets[name].columns()
        assert set(zip(left.tolist(), right.tolist(), strict=True)) == pairs, name
        assert len(world.sets[name]) == len(pairs), name
    groups = zip(
        world.groups["founder"].tolist(),
        world.groups["step"].tolist(),
        [world.texts[int(t)] for t in world.groups["text"]],
        strict=True,
    )
    assert list(groups) == reference.groups
    members = Counter(group for _, group in reference.sets["member"])
    assert world.groups["members"].tolist() == [members[g] for g in range(len(reference.groups))]
    assert [world.texts[int(t)] for t in world.products["text"]] == reference.products
    ids = range(len(reference.products))
    assert world.products["sales"].tolist() == [reference.sales[p] for p in ids]
    assert world.settings == reference.settings
    _same_notes(world, reference)


def _same_items(world: World, reference: Reference) -> None:
    items = reference.items
    assert len(world.items) == len(items)
    assert [Kind(int(k)).name for k in world.items["kind"]] == [i.kind for i in items]
    for name in ("author", "step", "ref", "parent"):
        assert world.items[name].tolist() == [getattr(i, name) for i in items], name
    assert [world.texts[int(t)] for t in world.items["text"]] == [i.text for i in items]
    for name in TABLE.item_counters:
        assert world.items[name].tolist() == [i.counters[name] for i in items], name
    for post in range(len(items)):
        comments = [c for c, i in enumerate(items) if i.kind == "comment" and i.ref == post]
        newest = int(world.items["last_comment"][post])
        assert chain(world.items["next_comment"], newest) == comments[::-1]


def _same_agents(world: World, reference: Reference) -> None:
    n = len(reference.names)
    assert [world.profiles[a]["user_name"] for a in range(n)] == reference.names
    assert world.agents["joined"].tolist() == reference.joined
    assert world.agents["noticed"].tolist() == reference.noticed
    public = [(i.author, k) for k, i in enumerate(reference.items) if i.kind != "message"]
    for agent in range(n):
        mine = [k for author, k in public if author == agent]
        newest = int(world.agents["last_item"][agent])
        assert chain(world.items["previous"], newest) == mine[::-1]
    follows, boosts = reference.sets["follow"], reference.sets["boost"]
    for name, owners in (
        ("followers", [b for _, b in follows]),
        ("followings", [a for a, _ in follows]),
        ("boosted", [a for a, _ in boosts]),
    ):
        counted = Counter(owners)
        assert world.agents[name].tolist() == [counted[a] for a in range(n)], name


def _same_notes(world: World, reference: Reference) -> None:
    table = world.notes
    codes = ["mention" if c == MENTION else TABLE[int(c)].name for c in table["action"]]
    columns = [table[c].tolist() for c in ("recipient", "actor")]
    rest = [table[c].tolist() for c in ("item", "step")]
    assert Counter(zip(*columns, codes, *rest, strict=True)) == Counter(reference.notes)
    for agent in range(len(reference.names)):
        newest = int(world.agents["last_note"][agent])
        mine = np.flatnonzero(table["recipient"] == agent)[::-1].tolist()
        assert chain(table["previous"], newest) == mine


def chain(links: Any, newest: int) -> list[int]:
    """Return the ids from the newest on, following the links to the older."""
    found = []
    while newest >= 0:
        found.append(newest)
        newest = int(links[newest])
    return found


def assert_identical(a: World, b: World, *, texts: bool = True) -> None:
    """Two worlds are the same bit for bit: columns, sets, texts, profiles and settings."""
    for name in ("agents", "items", "groups", "products", "notes"):
        one, other = getattr(a, name), getattr(b, name)
        assert len(one) == len(other), name
        for column in one.names:
            assert one[column].dtype == other[column].dtype
            assert one[column].tobytes() == other[column].tobytes(), f"{name}.{column}"
    for name in a.sets:
        assert a.sets[name] == b.sets[name], name
    assert a.settings == b.settings
    assert a.exclusive_reactions == b.exclusive_reactions
    assert a.step == b.step
    assert [a.profiles[i] for i in range(len(a.profiles))] == [
        b.profiles[i] for i in range(len(b.profiles))
    ]
    if texts:
        assert a.texts.since(0) == b.texts.since(0)
        assert a.texts.vectors.tobytes() == b.texts.vectors.tobytes()


def profile(user_name: str) -> str:
    """Return the text in which a sign-up travels."""
    record = {"user_name": user_name, "name": user_name.title(), "bio": "I like Sports"}
    return json.dumps(record, sort_keys=True)
