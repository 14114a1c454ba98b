"""Every command, what it prints, and what it says when something is wrong."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Command

COMMANDS = (
    *("demo", "run", "resume", "play", "inspect", "survey", "estimate", "export", "digest"),
    *("actions", "init", "schema", "help", "bench", "models"),
)


def test_help_names_every_command(hubbub: Command) -> None:
    found = hubbub("--help")
    assert found.code == 0
    for name in COMMANDS:
        assert re.search(rf"^  {name} +\S", found.out, re.MULTILINE)
    assert "..." not in found.out.partition("Commands:")[2], "a summary is too long for one line"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(hubbub: Command, name: str) -> None:
    found = hubbub(name, "--help")
    assert found.code == 0
    assert found.out.startswith("Usage: ")


def test_version(hubbub: Command) -> None:
    from importlib.metadata import version

    assert hubbub("--version").out == f"hubbub {version('hubbub')}\n"


def test_wrong_use_is_code_2(hubbub: Command) -> None:
    assert hubbub("run").code == 2
    assert hubbub("flyaway").code == 2
    assert hubbub("export", "run", "--format", "excel", "out").code == 2


def test_run_says_what_happened_without_control_codes(hubbub: Command, scenario: Path) -> None:
    found = hubbub("run", scenario)
    assert found.code == 0, found.err
    assert found.err.splitlines()[-9] == "small: 8 steps into runs/small-1"
    assert re.search(r"^step 8 of 8: \d+ agents awake, [\d,]+ turns/s$", found.err, re.MULTILINE)
    for text in (found.out, found.err):
        assert "\x1b" not in text
        assert "\r" not in text
        assert not re.search(r" +$", text, re.MULTILINE), "spaces at the end of a line"
    assert "small: 60 agents" in found.out
    assert "create_post" in found.out
    assert "Most reposted" in found.out
    assert re.search(r"size \d+, depth \d+, maximum breadth \d+", found.out)
    assert "Agents awake per step" in found.out
    assert found.out.endswith("\n\n    hubbub inspect runs/small-1\n")
    assert Path("runs/small-1/run.db").is_file()
    assert "runs/small-2" in hubbub("run", scenario).out


def test_what_is_counted(hubbub: Command, scenario: Path) -> None:
    post = "{step: 7, act: create_post, by: 1, args: {content: Hello}}"
    events = f"events=[{{step: 6, set: {{feed.preset: hot}}}}, {{step: 6, product: lamp}}, {post}]"
    hubbub("run", scenario, "--out", "a", "--steps", 4, "--set", events)
    more = hubbub("resume", "a", "--steps", 4).out
    with closing(sqlite3.connect("a/run.db")) as db:
        turns = db.execute("SELECT sum(agents_active) FROM step WHERE step > 4").fetchone()[0]
        actions = db.execute(
            "SELECT count(*) FROM event_named WHERE step > 4 AND reason = 'ok' "
            "AND wave >= 0 AND action NOT IN ('do_nothing', 'refresh')"
        ).fetchone()[0]
    assert f"\n4 steps, {turns:,} turns with {actions:,} actions, in " in more


def test_options_override_the_file(hubbub: Command, scenario: Path) -> None:
    options = ("--steps", 2, "--seed", 9, "--set", "name=other", "--set", "feed.preset=random")
    assert hubbub("run", scenario, "--out", "a", *options).code == 0
    kept = hubbub("inspect", "a").out
    assert "other: 60 agents" in kept
    assert "2 steps, seed 9" in kept


def test_equal_runs_have_equal_digests(hubbub: Command, scenario: Path) -> None:
    for folder in ("a", "b"):
        hubbub("run", scenario, "--out", folder)
    hubbub("run", scenario, "--out", "c", "--seed", 4)
    digests = [hubbub("digest", folder).out for folder in "abc"]
    assert re.fullmatch(r"[0-9a-f]{32,}\n", digests[0])
    assert digests[0] == digests[1] != digests[2]
    equal = hubbub("digest", "a", "b")
    assert equal.code == 0
    assert equal.out == f"{digests[0].strip()}  a\n{digests[1].strip()}  b\nthe runs are equal\n"
    other = hubbub("digest", "a", "b", "c")
    assert other.code == 1
    assert other.out.endswith("  c\nthe runs are not equal\n")


def test_resume_goes_on_and_extends(hubbub: Command, scenario: Path) -> None:
    hubbub("run", scenario, "--out", "whole", "--steps", 8)
    hubbub("run", scenario, "--out", "halves", "--set", "steps=8")
    finished = hubbub("resume", "whole")
    assert finished.code == 1
    assert "finished" in finished.err
    assert "hubbub resume whole --steps 10" in finished.err
    for folder in ("whole", "halves"):
        assert hubbub("resume", folder, "--steps", 3).code == 0
    assert "11 steps" in hubbub("inspect", "whole").out
    assert hubbub("digest", "whole").out == hubbub("digest", "halves").out


def test_inspect_one_agent(hubbub: Command, made: Path) -> None:
    found = hubbub("inspect", made, "--agent", 1).out
    assert "Agent 1" in found
    assert "What it was shown and did" in found
    assert re.search(r"^ +0  \(before the run\) +create_post '", found, re.MULTILINE)
    name = re.search(r"^user_name +(\S+)$", found, re.MULTILINE)
    assert name
    assert hubbub("inspect", made, "--agent", name[1]).out == found
    assert hubbub("inspect", made, "--agent", f"@{name[1]}").out == found
    typo = hubbub("inspect", made, "--agent", name[1] + "x")
    assert f"(did you mean '{name[1]}'?)" in typo.err
    missing = hubbub("inspect", made, "--agent", 60)
    assert missing.code == 1
    assert "there is no agent 60 in this run; agents have the ids 0 to 59" in missing.err


def test_inspect_one_post(hubbub: Command, made: Path) -> None:
    with closing(sqlite3.connect(made / "run.db")) as db, db:
        post, likes = db.execute(
            "SELECT id, likes FROM post ORDER BY shares DESC, id LIMIT 1"
        ).fetchone()
        repost = db.execute("SELECT id FROM post WHERE kind = 'repost' AND ref = ?", (post,))
        number = repost.fetchone()[0]
        comment = db.execute("SELECT id FROM comment LIMIT 1").fetchone()[0]
    db.close()
    found = hubbub("inspect", made, "--post", post).out
    assert f"post {post} by " in found
    assert f"likes {likes}" in found
    assert "cascade: size" in found
    assert f"(item {number})" in found
    assert f"is a repost of post {post}" in hubbub("inspect", made, "--post", number).out
    assert "give the id of a post" in hubbub("inspect", made, "--post", comment).err
    assert hubbub("inspect", made, "--post", 10**6).code == 1
    assert hubbub("inspect", made, "--post", 1, "--agent", 1).code == 2


@pytest.mark.parametrize("name", ["oasis", "parquet", "graphml"])
def test_export(hubbub: Command, made: Path, name: str) -> None:
    assert hubbub("export", made, "--format", name, "out").code == 0
    assert Path("out").exists()
    again = hubbub("export", made, "--format", name, "out")
    assert again.code == 1, "an existing file is not overwritten"
    assert again.err.startswith("hubbub: ")


def test_actions(hubbub: Command) -> None:
    everything = hubbub("actions").out
    assert "purchase_product" in everything
    assert "sign_up" in everything
    reddit = hubbub("actions", "reddit").out
    assert "dislike_post" in reddit
    assert "repost" not in reddit
    assert max(map(len, hubbub("actions").out.splitlines())) <= 120
    wrong = hubbub("actions", "redit")
    assert wrong.code == 1
    assert "did you mean 'reddit'?" in wrong.err


def test_actions_of_a_scenario(hubbub: Command, tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "own_waving.py").write_text(
        "from hubbub.actions import ActionSpec\n"
        "WAVE = ActionSpec('wave', 'wave at everyone', (), ())\n",
        encoding="utf-8",
    )
    text = "platform: {actions: [do_nothing, wave], extra_actions: ['own_waving:WAVE']}\n"
    (inside / "waving.yaml").write_text(text, encoding="utf-8")
    found = hubbub("actions", "--scenario", inside / "waving.yaml").out
    assert re.search(r"^wave +wave at everyone$", found, re.MULTILINE)
    assert "do_nothing" in found
    assert "repost" not in found
    assert hubbub("actions", "x", "--scenario", inside / "waving.yaml").code == 2


def test_help_is_a_command_too(hubbub: Command) -> None:
    assert hubbub("help").out == hubbub("--help").out
    assert hubbub("help", "run").out == hubbub("run", "--help").out
    assert hubbub("help", "bench", "engine").out == hubbub("bench", "engine", "--help").out
    assert hubbub("help", "flyaway").code == 2
    assert "..." not in hubbub("bench", "--help").out.partition("Commands:")[2]


def test_what_init_writes_runs(hubbub: Command) -> None:
    found = hubbub("init", "mine")
    assert found.code == 0
    assert found.out.splitlines() == [
        "wrote mine/scenario.yaml",
        "wrote mine/profiles.csv",
        "",
        "Run it with",
        "",
        "    hubbub run mine/scenario.yaml",
    ]
    done = hubbub("run", "mine/scenario.yaml", "--out", "first")
    assert done.code == 0, done.err
    assert "note:" not in done.err
    counts = dict(re.findall(r"^(\w+) +([\d,]+) +0$", done.out, re.MULTILINE))
    for name in ("create_post", "repost", "like_post", "create_comment", "follow", "quote_post"):
        assert int(counts[name]) >= 5, "a first run should not be dull"
    size = re.search(r"^size (\d+), depth (\d+)", done.out, re.MULTILINE)
    assert size
    assert int(size[1]) >= 5
    assert int(size[2]) >= 2
    again = hubbub("init", "mine")
    assert again.code == 1
    assert "mine exists and is not empty" in again.err


def test_schema(hubbub: Command) -> None:
    assert json.loads(hubbub("schema").out)["title"] == "Scenario"


def test_demo(hubbub: Command) -> None:
    found = hubbub("demo", "--steps", 3, "--out", "shown")
    assert found.code == 0, found.err
    assert "demo: 1,000 agents" in found.out
    assert "step 3 of 3" in found.err
    assert len(found.out.splitlines()) < 50


def test_bench(hubbub: Command) -> None:
    options = ("--agents", 500, "--active", 0.2, "--steps", 3, "--warmup", 1)
    found = json.loads(hubbub("bench", "engine", *options, "--json").out)
    assert found["agents"] == 500
    assert 60 < found["active_per_step"] < 140
    assert found["turns_per_second"] > 0
    assert {"activation", "feed", "policy", "apply", "commit", "total"} <= set(found["ms_per_step"])
    assert found["peak_mb"] > 0
    assert found["bytes_per_agent"] > 0
    assert re.fullmatch(r"[0-9a-f]{32,}", found["digest"])
    table = hubbub("bench", "engine", *options, "--out", "kept").out
    assert "turns per second" in table
    assert f"digest {found['digest']}" in table, "the same run, whatever it is measured by"
    assert hubbub("digest", "kept").out.strip() == found["digest"]


# -- what can go wrong -------------------------------------------------------------------------


def fails(hubbub: Command, *args: object) -> str:
    """The one message of a command that ends with code 1."""
    found = hubbub(*args)
    assert found.code == 1
    assert found.err.startswith("hubbub: ")
    assert "Traceback" not in found.err
    assert "\x1b" not in found.err
    return found.err.removeprefix("hubbub: ").strip()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: a: b", "line 1, column 8"),
        ("steps: many", "steps (line 1): must be a whole number, at least 0, not 'many'"),
        ("platfrom: {}", "did you mean 'platform'?"),
        ("platform: {actions: [like_pots]}", "did you mean 'like_post'?"),
        ("population: {file: nowhere.csv}", "nowhere.csv"),
        ("agents: [{policy: statistcal}]", "statistcal"),
        ("feed: {ranker: 'nowhere:rank'}", "nowhere"),
        ("platform: {extra_actions: ['nowhere:LIKE']}", "nowhere"),
        ("behaviour: {base: {like: 1}}", "like"),
        ("events: [{step: 1, act: create_post, by: nobody, args: {content: hi}}]", "nobody"),
        ("events: [{step: 1, act: create_post, by: 0}]", "content"),
        ("events: [{step: 1, set: {feed.presett: hot}}]", "did you mean 'preset'?"),
    ],
)
def test_bad_scenarios(hubbub: Command, tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text + "\n", encoding="utf-8")
    assert message in fails(hubbub, "run", path, "--out", "out")
    assert not Path("out").exists() or not list(Path("out").iterdir())


PEOPLE = "user_name,name,bio\nann,Ann,books\nbob,Bob,football\n"


@pytest.mark.parametrize(
    ("people", "where"),
    [
        (PEOPLE.replace("user_name", "handle").encode(), "user_name"),
        (PEOPLE.replace("bob", "ann", 1).encode(), "ann"),
        (PEOPLE.encode() + b"\xff\xfe,x,y\n", "people.csv"),
        (b"", "people.csv"),
    ],
)
def test_bad_profile_files(hubbub: Command, tmp_path: Path, people: bytes, where: str) -> None:
    (tmp_path / "people.csv").write_bytes(people)
    path = tmp_path / "bad.yaml"
    path.write_text("population: {file: people.csv}\nsteps: 1\n", encoding="utf-8")
    assert where in fails(hubbub, "run", path, "--out", "out")


def test_bad_options(hubbub: Command, scenario: Path) -> None:
    assert "is not a setting" in fails(hubbub, "run", scenario, "--set", "steps")
    assert "steps (as set)" in fails(hubbub, "run", scenario, "--set", "steps=x")
    assert "there is no file" in fails(hubbub, "run", "nowhere.yaml")


def test_folders_that_are_in_the_way_or_no_runs(
    hubbub: Command, scenario: Path, tmp_path: Path
) -> None:
    hubbub("run", scenario, "--out", "a", "--steps", 1)
    before = Path("a/run.db").read_bytes()
    assert "hubbub resume a" in fails(hubbub, "run", scenario, "--out", "a")
    assert Path("a/run.db").read_bytes() == before
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("dear", encoding="utf-8")
    fails(hubbub, "run", scenario, "--out", "full")
    assert [p.name for p in Path("full").iterdir()] == ["letter.txt"]
    for command in (("inspect",), ("digest",), ("resume",)):
        assert "run.db" in fails(hubbub, *command, "full")
        assert "does not exist" in fails(hubbub, *command, "nowhere")


def test_a_run_of_a_newer_version(hubbub: Command, scenario: Path) -> None:
    hubbub("run", scenario, "--out", "a", "--steps", 1)
    db = sqlite3.connect("a/run.db")
    db.execute("UPDATE meta SET value = '999' WHERE key = 'format'")
    db.commit()
    db.close()
    assert "Upgrade" in fails(hubbub, "resume", "a")
    assert "Upgrade" in fails(hubbub, "inspect", "a")
