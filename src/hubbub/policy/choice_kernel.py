"""The compiled inner loop of the statistical policy: features, utilities, and the choice.

Everything here is plain arithmetic in a fixed order (with its own exponential and tabulated
logarithms), so a run does not depend on a machine's mathematical library.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hubbub.actions import NO_STANCE, SCALE, Kind

Floats = NDArray[np.float64]


class Shown(NamedTuple):
    """Things shown: agent agents[i] (int32[k]) sees items[offsets[i]:offsets[i+1]] (int32[m]).

    `near` bool[m] says which are by somebody the agent follows.
    """

    agents: NDArray[np.int32]
    offsets: NDArray[np.int64]
    items: NDArray[np.int32]
    near: NDArray[np.bool_]


class ItemColumns(NamedTuple):
    """The columns of World.items that matter for a choice."""

    kind: NDArray[np.uint8]
    ref: NDArray[np.int32]
    author: NDArray[np.int32]
    step: NDArray[np.int32]
    text: NDArray[np.int32]
    topic: NDArray[np.int16]
    stance: NDArray[np.int16]
    likes: NDArray[np.int32]
    shares: NDArray[np.int32]
    dislikes: NDArray[np.int32]


class AgentColumns(NamedTuple):
    """The columns of World.agents that matter for a choice."""

    taste: NDArray[np.int8]
    opinion: NDArray[np.int16]
    sharing: NDArray[np.float32]
    verbosity: NDArray[np.float32]
    contrary: NDArray[np.float32]
    followers: NDArray[np.int32]


class UtilityWeights(NamedTuple):
    """The parameters of the utility; `recency` is its weighted value by age in steps.

    Unless something `repels`, nobody can disapprove of what is shown.
    """

    similarity: float
    proof: float
    show_score: bool
    in_network: float
    standing: float
    agreement: float
    trait_spread: float
    contrarian_share: float
    recency: Floats
    repels: bool


class OptionColumns(NamedTuple):
    """Options of three kinds: without a target, on a shown post (or its author), on a comment.

    The options of kind p are rows first[p]:first[p+1]. `approving` options gain from
    attraction, the others lose; `passes_on` and `writes` say which traits of the agent count.
    """

    first: NDArray[np.int64]
    utility: Floats
    approving: NDArray[np.bool_]
    passes_on: NDArray[np.bool_]
    writes: NDArray[np.bool_]


_REPOST = int(Kind.repost)
_NO_STANCE, _UNIT = NO_STANCE, 1.0 / SCALE
_PER_COSINE = 1.0 / 127**2  # length-127 vectors
#: log10(1 + n), rounded so that the last bit of a library's logarithm does not matter.
_LOG = np.round(np.log10(1.0 + np.arange(1024)), 9)
_LOG_TWO = 0.301029996
_LIMIT = 60.0  # of utilities: exp(60) is 10**26 times an even chance
_TAYLOR = 1.0 / np.array([3628800, 362880, 40320, 5040, 720, 120, 24, 6, 2, 1, 1], np.float64)
_POWERS_OF_TWO = 2.0 ** np.arange(-128, 129)


class Pull(NamedTuple):
    """How strongly shown things pull, float64[m] each.

    `drawn` is exp(notice + attraction), the pull towards approving actions, and `repelled`
    exp(notice - attraction), that towards disapproving ones.
    """

    drawn: Floats
    repelled: Floats


class Scratch(NamedTuple):
    """Working memory for the current agent.

    `factor` of each option from its utility and the agent's traits; `liking` and `loathing` are the
    sums of the approving and of the other factors by kind.
    """

    factor: Floats
    liking: Floats
    loathing: Floats


@njit(cache=True, nogil=True)
def pull(
    shown: Shown,
    items: ItemColumns,
    vectors: NDArray[np.int8],
    people: AgentColumns,
    w: UtilityWeights,
    now: int,
) -> Pull:
    """Return how strongly each shown thing pulls its viewer."""
    # taken out of their tuples once: doing so in the loop would count references each time
    ids, near, recency = shown.items, shown.near, w.recency
    kind, ref, author, step = items.kind, items.ref, items.author, items.step
    texts, topics, stances = items.text, items.topic, items.stance
    likes, shares, dislikes = items.likes, items.shares, items.dislikes
    taste, opinion, followers = people.taste, people.opinion, people.followers
    drawn, repelled = np.empty(len(ids)), np.empty(len(ids))
    for row in range(len(shown.agents)):
        agent = shown.agents[row]
        agreeing = -w.agreement if people.contrary[agent] < w.contrarian_share else w.agreement
        for at in range(shown.offsets[row], shown.offsets[row + 1]):
            item = ids[at]
            if kind[item] == _REPOST:
                item = ref[item]
            attraction = w.in_network if near[at] else 0.0
            text = texts[item]
            if text >= 0:
                dot = np.int32(0)
                for d in range(vectors.shape[1]):
                    dot += np.int32(taste[agent, d]) * np.int32(vectors[text, d])
                attraction += w.similarity * (dot * _PER_COSINE)
            if w.show_score:
                score = likes[item] - dislikes[item]
                attraction += w.proof * (_log(score) if score >= 0 else -_log(-score))
            else:
                attraction += w.proof * _log(likes[item] + shares[item])
            topic, stance = topics[item], stances[item]
            if topic >= 0 and stance != _NO_STANCE:
                attraction += agreeing * (opinion[agent, topic] * _UNIT) * (stance * _UNIT)
            age = min(max(now - step[item], 0), len(recency) - 1)
            notice = recency[age] + w.standing * _log(followers[author[item]])
            drawn[at] = _exp(notice + attraction)
            repelled[at] = _exp(notice - attraction) if w.repels else 0.0
    return Pull(drawn, repelled)


@njit(cache=True, nogil=True)
def choose(
    agents: NDArray[np.int32],
    ends: tuple[NDArray[np.int64], NDArray[np.int64]],
    pulls: tuple[Pull, Pull],
    people: AgentColumns,
    w: UtilityWeights,
    options: OptionColumns,
    uniforms: Floats,
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Draw from the multinomial logit, once per agent and wave (uniforms float64[k, waves]).

    `ends` and `pulls` are the offsets (int64[k+1]) and pulls of the shown posts and comments.
    Return (option int32[k, waves], position int64[k, waves]): a row of `options`, and the position
    of the post or comment (-1 for none). Row 0, doing nothing, ends a turn; option -1 stands for
    the waves after it.
    """
    k, waves = uniforms.shape
    picked = np.full((k, waves), -1, np.int32)
    place = np.full((k, waves), -1, np.int64)
    base = np.empty(options.first[3])
    for o in range(len(base)):
        base[o] = _exp(options.utility[o])
    own = Scratch(np.empty(len(base)), np.zeros(3), np.zeros(3))
    posts, comments = ends
    for row in range(k):
        _set_factors(agents[row], base, own, people, w, options)
        total = own.liking[0] + own.loathing[0]
        for at in range(posts[row], posts[row + 1]):
            total += _weight(at, 1, own, pulls[0])
        for at in range(comments[row], comments[row + 1]):
            total += _weight(at, 2, own, pulls[1])
        for wave in range(waves):
            option, at, left = _find_plain(uniforms[row, wave] * total, own, options)
            if left >= 0.0:
                option, at, left = _find_shown(
                    left, 1, posts[row], posts[row + 1], own, pulls[0], options
                )
            if left >= 0.0:
                option, at, left = _find_shown(
                    left, 2, comments[row], comments[row + 1], own, pulls[1], options
                )
            if option == 0 and wave > 0:
                break
            picked[row, wave], place[row, wave] = option, at
            if option == 0:
                break
    return picked, place


@njit(cache=True, nogil=True, inline="always")
def _set_factors(
    agent: int,
    base: Floats,
    own: Scratch,
    people: AgentColumns,
    w: UtilityWeights,
    options: OptionColumns,
) -> None:
    """Fill in the factor of each option for this agent, and their sums by place and sign."""
    factor, liking, loathing = own.factor, own.liking, own.loathing
    sharing = _exp(w.trait_spread * people.sharing[agent])
    writing = _exp(w.trait_spread * people.verbosity[agent])
    for p in range(3):
        liking[p] = loathing[p] = 0.0
        for o in range(options.first[p], options.first[p + 1]):
            factor[o] = base[o]
            if options.passes_on[o]:
                factor[o] *= sharing
            if options.writes[o]:
                factor[o] *= writing
            if options.approving[o]:
                liking[p] += factor[o]
            else:
                loathing[p] += factor[o]


@njit(cache=True, nogil=True, inline="always")
def _weight(at: int, p: int, own: Scratch, pulled: Pull) -> float:
    """Return the weight of all options on one shown thing."""
    return float(pulled.drawn[at] * own.liking[p] + pulled.repelled[at] * own.loathing[p])


@njit(cache=True, nogil=True, inline="always")
def _find_plain(left: float, own: Scratch, options: OptionColumns) -> tuple[int, int, float]:
    """Return the option without target at which the running sum exceeds `left`, as below."""
    for o in range(options.first[1]):
        left -= own.factor[o]
        if left < 0.0:
            return o, -1, left
    return 0, -1, left


@njit(cache=True, nogil=True)
def _find_shown(
    left: float,
    p: int,
    begin: int,
    end: int,
    own: Scratch,
    pulled: Pull,
    options: OptionColumns,
) -> tuple[int, int, float]:
    """Return the option and position at which the running sum of weights exceeds `left`.

    Also returns what is left, which is negative if an option was found.
    """
    last = options.first[p + 1] - 1
    for at in range(begin, end):
        weight = _weight(at, p, own, pulled)
        if left >= weight:
            left -= weight
            continue
        for o in range(options.first[p], last):
            strength = pulled.drawn[at] if options.approving[o] else pulled.repelled[at]
            left -= own.factor[o] * strength
            if left < 0.0:
                return o, at, left
        return last, at, -1.0
    return 0, -1, left


@njit(cache=True, nogil=True, inline="always")
def _exp(x: float) -> float:
    """Return e**x to eleven digits, x cut off at +-60: x = k ln 2 + r, Horner's scheme for r."""
    x = min(max(x, -_LIMIT), _LIMIT)
    k = np.floor(x * 1.4426950408889634 + 0.5)
    r = (x - k * 0.693145751953125) - k * 1.42860682030941723212e-6
    p = _TAYLOR[0]
    for c in _TAYLOR[1:]:
        p = p * r + c
    return float(p * _POWERS_OF_TWO[int(k) + 128])


@njit(cache=True, nogil=True, inline="always")
def _log(n: int) -> float:
    """Return log10(1 + n) to three digits for n >= 0."""
    halvings = 0
    while n >= 1024:
        n >>= 1
        halvings += 1
    return float(_LOG[n] + halvings * _LOG_TWO)


def recency_table(weight: float, half_life: float) -> Floats:
    """Return weight * 2**(-age / half_life) by age in steps; its end holds for older posts."""
    ages = np.arange(int(min(20.0 * half_life, 2.0**16)) + 2, dtype=np.float64)
    table: Floats = np.round(np.exp2(-ages / half_life), 9) * np.float64(weight)
    return table


def item_columns(items: Any) -> ItemColumns:
    """Return the columns of a world's items."""
    return ItemColumns(*(items[name] for name in ItemColumns._fields))


def agent_columns(agents: Any) -> AgentColumns:
    """Return the columns of a world's agents."""
    return AgentColumns(*(agents[name] for name in AgentColumns._fields))
