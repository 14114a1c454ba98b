"""Policies choose by the very preconditions by which the platform judges."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from harness import TABLE, Pair, as_batch
from reference import Ask

from hubbub.actions import Reason
from hubbub.config.scenario import PlatformConfig
from hubbub.platform.judge import judge
from hubbub.platform.preconditions import exists, least_number, longest_text
from hubbub.policy.statistical import possible

N = 6
HISTORY = [
    [Ask(0, 0, "create_post", text="one"), Ask(1, 0, "create_post", text="two")],
    [Ask(2, 0, "repost", target=0), Ask(3, 0, "quote_post", target=1, text="look")],
    [Ask(4, 0, "create_comment", target=2, text="yes"), Ask(5, 0, "like_post", target=0)],
    [Ask(0, 0, "create_group", text="club"), Ask(2, 0, "dislike_post", target=3)],
    [Ask(3, 0, "join_group", target=0), Ask(5, 0, "like_comment", target=4)],
    [Ask(0, 0, "mute", target=1), Ask(2, 0, "boost", target=1), Ask(4, 0, "report_post", target=0)],
]


def test_what_a_policy_holds_possible_is_what_the_platform_accepts() -> None:
    pair = Pair(N, PlatformConfig(actions="all", allow_self_rating=False))
    for step, asks in enumerate(HISTORY, start=1):
        assert pair.apply(asks, step).reason.any() == 0
    world, platform = pair.world, replace(pair.platform, max_text_length=10)
    agents, seen = np.arange(N, dtype=np.int32), set[str]()
    for code, spec in enumerate(TABLE):
        if spec.target_kind not in ("post", "comment", "user", "group"):
            continue
        size = {"user": N, "group": 1}.get(spec.target_kind, len(world.items))
        targets = np.arange(size, dtype=np.int32)
        for target in targets[exists(world, spec.target_kind, targets)].tolist():
            asks = [Ask(a, 0, spec.name, target=target, text="fine") for a in range(N)]
            text = np.full(N, world.texts.intern(["fine"])[0], np.int32)
            events = judge(platform, world, as_batch(asks), text, np.arange(N), environment=False)
            seen |= {Reason(int(r)).name for r in events.reason}
            same = np.full(N, target, np.int32)
            held = possible(world, agents, np.full(N, code, np.int32), same)
            assert held.tolist() == (events.reason == 0).tolist(), (spec.name, target)
    assert seen == {"ok", "duplicate", "absent", "not_member", "self_rating", "self_target"}


def test_bounds_of_numbers_and_texts() -> None:
    platform = Pair(N, PlatformConfig(max_text_length=30)).platform
    assert [s.name for s in TABLE if least_number(s) == 1] == ["purchase_product"]
    assert longest_text(TABLE.spec("create_post"), platform) == 30
    assert longest_text(TABLE.spec("report_post"), platform) is None


def test_ids_beyond_the_world_name_nothing() -> None:
    world = Pair(N, PlatformConfig()).world
    ids = np.array([-1, 0, N - 1, N], np.int32)
    assert exists(world, "user", ids).tolist() == [False, True, True, False]
    assert not exists(world, "post", ids).any()
    assert not exists(world, "group", ids).any()
