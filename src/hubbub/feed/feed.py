"""The feed: what each active agent is shown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hubbub.actions import Kind
from hubbub.config.scenario import FeedConfig
from hubbub.feed import formulas, pipeline
from hubbub.feed.custom import grouped, joined, load_filters, load_sources
from hubbub.feed.fill_kernel import Barred, PoolScores, Slots, fill
from hubbub.feed.frame import Frame, ItemFacts, NetworkCandidates, find_network, hidden_pairs
from hubbub.feed.network_kernel import AUTHOR, ITEM, SCORE, TARGET
from hubbub.feed.ranker import ByRanker, load_ranker
from hubbub.feed.scorers import ByInterest, ByWorth, RandomScorer, SameForAll, Scorer, codes_of
from hubbub.feed.settings import FeedSettings, Preset, resolve
from hubbub.feed.sources import (
    Interest,
    Liked,
    LivePosts,
    Newest,
    Random,
    Source,
    Trending,
    draw_pool,
    showable,
)
from hubbub.rng import Streams
from hubbub.time import Clock
from hubbub.world import SOURCES, Slate, World, source_names

Ids = NDArray[np.int32]
_LOT = RandomScorer()
#: Kinds that are recommended: a repost reaches the followers of the one who reposts.
_SHOWABLE = np.isin(np.arange(256), (Kind.post, Kind.quote))
_ANYONE = np.zeros(1, np.int32)
#: If the pool cannot hold all live posts, three quarters of it are the freshest posts of the best
#: known authors and one quarter the most discussed: otherwise no post would outlive its hour.
_MIXED: tuple[tuple[Source, float], ...] = ((Interest(), 0.75), (Trending(), 0.25))
_POOLS: dict[Preset, tuple[tuple[Source, float], ...]] = {
    "chronological": ((Newest(), 1.0),),
    "following-top": ((Liked(), 1.0),),
    "hot": ((Trending(), 1.0),),
    "interest": _MIXED,
    "x": _MIXED,
    "random": ((Random(), 1.0),),
}
_RECOMMENDED: dict[Preset, Scorer] = {
    "chronological": SameForAll(Newest()),
    "following-top": SameForAll(Liked()),
    "hot": SameForAll(Trending()),
    "interest": ByInterest(Interest()),
    "x": ByWorth(),
    "random": _LOT,
}
_FOLLOWING: dict[Preset, Scorer] = {
    "chronological": SameForAll(Newest()),
    "x": ByWorth(),
    "random": _LOT,
}


class Explained(NamedTuple):
    """Why an agent was shown a post or not: shown, outranked, or the reason of a filter."""

    item: int
    source: str
    verdict: str
    score: float


@dataclass(frozen=True, slots=True)
class _Section:
    """A section of the slate: which candidates compete for it, and how."""

    network: NetworkCandidates
    pool_scores: NDArray[np.float32]
    pool_source: NDArray[np.uint8]
    slots: Ids


class Feed:
    """Ranks. Call `prepare` once a step, then `rank` for the agents, from any number of threads.

    A slate depends only on the world, the step and its viewer, not on the other viewers.
    """

    def __init__(self, settings: FeedSettings, calendar: Clock) -> None:
        """Make a feed; ScenarioError if its own ranker cannot be imported."""
        self.settings = settings
        self._calendar = calendar
        self._recommended: Scorer = _RECOMMENDED[settings.preset]
        self._following = _FOLLOWING.get(settings.preset, SameForAll(Liked()))
        self._sources = _POOLS[settings.preset]
        if settings.ranker is not None:
            own = ByRanker(load_ranker(settings.ranker), settings.ranker)
            self._recommended = self._following = own
            self._sources = _MIXED
        self._custom = load_sources(settings.sources)
        self._filters = load_filters(settings.filters)
        self._names = source_names([source.name for source in settings.sources])
        factors = np.append(1.0, np.full(63, settings.author_decay))
        self._records = ItemFacts()
        self._decay = np.cumprod(factors).astype(np.float32)

    def prepare(self, world: World, step: int, streams: Streams) -> Frame:
        """Return what all viewers of this step share."""
        settings = self.settings
        salt, pool_salt = (int(word) for word in streams.at("feed", step).words(2))
        times = world.items["step"]
        first = int(np.searchsorted(times, np.int32(step - settings.window), side="right"))
        records = np.empty((0, 3), np.int32)
        if settings.following or settings.joint:
            records = self._records.of(world)
            world.sets["follow"].rows(_ANYONE)  # makes its index, before the threads start
        posts = showable(world.items["kind"], _SHOWABLE, first)
        live = LivePosts(world, step, self._calendar, posts, posts)
        pool = draw_pool(live, self._sources, settings.pool, pool_salt)
        if settings.ranker is not None:
            pool.source[:] = SOURCES.index("custom")
        shown = LivePosts(world, step, self._calendar, pool.item, pool.item)
        base = self._recommended.base(shown)
        hide = self._moderated(world, pool.item)
        if hide is not None:
            pool.author[hide] = -1
        vectors = np.empty((0, len(pool)), np.float32)
        if self._recommended.compares_texts:
            texts = world.items["text"][pool.item]
            vectors = np.ascontiguousarray(world.texts.vectors[texts].T, np.float32)
        hidden = hidden_pairs(world)
        hidden.rows(_ANYONE)
        return Frame(step, salt, self._calendar, first, records, pool, base, vectors, hidden)

    def rank(self, world: World, frame: Frame, agents: NDArray[Any]) -> Slate:
        """Return what these agents (ascending ids, at most a few thousand) are shown."""
        agents = np.asarray(agents, np.int32)
        places = Slots.empty(len(agents), self.settings.width)
        hidden = frame.hidden.rows(agents)
        barred = Barred(world.agents["seen"][agents], *hidden, world.items["author"])
        for section in self._sections(world, frame, agents):
            if self._filters:
                section = self._filtered(world, frame, agents, section)
            scores = np.ascontiguousarray(section.pool_scores, np.float32)
            p = scores.shape[1]
            sources = section.pool_source[:p]
            pool = PoolScores(
                frame.pool.item[:p], frame.pool.author[:p], sources, scores.view(np.int32)
            )
            fill(agents, section.slots, section.network, pool, barred, self._decay, places)
        return places.slate(agents)

    def explain(self, world: World, frame: Frame, agent: int) -> list[Explained]:
        """Return every candidate of this agent in this step: first its slate, in order."""
        agents = np.array([agent], np.int32)
        verdicts: list[tuple[pipeline.Candidates, str]] = []
        shown: pipeline.Candidates | None = None
        filters = pipeline.filters(self.settings.hide_reported)
        filters += tuple(f.at(frame.step) for f in self._filters)
        for section in self._sections(world, frame, agents):
            c = pipeline.candidates(
                world, frame, agents, section.network, section.pool_scores, section.pool_source
            )
            shown = c.take(np.empty(0, np.int64)) if shown is None else shown
            for one in filters:
                c, removed = pipeline.split(one, world, c)
                verdicts.append((removed, one.reason))
            c, removed = pipeline.split_duplicates(c, shown)
            verdicts.append((removed, "duplicate"))
            chosen, removed = pipeline.select(c, shown, {agent: int(section.slots[0])}, self._decay)
            verdicts.append((removed, "outranked"))
            shown = shown.join(chosen)
        first = [] if shown is None else [(shown, "shown")]
        return [
            Explained(item, self._names[source], verdict, score)
            for c, verdict in first + verdicts
            for item, source, score in zip(
                c.item.tolist(), c.source.tolist(), c.score.tolist(), strict=True
            )
        ]

    def _sections(self, world: World, frame: Frame, agents: Ids) -> list[_Section]:
        """Return the sections of the slates, in order."""
        settings, k = self.settings, len(agents)
        nobody, nothing = NetworkCandidates.nobody(k), np.empty((1, 0), np.float32)
        codes = frame.pool.source
        lots = self._explored(frame, agents)
        recommended = np.full(k, settings.recommended, np.int32) - lots
        following = np.full(k, settings.following, np.int32)
        network = find_network(world, frame, agents, proof=settings.joint)
        self._hide_moderated(world, network)
        if len(network.rows):
            network.score(self._following.network(world, frame, agents, network))
        sections = []
        if settings.following and not settings.joint:
            sections.append(_Section(network, nothing, codes, following))
        competing = [nobody]
        for source in self._custom:
            found = source.find(world, frame.step, agents)
            self._hide_moderated(world, found)
            if source.slots is None:
                found.score(self._recommended.network(world, frame, agents, found))
                competing.append(found)
            else:
                slots = np.full(k, source.slots, np.int32)
                sections.append(_Section(found, nothing, codes, slots))
        if settings.joint:
            scores = self._recommended.pool(world, frame, agents)
            near = joined([network, *competing], k)
            sections.append(_Section(near, scores, codes, following + recommended))
        elif settings.recommended:
            scores = self._recommended.pool(world, frame, agents)
            sections.append(_Section(joined(competing, k), scores, codes, recommended))
        if lots.any():
            scores = _LOT.pool(world, frame, agents)
            sections.append(_Section(nobody, scores, codes_of("random", len(codes)), lots))
        return sections

    def _filtered(self, world: World, frame: Frame, agents: Ids, section: _Section) -> _Section:
        """Return a section without the candidates that custom filters remove.

        Which those are depends on the viewer, so each viewer gets a part of the pool of its own.
        """
        k, p = len(agents), section.pool_scores.shape[1]
        pool = np.empty((k, p, 4), np.int32)
        pool[..., ITEM] = pool[..., TARGET] = frame.pool.item[:p]
        pool[..., AUTHOR] = frame.pool.author[:p]
        pool.view(np.float32)[..., SCORE] = section.pool_scores
        rows = np.concatenate([section.network.rows, pool.reshape(-1, 4)])
        source = np.concatenate([section.network.source, np.tile(section.pool_source[:p], k)])
        near = np.repeat(np.arange(k), np.diff(section.network.ends))
        place = np.concatenate([near, np.repeat(np.arange(k), p)])
        for one in self._filters:
            keep = one.at(frame.step).keeps(world, agents[place], rows[:, ITEM])
            rows, source, place = rows[keep], source[keep], place[keep]
        return replace(
            section,
            network=grouped(place, rows, source, k),
            pool_scores=np.empty((1, 0), np.float32),
        )

    def _explored(self, frame: Frame, agents: Ids) -> Ids:
        """Return how many recommended slots of each viewer are filled at random, int32[k]."""
        if not self.settings.explore:
            return np.zeros(len(agents), np.int32)
        slots = -1 - np.arange(self.settings.recommended)  # no item has a negative id
        words = formulas.mixed(frame.salt, agents[:, None], slots[None, :])
        explored = formulas.unit_interval(words) < np.float32(self.settings.explore)
        return np.asarray(explored.sum(axis=1), np.int32)

    def _hide_moderated(self, world: World, network: NetworkCandidates) -> None:
        hide = self._moderated(world, network.target) if len(network.rows) else None
        if hide is not None:
            network.hide(hide)

    def _moderated(self, world: World, targets: Ids) -> NDArray[np.bool_] | None:
        if self.settings.hide_reported is None:
            return None
        return np.asarray(world.items["reports"][targets] >= self.settings.hide_reported)


def make_feed(config: FeedConfig, platform_preset: Literal["x", "reddit"], clock: Clock) -> Feed:
    """Return the feed of a scenario on a platform."""
    return Feed(resolve(config, platform_preset), clock)
