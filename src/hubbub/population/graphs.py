"""Who follows whom at the start: generated follow graphs.

One generator makes them all. It draws every tie in three parts: who follows (in proportion to a
number of followees drawn per agent), among whom (everyone, or those who share one of its topics),
and whom (in proportion to a popularity). With popularities ~ rank**(-1 / (exponent - 1)) the
numbers of followers have a power-law tail with that exponent (the static model of Goh, Kahng & Kim
2001; Chung & Lu 2002); log-normal numbers of followees have the spread seen on Twitter.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hubbub.config.scenario import GraphConfig
from hubbub.population.interests import member_matrix
from hubbub.rng import Stream, Streams
from hubbub.world import keys_of

Keys = NDArray[np.int64]

#: Standard deviation of the logarithm of the number of followees. The followers of three brands on
#: Twitter (Sanzeed/balanced_influence_maximization), who follow 5.0 to 6.5 others on average, have
#: a median of 2, a 90th percentile of 9 to 14 and a 99th of 46 to 59; a log-normal of this width
#: has 2.3, 14 and 58 at a mean of 6.
SPREAD = 1.4
#: Nobody returns more ties than this: Twitter let accounts follow 5,000 others before it looked at
#: ratios.
MOST_RETURNED = 5000

_TICKETS = 16  # mean number of lottery tickets by which an agent's popularity is kept
_CHUNK = 1 << 20  # ties drawn at a time, to bound memory
_ROUNDS = 4  # further draws for ties that were drawn twice


def generate_follows(
    config: GraphConfig,
    core: NDArray[np.bool_],
    topics: NDArray[np.uint64],
    topic_count: int,
    streams: Streams,
) -> Keys:
    """Return the follow graph of `config.kind` as sorted distinct keys, int64[e].

    Kinds: none, random, preferential, topic, block. `core` bool[n] and `topics` uint64[n] (bits)
    describe the agents; core users are the most popular ones of heavy-tailed graphs. In the end
    `config.reciprocity` is about the share of ties that are mutual: a share q of the drawn ties
    is returned, so 2q / (1 + q) of all are.
    """
    n = len(core)
    if config.kind == "none" or n < 2:
        return np.empty(0, np.int64)
    told = np.empty(0, np.int64)
    if config.kind == "topic":
        told = follow_core(config.core_follow, core, topics, streams.at("graph/core"))
    wanted = min(round(config.mean_following * n), n * (n - 1)) - len(told)
    if wanted <= 0:
        return told
    heavy = config.kind in ("preferential", "topic")
    order = _popularity_order(core, streams.at("graph/rank"))
    popularity = _tickets(order, config.exponent) if heavy else np.ones(n, np.int64)
    groups = None
    if config.kind in ("topic", "block"):
        first_only = config.kind == "block"
        members = member_matrix(topics, topic_count)
        groups = Groups.of_members(first_topic(members) if first_only else members, popularity)
    returned = config.reciprocity / (2.0 - config.reciprocity)
    activity = _followee_numbers(n, round(wanted / (1.0 + returned)), streams, heavy=heavy)
    lottery = Lottery(np.repeat(np.arange(n, dtype=np.int32), popularity), activity, groups)
    ties = draw_ties(lottery, config.homophily, told, streams)
    return _sorted_distinct(told, ties, _returned(ties, n, returned, streams.at("graph/return")))


def follow_core(
    chance: float, core: NDArray[np.bool_], topics: NDArray[np.uint64], stream: Stream
) -> Keys:
    """Return OASIS's initial graph, sorted keys int64[e].

    Every ordinary user follows each core user with a shared topic with this probability (OASIS,
    arXiv 2411.11581, appendix on the generation of users: 0.2).
    """
    ordinary = np.flatnonzero(~core)
    theirs, keys = topics[ordinary], []
    for leader in np.flatnonzero(core):
        alike = np.flatnonzero((theirs & topics[leader]) != 0)
        fans = ordinary[alike[stream.below(chance, len(alike))]]
        keys.append(keys_of(fans, np.full(len(fans), leader)))
    return _sorted_distinct(*keys)


@dataclass(frozen=True, slots=True)
class Groups:
    """Who has which topic, in both directions.

    Agent i has the topics `topic[of[i]:of[i + 1]]`; the tickets of topic j's members are
    `tickets[start[j]:start[j + 1]]`.
    """

    of: NDArray[np.int64]
    topic: NDArray[np.int8]
    start: NDArray[np.int64]
    tickets: NDArray[np.int32]

    @classmethod
    def of_members(cls, members: NDArray[np.bool_], popularity: NDArray[np.int64]) -> Groups:
        """Return the groups of bool[n, topics], an agent in each with all its tickets."""
        topic = np.nonzero(members)[1].astype(np.int8)
        parts = []
        for column in members.T:
            inside = np.flatnonzero(column)
            parts.append(np.repeat(inside.astype(np.int32), popularity[inside]))
        sizes = [len(p) for p in parts]
        return cls(_edges(members.sum(axis=1)), topic, _edges(sizes), np.concatenate(parts))


@dataclass(frozen=True, slots=True)
class Lottery:
    """What ties are drawn from.

    `tickets` int32: each agent in proportion to its popularity; `activity` int64[n]: followees
    wanted by agent; `groups`: topics, None if ties do not depend on them.
    """

    tickets: NDArray[np.int32]
    activity: NDArray[np.int64]
    groups: Groups | None


def draw_ties(lottery: Lottery, homophily: float, known: Keys, streams: Streams) -> Keys:
    """Return sorted distinct ties that are not `known`, about as many as the activities add up to.

    Duplicates and ties to oneself are drawn again, a few times.
    """
    n = len(lottery.activity)
    ties = np.empty(0, np.int64)
    missing = lottery.activity
    for round_ in range(_ROUNDS):
        parts = [ties]
        for shard, src in enumerate(_chunks(missing)):
            stream = streams.at("graph/ties", round_, shard)
            dst = _draw_followees(lottery, src, homophily, stream)
            parts.append(keys_of(src, dst)[src != dst])
        ties = _sorted_distinct(*parts)
        if len(known):
            ties = ties[known[np.minimum(np.searchsorted(known, ties), len(known) - 1)] != ties]
        missing = lottery.activity - np.bincount(ties >> np.int64(32), minlength=n)
        if missing.sum() * 100 < lottery.activity.sum():
            break
    return ties


def _draw_followees(
    lottery: Lottery, src: NDArray[np.int64], homophily: float, stream: Stream
) -> NDArray[np.int32]:
    """Return whom each of `src` follows, int32[len(src)]."""
    dst = lottery.tickets[stream.integers(len(lottery.tickets), len(src))]
    groups = lottery.groups
    if groups is None:
        return dst
    counts = groups.of[src + 1] - groups.of[src]
    near = (stream.uniform(len(src)) < homophily) & (counts > 0)
    which = (stream.uniform(len(src)) * counts).astype(np.int64)[near]
    topic = groups.topic[groups.of[src[near]] + which]
    sizes = np.diff(groups.start)[topic]
    place = (stream.uniform(len(src))[near] * sizes).astype(np.int64)
    dst[near] = groups.tickets[groups.start[topic] + place]
    return dst


def _chunks(counts: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Yield each agent counts[i] times, agents in order, in arrays of at most about _CHUNK."""
    ends = np.cumsum(counts)
    for low in range(0, int(ends[-1]), _CHUNK):
        high = min(low + _CHUNK, int(ends[-1]))
        first, last = np.searchsorted(ends, [low, high - 1], side="right")
        edges = np.clip(ends[first : last + 1], low, high)
        yield np.repeat(np.arange(first, last + 1), np.diff(edges, prepend=low))


def _popularity_order(core: NDArray[np.bool_], stream: Stream) -> NDArray[np.int64]:
    """Return the agents from the most to the least popular: core users first, else at random."""
    order = stream.permutation(len(core))
    return np.concatenate([order[core[order]], order[~core[order]]])


def _tickets(order: NDArray[np.int64], exponent: float) -> NDArray[np.int64]:
    """Return popularities in whole tickets, int64[n]: rank**(-1 / (exponent - 1))."""
    rank = np.arange(1, len(order) + 1, dtype=np.float64)
    weight = rank ** (-1.0 / (exponent - 1.0))
    # The sum is an integral: the order in which floats are added must not decide anything.
    mean = float((len(order) + 1) ** (1 - 1 / (exponent - 1)) - 1) / (1 - 1 / (exponent - 1))
    tickets = np.empty(len(order), np.int64)
    tickets[order] = np.maximum(1, np.rint(weight * (_TICKETS * len(order) / mean)))
    return tickets


def _followee_numbers(n: int, total: int, streams: Streams, *, heavy: bool) -> NDArray[np.int64]:
    """Return how many others each agent follows, int64[n], with about this total.

    Log-normal with SPREAD for heavy-tailed graphs, else as uniform draws give it (Poisson).
    """
    stream = streams.at("graph/activity")
    if not heavy:
        return np.minimum(np.bincount(stream.integers(n, total), minlength=n), n - 1)
    # Whole numbers, whose sum is exact: the order of additions must not decide anything.
    share = np.rint(np.exp(SPREAD * stream.normal(n)) * 2.0**20).astype(np.int64) + 1
    wanted = share * (total / int(share.sum()))
    return np.minimum(np.floor(wanted + stream.uniform(n)), n - 1).astype(np.int64)


def _returned(ties: Keys, n: int, chance: float, stream: Stream) -> Keys:
    """Return the ties followed back: each with this probability, lower for the most followed."""
    if chance <= 0.0:
        return np.empty(0, np.int64)
    followers = np.bincount(ties & np.int64(0xFFFFFFFF), minlength=n)
    willing = np.minimum(chance, MOST_RETURNED / np.maximum(followers, 1))
    parts = []
    for low in range(0, len(ties), _CHUNK):
        part = ties[low : low + _CHUNK]
        src, dst = part >> np.int64(32), part & np.int64(0xFFFFFFFF)
        back = stream.uniform(len(part)) < willing[dst]
        parts.append(keys_of(dst[back], src[back]))
    return np.concatenate([np.empty(0, np.int64), *parts])


def _sorted_distinct(*parts: Keys) -> Keys:
    """Return all keys of the parts, sorted, each once."""
    keys = np.concatenate([np.empty(0, np.int64), *parts])
    keys.sort()
    new = np.ones(len(keys), np.bool_)
    np.not_equal(keys[1:], keys[:-1], out=new[1:])
    return keys if new.all() else keys[new]


def first_topic(members: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the matrix with only the first topic of each agent kept."""
    only = np.zeros_like(members)
    only[np.arange(len(members)), members.argmax(axis=1)] = True
    return only & members


def _edges(counts: NDArray[np.int64] | list[int]) -> NDArray[np.int64]:
    result = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=result[1:])
    return result
