"""The README says what is true: its code runs, its commands exist, its links lead somewhere."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from hubbub.testing import ModelServer

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_the_python_example_runs_as_written(tmp_path):
    (code,) = blocks("python")
    out = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=tmp_path, check=True, capture_output=True
    )
    lines = out.stdout.decode().splitlines()
    assert lines[0].startswith("Outcome(ok=True, reason='ok', id=0")
    assert int(lines[1].split()[0]) >= 1
    assert int(lines[2].split()[0]) > 10
    assert (tmp_path / "out.db").exists()


def test_the_commands_of_a_first_society_run_as_written(tmp_path):
    first, change = blocks("sh")[2:4]
    for line in (*first.splitlines(), *change.splitlines()):
        words = shlex.split(line, comments=True)
        assert words[0] == "hubbub"
        subprocess.run(
            [sys.executable, "-m", *words], cwd=tmp_path, check=True, capture_output=True
        )
    assert (tmp_path / "first-tables").is_dir()
    assert (tmp_path / "second" / "run.db").exists()


def test_the_commands_about_language_models_run_as_written(tmp_path):
    (given,) = blocks("yaml")
    (commands,) = (block for block in blocks("sh") if "hubbub estimate" in block)
    with ModelServer() as server:
        scenario = yaml.safe_load(given.replace("http://localhost:8000/v1", server.url))
        scenario |= {"steps": 2, "population": {"synthetic": {"agents": 30, "core": 5}}}
        scenario["time"] = {"activity": {"kind": "constant", "core_rate": 1.0}}
        (tmp_path / "scenario.yaml").write_text(yaml.safe_dump(scenario), encoding="utf-8")
        for line in commands.splitlines():
            words = shlex.split(line, comments=True)
            assert words[0] == "hubbub"
            done = subprocess.run(
                [sys.executable, "-m", *words],
                cwd=tmp_path,
                check=True,
                capture_output=True,
                input=b"q\n",
            )
            assert done.stdout
    assert server.counts["ok"] == 15  # two steps and a survey of five: a replay asks for nothing
    assert len((tmp_path / "answers.csv").read_text(encoding="utf-8").splitlines()) == 6


PAGES = [ROOT / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("examples/*/README.md")]


@pytest.mark.parametrize("page", [str(p.relative_to(ROOT)) for p in PAGES])
def test_links_to_files_lead_somewhere(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
    missing = [link for link in links if not ((ROOT / page).parent / link).exists()]
    assert missing == []


def test_the_demo_prints_what_the_readme_shows(tmp_path):
    out = subprocess.run(
        [sys.executable, "-m", "hubbub", "demo", "--no-llm"],  # replies differ between machines
        cwd=tmp_path,
        check=True,
        capture_output=True,
    ).stdout.decode()

    def words(text: str) -> list[str]:
        body = text[text.index("demo: 1,000") :]
        return body[: body.index("\n60 steps, ")].split()

    assert words(out) == words(README)
