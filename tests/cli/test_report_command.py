"""The command that writes the report of a study."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.conftest import Command

STUDY = """\
name: sharing
title: Does ease of sharing spread posts?
scenario: small.yaml
arms:
  easy: {behaviour.base: {repost: 0}}
  hard: {behaviour.base: {repost: -6}}
replicates: 4
measures: [reposts]
curves: [reposts]
hypotheses:
  - {text: Ease spreads posts, measure: reposts, arm: easy, against: hard, direction: greater}
"""


def test_the_report_is_made_again_from_the_folder(hubbub: Command, scenario: Path) -> None:
    pytest.importorskip("matplotlib")
    from report_checking import report_numbers, unfounded

    scenario.with_name("study.yaml").write_text(STUDY, encoding="utf-8")
    done = hubbub("study", "run", "study.yaml", "--processes", 1, "--set", "steps=3")
    assert done.code == 0, done.err
    folder = Path("studies/sharing")
    page = folder / "report.html"
    first = page.read_text(encoding="utf-8")
    assert f"The report is in {page}" in done.out
    assert "1 prediction: 1" in first
    assert "hubbub study run study.yaml --set steps=3" in first
    assert report_numbers(first)
    assert unfounded(first, folder) == []
    page.unlink()
    done = hubbub("report", folder)
    assert (done.code, done.out.strip()) == (0, f"The report is in {page}")
    assert page.read_text(encoding="utf-8") == first


def test_what_is_no_study_is_one_message(hubbub: Command, tmp_path: Path) -> None:
    done = hubbub("report", tmp_path / "nothing")
    assert (done.code, done.out) == (1, "")
    assert "does not exist" in done.err
