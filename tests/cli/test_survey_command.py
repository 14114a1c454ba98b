"""`hubbub survey` on a stored run, against a real server that stands in for a model."""

from __future__ import annotations

import csv
import json
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hubbub.config import load_survey
from hubbub.engine import Simulation
from hubbub.errors import ScenarioError
from hubbub.llm.chat import ChatRequest
from hubbub.testing import Faults, ModelServer, ScriptedModel

if TYPE_CHECKING:
    from .conftest import Command

EXAMPLES = Path(__file__).parents[2] / "examples"
SCENARIO = """\
name: small
seed: 3
steps: 2
topics: [Politics, Business]
population:
  records:
    - {user_name: ann, name: Ann, bio: Baker., age: 30}
    - {user_name: bob, name: Bob, bio: Painter., age: 40}
    - {user_name: cyd, name: Cyd, bio: Sailor., age: 50}
    - {user_name: dee, name: Dee, bio: Student., age: 20}
encoder: {kind: hashing}
models: {small: {urls: ["URL"]}}
agents:
  - {model: small, where: {age: {min: 30}}}
  - {policy: statistical}
"""
QUESTIONS = """\
name: mood
questions:
  - {name: why, ask: "Why are you here?"}
  - {name: source, ask: "Where is your news from?", kind: choice, options: [here, papers, nowhere]}
  - {name: trust, ask: I trust the news., kind: likert}
  - {name: age, ask: "How old are you?", kind: number, min: 0, max: 120}
"""
REPLIES = {
    "Ann": {"why": "To sell bread.", "source": "papers", "trust": 4, "age": 30},
    "Bob": {"why": "To paint.", "source": "here", "trust": 5, "age": 40.5},
    "Cyd": {"why": "Why not?", "source": "the sea", "trust": 0, "age": 999},
    "Dee": {"why": "To learn.", "source": "here", "trust": 1, "age": 20},
}


def reply(request: ChatRequest) -> str:
    """Everyone has an answer of their own; Cyd never gives one that is on the list."""
    name = next(n for n in REPLIES if n in request.user)
    if request.shape is None or request.shape.name != "answers":
        return json.dumps({"do": []})
    if "Why now?" in request.system:
        return json.dumps({"q1": f"Because I am {name}."})
    return json.dumps(REPLIES[name])


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer(ScriptedModel(reply)) as server:
        yield server


@pytest.fixture
def run(tmp_path: Path, server: ModelServer) -> Path:
    """Return the folder of a finished run."""
    (tmp_path / "small.yaml").write_text(SCENARIO.replace("URL", server.url), encoding="utf-8")
    (tmp_path / "mood.yaml").write_text(QUESTIONS, encoding="utf-8")
    with Simulation.from_yaml(tmp_path / "small.yaml", out=tmp_path / "run") as sim:
        sim.run()
    return tmp_path / "run"


def test_answers_are_printed_question_by_question(hubbub: Command, run: Path) -> None:
    done = hubbub("survey", run, "mood.yaml")
    assert done.code == 0, done.err
    assert (
        "survey 'mood' after step 2, agents asked: 3; left out, because no model drives them: 1"
        in done.err
    )
    missing = "without a valid answer 1 (invalid_reply 1)"
    tables = [part.split("\n") for part in done.out.strip().split("\n\n")]
    assert [(t[0], t[-1]) for t in tables] == [
        ("why: Why are you here?", f"n 2, {missing}"),
        ("source: Where is your news from?", f"n 2, {missing}"),
        ("trust: I trust the news.", f"n 2, mean 4.50, {missing}"),
        ("age: How old are you?", f"n 2, mean 35.25, from 30 to 40.5, {missing}"),
    ]
    assert [line.split() for line in tables[0][3:5]] == [
        ["0", "ann", "To", "sell", "bread."],
        ["1", "bob", "To", "paint."],
    ]
    assert [line.split() for line in tables[1][3:6]] == [
        ["here", "1", "50%"],
        ["papers", "1", "50%"],
        ["nowhere", "0", "0%"],
    ]
    assert [line.split()[-2] for line in tables[2][3:8]] == ["0", "0", "0", "1", "1"]


def test_a_survey_leaves_the_run_as_it_is(hubbub: Command, run: Path) -> None:
    before = hubbub("digest", run).out
    assert hubbub("survey", run, "mood.yaml").code == 0
    again = hubbub("survey", run, "mood.yaml")
    assert "survey 'mood-2' after step 2" in again.err
    assert hubbub("digest", run).out == before
    with Simulation.resume(run) as sim:
        held = sim.store.answers()
    assert sorted(set(held["survey"].to_pylist())) == ["mood", "mood-2"]
    assert held.num_rows == 2 * 3 * 4


def test_one_question_to_one_agent(hubbub: Command, run: Path) -> None:
    done = hubbub("survey", run, "--ask", "Why now?", "--agent", "bob")
    assert done.code == 0, done.err
    assert "Because I am Bob." in done.out
    assert "Ann" not in done.out
    one = hubbub("survey", run, "--ask", "Why now?", "--agents", "0, 2")
    assert "Because I am Ann." in one.out
    assert "Because I am Cyd." in one.out
    assert "agents asked: 2" in one.err


def test_another_model_answers_for_those_who_have_none(
    hubbub: Command, run: Path, server: ModelServer
) -> None:
    refused = hubbub("survey", run, "--ask", "Why now?", "--agent", 3)
    assert refused.code == 1
    assert "agent 3 has no model" in refused.err
    done = hubbub(
        "survey", run, "--ask", "Why now?", "--where", "age={max: 20}", "--model", "other",
        "--set", f"models.other.urls=[{server.url}]",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert "Because I am Dee." in done.out
    assert done.out.strip().endswith("n 1")


def test_answers_are_written_as_csv(hubbub: Command, run: Path, tmp_path: Path) -> None:
    done = hubbub("survey", run, "mood.yaml", "--where", "age=[30,50]", "--out", "answers.csv")
    assert "wrote answers.csv" in done.err
    with (tmp_path / "answers.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    columns = ("agent", "user_name", "question", "answer", "value", "valid", "reason")
    assert [tuple(r[c] for c in columns) for r in rows] == [
        ("0", "ann", "why", "To sell bread.", "", "True", ""),
        ("0", "ann", "source", "papers", "1.0", "True", ""),
        ("0", "ann", "trust", "agree", "4.0", "True", ""),
        ("0", "ann", "age", "30", "30.0", "True", ""),
        *(("2", "cyd", q, "", "", "False", "invalid_reply") for q in REPLIES["Cyd"]),
    ]
    unwritable = hubbub("survey", run, "mood.yaml", "--out", tmp_path)
    assert unwritable.code == 1
    assert f"{tmp_path} cannot be written: Is a directory" in unwritable.err


def test_silence_is_counted(hubbub: Command, run: Path, server: ModelServer) -> None:
    server.faults = Faults(refuses_schema=True, refuses_tools=True, null=1.0)
    done = hubbub("survey", run, "--ask", "Why now?", "--agent", "ann")
    assert done.code == 0, done.err
    assert done.out.strip().endswith("n 0, without a valid answer 1 (invalid_reply 1)")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "give a file of questions, or --ask"),
        (["mood.yaml", "--ask", "Why?"], "give a file of questions, or --ask"),
        (["nowhere.yaml"], "there is no file nowhere.yaml"),
        (["--ask", "Why now?", "--model", "smal"], "no model 'smal'"),
        (["--ask", "Why now?", "--agent", "eve"], "no agent with the user name 'eve'"),
        (["--ask", "Why now?", "--agent", "9"], "no agent 9; ids go from 0 to 3"),
        (["--ask", "Why now?", "--where", "ag=3"], "no field 'ag' (did you mean 'age'?)"),
        (["--ask", "Why now?", "--where", "age"], "'age' is not a condition: write it like"),
        (["--ask", "Why now?", "--where", "age=3"], "no agent meets {'age': 3}"),
        (["--ask", "Why now?", "--where", "age=20"], "none of the 1 agents is driven by a model"),
        (["--ask", "Why now?", "--set", "steps=3"], "'steps' cannot change"),
    ],
)
def test_errors_say_what_to_do(hubbub: Command, run: Path, args: list[str], message: str) -> None:
    done = hubbub("survey", run, *args)
    assert done.code == 1
    assert message in done.err
    assert done.out == ""


def test_a_run_without_models_says_how_to_name_one(hubbub: Command, made: Path) -> None:
    done = hubbub("survey", made, "--ask", "Why?")
    assert done.code == 1
    assert "--model NAME --set models.NAME.urls=[http://localhost:8000/v1]" in done.err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a questionnaire is a file with a list of questions, such as"),
        ("- {name: a}", "a questionnaire is a file with a list of questions, such as"),
        (
            "questions:\n  - {name: a, ask: b, kind: choic}",
            "questions.0.kind (line 2): must be text, choice, likert or number, not 'choic' "
            "(did you mean 'choice'?)",
        ),
        (
            "every: 0\nquestions:\n  - {name: a, ask: b}\n  - {name: c, aks: d}",
            "3 problems\n  every (line 1): ",
        ),
        ("questions: [{name: a, ask: Why?, kind: text}]", "inside { } put it in quotes"),
        (
            "questions: [{name: a, ask: b}, {name: a, ask: c}]",
            "questions (line 1): two questions are named 'a'",
        ),
    ],
)
def test_a_bad_questionnaire_names_line_and_field(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "questions.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ScenarioError) as error:
        load_survey(path)
    assert str(error.value).startswith(f"{path}: ")
    assert message in str(error.value)


def test_the_example_is_asked_as_its_readme_says(
    hubbub: Command, tmp_path: Path, server: ModelServer
) -> None:
    def answers(request: ChatRequest) -> str:
        options = {"why": "For fun.", "source": "newspapers", "trust": 2, "minutes": 3}
        return json.dumps(options if "minutes" in request.system else {"q1": "It surprised me."})

    server.stop()
    shutil.copytree(EXAMPLES, tmp_path / "examples")
    readme = (EXAMPLES / "survey" / "README.md").read_text(encoding="utf-8")
    block = re.findall(r"```sh\n(.*?)```", readme, flags=re.DOTALL)[0].replace("\\\n", "")
    said = []
    with ModelServer(ScriptedModel(answers)) as other:
        for line in block.splitlines():
            words = shlex.split(line.replace("local=smollm2-135m", f"urls=[{other.url}]"))
            done = hubbub(*words[1:])
            assert done.code == 0, done.err
            said.append(done.out)
    assert "n 5, mean 2.00" in said[1]
    assert "It surprised me." in said[2]
    assert (tmp_path / "answers.csv").read_text(encoding="utf-8").count("\n") == 1 + 5 * 4
