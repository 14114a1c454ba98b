"""The checks pass what is right, and name what is wrong in one sentence."""

from __future__ import annotations

import random
import re
import runpy
import time
from pathlib import Path

import numpy as np
import pytest

from hubbub.actions import SCALE, Action, ActionBatch, Kind, OpinionChanges
from hubbub.config.scenario import AgentGroup, GraphConfig, OpinionConfig
from hubbub.policy import IdlePolicy
from hubbub.testing import (
    check_encoder,
    check_filter,
    check_graph,
    check_opinion_rule,
    check_policy,
    check_ranker,
    check_source,
)

EXAMPLES = Path(__file__).parents[2] / "examples"
HERE = __name__


def message_of(check, thing, **options) -> str:
    with pytest.raises(AssertionError) as failure:
        check(thing, **options)
    text = str(failure.value)
    assert "\n" not in text
    return text


def example(folder: str, module: str) -> dict:
    """Return what a module of an example defines, as objects that are importable by name."""
    return runpy.run_path(str(EXAMPLES / folder / f"{module}.py"), run_name=module)


# -- sources ----------------------------------------------------------------------------------


def everything(world, agents, step):
    posts = np.flatnonzero(world.items["kind"] == Kind.post)
    return np.repeat(agents, len(posts)), np.tile(posts, len(agents))


class Scored:
    def __call__(self, world, agents, step):
        viewers, posts = everything(world, agents, step)
        return viewers, posts, world.items["likes"][posts]


def test_good_sources_pass(monkeypatch):
    check_source(everything)
    check_source(Scored)
    check_source(Scored())
    check_source(f"{HERE}:everything")
    check_source(example("own-feed-source", "neighbours")["neighbours_commented"])


def no_tuple(world, agents, step):
    return np.zeros((2, 3), int)


def comments(world, agents, step):
    found = np.flatnonzero(world.items["kind"] == Kind.comment)[:1]
    return np.repeat(agents[:1], len(found)), found


def writes(world, agents, step):
    world.agents["taste"][agents] = 0
    return [], []


def tossed(world, agents, step):
    np.random.shuffle(np.arange(3))  # noqa: NPY002
    return [], []


def dice(world, agents, step):
    random.random()
    return [], []


def own_lots(world, agents, step):
    viewers, posts = everything(world, agents, step)
    return viewers, posts, np.random.default_rng().random(len(posts))


def first_three(world, agents, step):
    return everything(world, agents[:3], step)


def last_post(world, agents, step):
    newest = np.flatnonzero(world.items["kind"] == Kind.post)[-1]
    return agents, np.full(len(agents), newest)


class Shelf:
    """Keeps the viewers of its last call."""

    def __call__(self, world, agents, step):
        self.agents = agents
        time.sleep(0.005)
        return everything(world, self.agents, step)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (no_tuple, r"feed.sources '.*:no_tuple' must return \(viewers, items\) or .* on x\)"),
        (comments, "which is a comment; return posts, reposts or quotes"),
        (writes, r":writes changed world.agents\['taste'\] \(in .* on x\); it must only read"),
        (tossed, "uses the global random numbers of `random` or `numpy.random`"),
        (dice, "uses the global random numbers of `random` or `numpy.random`"),
        (own_lots, "returned different results for the same call"),
        (first_three, "another result for some viewers when it was called without the others"),
        (last_post, r":last_post raised IndexError: .* \(in .* nothing was posted\)"),
        (Shelf, "when several threads called it at once|is not among `agents`"),
        ("no_such:thing", "cannot import 'no_such'"),
        (f"{HERE}:every_thing", "has no 'every_thing'"),
        (5, "'builtins:int' is not a function"),
    ],
)
def test_a_faulty_source_is_told_why(source, message):
    assert re.search(message, message_of(check_source, source))


# -- filters and rankers ----------------------------------------------------------------------


def near(world, agents, items, step):
    return world.sets["follow"].contains(agents, world.items["author"][items])


def liked(world, agents, items, step):
    return np.log1p(world.items["likes"][world.targets(items)]) - 0.01 * items


def test_good_filters_and_rankers_pass():
    check_filter(near)
    check_ranker(liked)
    check_ranker(near)
    own = example("own-action", "bookmarks")
    check_ranker(own["most_kept"], extra_actions=[own["BOOKMARK_POST"]])


def ones(world, agents, items, step):
    return np.ones(len(items))


def flips(world, agents, items, step):
    world.items["likes"][items] += 1
    return np.ones(len(items), bool)


def newest_half(world, agents, items, step):
    return items >= np.median(items)


@pytest.mark.parametrize(
    ("keep", "message"),
    [
        (ones, r"must return True \(show it\) or False for each .* array of float64"),
        (flips, r":flips changed world.items\['likes'\]"),
        (newest_half, "another result for some pairs when it was called without the others"),
        (example, "raised TypeError"),
    ],
)
def test_a_faulty_filter_is_told_why(keep, message):
    assert re.search(message, message_of(check_filter, keep))


def relative(world, agents, items, step):
    return (items + 1) / (items.max() + 1)


def one(world, agents, items, step):
    return 1.0


def unknown(world, agents, items, step):
    return np.where(items == 5, np.nan, 1.0)


@pytest.mark.parametrize(
    ("ranker", "message"),
    [
        (relative, "another result for some pairs when it was called without the others"),
        (one, "must return one number for each of the .* pairs"),
        (unknown, "returned nan for agent"),
        (lambda world, agents, items, step: world.items["bookmarks"][items], "raised KeyError"),
    ],
)
def test_a_faulty_ranker_is_told_why(ranker, message):
    assert re.search(message, message_of(check_ranker, ranker))


# -- policies ---------------------------------------------------------------------------------


class Fan:
    def __init__(self, action="like_post"):
        self.action = action if isinstance(action, str) else "like_post"

    def decide(self, obs):
        chance = obs.uniform("fan", 1)[:, 0]
        turns = {}
        for row, agent in enumerate(obs.agents.tolist()):
            shown = obs.slate.items[obs.slate.of(agent)]
            if len(shown) and chance[row] < 0.9:
                turns[agent] = [Action(self.action, post_id=int(shown[0]))]
        return obs.batch(turns)


class Grouped:
    def __init__(self, group):
        self.share = group.share

    def decide(self, obs):
        assert self.share == 0.5
        return ActionBatch.blank(obs.agents[:0], 0)


def test_good_policies_pass():
    check_policy(Fan)
    check_policy(Fan())
    check_policy(IdlePolicy)
    check_policy(f"{HERE}:Fan")
    check_policy(Grouped, group=AgentGroup(policy="a:b", share=0.5))


def policy(change, **actions):
    """Return a policy whose blank batch of posts is changed by a function of it and obs."""

    class Faulty:
        def decide(self, obs):
            batch = ActionBatch.blank(obs.agents.copy(), obs.world.table.code("create_post"))
            batch.texts, batch.text[:] = ["Hello."], 0
            return change(batch, obs) or batch

    return Faulty


def setting(**columns):
    """Return a policy that sets columns of its batch to other values."""

    def change(batch, obs):
        for name, value in columns.items():
            getattr(batch, name)[:] = value

    return policy(change)


def replacing(**attributes):
    """Return a policy that puts other things in the place of columns."""

    def change(batch, obs):
        for name, value in attributes.items():
            setattr(batch, name, value(batch) if callable(value) else value)

    return policy(change)


def opinions(agent, topic, value):
    return replacing(opinions=lambda batch: OpinionChanges(*map(np.array, (agent, topic, value))))


class Silent:
    """Has no method."""


class Hears:
    def decide(self, obs):
        obs.slate.items[:] = 0
        return ActionBatch.blank(obs.agents, obs.world.table.idle)


class Gambler:
    def decide(self, obs):
        chance = np.random.default_rng().random(len(obs.agents))
        return ActionBatch.blank(obs.agents[chance < 0.5], obs.world.table.idle)


class Crier:
    def decide(self, obs):
        turns = {a: [Action("create_pst", content="x")] for a in obs.agents.tolist()}
        return obs.batch(turns)


class First:
    def decide(self, obs):
        top = obs.slate.items[obs.slate.offsets[:-1]]
        batch = ActionBatch.blank(obs.agents, obs.world.table.code("like_post"))
        batch.target[:] = top
        return batch


def test_a_right_batch_of_these_tests_passes():
    check_policy(setting())
    check_policy(setting(topic=2, stance=SCALE))
    check_policy(policy(moved))


def moved(batch, obs):
    """Bring the opinions of all agents on the last topic to the end of the scale."""
    n = len(obs.agents)
    batch.opinions = OpinionChanges(
        obs.agents, np.full(n, 2, np.int16), np.full(n, -SCALE, np.int16)
    )


@pytest.mark.parametrize(
    ("faulty", "message"),
    [
        (Silent, r"has no method decide\(obs\)"),
        ("numpy:pi", "is not a class"),
        (policy(lambda batch, obs: [1]), r"decide\(obs\) must return an ActionBatch, not list"),
        (Hears, "changed obs.slate.items"),
        (Gambler, "returned different results for the same call"),
        (Crier, "there is no action 'create_pst' .did you mean 'create_post'"),
        (First, r"raised IndexError: .* \(in a society"),
        (Fan("follow"), "follow has no argument 'post_id'"),
        (setting(agent=3), "with two actions of one agent in one wave"),
        (setting(agent=99), "an action of agent 99, who is not in obs.agents"),
        (setting(wave=-1), "with -1 in `wave`, which goes from 0 to 32767"),
        (setting(action=99), "with 99 in `action`, which goes from 0 to"),
        (setting(text=1), "with 1 in `text`, which goes from -1 to 0"),
        (setting(topic=3), "with 3 in `topic`, which goes from -1 to 2"),
        (setting(stance=10001), "with the stance 10001; stances go from -10000 to 10000"),
        (setting(target=-2), "with -2 in `target`"),
        (setting(text=-1), "refused all 78 actions of .* 'create_post' by agent .* as bad_text"),
        (replacing(wave=lambda b: b.wave.astype(np.int64)), "`wave` is int64, not int32: write"),
        (replacing(target=lambda b: b.target[:-1]), "`target` is not an array with one number"),
        (replacing(amount=[1, 2]), "`amount` is not an array"),
        (replacing(texts=[b"Hello."]), "with b'Hello.' among its texts, which is not a str"),
        (opinions([40], [0], [0]), "an opinion of agent 40, who is not in obs.agents"),
        (opinions([0], [3], [0]), "an opinion on topic 3; topics go from 0 to 2"),
        (opinions([0], [0], [20_000]), "the opinion 20000; opinions go from"),
        (opinions([], [], []), "opinions are not whole numbers"),
        (opinions([0], [0], [0.5]), "opinions are not whole numbers; 10,000 stands for 1.0"),
        (opinions([0, 1], [0], [5]), "opinions have columns of different lengths"),
    ],
)
def test_a_faulty_policy_is_told_why(faulty, message):
    assert re.search(message, message_of(check_policy, faulty))


def test_an_action_of_the_environment_is_no_action_of_a_policy():
    def sign_up(batch, obs):
        batch.action[:] = obs.world.table.code("sign_up")

    told = message_of(check_policy, policy(sign_up))
    assert "with the action 'sign_up', which agents cannot take" in told


# -- encoders ---------------------------------------------------------------------------------


class Letters:
    dims = 26

    def __init__(self, scale=1.0):
        self.scale = float(scale)

    def encode(self, texts):
        codes = [[text.lower().count(chr(97 + i)) for i in range(26)] for text in texts]
        return np.array(codes, float) * self.scale


def encoder(encode, dims=4):
    return type("Faulty", (), {"dims": dims, "encode": lambda self, texts: encode(texts)})


def test_good_encoders_pass():
    check_encoder(Letters)
    check_encoder(Letters(3.0))
    check_encoder("hubbub.embed.hashing:HashingEncoder", dims=128)


@pytest.mark.parametrize(
    ("faulty", "message"),
    [
        (Silent, "`dims` must be a whole number from 1 to 4096, not None"),
        (encoder(lambda texts: np.zeros((1, 4))), r"one row per text, of shape \(8, 4\)"),
        (encoder(lambda texts: np.zeros((len(texts), 4))), "gave every text the vector 0"),
        (encoder(lambda texts: np.full((len(texts), 4), 5, np.int8)), "has length 10.0; int8"),
        (
            encoder(lambda texts: np.array([[len(texts), len(t), 0, 1.0] for t in texts])),
            "another vector beside other texts than alone",
        ),
        (
            encoder(lambda texts: np.random.default_rng().random((len(texts), 4))),
            "different results for the same call",
        ),
        (encoder(lambda texts: [[1.0, hash(t[0]), 0, 0] for t in texts]), "raised IndexError"),
    ],
)
def test_a_faulty_encoder_is_told_why(faulty, message):
    assert re.search(message, message_of(check_encoder, faulty))


# -- graphs -----------------------------------------------------------------------------------


def ring(people, config, stream):
    each = min(int(config.mean_following), len(people) - 1)
    src = np.repeat(np.arange(len(people)), each)
    return src, (src + np.tile(np.arange(1, each + 1), len(people))) % len(people)


def long_ring(people, config, stream):
    n, each = len(people), int(config.mean_following)
    src = np.repeat(np.arange(n), each)
    return src, (src + np.tile(np.arange(1, each + 1), n)) % n


def shuffled(people, config, stream):
    order = np.random.default_rng().permutation(len(people))
    return order[:-1], order[1:]


def promotes(people, config, stream):
    people.core[:] = True
    return [], []


def test_good_graphs_pass():
    check_graph(ring)
    check_graph(long_ring, config=GraphConfig(kind="a:b", mean_following=1))


@pytest.mark.parametrize(
    ("faulty", "message"),
    [
        (long_ring, r"lets agent 0 follow itself; .* \(for 2 agents, mean_following 3\)"),
        (shuffled, "different results for the same call"),
        (promotes, "changed people.core"),
        (lambda people, config, stream: {0: [1]}, r"must return \(followers, followees\)"),
        (lambda people, config, stream: ([0], [len(people)]), "returned 60 among the followees"),
    ],
)
def test_a_faulty_graph_is_told_why(faulty, message):
    assert re.search(message, message_of(check_graph, faulty))


# -- opinion rules ----------------------------------------------------------------------------


def moderate(seen):
    return seen.opinion + seen.config.step * (seen.stance - seen.opinion)


def repelled(seen):
    return seen.opinion - seen.config.step * (seen.stance - seen.opinion)


def in_place(seen):
    seen.opinion[:] += seen.config.step * (seen.stance - seen.opinion)
    return seen.opinion


def to_the_mean(seen):
    return np.full(len(seen.opinion), seen.stance.mean())


def test_good_rules_pass():
    check_opinion_rule(moderate)
    check_opinion_rule(repelled, config=OpinionConfig(model="a:b", step=0.0))


@pytest.mark.parametrize(
    ("faulty", "message"),
    [
        (repelled, r"moved the opinion .* to .*: opinions must lie in \[-1, 1\] \(with step"),
        (in_place, "changed seen.opinion"),
        (to_the_mean, "another result for some pairs"),
        (lambda seen: seen.opinion.tolist()[:3], "one number for each of the 125 opinions"),
        (lambda seen: seen.mood, "raised AttributeError"),
    ],
)
def test_a_faulty_rule_is_told_why(faulty, message):
    assert re.search(message, message_of(check_opinion_rule, faulty))
