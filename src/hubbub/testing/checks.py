"""Checks of an author's own parts: each tells in one sentence what is wrong.

Each check calls the part on small synthetic worlds, as a run would, and raises an AssertionError
for the first thing that is wrong. A part may be given as an object or by its dotted path.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import fields
from functools import partial
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hubbub.actions import ActionSpec, Reason
from hubbub.config.scenario import AgentGroup, GraphConfig, OpinionConfig
from hubbub.config.user_code import as_function
from hubbub.embed.custom_encoder import CustomEncoder, encoder_of
from hubbub.feed.custom import CustomFilter, CustomSource
from hubbub.feed.ranker import ByRanker
from hubbub.platform import apply
from hubbub.policy import Observation
from hubbub.policy.custom_rule import CustomRule, SeenPosts
from hubbub.policy.mix import CustomPolicy, policy_of
from hubbub.population.custom_graph import follows_of
from hubbub.population.people import People
from hubbub.rng import Streams
from hubbub.testing.batch_checks import check_batch, readable
from hubbub.testing.sample_worlds import SampleWorld, sample_people, sample_worlds
from hubbub.testing.watching import at_once, equal, failing, found_at, same_again, watched
from hubbub.world import CUSTOM_SOURCES

Ids = NDArray[np.int32]
#: Pairs of a viewer and an item on which rankers and filters are called.
_PAIRS = 2000
#: The columns of SeenPosts.
_SEEN = ("opinion", "stance", "start", "agents", "items", "topics")
_TEXTS = (
    "Good morning, everyone!",
    "The new stadium opens on Monday.",
    "",
    "GOOD MORNING, EVERYONE!",
    "Grüße aus Zürich 🌍\nзавтра 明天",
    "word " * 2000,
    "?!",
    "The new stadium opens on Monday.",
)


def check_source(source: Any, *, extra_actions: Sequence[ActionSpec] = ()) -> None:
    """Raise AssertionError if a feed source (`feed.sources`) does not do what a feed needs.

    `extra_actions` are custom actions whose counters or pairs the source reads.
    """
    function, name = _function(source, "feed.sources")
    wrapped = CustomSource(function, name, CUSTOM_SOURCES)
    for sample in sample_worlds(extra_actions):
        world, step, viewers = sample.world, sample.step, sample.agents

        def find(agents: Ids, world: Any = world, step: int = step) -> dict[int, list[Any]]:
            found = wrapped.find(world, step, agents)
            ends = found.ends.tolist()
            parts = zip(agents.tolist(), ends[:-1], ends[1:], strict=True)
            return {a: sorted(found.rows[i:j].tolist()) for a, i, j in parts}

        with watched(name, f"in {sample.about}", sample.fingerprint):
            all_of_them, again = find(viewers), find(viewers)
        same_again(name, f"in {sample.about}", [all_of_them, again])
        halves = viewers[::2], viewers[1::2]
        for half in halves:
            with failing(name, f"in {sample.about}"):
                alone = find(half)
            expected = {agent: all_of_them[agent] for agent in half.tolist()}
            _same_apart(name, sample, "viewers", alone, expected)
        calls = [(partial(find, h), {a: all_of_them[a] for a in h.tolist()}) for h in halves * 4]
        at_once(name, f"in {sample.about}", calls)


def check_filter(keep: Any, *, extra_actions: Sequence[ActionSpec] = ()) -> None:
    """Raise AssertionError if a feed filter (`feed.filters`) does not do what a feed needs.

    `extra_actions` are custom actions whose counters or pairs the filter reads.
    """
    function, name = _function(keep, "feed.filters")
    wrapped = CustomFilter(function, name)

    def keeps(sample: SampleWorld, viewers: Ids, items: Ids) -> NDArray[Any]:
        return wrapped.at(sample.step).keeps(sample.world, viewers, items)

    _check_pairs(name, keeps, extra_actions)


def check_ranker(ranker: Any, *, extra_actions: Sequence[ActionSpec] = ()) -> None:
    """Raise AssertionError if a ranker (`feed.ranker`) does not do what a feed needs.

    `extra_actions` are custom actions whose counters or pairs the ranker reads.
    """
    function, name = _function(ranker, "feed.ranker")
    wrapped = ByRanker(function, name)

    def scores(sample: SampleWorld, viewers: Ids, items: Ids) -> NDArray[Any]:
        return wrapped.scores(sample.world, viewers, items, sample.step)

    _check_pairs(name, scores, extra_actions)


def check_policy(
    policy: Any, *, group: AgentGroup | None = None, extra_actions: Sequence[ActionSpec] = ()
) -> None:
    """Raise AssertionError if a policy (`agents[].policy`) does not do what a run needs.

    `policy` is a class, a function that makes a policy, or a policy. A class that takes an argument
    is given `group`. `extra_actions` are custom actions that the policy uses.
    """
    found, name = found_at(policy, "agents.policy")
    settings = AgentGroup(policy="custom:policy") if group is None else group
    is_made = callable(getattr(found, "decide", None)) and not isinstance(found, type)

    def make() -> CustomPolicy:
        if is_made:
            return CustomPolicy(deepcopy(found), name)
        return policy_of(found, settings, name)

    reasons: list[tuple[int, int, int]] = []
    for sample in sample_worlds(extra_actions):
        where = f"in {sample.about}"
        for agents in (sample.agents, sample.agents[-1:]):
            obs = sample.observe(agents)
            shown = partial(_fingerprint, sample, obs)
            with watched(name, where, shown):
                batches = [make().decide(obs) for _ in range(2)]
            check_batch(name, where, obs, batches[0])
            same_again(name, where, [readable(batch) for batch in batches])
        obs = sample.observe(sample.agents)
        batch = make().decide(obs)
        events = apply(sample.platform, sample.world, batch, sample.step)
        columns = events.reason, events.agent, events.action
        reasons += zip(*(column.tolist() for column in columns), strict=True)
    if reasons and all(reason for reason, _, _ in reasons):
        reason, agent, code = reasons[0]
        action = sample.world.table[code].name
        raise AssertionError(
            f"the platform refused all {len(reasons)} actions of {name}, the first one, "
            f"'{action}' by agent {agent}, as {Reason(reason).name}"
        )


def check_encoder(encoder: Any, *, dims: int = 64) -> None:
    """Raise AssertionError if an encoder (`encoder.kind`) does not do what a world needs.

    `encoder` is a class or an encoder. A class that takes an argument is given `dims`.
    """
    found, name = found_at(encoder, "encoder.kind")
    is_made = callable(getattr(found, "encode", None)) and not isinstance(found, type)

    def make() -> CustomEncoder:
        return CustomEncoder(found, name) if is_made else encoder_of(found, name, dims)

    with watched(name, "for a few texts"):
        one = make()
        vectors = one.encode(_TEXTS)
        again, other = one.encode(_TEXTS), make().encode(_TEXTS)
        alone = np.concatenate([one.encode([text]) for text in _TEXTS])
        backwards = one.encode(_TEXTS[::-1])[::-1]
    same_again(name, "for a few texts", [vectors, again, other])
    for row, text in enumerate(_TEXTS):
        if not (equal(vectors[row], alone[row]) and equal(vectors[row], backwards[row])):
            raise AssertionError(
                f"{name} gave {text[:40]!r} another vector beside other texts than alone: the "
                "vector of a text must depend on this text only"
            )
    if not vectors.any():
        raise AssertionError(f"{name} gave every text the vector 0, so all texts are alike")


def check_graph(graph: Any, *, config: GraphConfig | None = None) -> None:
    """Raise AssertionError if a follow graph (`population.graph.kind`) is none.

    `config` are the settings given to it; without, the graph is checked with a mean of 0, 3 and 20
    followees.
    """
    function, name = _function(graph, "population.graph.kind")
    configs = [GraphConfig(kind="custom:graph", mean_following=mean) for mean in (3, 0, 20)]
    for n in (60, 2, 9):
        people = sample_people(n)
        for settings in configs if config is None else [config]:
            where = f"for {n} agents, mean_following {settings.mean_following:g}"

            def ties(settings: GraphConfig = settings, people: People = people) -> NDArray[Any]:
                stream = Streams(5).at("graph/custom")
                return follows_of(function, name, people, settings, stream)

            with watched(name, where, partial(_people_fingerprint, people)):
                results = [ties(), ties()]
            same_again(name, where, results)


def check_opinion_rule(rule: Any, *, config: OpinionConfig | None = None) -> None:
    """Raise AssertionError if an opinion rule (`opinions.model`) does not do what a run needs.

    `config` are the settings given to it; without, the rule is checked with the default ones and
    with a `step` of 0 and 1.
    """
    function, name = _function(rule, "opinions.model")
    sample = sample_worlds()[0]
    defaults = [
        OpinionConfig(model="custom:rule", **more) for more in ({}, {"step": 0}, {"step": 1})
    ]
    for settings in defaults if config is None else [config]:
        seen = _opinions(sample, settings)
        wrapped = CustomRule(function, settings, name)
        where = f"with step {settings.step:g}"

        def part(rows: slice, seen: SeenPosts = seen) -> SeenPosts:
            own = {column: getattr(seen, column)[rows].copy() for column in _SEEN}
            return SeenPosts(**own, world=seen.world, step=seen.step, config=seen.config)

        def fingerprint(seen: SeenPosts = seen) -> dict[str, bytes]:
            mine = {f"seen.{column}": _hash(getattr(seen, column)) for column in _SEEN}
            return {**mine, **sample.fingerprint()}

        with watched(name, where, fingerprint):
            new, again = wrapped.asked(seen), wrapped.asked(seen)
        same_again(name, where, [new, again])
        for rows in (slice(None, None, 2), slice(1, 2)):
            with failing(name, where):
                alone = wrapped.asked(part(rows))
            _same_apart(name, sample, "pairs", alone, new[rows])


def _function(thing: Any, place: str) -> tuple[Callable[..., Any], str]:
    found, name = found_at(thing, place)
    with failing(name, ""):
        function: Callable[..., Any] = as_function(found, name, place)
    return function, name


def _check_pairs(
    name: str,
    call: Callable[[SampleWorld, Ids, Ids], NDArray[Any]],
    extra_actions: Sequence[ActionSpec],
) -> None:
    """Check a function of pairs of viewers and items on all sample worlds."""
    for sample in sample_worlds(extra_actions):
        posts = sample.posts
        if not len(posts):
            continue  # a feed without candidates asks nobody
        every = max(1, len(sample.agents) * len(posts) // _PAIRS)
        viewers = np.repeat(sample.agents, len(posts))[::every]
        items = np.tile(posts, len(sample.agents))[::every]
        where = f"in {sample.about}"
        with watched(name, where, sample.fingerprint):
            result, again = call(sample, viewers, items), call(sample, viewers, items)
        same_again(name, where, [result, again])
        parts = (slice(None, None, 2), slice(1, None, 3), slice(0, 1))
        for part in parts:
            with failing(name, where):
                alone = call(sample, viewers[part], items[part])
            _same_apart(name, sample, "pairs", alone, result[part])
        calls = [(partial(call, sample, viewers[p], items[p]), result[p]) for p in parts * 3]
        at_once(name, where, calls)


def _same_apart(name: str, sample: SampleWorld, of: str, alone: Any, expected: Any) -> None:
    if not equal(alone, expected):
        raise AssertionError(
            f"{name} returned another result for some {of} when it was called without the others "
            f"(in {sample.about}): the result for each must depend on it and the world alone"
        )


def _fingerprint(sample: SampleWorld, obs: Observation) -> dict[str, bytes]:
    parts = {f"obs.slate.{f.name}": getattr(obs.slate, f.name) for f in fields(obs.slate)}
    parts |= {"obs.comments": np.concatenate(obs.comments), "obs.allowed": obs.allowed}
    return {**{name: _hash(values) for name, values in parts.items()}, **sample.fingerprint()}


def _people_fingerprint(people: People) -> dict[str, bytes]:
    columns = ("core", "topics", "interest", "utc_offset")
    return {f"people.{name}": _hash(getattr(people, name)) for name in columns}


def _opinions(sample: SampleWorld, config: OpinionConfig) -> SeenPosts:
    """Return all combinations of a few opinions, stances and opinions at the start."""
    ends = np.array([-1.0, -0.3, 0.0, 0.4, 1.0])
    opinion, stance, start = (grid.ravel() for grid in np.meshgrid(ends, ends, ends))
    m = np.arange(len(opinion))
    return SeenPosts(
        opinion=opinion.copy(),
        stance=stance.copy(),
        start=start.copy(),
        agents=(m % len(sample.agents)).astype(np.int32),
        items=sample.posts[m % len(sample.posts)],
        topics=(m % len(sample.world.topics)).astype(np.int32),
        world=sample.world,
        step=sample.step,
        config=config,
    )


def _hash(values: NDArray[Any]) -> bytes:
    return blake2b(np.ascontiguousarray(values).tobytes(), digest_size=12).digest()
