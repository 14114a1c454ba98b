"""docs/files.md: every sample is read as the page says, every mistake refused in its words."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml
from pages import DOCS, blocks

from hubbub import population
from hubbub.config.scenario import Scenario
from hubbub.embed import make_encoder
from hubbub.errors import DataError, ScenarioError
from hubbub.population.lists import EMPTY
from hubbub.population.tabular import _PLAIN
from hubbub.rng import Streams
from hubbub.world import Population, keys_of

PAGE = (DOCS / "files.md").read_text(encoding="utf-8")
_LINES = re.DOTALL | re.MULTILINE
SAMPLES = dict(re.findall(r"^\*\*`([\w.]+)`\*\*.*?```\w+\n(.*?)^```", PAGE, _LINES))
MISTAKES = re.findall(r"^```csv\n([^`]*)```\n\n```text\n(.*?)\n```", PAGE, _LINES)
TOPICS = ["Gardening", "Books", "Sports", "Politics"]

Build = Callable[..., Population]


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Build:
    """Return a function that builds a population from the page's files, in their folder."""
    monkeypatch.chdir(tmp_path)
    for name, text in SAMPLES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")

    def made(**scenario: object) -> Population:
        given = Scenario.model_validate({"topics": TOPICS, **scenario})
        return population.build(given, make_encoder("hashing", 64), Streams(1), Path())

    return made


def follows(people: Population) -> set[tuple[int, int]]:
    return {(int(k) >> 32, int(k) & 0xFFFFFFFF) for k in people.follows}


def test_the_page_has_all_samples() -> None:
    assert len(SAMPLES) == 8
    assert len(MISTAKES) == 6


def test_csv(build: Build) -> None:
    people = build(**yaml.safe_load(blocks("files.md", "yaml")[0]))
    assert people.profiles["user_name"].to_pylist() == ["ann", "bob", "cyd"]
    assert people.profiles["name"].to_pylist() == ["Ann", "Bob", "cyd"]
    assert people.profiles["age"].to_pylist() == [61, 24, None]
    assert follows(people) == {(0, 1), (0, 2), (1, 0), (2, 0), (2, 1)}
    assert people.posts == [(0, "The first crocus is out.")]
    assert people.core.tolist() == [True, False, False]
    assert people.topics[:2].tolist() == [0b0011, 0b0100]


def test_json_and_json_lines(build: Build) -> None:
    people = build(population={"file": "people.json"})
    assert follows(people) == {(0, 1), (1, 0)}
    assert people.profiles["age"].to_pylist() == [61, None]
    lines = build(population={"file": "people.jsonl"})
    assert follows(lines) == {(1, 0)}
    assert lines.posts == [(0, "The first crocus is out.")]


def test_parquet(build: Build) -> None:
    (code,) = blocks("files.md", "python")
    exec(code, {})  # noqa: S102 - the page's own words
    assert follows(build(population={"file": "people.parquet"})) == {(0, 1), (1, 0)}


def test_the_formats_of_oasis(build: Build) -> None:
    reddit = build(population={"file": "reddit.json"})
    assert reddit.profiles["user_name"].to_pylist() == ["ann_a", "bob_b"]
    assert reddit.topics.tolist() == [0b0011, 0b0100]
    assert {"age", "gender", "mbti", "country", "profession"} <= set(reddit.profiles.column_names)
    twitter = build(population={"file": "twitter.csv"})
    assert follows(twitter) == {(0, 1), (1, 0)}
    assert twitter.posts == [(0, "The first crocus is out.")]
    curves = twitter.curves[twitter.curve]
    assert curves[:, 0].tolist() == [0.0, 1.0]  # at midnight Bob is the most active agent
    assert curves[0, 8] == 1.0
    assert curves[1, 8] == pytest.approx(3 / 9)


def test_a_file_of_edges_by_id_and_by_name(build: Build) -> None:
    by_id = {"file": "people.csv", "graph": {"kind": "edges", "path": "follows.csv"}}
    assert follows(build(population=by_id)) == {(0, 1), (1, 0), (2, 0)}
    by_name = yaml.safe_load(blocks("files.md", "yaml")[1])
    people = build(**by_name)
    assert people.follows.tolist() == sorted(keys_of(np.array([0, 2]), np.array([1, 0])).tolist())


def test_timestamps(build: Build) -> None:
    people = build(**yaml.safe_load(blocks("files.md", "yaml")[2]))
    curves = people.curves[people.curve]
    assert curves[0, 6] == 1.0  # Ann in the morning
    assert curves[1, 20] == 1.0  # Bob at 20:00 UTC
    assert curves[1, 6] < 0.6


@pytest.mark.parametrize(("text", "message"), MISTAKES)
def test_a_mistake_is_refused_in_these_words(build: Build, text: str, message: str) -> None:
    Path("people.csv").write_text(text, encoding="utf-8")
    with pytest.raises(DataError) as refused:
        build(population={"file": "people.csv"})
    assert str(refused.value) == message


def test_a_file_in_another_encoding_is_refused(build: Build) -> None:
    Path("people.csv").write_bytes("user_name,bio\nann,café\n".encode("latin-1"))
    with pytest.raises(DataError) as refused:
        build(population={"file": "people.csv"})
    assert str(refused.value) == blocks("files.md", "text")[-1].strip()


def test_duplicates_can_be_renamed(build: Build) -> None:
    Path("people.csv").write_text(MISTAKES[0][0], encoding="utf-8")
    people = build(population={"file": "people.csv", "duplicate_names": "rename"})
    assert people.profiles["user_name"].to_pylist() == ["ann", "ann_2"]


def test_a_graph_for_a_file_must_name_its_kind(build: Build) -> None:
    with pytest.raises(ScenarioError, match=r"population\.graph: say which kind"):
        build(population={"file": "people.csv", "graph": {"mean_following": 1}})


def test_every_column_with_a_meaning_is_documented() -> None:
    for field in (*_PLAIN, "topics", "interested_topics", "country", "utc_offset"):
        assert re.search(rf"^- .*`{field}`", PAGE, re.MULTILINE), field
    assert all(f"`{word}`" in PAGE for word in EMPTY if word)
