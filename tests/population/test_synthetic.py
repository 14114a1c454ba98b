"""Generated people: marginals as published, names unique, equal seeds equal people."""

from __future__ import annotations

import numpy as np
import pyarrow.compute as pc
import pytest

from hubbub.config.scenario import DEFAULT_TOPICS
from hubbub.embed import make_encoder
from hubbub.errors import ScenarioError
from hubbub.population import marginals
from hubbub.population.countries import COUNTRIES
from hubbub.population.wording import in_a_sentence


def people(build, agents=20_000, **more):
    return build(synthetic={"agents": agents, **more}, graph={"kind": "none"})


def shares(column):
    counts = column.combine_chunks().value_counts().to_pylist()
    total = sum(c["counts"] for c in counts)
    return {c["values"]: c["counts"] / total for c in counts}


def test_marginals_are_as_published(build):
    profiles = people(build).profiles
    assert shares(profiles["gender"])["female"] == pytest.approx(marginals.FEMALE_SHARE, abs=0.015)
    age = profiles["age"].to_numpy()
    for low, high, percent in marginals.AGES:
        assert ((age >= low) & (age <= high)).mean() == pytest.approx(percent / 100, abs=0.015)
    users = {c.code: c.users for c in COUNTRIES if c.users}
    drawn = shares(profiles["country"])
    assert set(drawn) == set(users)
    for code in ("IN", "US", "BR"):
        assert drawn[code] == pytest.approx(users[code] / sum(users.values()), abs=0.015)
    female = pc.equal(profiles["gender"], "female")
    of_women = shares(profiles.filter(female)["mbti"])
    for kind, percent in zip(marginals.MBTI_TYPES, marginals.MBTI_FEMALE, strict=True):
        assert of_women[kind] == pytest.approx(percent / 100, abs=0.015)
    retired = pc.equal(profiles["profession"], marginals.RETIRED).to_numpy()
    assert (retired == (age >= marginals.RETIREMENT_AGE)).all()


@pytest.mark.parametrize("weights", [marginals.MBTI_FEMALE, marginals.MBTI_MALE])
def test_percents_add_up(weights):
    assert sum(weights) == pytest.approx(100, abs=0.5)


def test_user_names_are_unique_and_profiles_small(build):
    table = people(build).profiles
    assert pc.count_distinct(table["user_name"]).as_py() == 20_000
    assert table.nbytes / table.num_rows < 150
    assert table.column_names[:3] == ["user_name", "name", "bio"]
    assert not any(pc.any(pc.equal(table[c], "")).as_py() for c in table.column_names[:3])


def test_interests_core_users_and_posts(build):
    made = people(build, agents=5000, core=16, posts_per_core=3)
    counts = np.bitwise_count(made.topics)
    assert set(counts[16:].tolist()) == {1, 2, 3}
    popularity = [((made.topics >> np.uint64(j)) & np.uint64(1)).sum() for j in range(8)]
    assert np.ptp(popularity) / np.mean(popularity) < 0.15
    assert made.core.tolist() == [True] * 16 + [False] * 4984
    for i in range(16):
        assert int(made.topics[i]) >> (i % 8) & 1
    assert [author for author, _ in made.posts] == [i for i in range(16) for _ in range(3)]
    assert len({text for _, text in made.posts}) > 24
    for author, text in made.posts:
        mine = [t for j, t in enumerate(DEFAULT_TOPICS) if int(made.topics[author]) >> j & 1]
        assert any(in_a_sentence(t) in text for t in mine)


def test_vectors_point_to_own_topics(build):
    made = people(build, agents=2000)
    topics = make_encoder("hashing", 64).encode(list(DEFAULT_TOPICS)).astype(int)
    length = np.sqrt((made.interest.astype(float) ** 2).sum(axis=1))
    assert np.abs(length - 127).max() < 4
    near = made.interest.astype(int) @ topics.T
    own = ((made.topics[:, None] >> np.arange(8, dtype=np.uint64)) & np.uint64(1)).astype(bool)
    assert near[own].mean() > 5 * np.abs(near[~own]).mean()


def test_opinions_have_the_shape_of_the_survey(build):
    opinions = people(build).opinions
    assert opinions.shape == (20_000, 8)
    assert opinions.dtype == np.int16
    assert np.abs(opinions).max() <= 10_000
    parts = np.histogram(opinions, bins=7, range=(-10_000, 10_000))[0] / opinions.size
    survey = np.array(marginals.OPINION_SEVENTHS)
    assert np.abs(parts - survey / survey.sum()).max() < 0.005
    assert abs(np.corrcoef(opinions[:, 0], opinions[:, 1])[0, 1]) < 0.03


def test_survey_numbers_are_those_of_the_file(shared):
    rows = np.genfromtxt(shared("opinion/anes96.csv"), delimiter=",", names=True)
    counts = np.bincount(rows["selfLR"].astype(int), minlength=8)[1:]
    assert tuple(counts.tolist()) == marginals.OPINION_SEVENTHS


def test_traits_are_standard(build):
    made = people(build)
    for trait in (made.sharing, made.verbosity):
        assert trait.dtype == np.float32
        assert (trait.mean(), trait.std()) == pytest.approx((0, 1), abs=0.03)
    assert (made.contrary.min() >= 0) & (made.contrary.max() < 1)
    assert made.contrary.mean() == pytest.approx(0.5, abs=0.01)


def test_seed_decides(build):
    one, same = people(build, agents=300), people(build, agents=300)
    other = build(seed=2, synthetic={"agents": 300}, graph={"kind": "none"})
    assert one.profiles.equals(same.profiles)
    assert (one.interest == same.interest).all()
    assert not one.profiles.equals(other.profiles)


def test_countries_can_be_chosen(build):
    table = people(build, agents=3000, countries={"JP": 3, "NP": 1}).profiles
    assert shares(table["country"])["JP"] == pytest.approx(0.75, abs=0.03)
    assert set(table["utc_offset"].to_pylist()) == {540, 345}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"countries": {"UK": 1}}, "'UK' is not a country"),
        ({"countries": {"US": -1}}, "must be at least 0"),
        ({"countries": {"US": 0}}, "above 0"),
        ({"topics_per_agent": (3, 1)}, "fewest <= most"),
    ],
)
def test_wrong_settings(build, wrong, words):
    with pytest.raises(ScenarioError, match=words):
        people(build, agents=10, **wrong)


def test_tiny_and_odd_populations(build):
    one = build(synthetic={"agents": 1, "core": 5})
    assert (len(one), len(one.follows), one.core.tolist()) == (1, 0, [True])
    assert "fewer agents" in one.notes[0]
    many = build(synthetic={"agents": 200, "core": 3}, topics=[f"Thing {i}" for i in range(64)])
    assert many.opinions.shape == (200, 64)
    assert np.bitwise_count(many.topics).max() <= 4
    assert (many.topics >= np.uint64(1) << np.uint64(60)).any()
