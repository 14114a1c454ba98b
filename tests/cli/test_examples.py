"""The examples run as their READMEs say, and their profile files are what the script makes."""

from __future__ import annotations

import re
import runpy
import shlex
import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hubbub.config import load_scenario
from hubbub.policy.choice_set import BASE
from hubbub.store import RunStore
from hubbub.studies.catalogue import NAMES, find_study
from hubbub.studies.rumor.messages import MESSAGES
from hubbub.studies.trials import StudyOptions

if TYPE_CHECKING:
    from .conftest import Command

EXAMPLES = Path(__file__).parents[2] / "examples"
SCENARIOS = sorted(EXAMPLES.glob("*/scenario.yaml"))
#: Those that no command has written.
WRITTEN = [path for path in SCENARIOS if path.parent.name not in NAMES]
#: What makes an example small enough for a test.
_SMALL = ["--set", "population.synthetic.agents=20_000"]
SMALLER = {"million": _SMALL, "paper-million": _SMALL, "distributions": _SMALL}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda path: path.parent.name)
def test_an_example_runs(hubbub: Command, scenario: Path) -> None:
    # a model on this machine would take a minute; tests/llm has it
    smaller = SMALLER.get(scenario.parent.name, [])
    done = hubbub("run", scenario, "--out", "run", "--steps", 10, "--no-llm", *smaller)
    assert done.code == 0, done.err
    assert "note:" not in done.err or scenario not in WRITTEN
    assert "step 10 of 10" in done.err
    assert "Most reposted" in done.out or "preset: reddit" in scenario.read_text(encoding="utf-8")
    with closing(sqlite3.connect("run/run.db")) as db:
        refused = db.execute(
            "SELECT count(*) FROM event_named WHERE agent IS NULL AND reason <> 'ok'"
        )
        assert refused.fetchone() == (0,)


@pytest.mark.parametrize("study", NAMES)
def test_the_scenario_of_a_study_is_what_is_shown_of_it(hubbub: Command, study: str) -> None:
    kept = EXAMPLES / study / "scenario.yaml"
    shown = hubbub("study", "show", study)
    assert shown.code == 0, shown.err
    again = f"hubbub study show {study} > examples/{study}/scenario.yaml"
    assert kept.read_text(encoding="utf-8") == shown.out, f"stale: run  {again}"
    first = find_study(study).trials(StudyOptions())[0]
    assert load_scenario(kept) == find_study(study).scenario(first, StudyOptions())


@pytest.mark.parametrize("study", NAMES)
def test_a_study_shows_its_figures_and_so_does_the_gallery(study: str) -> None:
    readme = (EXAMPLES / study / "README.md").read_text(encoding="utf-8")
    gallery = (EXAMPLES.parent / "docs" / "gallery.md").read_text(encoding="utf-8")
    assert f"hubbub study run {study}" in readme
    figures = sorted((EXAMPLES / study).glob("*.svg"))
    for figure in figures:
        assert figure.stat().st_size < 120_000
        assert f"]({figure.name})" in readme
    assert any(f"](../examples/{study}/{figure.name})" in gallery for figure in figures)


@pytest.mark.parametrize("scenario", WRITTEN, ids=lambda path: path.parent.name)
def test_comments_tell_the_default_utilities_as_they_are(scenario: Path) -> None:
    text = scenario.read_text(encoding="utf-8")
    told = re.findall(r"(\w+) has (-\d+\.\d+)", text)
    told += re.findall(r"(\w+): .*by default \((-\d+\.\d+)\)", text)
    assert all(float(number) == BASE[action] for action, number in told)
    assert bool(told) == ("base:" in text)


def commands(readme: str) -> list[list[str]]:
    block = re.findall(r"```sh\n(.*?)```", readme, flags=re.DOTALL)[0]
    return [shlex.split(line) for line in block.splitlines()]


def cells(readme: str) -> dict[str, list[int]]:
    """Return the numbers of each row of the table, by its first cell."""
    rows = re.findall(r"^\| (\w+) \|((?: \d+ \|)+)$", readme, flags=re.MULTILINE)
    return {name: [int(n) for n in re.findall(r"\d+", numbers)] for name, numbers in rows}


def test_the_news_travels_as_far_as_the_readme_says(hubbub: Command, tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES, tmp_path / "examples")
    readme = (EXAMPLES / "twitter-business" / "README.md").read_text(encoding="utf-8")
    sizes = cells(readme)
    assert list(sizes) == ["interest", "random"]
    for _, *words in commands(readme):
        done = hubbub(*words)
        assert done.code == 0, done.err
        if words[0] == "inspect":
            assert "Breaking:" in done.out
            assert f"cascade: size {sizes[words[1]][0]}," in done.out
            continue
        for seed in (2, 3):
            out = f"{words[words.index('--out') + 1]}-{seed}"
            hubbub(*words, "--seed", seed, "--out", out)
            found = hubbub("inspect", out, "--post", 23).out
            assert f"cascade: size {sizes[out[:-2]][seed - 1]}," in found


def test_the_forum_likes_what_the_readme_says(hubbub: Command, tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES, tmp_path / "examples")
    readme = (EXAMPLES / "reddit-interests" / "README.md").read_text(encoding="utf-8")
    for _, *words in commands(readme):
        done = hubbub(*words)
        assert done.code == 0, done.err
        if words[0] == "inspect":
            likes, dislikes, comments = cells(readme)[words[1]]
            assert "Which programming language" in done.out
            assert f"likes {likes}, dislikes {dislikes}, " in done.out
            assert f"comments {comments}\n" in done.out


def test_the_own_action_is_chosen_and_counted(
    hubbub: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(EXAMPLES, tmp_path / "examples")
    readme = (EXAMPLES / "own-action" / "README.md").read_text(encoding="utf-8")
    change, run, inspect, query = commands(readme)
    monkeypatch.chdir(change[1])
    assert hubbub(*run[1:]).code == 0
    assert "bookmark_post" in hubbub(*inspect[1:]).out
    with closing(sqlite3.connect(query[1])) as db:
        top = db.execute(query[2]).fetchall()
        kept = db.execute("SELECT count(*) FROM reaction WHERE kind = 'bookmark'").fetchone()[0]
        counted = db.execute("SELECT sum(bookmarks) FROM item").fetchone()[0]
    assert kept == counted > 100
    assert len(top) == 5
    assert top[0][1] > 1


def test_a_small_million_spreads_four_pairs_of_rumors(hubbub: Command) -> None:
    readme = (EXAMPLES / "million" / "README.md").read_text(encoding="utf-8")
    first, last = map(int, re.findall(r"posts (\d+) to (\d+)", " ".join(readme.split()))[0])
    scenario = EXAMPLES / "million" / "scenario.yaml"
    assert hubbub("run", scenario, "--out", "small", "--steps", 10, *SMALLER["million"]).code == 0
    with closing(sqlite3.connect("small/run.db")) as db:
        posts = "FROM post WHERE id BETWEEN ? AND ?"
        texts = [t for (t,) in db.execute(f"SELECT content {posts}", (first, last))]
        heard = db.execute(f"SELECT count(*) {posts} AND shares > 0", (first, last)).fetchone()[0]
        authors = db.execute(
            f"SELECT count(DISTINCT agent), min(core) FROM (SELECT agent {posts}) "
            "JOIN agent ON agent.id = agent",
            (first, last),
        ).fetchone()
    pairs = set(zip(texts[::2], texts[1::2], strict=True))
    versions = {frozenset(pair) for pair in MESSAGES.values()}
    assert {frozenset(pair) for pair in pairs} == versions
    assert sum(pair in MESSAGES.values() for pair in pairs) == len(pairs) // 2  # true ones first
    assert authors == (8, 1)
    assert heard == 8


def test_the_profiles_are_what_the_script_makes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(EXAMPLES / "make_profiles.py", tmp_path)
    files = ("twitter-business/profiles.csv", "reddit-interests/profiles.json")
    for name in files:
        (tmp_path / name).parent.mkdir()
    runpy.run_path(str(tmp_path / "make_profiles.py"), run_name="__main__")
    for name in files:
        assert (tmp_path / name).read_bytes() == (EXAMPLES / name).read_bytes()


def test_the_own_source_fills_its_slots(
    hubbub: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(EXAMPLES, tmp_path / "examples")
    readme = (EXAMPLES / "own-feed-source" / "README.md").read_text(encoding="utf-8")
    change, run, inspect = commands(readme)
    monkeypatch.chdir(change[1])
    assert hubbub(*run[1:]).code == 0
    assert "neighbours_commented" in hubbub(*inspect[1:]).out
    with RunStore.open(Path("commented")) as store:
        slates = store.slates().to_pylist()
        sources = Counter(row["source"] for row in slates)
        places = Counter((row["step"], row["agent"], row["source"]) for row in slates)
        assert set(sources) == {"neighbours_commented", "in_network", "interest"}
        most = {name: max(n for (*_, s), n in places.items() if s == name) for name in sources}
        assert most == {"neighbours_commented": 2, "in_network": 3, "interest": 4}
        answered = {row["post"] for row in store.comments().to_pylist()}
        found = {row["item"] for row in slates if row["source"] == "neighbours_commented"}
        assert found <= answered
        assert found <= set(store.posts()["id"].to_pylist())
        digest = store.digest()
    assert sources["neighbours_commented"] > 2000
    again = hubbub(*run[1:-1], "shared-out", "--workers", "processes:2")
    assert again.code == 0, again.err
    assert hubbub("digest", "shared-out").out.strip() == digest
