"""`hubbub play` with what a person would type piped in, on small stored runs."""

from __future__ import annotations

import io
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from processes import COMMAND, environment, steps_of

from hubbub.actions import Action
from hubbub.engine import Simulation
from hubbub.store import RunStore
from hubbub.testing import ModelServer, ScriptedModel

if TYPE_CHECKING:
    from .conftest import Command, Result

TOWN = """\
name: town
seed: 5
steps: 1
topics: [Politics, Business]
platform: {preset: x, actions: all, max_text_length: 80}
population:
  records:
    - {user_name: ann, name: Ann, bio: Baker.}
    - {user_name: bob, name: Bob, bio: Painter.}
    - {user_name: cyd, name: Cyd, bio: Sailor.}
encoder: {kind: hashing}
agents: [{policy: idle}]
turns: {max_actions: 6, max_calls: 1}
"""
Play = Callable[..., "Result"]


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Path:
    """Return a finished run of 60 agents and 8 steps."""
    return Path(shutil.copytree(made, tmp_path / "run"))


@pytest.fixture
def town(tmp_path: Path) -> Path:
    """Return a run of three at step 1: Bob has posted (0), Cyd commented (1), Ann follows Bob."""
    (tmp_path / "town.yaml").write_text(TOWN, encoding="utf-8")
    with Simulation.from_yaml(tmp_path / "town.yaml", out=tmp_path / "town") as sim:
        sim.step()
        sim.act("bob", "create_post", content="Wet \x1b[31mpaint\x07!")
        sim.act("cyd", "create_comment", post_id=0, content="Which colour?")
        sim.act("ann", "follow", user_id=1)
        sim.act("bob", "create_group", name="painters")
        sim.act("ann", "sign_up_product", name="brush")
    return tmp_path / "town"


@pytest.fixture
def play(hubbub: Command, monkeypatch: pytest.MonkeyPatch) -> Play:
    """Return a function that plays an agent in this process: play(run, agent, *lines)."""

    def typed(folder: Path, agent: object, *lines: str | bytes) -> Result:
        data = b"".join((x if isinstance(x, bytes) else x.encode()) + b"\n" for x in lines)
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), "utf-8"))
        return hubbub("play", folder, "--agent", agent)

    return typed


def process(folder: Path, agent: object, text: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (*COMMAND, "play", str(folder), "--agent", str(agent)),
        input=text,
        capture_output=True,
        text=True,
        env=environment(COLUMNS="120"),
        check=False,
        timeout=60,
    )


def actions_of(folder: Path, agent: int, after: int) -> list[tuple[Any, ...]]:
    """Return (step, action, target, via, text, reason) of what an agent asked for after a step."""
    with RunStore.open(folder) as store:
        return store.database.rows(
            "SELECT step, action, target, via, content, reason FROM event_named "
            "WHERE agent = ? AND step > ? ORDER BY step, seq",
            agent,
            after,
        )


def digest(folder: Path) -> str:
    with RunStore.open(folder) as store:
        return store.digest()


def test_a_session_in_a_process_of_its_own(run: Path) -> None:
    with Simulation.resume(run) as sim:
        shown = next(view for view in map(sim.show, range(60)) if view.posts)
        agent, first = shown.user_id, shown.posts[0]
        post = int(sim.world.originals([first.id])[0])
    lines = ["quote_post", "1", "Look at this", "trend", "3", "Fresh bread!", "s 2", "s", "q"]
    done = process(run, f"@{shown.user_name}", "\n".join(lines))
    assert done.returncode == 0, done.stderr
    assert f"Step 9: you are @{shown.user_name} (agent {agent})" in done.stdout
    assert f"quote_post post #{post}: done, its id is #" in done.stdout
    assert "Step 14: you are" in done.stdout
    assert f"{run} is kept up to step 13" in done.stderr
    assert actions_of(run, agent, 8) == [
        (9, "quote_post", post, first.id, "Look at this", "ok"),
        (10, "trend", None, None, None, "ok"),
        (10, "create_post", None, None, "Fresh bread!", "ok"),
    ]
    assert steps_of(run) == 13
    with Simulation.resume(run) as sim:  # the log folds to what is stored, and goes on
        assert sim.scenario.steps == 13
        slate = sim.store.slates()
        mine = [r for r in slate.to_pylist() if r["agent"] == agent and r["step"] == 9]
        assert [row["item"] for row in mine] == [p.id for p in shown.posts]
        others = {e["step"] for e in sim.store.events().to_pylist() if e["agent"] != agent}
        assert {9, 10, 11, 12, 13} <= others
        sim.step()


def test_no_input_at_all(play: Play, run: Path) -> None:
    before = digest(run)
    done = play(run, 3)
    assert done.code == 0, done.err
    assert done.out.endswith("what do you do? \n")
    assert f"{run} is kept up to step 8" in done.err
    assert digest(run) == before
    with RunStore.open(run) as store:
        assert store.scenario()["steps"] == 8


def test_ctrl_c_leaves_a_whole_step(run: Path) -> None:
    command = (*COMMAND, "play", str(run), "--agent", "3")
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=environment()
    ) as player:
        assert player.stdin is not None
        assert player.stdout is not None
        player.stdin.write("s\n")
        player.stdin.flush()
        said = ""
        while said.count("what do you do? ") < 2:
            letter = player.stdout.read(1)
            assert letter, said
            said += letter
        player.send_signal(signal.SIGINT)
        err = player.communicate(timeout=30)[1]
    assert player.returncode == 130
    assert f"stopped; {run} is kept up to step 9" in err
    assert steps_of(run) == 9


def test_what_is_shown_has_numbers_and_steers_no_terminal(play: Play, town: Path) -> None:
    out = play(town, "ann", "w", "h", "q").out
    assert "\x1b" not in out
    assert "\x07" not in out
    feed = out.partition("\nFeed\n")[2].splitlines()
    assert feed[0].split() == ["1", "bob,", "3", "min,", "#0:", "Wet", "[31mpaint", "!"]
    assert feed[1].split() == ["2", "cyd,", "3", "min,", "#1:", "Which", "colour?"]
    assert "followers 0, following 1" in out
    assert "bio        Baker." in out
    assert "like_comment          like a comment" in out
    assert "sign_up" not in out, "the environment's alone"


def test_numbers_stand_for_posts_comments_and_their_authors(play: Play, town: Path) -> None:
    done = play(
        town, 0,
        "like_post", "1", "create_comment", "2", "Red.", "follow", "2", "mute", "@bob",
        "like_comment", "#1", "join_group", "#0",  # six: the turn is full, the step runs
        "purchase_product", "brush", "3", "report_post", "1", "", "q",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert actions_of(town, 0, 1) == [
        (2, "like_post", 0, 0, None, "ok"),
        (2, "create_comment", 0, 1, "Red.", "ok"),
        (2, "follow", 2, 2, None, "ok"),
        (2, "mute", 1, 1, None, "ok"),
        (2, "like_comment", 1, 1, None, "ok"),
        (2, "join_group", 0, 0, None, "ok"),
    ]
    assert "Your groups\n  1 painters, members 2\n" in done.out, "the numbers begin anew"
    assert "1 is a group; report_post takes a post" in done.out
    assert "your turn had not ended, so purchase_product did not happen" in done.err
    assert steps_of(town) == 2


def test_looks_are_answered_at_once_and_are_part_of_the_turn(play: Play, town: Path) -> None:
    done = play(
        town, "ann", "search_user", "sailor", "trend", "follow", "3", "s",
        "listen_from_group", "join_group", "1", "s", "q",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert "  3 @cyd, Cyd, followers 0: Sailor." in done.out
    assert "you have used all look-ups of this turn (1)" in done.out
    assert "Groups\n  1 painters, members 1\n" in done.out
    assert [(d[0], d[1], d[2], d[4], d[5]) for d in actions_of(town, 0, 1)] == [
        (2, "search_user", None, "sailor", "ok"),
        (2, "follow", 2, None, "ok"),
        (3, "listen_from_group", None, None, "ok"),
        (3, "join_group", 0, None, "ok"),
    ]


def test_outcomes_and_what_others_did_are_told(play: Play, town: Path) -> None:
    done = play(town, "bob", "like_post", "#0", "follow", "@bob", "s", "q")
    assert "like_post post #0: done\nfollow user #1: refused (self_target)\n" in done.out
    assert "\nfor you: likes +1\n" in done.out
    with Simulation.resume(town) as sim:
        sim.step({"cyd": [Action("follow", user_id=1)]})
    assert "\nNews\n  1 cyd, follow\n" in play(town, "bob", "q").out


def test_bad_input_is_explained_and_changes_nothing(play: Play, town: Path) -> None:
    before = digest(town)
    wrong = {
        "": "write the number of an action",
        "like_psot": "'like_psot' is not an action of the menu (did you mean 'like_post'?)",
        "0": "'0' is not an action of the menu",
        "9" * 5000: "is not an action of the menu",
        "interview": "'interview' is not an action of the menu",
        "s -1": "'s -1' is not a command",
        "s 0": "'s 0' is not a command",
        "go away now": "'go away now' is not a command",
    }
    answers = {
        "like_post": {
            "2": "2 is a comment; like_post takes a post",
            "0": "there is no number 0 above: they go from 1 to 2",
            "7": "there is no number 7 above",
            "#1": "there is no post #1",
            "#x": "there is no post #x",
            "bob": "write a number from above, or an id such as #57",
        },
        "follow": {"@eve": "there is no user '@eve'", "#3": "there is no user #3"},
        "create_post": {"x" * 81: "that is 81 characters long; the platform takes at most 80"},
        "purchase_product": {"brusj": "no product 'brusj' is on sale (did you mean 'brush'?)"},
    }
    lines = list(wrong)
    for action, said in answers.items():
        lines += [action, *said, ""]
    lines += ["purchase_product", "brush", "0", "many", ""]
    done = play(town, "ann", *lines)
    assert done.code == 0, done.err
    for message in [*wrong.values(), *(m for said in answers.values() for m in said.values())]:
        assert message in done.out
    assert done.out.count("write a whole number from 1 to 2,147,483,647") == 2
    assert digest(town) == before


def test_bytes_that_are_no_text_do_no_harm(play: Play, town: Path) -> None:
    done = play(town, "ann", "create_post", b"caf\xe9\x00\x1b[2J \xff", "s", "q")
    assert done.code == 0, done.err
    assert [d[4] for d in actions_of(town, 0, 1)] == ["caf\ufffd[2J \ufffd"]


def test_errors_say_what_is_wrong(play: Play, run: Path, tmp_path: Path) -> None:
    for who, message in (
        ("99", "there is no agent 99; ids go from 0 to 59"),
        ("@eve", "there is no agent with the user name 'eve'"),
        ("9" * 5000, "there is no agent with the user name '999"),
    ):
        done = play(run, who, "q")
        assert (done.code, done.out) == (1, "")
        assert message in done.err
    assert "no run" in play(tmp_path, 3).err
    with Simulation.resume(run):
        busy = play(run, 3, "s")
    assert busy.code == 1
    assert "is being written by another process" in busy.err


def test_a_person_overrules_the_model_of_an_agent(play: Play, tmp_path: Path) -> None:
    post = '{"do":[{"action":"create_post","text":"@ann: I am a model"}]}'
    model = ScriptedModel(lambda _: post)
    with ModelServer(model) as server:
        models = f"models: {{small: {{urls: [{server.url}]}}}}\nagents: [{{model: small}}]\n"
        text = TOWN.partition("agents:")[0] + models + "turns: {staleness: 1}\n"
        text += "time: {activity: {kind: constant, rate: 1.0}}\n"
        (tmp_path / "minds.yaml").write_text(text.replace("steps: 1", "steps: 3"))
        folder = tmp_path / "minds"
        with Simulation.from_yaml(tmp_path / "minds.yaml", out=folder) as sim:
            sim.run(2)
        done = play(folder, "ann", "create_post", "I am a person", "s 2", "q")
    assert done.code == 0, done.err
    assert [(d[0], d[4]) for d in actions_of(folder, 0, 2)] == [(3, "I am a person")]
    missed = done.out.partition("\nMeanwhile\n")[2].splitlines()  # in step 4
    assert {tuple(line.split(",")[:2]) for line in missed[:2]} == {
        ("    bob", " mention"),
        ("    cyd", " mention"),
    }
    assert {(d[0], d[4]) for d in actions_of(folder, 1, 2)} == {
        (step, "@ann: I am a model") for step in (3, 4, 5)
    }
