"""Random batches: the columnar platform agrees with the plain reference, event by event."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
import pytest
from harness import (
    MAX_TEXT,
    TABLE,
    Pair,
    as_batch,
    assert_identical,
    assert_same,
    outcomes,
    profile,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reference import ENVIRONMENT_ONLY, POSTS, Ask, Reference

from hubbub.actions import SOCIAL
from hubbub.config.scenario import PlatformConfig
from hubbub.platform import PRESETS, apply

HUGE = 2**31 - 1
LEAST = -(2**31)
WRITING = ["create_post", "repost", "quote_post", "create_comment", "like_post", "follow"]
NAMES = [*TABLE.names, *WRITING, "dislike_post", "like_comment", "unlike_post", "send_to_group"]
TEXTS = [
    "Sports today",
    "hello @user_1 and @user_2, hello @user_1",
    "@nobody and mail@user_0 @new_0",
    "x" * MAX_TEXT,
    "x" * (MAX_TEXT + 1),
    "",
    " \n\t",
    "Ünïcode ✓",
]
NEW_NAMES = ["new_0", "new_1", "user_1", "new_2"]
PRODUCTS = ["lamp", "mug", "", "lamp "]
AMOUNTS = [1, 3, 0, -2, HUGE]
SETTINGS = ['{"feed.explore": 0.5}', '{"feed.explore": 0.1, "time.wake_rate": 1.0}']

#: One thing asked for: agent, wave, action, target and variety, as numbers that `_ask` reads.
Draw = tuple[int, int, int, int, int]
History = list[tuple[bool, list[Draw]]]

_BOUNDS = (7, 2, len(NAMES) - 1, 19, 719)
_DRAWS = st.tuples(*(st.integers(0, high) for high in _BOUNDS))
_STEPS = st.tuples(st.booleans(), st.lists(_DRAWS, min_size=6, max_size=24))


def _even_history(seed: int, steps: int, rows: int) -> History:
    """Return a history drawn evenly: hypothesis alone dwells on the ends of every range."""
    random = Random(seed)

    def draw() -> Any:
        return tuple(random.randint(0, high) for high in _BOUNDS)

    return [(random.random() < 0.5, [draw() for _ in range(rows)]) for _ in range(steps)]


_EVEN = st.builds(_even_history, st.integers(0, 2**32), st.integers(1, 5), st.integers(8, 24))
_HISTORIES = st.lists(_STEPS, min_size=1, max_size=4) | _EVEN
_LISTED = [n for n in TABLE.names if n not in ENVIRONMENT_ONLY]
_CONFIGS = st.builds(
    PlatformConfig,
    preset=st.sampled_from(["x", "reddit"]),
    actions=st.sampled_from(["all", "all", "all", "default"])
    | st.lists(st.sampled_from(_LISTED), unique=True, min_size=10),
    allow_self_rating=st.sampled_from([None, True, False]),
    exclusive_reactions=st.sampled_from([None, True, False]),
    max_text_length=st.just(MAX_TEXT),
)
_COMMON = settings(
    deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


def _ask(society: Reference, draw: Draw) -> Ask:
    """Return what is asked for: mostly of something that exists, so that much is carried out."""
    agent, wave, what, target, variety = draw
    name = NAMES[what]
    spec = TABLE.spec(name)
    named = _name_one(society, spec.target_kind, target)
    reply_to = _name_reply(society, named, variety) if name == "create_comment" else -1
    choices = {"sign_up_product": PRODUCTS, "configure": SETTINGS}.get(name, TEXTS)
    text: str | None = choices[variety % len(choices)]
    if name == "sign_up":
        text = profile(NEW_NAMES[variety % len(NEW_NAMES)])
    elif not any(a.column == "text" for a in spec.args) or (name == "report_post" and variety % 2):
        text = None
    amount = AMOUNTS[variety % len(AMOUNTS)] if name == "purchase_product" else 0
    refused = {8: "invalid_reply", 26: "no_reply"}.get(variety % 36, "")
    return Ask(agent % len(society.names), wave, name, named, reply_to, text, amount, refused)


def _name_one(society: Reference, kind: str | None, choice: int) -> int:
    if kind is None:
        return -1
    sizes = {"user": society.names, "group": society.groups, "product": society.products}
    if kind in sizes:
        good, size = list(range(len(sizes[kind]))), len(sizes[kind])
    else:
        kinds = POSTS if kind == "post" else ("comment",)
        good = [i for i, item in enumerate(society.items) if item.kind in kinds]
        size = len(society.items)
    wrong = {16: -1, 17: size, 18: HUGE, 19: LEAST, 15: choice % size}
    return wrong.get(choice, good[-1 - choice % min(len(good), 6)])


def _name_reply(society: Reference, post: int, variety: int) -> int:
    comments = [i for i, item in enumerate(society.items) if item.kind == "comment"]
    fitting = [i for i in comments if society.items[i].ref == post] or comments
    wrong = {5: -7, 6: HUGE, 7: LEAST, 8: comments[0], 9: 0}
    return -1 if variety % 2 else wrong.get(variety % 16, fitting[variety % len(fitting)])


def play(n: int, config: PlatformConfig, history: History) -> Pair:
    """Return a small society with one of everything, after this history."""
    pair = Pair(n, config)
    everything = replace(pair.platform, allowed=np.ones(len(TABLE), np.bool_))
    first = [
        Ask(0, 0, "create_post", text="Politics"),
        Ask(1, 0, "create_post", text="Sports"),
        Ask(2, 0, "create_group", text="chess"),
        Ask(0, 1, "quote_post", 0, text="well said"),
        Ask(1, 1, "repost", 1),
        Ask(2, 1, "create_comment", 0, text="no"),
        Ask(0, 2, "join_group", 0),
        Ask(1, 2, "create_comment", 1, text="yes"),
        Ask(2, 2, "send_to_group", 0, text="hi"),
    ]
    pair.apply(first, 0, platform=everything)
    pair.apply([Ask(0, 0, "sign_up_product", text="lamp")], 0, environment=True)
    for t, (environment, draws) in enumerate(history, start=1):
        asks = {(a.agent, a.wave): a for a in (_ask(pair.reference, draw) for draw in draws)}
        pair.apply(list(asks.values()), t, environment=environment)
    return pair


@settings(_COMMON, max_examples=600)
@given(st.integers(3, 6), _CONFIGS, _HISTORIES)
def test_batches_agree_with_the_reference(n: int, config: PlatformConfig, history: History) -> None:
    pair = play(n, config, history)
    assert_same(pair.world, pair.reference)
    assert_identical(pair.replayed(), pair.world)


@pytest.mark.slow
@settings(_COMMON, max_examples=10_000, derandomize=False)
@given(st.integers(3, 8), _CONFIGS, _HISTORIES)
def test_very_many_batches_agree_with_the_reference(
    n: int, config: PlatformConfig, history: History
) -> None:
    pair = play(n, config, history)
    assert_same(pair.world, pair.reference)
    assert_identical(pair.replayed(), pair.world)


@settings(_COMMON, max_examples=100)
@given(_CONFIGS, _HISTORIES, st.randoms(use_true_random=False))
def test_the_order_of_rows_and_texts_does_not_matter(
    config: PlatformConfig, history: History, random: Any
) -> None:
    pair = play(4, config, history)
    world = pair.replayed(before=1)
    for done in pair.log[2:]:
        rows = random.sample(range(len(done.asks)), len(done.asks))
        texts = random.sample(range(len(done.asks)), len(done.asks))
        batch = as_batch([done.asks[i] for i in rows], texts)
        events = apply(pair.platform, world, batch, done.step, environment=done.environment)
        assert outcomes(events) == outcomes(done.events)
        assert events.text.tolist() == done.events.text.tolist()
        assert events.via.tolist() == done.events.via.tolist()
    assert_identical(world, pair.world)


@settings(_COMMON, max_examples=100)
@given(_CONFIGS, _HISTORIES)
def test_rejected_actions_change_nothing(config: PlatformConfig, history: History) -> None:
    pair = play(4, config, history)
    done = pair.log[-1]
    # a name that is taken in the same wave is free without the action that takes it
    now = [a for a in done.asks if a.wave == 0 and not a.name.startswith("sign_up")]
    before, one, other = (pair.replayed(before=done.step) for _ in range(3))
    events = apply(pair.platform, one, as_batch(now), done.step, environment=done.environment)
    refused = set(events.agent[events.reason != 0].tolist())
    batch = as_batch([a for a in now if a.agent in refused])
    again = apply(pair.platform, other, batch, done.step, environment=done.environment)
    assert len(again) == len(refused)
    assert (again.reason != 0).all()
    before.step = done.step
    assert_identical(before, other, texts=False)


def test_the_random_batches_try_every_action_and_every_reason() -> None:
    """Guard of the tests above: what they never try, they do not test."""
    tried: Counter[tuple[str, str]] = Counter()
    for seed in range(120):
        preset = ("x", "reddit")[seed % 2]
        actions = "default" if seed % 5 == 0 else "all"
        config = PlatformConfig(preset=preset, actions=actions, max_text_length=MAX_TEXT)
        for done in play(4, config, _even_history(seed, 5, 24)).log[2:]:
            tried.update((o[0], o[1]) for o in outcomes(done.events))
    possible = {(s.name, r.name) for s in TABLE for r in s.reasons}
    possible |= {(n, r) for n in TABLE.names for r in ("ok", "not_allowed")}
    always = set(PRESETS["x"].actions) & set(PRESETS["reddit"].actions)
    own = {s.name for s in TABLE if s.name not in SOCIAL}
    possible -= {(n, "not_allowed") for n in always | own}
    possible |= {(n, r) for n in WRITING for r in ("invalid_reply", "no_reply")}
    assert possible - set(tried) == set()
