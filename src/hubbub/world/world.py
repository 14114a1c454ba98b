"""The state of a society: columns of agents and items, sets of pairs, texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hubbub.actions import SOCIAL, ActionTable, Kind
from hubbub.embed import Encoder
from hubbub.rng import Streams
from hubbub.world.columns import Column, Columns
from hubbub.world.pairs import PairSet
from hubbub.world.profiles import Profiles
from hubbub.world.records import Population
from hubbub.world.texts import TextPool

#: Each agent remembers this many of the posts it was shown last.
SEEN = 32
#: A note with this code is a mention; any other code is that of the action it tells of.
MENTION = -1


class World:
    """Everything that exists at one moment. Ids are row numbers.

    Only events and slates change a world (hubbub.world.fold); everyone else reads.
    `world.items["likes"]` is a column of numbers, `world.agent(3)` one agent. The columns:

    - `agents`: core, topics (bits), interest and taste (int8[d]), curve, rate, sharing,
      verbosity, contrary, opinion and opinion_start (int16[K], see SCALE), seen (int32[32], a
      ring of post ids, -1 empty), seen_count, joined (step), last_item, last_note (-1 none),
      noticed (last step of a reply or mention, -1 never), last_awake (step, -1 never), and the
      counters followers, followings, ...
    - `items`: kind (Kind), author, step, ref (the post a repost or quote or comment refers to, a
      message's group; -1), parent (what it came through or answers: the repost seen, the comment
      replied to; -1), text, topic, stance, previous (the author's item before it, -1),
      last_comment (newest comment on it, -1), next_comment (the next older comment on the same
      post, -1), and the counters likes, dislikes, shares, comments, reports, ...
    - `groups`: founder, step, text (name), members.
    - `products`: text (name), sales.
    - `notes`: recipient, actor, action, item, step, previous (the recipient's note before it, -1).

    Apart from columns:

    - `sets`: a PairSet by name: follow, mute, member, repost, like, dislike, report, ...
    - `texts`: `texts[id]` is the text that an item's column `text` refers to; `texts.vectors`
      int8[t, d], `texts.topic` and `texts.length` have a row for each.
    - `profiles`: `profiles[i]` is the profile of agent i, a dict; slow, so not for millions.
    - `step`, the last finished step; `table`, the ActionTable; `topics`, their names.
    """

    def __init__(
        self,
        table: ActionTable,
        topics: list[str],
        encoder: Encoder,
        population: Population,
        *,
        seed: int = 0,
        exclusive_reactions: bool = False,
    ) -> None:
        self.step = 0
        self.table = table
        self.topics = topics
        self.streams = Streams(seed)
        self.exclusive_reactions = exclusive_reactions
        self.settings: dict[str, Any] = {}
        self.texts = TextPool(encoder, topics)
        self.profiles = Profiles(population.profiles)
        self.curves = population.curves
        # feeds, views and prompts read the built-in sets and counters, also if nothing fills them
        self.sets = {p.name: PairSet() for p in (*table.pairs, *SOCIAL.pairs)}
        self.sets["follow"] = PairSet(population.follows)
        self.items = Columns(_item_columns(table))
        self.agents = Columns(_agent_columns(table, len(topics), encoder.dims))
        self.groups = Columns(
            {"founder": np.int32, "step": np.int32, "text": np.int32, **_counters(table, "group")}
        )
        self.products = Columns({"text": np.int32, "sales": np.int64})
        names = ("recipient", "actor", "action", "item", "step", "previous")
        self.notes = Columns(dict.fromkeys(names, np.int32))
        self._settle(population)

    def _settle(self, people: Population) -> None:
        n = len(people)
        same = ("core", "topics", "interest", "curve", "rate", "sharing", "verbosity", "contrary")
        self.agents.extend(
            n,
            **{name: getattr(people, name) for name in same},
            **_fresh_agent(),
            taste=people.interest,
            opinion=people.opinions,
            opinion_start=people.opinions,
        )
        followers, followees = people.follows >> np.int64(32), people.follows & 0xFFFFFFFF
        self.agents["followings"][:] = np.bincount(followers, minlength=n)
        self.agents["followers"][:] = np.bincount(followees, minlength=n)

    def agent(self, agent: int) -> AgentRow:
        """Return a readable view of one agent: its fields and counters as attributes."""
        if not 0 <= agent < len(self.agents):
            raise IndexError(f"there is no agent {agent}; ids go from 0 to {len(self.agents) - 1}")
        return AgentRow(self, agent)

    def item(self, item: int) -> ItemRow:
        """Return a readable view of one item."""
        if not 0 <= item < len(self.items):
            raise IndexError(f"there is no item {item}; ids go from 0 to {len(self.items) - 1}")
        return ItemRow(self, item)

    def product(self, name: str) -> int:
        """Return the id of the product with this name, -1 if there is none."""
        names = (self.texts[int(text)] for text in self.products["text"])
        return next((i for i, known in enumerate(names) if known == name), -1)

    @property
    def nbytes(self) -> int:
        """Bytes of all columns, sets, profiles and texts."""
        tables = (self.agents, self.items, self.groups, self.products, self.notes)
        sets = sum(s.nbytes for s in self.sets.values())
        return sum(t.nbytes for t in tables) + sets + self.profiles.nbytes + self.texts.nbytes

    def targets(self, items: NDArray[Any]) -> NDArray[np.int32]:
        """Return what the items stand for: the reposted post for a repost, else the item."""
        reposts = self.items["kind"][items] == Kind.repost
        return np.where(reposts, self.items["ref"][items], items).astype(np.int32)

    def originals(self, items: NDArray[Any]) -> NDArray[np.int32]:
        """Return the originals: as `targets`, and a quote stands for what it quotes."""
        targets = self.targets(items)
        quotes = self.items["kind"][targets] == Kind.quote
        return np.where(quotes, self.items["ref"][targets], targets).astype(np.int32)


def _counters(table: ActionTable, over: str) -> dict[str, Column]:
    pairs = (*table.pairs, *SOCIAL.pairs)
    names = [p.counter for p in pairs if p.over == over and p.counter]
    if over == "agent":
        names += [p.own_counter for p in pairs if p.own_counter]
    return dict.fromkeys(names, np.int32)


def _agent_columns(table: ActionTable, topics: int, dims: int) -> dict[str, Column]:
    return {
        "core": np.bool_,
        "topics": np.uint64,
        "interest": (np.int8, dims),
        "taste": (np.int8, dims),
        "curve": np.int32,
        "rate": np.float32,
        "sharing": np.float32,
        "verbosity": np.float32,
        "contrary": np.float32,
        "opinion": (np.int16, topics),
        "opinion_start": (np.int16, topics),
        "seen": (np.int32, SEEN),
        "seen_count": np.int32,
        "joined": np.int32,
        "last_item": np.int32,
        "last_note": np.int32,
        "noticed": np.int32,
        "last_awake": np.int32,
        "followers": np.int32,
        "followings": np.int32,
        **_counters(table, "agent"),
    }


def _fresh_agent() -> dict[str, int]:
    return {"seen": -1, "last_item": -1, "last_note": -1, "noticed": -1, "last_awake": -1}


def _item_columns(table: ActionTable) -> dict[str, Column]:
    links = ("author", "step", "ref", "parent", "text", "previous", "last_comment", "next_comment")
    return {
        "kind": np.uint8,
        "topic": np.int16,
        "stance": np.int16,
        **dict.fromkeys(links, np.int32),
        **dict.fromkeys((*table.item_counters, *SOCIAL.item_counters), np.int32),
    }


def new_agent_columns(world: World, agent: int, record: dict[str, Any]) -> dict[str, Any]:
    """Return the columns of an agent who signs up: a function of the seed, its id and profile."""
    vector = world.texts.encoder.encode([str(record.get("bio") or record.get("name") or "")])
    topic = int(world.texts.nearest_topic(vector)[0])
    stream = world.streams.at("sign_up", shard=agent)
    sharing, verbosity = stream.normal(2)
    core = world.agents["core"]
    ordinary = np.flatnonzero(~core[:1024])
    like = int(ordinary[0]) if len(ordinary) else 0
    return {
        **_fresh_agent(),
        "topics": np.uint64(1 << topic if topic >= 0 else 0),
        "interest": vector,
        "taste": vector,
        "curve": world.agents["curve"][like],
        "rate": world.agents["rate"][like],
        "sharing": sharing,
        "verbosity": verbosity,
        "contrary": stream.uniform(1)[0],
        "joined": world.step,
    }


@dataclass(frozen=True, slots=True)
class AgentRow:
    """One agent, with the fields of its profile and its columns of the world as attributes.

    For example ``world.agent(7).name``, ``.age`` and ``.followers``.
    """

    world: World
    id: int

    def __getattr__(self, name: str) -> Any:
        if name in self.world.agents:
            value = self.world.agents[name][self.id]
            return value.item() if np.ndim(value) == 0 else value
        profile = self.world.profiles[self.id]
        if name in profile:
            return profile[name]
        raise AttributeError(f"an agent has no field '{name}'")

    def __repr__(self) -> str:
        return f"<agent {self.id} @{self.world.profiles[self.id]['user_name']}>"


@dataclass(frozen=True, slots=True)
class ItemRow:
    """One item, with its columns of the world as attributes.

    For example ``world.item(3).content``, ``.likes`` and ``.author``.
    """

    world: World
    id: int

    @property
    def content(self) -> str:
        """Its text; empty for a repost."""
        return self.world.texts[int(self.world.items["text"][self.id])]

    @property
    def kind(self) -> str:
        """The name of its kind."""
        return Kind(int(self.world.items["kind"][self.id])).name

    def __getattr__(self, name: str) -> Any:
        if name in self.world.items:
            return self.world.items[name][self.id].item()
        raise AttributeError(f"an item has no field '{name}'")

    def __repr__(self) -> str:
        return f"<{self.kind} {self.id} by agent {self.author}: {self.content[:40]!r}>"
