"""The report of a study, made from its folder."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

import hubbub
from hubbub.report.html import write_report
from hubbub.studies.catalogue import study_in
from hubbub.studies.study_folder import StudyFolder
from hubbub.studies.trials import Finding, Results, StudyOptions
from hubbub.studies.verdicts import sentences


def report(path: Path | str) -> Path:
    """Write the report of the study in a folder, from what is kept there; return its page.

    RunError if the study is not finished, MissingExtraError without matplotlib.
    """
    path = Path(path)
    folder = StudyFolder.open(path)
    study, options = study_in(folder), folder.options
    results, findings = folder.results(), folder.findings()
    verdicts = sentences(findings)
    story = study.story(results, findings, options)
    return write_report(
        path,
        title=study.title,
        question=study.question,
        verdicts=verdicts,
        findings=_rows(findings),
        figures=study.figures(results, options),
        story=[paragraph for paragraph in story if paragraph not in verdicts],
        files=_files(folder, results),
        how=_how(folder, results),
    )


def _rows(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Return findings with the columns of findings.csv."""
    rows = []
    for finding in findings:
        row = asdict(finding)
        row["n_arm"], row["n_against"] = row.pop("n")
        rows.append(row)
    return rows


def _how(folder: StudyFolder, results: Results) -> dict[str, str]:
    seeds = sorted(pc.unique(results.values["seed"]).to_pylist())
    return {
        "command": shlex.join(_command(folder)),
        "study": f"{folder.study}, version {folder.about['version']}",
        "hubbub": f"{hubbub.__version__} (wrote this report)",
        "seeds": ", ".join(map(str, seeds)),
    }


def _command(folder: StudyFolder) -> Iterator[str]:
    """Give the parts of the command that makes the results again."""
    options: StudyOptions = folder.options
    own = folder.definition
    named = folder.source or folder.study
    yield from ("hubbub", "study", "run", named if own is None else own.name)
    if options.replicates is not None:
        yield from ("--replicates", str(options.replicates))
    for name, value in options.overrides.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        yield from ("--set", f"{name}={text}")
    for name, given in options.inputs.items():
        yield from (f"--{name}", str(given))
    yield from (f"--{flag.replace('_', '-')}" for flag in sorted(options.flags))


def _files(folder: StudyFolder, results: Results) -> dict[str, str]:
    """Return what is in the files beside the report, by their names."""
    own = folder.definition
    return {
        "findings.csv": "the tests, with all digits",
        "values.csv": "each measure of each replicate",
        "curves.csv": "the measures over time, or over what else, of each replicate",
        **{
            f"tables/{name}.csv": ", ".join(table.column_names)
            for name, table in results.tables.items()
        },
        "study.json": "what was asked",
        **({} if own is None else {own.name: "the definition of the study"}),
    }
