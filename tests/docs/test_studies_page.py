"""docs/studies.md: its own study runs as written, and the catalogue is complete."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from pages import DOCS, blocks
from typer.testing import CliRunner

from hubbub.cli.app import app
from hubbub.studies.catalogue import NAMES
from hubbub.studies.measures import CURVES, MEASURES
from hubbub.studies.study_folder import StudyFolder

PAGE = (DOCS / "studies.md").read_text(encoding="utf-8")


def test_every_study_measure_and_curve_is_named() -> None:
    assert [name for name in NAMES if f"- [`{name}`](../examples/{name}): " not in PAGE] == []
    catalogue = " ".join(PAGE[PAGE.index("- measures:") :].split("\n\n")[0].split())
    measures, curves = catalogue.split(" - curves: ")
    assert measures == "- measures: " + ", ".join(f"`{name}`" for name in MEASURES) + "."
    assert curves == ", ".join(f"`{name}`" for name in CURVES) + "."


def test_the_study_of_ones_own_runs_as_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (study,), (measure,) = blocks("studies.md", "yaml"), blocks("studies.md", "python")
    (tmp_path / "my-study.yaml").write_text(study, encoding="utf-8")
    (tmp_path / "heard.py").write_text(measure, encoding="utf-8")
    (commands,) = (block for block in blocks("studies.md", "sh") if "my-study" in block)
    for line in commands.splitlines():
        words = shlex.split(line)[1:]
        small = ["--replicates", "2", "--set", "steps=3"] if "run" in words else []
        done = CliRunner().invoke(app, [*words, *small])
        assert done.exit_code == 0, done.output
    findings = StudyFolder.open(Path("studies/feeds")).findings()
    assert [f.measure for f in findings] == ["attention_gini", "unheard"]
    assert all(f.n == (2, 2) for f in findings)
