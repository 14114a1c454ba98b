"""The feed in plain Python, for one viewer: what `hubbub.feed` must agree with.

For pools that hold all live posts, and presets without lots.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp2, log, log10

import numpy as np
from town import CLOCK

from hubbub.actions import Kind
from hubbub.feed.settings import FeedSettings
from hubbub.world import World

X_WEIGHTS = {"likes": 0.5, "shares": 1.0, "comments": 13.5, "dislikes": -74.0, "reports": -369.0}


@dataclass
class Candidate:
    item: int
    source: str
    score: float = 0.0


class PlainFeed:
    def __init__(self, world: World, settings: FeedSettings, step: int) -> None:
        self.world, self.settings, self.step = world, settings, step
        self.items = world.items
        self.muted = _pairs(world, "mute")
        blocked = _pairs(world, "block")
        self.apart = self.muted | blocked | {(b, a) for a, b in blocked}
        live = range(len(self.items))
        self.live = [i for i in live if step - self.items["step"][i] < settings.window]

    def slate(self, viewer: int) -> list[tuple[int, str, float]]:
        s, taken = self.settings, []
        if s.joint:
            both = self.network(viewer) + self.pool()
            self.choose(viewer, both, s.following + s.recommended, taken)
        else:
            self.choose(viewer, self.network(viewer), s.following, taken)
            self.choose(viewer, self.pool(), s.recommended, taken)
        return [(c.item, c.source, c.score) for c in taken]

    def kind(self, item: int) -> Kind:
        return Kind(int(self.items["kind"][item]))

    def target(self, item: int) -> int:
        return int(self.items["ref"][item]) if self.kind(item) == Kind.repost else item

    def author(self, item: int) -> int:
        return int(self.items["author"][item])

    def network(self, viewer: int) -> list[Candidate]:
        found: list[Candidate] = []
        answers: list[Candidate] = []
        for other in self.world.sets["follow"].partners(viewer).tolist():
            theirs = [i for i in self.live if self.author(i) == other]
            theirs = [i for i in theirs if self.kind(i) != Kind.message]
            posts = [i for i in theirs if self.kind(i) != Kind.comment]
            found += [Candidate(i, "in_network") for i in posts[-3:]]
            if self.settings.joint and theirs and self.kind(theirs[-1]) == Kind.comment:
                answered = int(self.items["ref"][theirs[-1]])
                if answered in self.live:
                    answers.append(Candidate(answered, "social_proof"))
        for c in found + answers:
            c.score = self.score(viewer, c, network=True)
        return found + answers

    def pool(self) -> list[Candidate]:
        source = {"chronological": "newest", "hot": "trending", "following-top": "trending"}
        name = source.get(self.settings.preset, "interest")
        posts = [i for i in self.live if self.kind(i) in (Kind.post, Kind.quote)]
        return [Candidate(i, name, -1.0) for i in posts]

    def choose(
        self, viewer: int, candidates: list[Candidate], slots: int, taken: list[Candidate]
    ) -> None:
        for c in candidates:
            if c.source not in ("in_network", "social_proof"):
                c.score = self.score(viewer, c, network=False)
        candidates = [c for c in candidates if self.may(viewer, c.item)]
        candidates.sort(key=lambda c: (-c.score, -c.item))
        left = {self.target(c.item): c for c in reversed(candidates)}
        for c in taken:
            left.pop(self.target(c.item), None)
        open_ = [c for c in candidates if left.get(self.target(c.item)) is c]
        for _ in range(slots):
            if not open_:
                break
            best = min(open_, key=lambda c: (-self.weighed(c, taken), -c.item))
            open_.remove(best)
            taken.append(best)

    def weighed(self, c: Candidate, taken: list[Candidate]) -> float:
        author = self.author(self.target(c.item))
        same = sum(self.author(self.target(t.item)) == author for t in taken)
        return c.score * self.settings.author_decay**same if c.score > 0 else c.score

    def may(self, viewer: int, item: int) -> bool:
        target = self.target(item)
        authors = {self.author(item), self.author(target)}
        limit = self.settings.hide_reported
        return not (
            self.author(target) == viewer
            or target in self.world.agents["seen"][viewer]
            or any((viewer, a) in self.apart for a in authors)
            or (limit is not None and self.items["reports"][target] >= limit)
        )

    def score(self, viewer: int, c: Candidate, *, network: bool) -> float:
        item, target, preset = c.item, self.target(c.item), self.settings.preset
        likes = float(self.items["likes"][target])
        step = int(self.items["step"][item])
        age = self.step - step
        if preset == "chronological":
            return float(step)
        if preset == "x":
            weighted = sum(w * float(self.items[n][target]) for n, w in X_WEIGHTS.items())
            size = 1 + log(1 + abs(weighted))
            worth = (size if weighted >= 0 else 1 / size) * exp2(-age * 3.0 / 360.0)
            relevance = (1 + self.cosine(viewer, target)) / 2
            return worth * relevance * (1.0 if network else 0.75)
        if network or preset == "following-top":
            return likes
        if preset == "hot":
            s = likes - float(self.items["dislikes"][target])
            order = (s > 0) * log10(max(abs(s), 1)) - (s < 0) * log10(max(abs(s), 1))
            return order + (CLOCK.epoch(step) - 1134028003) / 45000
        fans = int(self.world.agents["followers"][self.author(target)])
        fresh = max(0.0, log(max(271.8 - age, 100.0) / 100))
        return fresh * max(1.0, log(fans + 1) / log(1000)) * self.cosine(viewer, target)

    def cosine(self, viewer: int, post: int) -> float:
        text = int(self.items["text"][post])
        vectors = self.world.texts.vectors[text].astype(int), self.world.agents["taste"][viewer]
        return float(np.dot(vectors[0], vectors[1].astype(int))) / 127**2


def _pairs(world: World, name: str) -> set[tuple[int, int]]:
    left, right = world.sets[name].columns()
    return set(zip(left.tolist(), right.tolist(), strict=True))
