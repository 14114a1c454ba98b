"""Who is driven by what, and what can be wrong about it."""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from views import add_item, observe

from hubbub.actions import SOCIAL, Action, ActionBatch
from hubbub.config.scenario import Scenario
from hubbub.embed import make_encoder
from hubbub.errors import ScenarioError
from hubbub.platform import Platform, apply
from hubbub.policy import Observation
from hubbub.policy.mix import PolicyMix, make_policy
from hubbub.world import World
from societies import TOPICS, small_population

N = 200


@pytest.fixture
def world() -> World:
    people = small_population(N)
    ages = [None if i % 10 == 9 else 18 + i % 50 for i in range(N)]
    table = people.profiles.append_column("age", pa.array(ages))
    table = table.append_column("country", pa.array(["NL", "FR"] * (N // 2)).dictionary_encode())
    people.profiles = table.append_column("vip", pa.array([i < 3 for i in range(N)]))
    return World(SOCIAL, list(TOPICS), make_encoder("hashing", 64), people, seed=4)


def mix(world: World, *groups: dict[str, Any], **more: Any) -> PolicyMix:
    return make_policy(Scenario(topics=TOPICS, agents=list(groups), **more), world)


def members(world: World, where: dict[str, Any]) -> list[int]:
    group = {"policy": "statistical", "where": where}
    return np.flatnonzero(mix(world, group).assignment(world) == 0).tolist()


def age(agent: int) -> int:
    return -1 if agent % 10 == 9 else 18 + agent % 50


@pytest.mark.parametrize(
    ("where", "meets"),
    [
        ({}, lambda i: True),
        ({"country": "NL"}, lambda i: i % 2 == 0),
        ({"country": ["NL", "FR"]}, lambda i: True),
        ({"country": "nl"}, lambda i: False),
        ({"age": 20}, lambda i: age(i) == 20),
        ({"age": {"min": 30}}, lambda i: age(i) >= 30),
        ({"age": {"min": 30, "max": 31.5}}, lambda i: age(i) in (30, 31)),
        ({"country": "FR", "age": {"max": 40}}, lambda i: i % 2 == 1 and 0 < age(i) <= 40),
        ({"vip": True}, lambda i: i < 3),
        ({"vip": 1}, lambda i: False),
        ({"core": True}, lambda i: i < N // 10),
        ({"id": [3, 5]}, lambda i: i in (3, 5)),
        ({"id": {"min": 190}}, lambda i: i >= 190),
        ({"user_name": "user_7"}, lambda i: i == 7),
    ],
)
def test_conditions_choose_agents(
    world: World, where: dict[str, Any], meets: Callable[[int], bool]
) -> None:
    assert members(world, where) == [i for i in range(N) if meets(i)]


def test_an_interest_in_any_of_the_topics_will_do(world: World) -> None:
    bits = world.agents["topics"]
    assert members(world, {"topics": "Sports"}) == np.flatnonzero(bits == 8).tolist()
    expected = np.flatnonzero((bits == 8) | (bits == 1)).tolist()
    assert members(world, {"topics": ["Politics", "Sports"]}) == expected


def test_the_first_group_that_matches_wins_and_the_rest_are_idle(world: World) -> None:
    policy = mix(
        world,
        {"policy": "idle", "where": {"id": {"max": 9}}},
        {"policy": "statistical", "where": {"id": {"max": 49}}},
    )
    assert policy.assignment(world).tolist() == [0] * 10 + [1] * 40 + [-1] * (N - 50)
    post = add_item(world, 0, "politics")
    batch = policy.decide(observe(world, range(N), [[post]] * N))
    assert set(batch.agent.tolist()) == set(range(10, 50))


def test_a_share_is_drawn_per_agent(make_world: Any) -> None:
    big = make_world(6000)
    groups = [{"policy": "idle", "share": 0.3}, {"policy": "statistical"}]
    first = mix(big, *groups).assignment(big)
    assert abs((first == 0).sum() - 1800) < 5 * np.sqrt(6000 * 0.3 * 0.7)
    assert np.array_equal(first, mix(big, *groups).assignment(big))


def test_agents_who_sign_up_are_assigned_when_they_appear(world: World) -> None:
    groups = [
        {"policy": "idle", "where": {"country": "NL"}, "share": 0.5},
        {"policy": "statistical", "where": {"age": {"min": 60}}},
    ]
    early = mix(world, *groups)
    before = early.assignment(world).copy()
    platform = Platform.from_config(Scenario().platform, SOCIAL)
    for i in range(30):
        record = {"user_name": f"new_{i}", "name": "", "bio": "", "country": "NL"}
        record |= {"age": 70} if i % 2 else {}
        world.texts.intern([json.dumps(record)])
        turn = [(0, [Action("sign_up", profile=record)])]
        batch = ActionBatch.from_actions(SOCIAL, turn, world.product)
        assert apply(platform, world, batch, i + 1, environment=True).reason.tolist() == [0]
    assert len(world.agents) == N + 30
    late = early.assignment(world)
    assert np.array_equal(late[:N], before)
    assert np.array_equal(late, mix(world, *groups).assignment(world))
    assert set(late[N:].tolist()) == {0, 1, -1}
    assert set(late[N::2].tolist()) == {0, -1}


def test_groups_can_have_their_own_behaviour(world: World) -> None:
    eager = {"base": {"like_post": 20.0}}
    policy = mix(
        world,
        {"policy": "statistical", "where": {"id": {"max": 99}}, "behaviour": eager},
        {"policy": "statistical"},
        behaviour={"base": {"do_nothing": 20.0}},
    )
    post = add_item(world, 150, "politics")
    batch = policy.decide(observe(world, range(N), [[post]] * N))
    expected = np.where(np.arange(N) < 100, SOCIAL.code("like_post"), SOCIAL.code("do_nothing"))
    assert np.array_equal(batch.action[np.argsort(batch.agent)], expected)


@pytest.mark.parametrize(
    ("group", "message"),
    [
        ({"policy": "statistcal"}, r"agents.0.policy: .*'statistcal' \(did you mean 'statistical'"),
        ({"policy": "no_such_module:X"}, r"cannot import 'no_such_module'"),
        (
            {"policy": "own_policies:Lod"},
            r"'own_policies' has no 'Lod' \(did you mean 'Loud'",
        ),
        ({"policy": "own_policies:Mute"}, r"has no method decide\(obs\)"),
        ({"policy": "idle", "where": {"aeg": 3}}, r"agents.0.where: .*'aeg' \(did you mean 'age'"),
        ({"policy": "idle", "where": {"age": {"mn": 3}}}, r"agents.0.where.age: .*min: 18"),
        ({"policy": "idle", "where": {"age": {"min": "x"}}}, r"agents.0.where.age"),
        ({"policy": "idle", "where": {"topics": {"min": 3}}}, r"agents.0.where.topics"),
        (
            {"policy": "idle", "where": {"topics": "Sport"}},
            r"topic 'Sport' \(did you mean 'Sports'",
        ),
        ({"policy": "scripted", "script": {2: [{"agent": 1}]}}, r"agents.0.script.2.0: .*'action'"),
        ({"policy": "scripted", "script": {2: [{"action": "repost"}]}}, r"script.2.0: .*'agent'"),
        (
            {"policy": "scripted", "script": {2: [{"agent": 1, "action": "like_pst"}]}},
            r"agents.0.script.2.0: .*'like_pst' \(did you mean 'like_post'",
        ),
        (
            {"policy": "scripted", "script": {2: [{"agent": 1, "action": "repost", "post": 3}]}},
            r"agents.0.script.2.0: repost has no argument 'post'",
        ),
        (
            {"policy": "scripted", "script": {2: [{"agent": 999, "action": "trend"}]}},
            r"there is no agent 999",
        ),
        (
            {"policy": "scripted", "script": {2: [{"agent": "bob", "action": "trend"}]}},
            r"no agent with the user name 'bob'",
        ),
    ],
)
def test_what_is_wrong_is_said(
    world: World, own: None, group: dict[str, Any], message: str
) -> None:
    with pytest.raises(ScenarioError, match=message):
        mix(world, group)


class Loud:
    def decide(self, obs: Observation) -> ActionBatch:
        return ActionBatch.blank(obs.agents, SOCIAL.code("trend"))


class Told(Loud):
    def __init__(self, config: Any) -> None:
        self.config = config


@pytest.fixture
def own() -> Iterator[None]:
    module = types.ModuleType("own_policies")
    vars(module).update(Loud=Loud, Told=Told, Mute=dict)
    sys.modules["own_policies"] = module
    yield
    del sys.modules["own_policies"]


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize("name", ["Loud", "Told"])
def test_own_policies_decide(world: World, name: str) -> None:
    policy = mix(world, {"policy": f"own_policies:{name}", "where": {"id": [4, 5]}})
    batch = policy.decide(observe(world, [3, 4, 5], [[], [], []]))
    assert batch.agent.tolist() == [4, 5]
    assert set(batch.action.tolist()) == {SOCIAL.code("trend")}


def test_a_script_is_followed_by_those_named_in_it(world: World) -> None:
    script = {
        3: [
            {"agent": "user_5", "action": "create_post", "content": "Hello"},
            {"agent": 2, "action": "follow", "user_id": 9},
            {"agent": 5, "action": "trend"},
        ],
        4: [{"agent": 7, "action": "purchase_product", "product_name": "lamp", "quantity": 2}],
    }
    policy = mix(world, {"policy": "scripted", "script": script}, {"policy": "idle"})
    assert np.flatnonzero(policy.assignment(world) == 0).tolist() == [2, 5, 7]
    assert policy.speakers(world, 3).tolist() == [2, 5]
    assert policy.speakers(world, 8).tolist() == []
    batch = policy.decide(observe(world, [2, 5, 8], [[], [], []], step=3))
    assert batch.agent.tolist() == [2, 5, 5]
    assert batch.wave.tolist() == [0, 0, 1]
    assert [SOCIAL[a].name for a in batch.action.tolist()] == ["follow", "create_post", "trend"]
    assert batch.target.tolist() == [9, -1, -1]
    assert [batch.texts[t] for t in batch.text.tolist() if t >= 0] == ["Hello"]
    assert len(policy.decide(observe(world, [2, 5], [[], []], step=4))) == 0
    late = policy.decide(observe(world, [7], [[]], step=4))
    assert (late.target.tolist(), late.amount.tolist()) == ([-1], [2])  # there is no lamp yet


def test_a_script_may_name_someone_who_signs_up_later(world: World) -> None:
    group = {"policy": "scripted", "script": {9: [{"agent": "zoe", "action": "trend"}]}}
    events = [{"step": 4, "sign_up": {"user_name": "zoe", "name": "", "bio": ""}}]
    policy = mix(world, group, events=events)
    assert policy.speakers(world, 9).tolist() == []
