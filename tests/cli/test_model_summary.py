"""What the terminal shows of language models: while a run goes on, and afterwards."""

from __future__ import annotations

import re
from io import StringIO
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from hubbub.cli import progress as progress_module
from hubbub.cli.progress import RunProgress
from hubbub.config import parse_scenario
from hubbub.engine import Hook, Simulation, StepReport
from hubbub.llm.chat import ChatRequest, Completion
from hubbub.testing import ModelServer, ScriptedModel, ValidModel

if TYPE_CHECKING:
    from .conftest import Command

SCENARIO = {
    "name": "talk",
    "steps": 4,
    "topics": ["Politics", "Business"],
    "platform": {"preset": "x"},
    "population": {
        "records": [
            {"user_name": "ann", "name": "Ann", "bio": "Baker."},
            {"user_name": "bob", "name": "Bob", "bio": "Painter."},
            {"user_name": "cyd", "name": "Cyd", "bio": "Sailor."},
            {"user_name": "dee", "name": "Dee", "bio": "Student."},
        ]
    },
    "time": {"activity": {"kind": "constant", "rate": 1.0, "core_rate": 1.0}},
    "encoder": {"kind": "hashing"},
    "models": {"small": {"urls": ["http://localhost:1/v1"], "price": {"input": 100}}},
    "agents": [{"model": "small", "where": {"user_name": ["ann", "bob", "cyd"]}}],
}


def model(request: ChatRequest) -> Completion:
    """Ann posts what may steer a terminal, Bob talks nonsense, Cyd never answers."""
    if "Ann (" in request.user:
        text = '{"do":[{"action":"create_post","text":"Fresh \\u001b[31mbread!"}]}'
        return Completion(text, "", 400, 100, 20, latency=0.25)
    if "Bob (" in request.user:
        return Completion("Hmm,\n\x1b[2Jno.", "", 400, 100, 20, latency=0.25)
    return Completion(None, failure="timeout", attempts=5)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "run"
    with Simulation(parse_scenario(SCENARIO), out=folder, stand_ins={"small": model}) as sim:
        sim.run()
    return folder


def test_the_summary_tells_replies_from_failures(hubbub: Command, run: Path) -> None:
    out = hubbub("inspect", run).out
    # of Bob's turns each has a repair
    assert re.search(r"^small +16 +12 +4 +timeout 4 +0 +16$", out, re.MULTILINE)
    assert re.search(r"^small +4,800 +25% +240 +0\.48 +0\.25 +0\.25 +0\.25$", out, re.MULTILINE)
    assert re.search(r"^do_nothing +0 +8 +invalid_reply 4, no_reply 4$", out, re.MULTILINE)
    talk = out.partition("What the models said\n")[2].partition("\n\n")[0].splitlines()
    assert len(talk) == 10
    assert talk[:2] == ["step 1, ann (small): create_post", "  Fresh [31mbread!"]
    bobs = talk.index(next(line for line in talk if "bob" in line))
    assert "bob (small): do_nothing (refused: invalid_reply)" in talk[bobs]
    assert talk[bobs + 1] == "  Hmm,  [2Jno."
    assert "cyd" not in "".join(talk), "who got no reply said nothing"
    assert "\x1b" not in out


def test_the_last_reply_of_an_agent(hubbub: Command, run: Path) -> None:
    last = hubbub("inspect", run, "--agent", "bob").out.split("\n\n")[-1]
    assert last.splitlines() == [
        "Last reply: step 4, call 2 of the turn, model small",
        "Hmm,",
        " [2Jno.",
    ]
    silent = hubbub("inspect", run, "--agent", "cyd").out
    assert silent.endswith("\n(no reply: timeout)\n")
    assert "Last reply" not in hubbub("inspect", run, "--agent", "dee").out


def test_prompts_in_full(hubbub: Command, run: Path) -> None:
    out = hubbub("inspect", run, "--agent", "bob", "--prompts", 2).out
    first, second = out.partition("\nStep 4, call 1")[2].split("\nStep 4, call 2")
    assert first.startswith(" of the turn, model small: 400 tokens in, 20 out\nYou are a user of")
    assert "You are Bob (" in first
    assert "(the same rules as above)\n" in second
    assert "Your last reply was not valid" in second
    assert second.endswith("\n\nReply:\nHmm,\n [2Jno.\n")
    none = hubbub("inspect", run, "--agent", "dee", "--prompts", 2).out
    assert none.endswith("\nNo language model was asked for a turn of agent 3.\n")
    assert hubbub("inspect", run, "--prompts", 2).code == 2


def test_a_run_shows_calls_and_cost(hubbub: Command, tmp_path: Path) -> None:
    import yaml

    def answer(request: ChatRequest) -> str:
        return '{"do":[{"action":"do_nothing"}]}'

    with ModelServer(ScriptedModel(answer)) as server:
        models = {"small": {"urls": [server.url], "price": {"input": 100}}}
        path = tmp_path / "talk.yaml"
        path.write_text(yaml.safe_dump({**SCENARIO, "models": models}), encoding="utf-8")
        done = hubbub("run", path, "--out", "out")
        assert done.code == 0, done.err
        assert re.search(
            r"^step 4 of 4: \d agents awake, [\d,]+ turns/s, [\d,]+ calls/s, cost [\d.]+$",
            done.err,
            re.MULTILINE,
        )
        assert re.search(r"^small +12 +12 +0 +0 +0$", done.out, re.MULTILINE)
        assert "What the models said" in done.out
        again = hubbub("run", path, "--replay", "out", "--out", "again")
    assert again.code == 0, again.err
    assert "cost" not in again.err
    assert re.search(r"^small +12 +12 +0 +12 +0$", again.out, re.MULTILINE)


def report(step: int, **changes: float) -> StepReport:
    return StepReport(step, 3, 3, 0, {}, **changes)  # type: ignore[arg-type]


def test_failures_are_said_while_it_runs(capfd: pytest.CaptureFixture[str]) -> None:
    progress = RunProgress()
    with progress.showing(0, 1):
        progress.stepped(report(1, calls=1200, unanswered=7, cost=0.034))
    err = capfd.readouterr().err
    assert err == ("step 1 of 1: 3 agents awake, 1,200 calls, cost 0.034, 7 without reply\n")


def test_a_terminal_shows_what_is_waited_for() -> None:
    screen = Console(file=StringIO(), force_terminal=True, width=140)
    progress = RunProgress()
    progress.screen = screen
    with progress.showing(0, 3):
        progress.stepped(report(1))
        progress.stepped(report(2, calls=50, unanswered=1))
        assert progress._bar is not None
        progress._bar.refresh()
        progress.waiting(1963, 2000)
        progress._bar.refresh()
    shown = screen.file.getvalue()  # type: ignore[attr-defined]
    assert re.search(r"[\d,]+ calls/s, 1 without reply", shown)
    assert "waiting for 37 of 2,000 replies" in shown


def test_a_step_that_waits_long_says_so(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress_module, "_SILENCE", 0.05)
    told = Event()
    progress = RunProgress()
    say = progress.say
    monkeypatch.setattr(progress, "say", lambda text: (say(text), told.set()))
    with progress.showing(4, 9):
        progress.waiting(1963, 2000)
        assert told.wait(20)
        progress.stepped(report(5))
        told.clear()
        assert not told.wait(0.2), "the step is over"
    lines = capfd.readouterr().err.splitlines()
    assert lines[0] == "step 5 of 9: waiting for 37 of 2,000 replies"
    assert set(lines) == {lines[0], "step 5 of 9: 3 agents awake"}


def test_waiting_is_told_of_every_batch() -> None:
    told: list[tuple[int, int]] = []

    class Waits(Hook):
        def waiting(self, decided: int, asked: int) -> None:
            told.append((decided, asked))

    config = parse_scenario(SCENARIO)
    with Simulation(config, stand_ins={"small": ValidModel()}, hooks=[Waits()]) as sim:
        sim.run(2)
    assert told == [(0, 3), (0, 3)]
    told.clear()
    with Simulation(config, stand_ins={"small": model}, hooks=[Waits()]) as sim:
        sim.run(1)
    assert told == [(0, 3), (2, 3)], "Bob's repair is waited for"
