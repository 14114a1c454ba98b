"""A study's folder: its options, each trial's outcome, the results and the findings.

::

    study.json       name, title, question, version and options
    study.yaml       the definition of a YAML study
    trials/KEY.json  the outcome of a trial, under the hash of all that it depends on
    values.csv       arm, replicate, seed, measure, value
    curves.csv       arm, replicate, curve, x, y
    tables/NAME.csv  arm, replicate and the table's own columns
    findings.csv     one row per hypothesis

Files appear whole or not at all. Numbers are written with enough digits to read back the same
number. An empty field is a missing value; an empty text is written as "".
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, fields
from math import isfinite
from pathlib import Path
from typing import Any, Self

import pyarrow as pa
from pyarrow import csv

from hubbub.errors import RunError, StoreError
from hubbub.studies.study import Study
from hubbub.studies.trials import (
    CURVES,
    VALUES,
    Finding,
    Results,
    StudyOptions,
    Trial,
    TrialOutcome,
)
from hubbub.studies.yaml_study import YamlStudy

#: The format of the folder.
FORMAT = 1
STUDY, DEFINITION, TRIALS, TABLES = "study.json", "study.yaml", "trials", "tables"
_VALUES, _CURVES, _FINDINGS = "values.csv", "curves.csv", "findings.csv"

_NUMBER, _TEXT, _WHOLE = pa.float64(), pa.string(), pa.int64()
#: The columns of findings.csv: the fields of a Finding, with `n` in two columns.
_FINDING = pa.schema(
    [("hypothesis", _TEXT), ("measure", _TEXT), ("arm", _TEXT), ("against", _TEXT),
     ("what", _TEXT), ("estimate", _NUMBER), ("low", _NUMBER), ("high", _NUMBER),
     ("effect", _NUMBER), ("test", _TEXT), ("p", _NUMBER), ("corrected", _NUMBER),
     ("n_arm", _WHOLE), ("n_against", _WHOLE), ("verdict", _TEXT)]
)  # fmt: skip


class StudyFolder:
    """The folder of one study. It may also hold trials of other options, which are found again."""

    def __init__(self, path: Path, about: Mapping[str, Any]) -> None:
        self.path = path
        self.about = about

    @classmethod
    def begin(cls, path: Path, study: Study, options: StudyOptions) -> Self:
        """Make the folder, or continue that of the same study; RunError for anything else."""
        if path.exists():
            _check(path, study.name)
        about = {
            "format": FORMAT,
            "study": study.name,
            "version": study.version,
            "title": study.title,
            "question": study.question,
            **({"source": study.source} if study.source else {}),
            "options": _plain_options(options),
        }
        try:
            (path / TRIALS).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(f"the folder {path} cannot be made: {error.strerror}") from None
        folder = cls(path, about)
        if isinstance(study, YamlStudy):
            _write(path / DEFINITION, study.definition)
        folder._save_about()
        return folder

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the folder of a study to read it; RunError if it is not one."""
        return cls(path, _about(path))

    @property
    def study(self) -> str:
        """The name of the study."""
        return str(self.about["study"])

    @property
    def source(self) -> str:
        """The dotted path of a Python study, empty for others."""
        return str(self.about.get("source", ""))

    @property
    def definition(self) -> Path | None:
        """The file with the definition of a YAML study."""
        file = self.path / DEFINITION
        return file if file.is_file() else None

    @property
    def options(self) -> StudyOptions:
        """The options of the results."""
        given = self.about["options"]
        return StudyOptions(
            replicates=given["replicates"],
            overrides=given["overrides"],
            inputs={name: Path(path) for name, path in given["inputs"].items()},
            flags=frozenset(given["flags"]),
        )

    # -- trials -------------------------------------------------------------------------------

    def has(self, key: str) -> bool:
        """Return whether the outcome of a trial is there."""
        return self._trial(key).is_file()

    def keep(self, key: str, trial: Trial, outcome: TrialOutcome) -> None:
        """Write the outcome of a trial; RunError if it cannot be kept."""
        _write(self._trial(key), plain_outcome(trial, outcome) + "\n")

    def outcome(self, key: str) -> TrialOutcome:
        """Return the kept outcome of a trial."""
        path = self._trial(key)
        data = _read_json(path)
        try:
            curves = {name: [(x, y) for x, y in points] for name, points in data["curves"].items()}
            return TrialOutcome(data["values"], curves, data["tables"])
        except (KeyError, TypeError, ValueError) as error:
            raise RunError(f"{path} is damaged; delete it and run the study again") from error

    def _trial(self, key: str) -> Path:
        return self.path / TRIALS / f"{key}.json"

    # -- results ------------------------------------------------------------------------------

    def write_results(self, results: Results) -> None:
        """Write values.csv, curves.csv and the tables; remove those of other results."""
        _write_table(self.path / _VALUES, results.values)
        _write_table(self.path / _CURVES, results.curves)
        folder = self.path / TABLES
        for old in folder.glob("*.csv"):
            if old.stem not in results.tables:
                old.unlink()
        for name, table in results.tables.items():
            folder.mkdir(exist_ok=True)
            _write_table(folder / f"{name}.csv", table)
        columns = {
            name: {field.name: str(field.type) for field in table.schema}
            for name, table in results.tables.items()
        }
        self.about = {**self.about, "tables": columns}
        self._save_about()

    def results(self) -> Results:
        """Return the results; RunError if the study is not finished."""
        if "tables" not in self.about:
            raise RunError(
                f"the study in {self.path} is not finished; "
                "run the same command again to continue it"
            )
        tables = {
            name: _read_table(
                self.path / TABLES / f"{name}.csv",
                pa.schema([(c, pa.type_for_alias(t)) for c, t in columns.items()]),
            )
            for name, columns in self.about["tables"].items()
        }
        return Results(
            _read_table(self.path / _VALUES, VALUES),
            _read_table(self.path / _CURVES, CURVES),
            tables,
        )

    def write_findings(self, findings: Sequence[Finding]) -> None:
        """Write findings.csv."""
        rows = [
            dict(zip(_FINDING.names, (*given[:-2], *given[-2], given[-1]), strict=True))
            for given in map(astuple, findings)
        ]
        _write_table(self.path / _FINDINGS, pa.Table.from_pylist(rows, _FINDING))

    def findings(self) -> list[Finding]:
        """Return the findings; RunError if there are none."""
        names = [field.name for field in fields(Finding)]
        found = []
        for row in _read_table(self.path / _FINDINGS, _FINDING).to_pylist():
            row["n"] = (row.pop("n_arm"), row.pop("n_against"))
            found.append(Finding(**{name: row[name] for name in names}))
        return found

    def _save_about(self) -> None:
        _write(self.path / STUDY, json.dumps(self.about, indent=2, ensure_ascii=False) + "\n")


def plain_outcome(trial: Trial, outcome: object) -> str:
    """Return the outcome of a trial as JSON; RunError says what of it cannot be kept."""
    if not isinstance(outcome, TrialOutcome):
        raise RunError(f"`run` must return a TrialOutcome, not {type(outcome).__name__}")
    data: dict[str, Any] = {
        "arm": trial.arm,
        "replicate": trial.replicate,
        "seed": trial.seed,
        "values": {},
        "curves": {},
        "tables": {},
    }
    for name, value in outcome.values.items():
        try:
            data["values"][name] = _finite(value)
        except (TypeError, ValueError):
            raise RunError(
                f"the measure '{name}' must be a finite number, not {value!r}; leave out what "
                "cannot be measured"
            ) from None
    for name, points in outcome.curves.items():
        try:
            data["curves"][name] = [(_finite(x), _finite(y)) for x, y in points]
        except (TypeError, ValueError):
            raise RunError(f"the curve '{name}' must be pairs (x, y) of finite numbers") from None
    for name, rows in outcome.tables.items():
        try:
            data["tables"][name] = [dict(row) for row in rows]
            json.dumps(data["tables"][name], allow_nan=False, default=_plain)
        except (TypeError, ValueError) as error:
            raise RunError(
                f"the table '{name}' must be rows of plain values by column, but: {error}"
            ) from None
    return json.dumps(data, allow_nan=False, default=_plain)


def _finite(value: Any) -> float:
    number = float(value)
    if not isfinite(number):
        raise ValueError(value)
    return number


def assemble(trials: Sequence[Trial], outcomes: Iterable[TrialOutcome]) -> Results:
    """Return the results of trials, in order, from their outcomes."""
    values: list[dict[str, Any]] = []
    curves: list[dict[str, Any]] = []
    tables: dict[str, list[dict[str, Any]]] = {}
    for trial, outcome in zip(trials, outcomes, strict=True):
        of = {"arm": trial.arm, "replicate": trial.replicate}
        values += [
            {**of, "seed": trial.seed, "measure": name, "value": value}
            for name, value in outcome.values.items()
        ]
        curves += [
            {**of, "curve": name, "x": x, "y": y}
            for name, points in outcome.curves.items()
            for x, y in points
        ]
        for name, rows in outcome.tables.items():
            tables.setdefault(name, []).extend({**of, **row} for row in rows)
    return Results(
        pa.Table.from_pylist(values, VALUES),
        pa.Table.from_pylist(curves, CURVES),
        {name: _table(rows) for name, rows in tables.items()},
    )


def _table(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Return rows as a table with all their columns, in order of first appearance."""
    names = dict.fromkeys(["arm", "replicate", *(name for row in rows for name in row)])
    columns = {name: pa.array([row.get(name) for row in rows]) for name in names}
    empty = {name: pa.array(column, _TEXT) for name, column in columns.items()
             if pa.types.is_null(column.type)}  # fmt: skip
    return pa.table({**columns, **empty})


# -- files ------------------------------------------------------------------------------------


def _check(path: Path, study: str) -> None:
    if not path.is_dir():
        raise RunError(f"{path} is a file; give another --out for the study's folder")
    if not any(path.iterdir()):
        return
    kept = _about(path)["study"]
    if kept != study:
        raise RunError(f"{path} holds the study '{kept}', not '{study}'. Give another --out")


def _about(path: Path) -> dict[str, Any]:
    """Return the content of study.json; RunError if it is missing or has another format."""
    file = path / STUDY
    if not file.is_file():
        what = f"is not a study: it has no {STUDY}" if path.is_dir() else "does not exist"
        raise RunError(f"{path} {what}. Give the folder that `hubbub study run` made")
    about = _read_json(file)
    found = about.get("format")
    if not isinstance(found, int) or "study" not in about:
        raise RunError(f"{file} was not written by hubbub")
    if found != FORMAT:
        raise RunError(
            f"the study in {path} has format {found}, this hubbub reads format {FORMAT}; use the "
            "version that wrote it, or give another --out"
        )
    return about


def _plain_options(options: StudyOptions) -> dict[str, Any]:
    return {
        "replicates": options.replicates,
        "overrides": dict(options.overrides),
        "inputs": {name: str(path) for name, path in options.inputs.items()},
        "flags": sorted(options.flags),
    }


def _plain(value: Any) -> Any:
    """Return a number of numpy as Python's."""
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"an outcome cannot hold a {type(value).__name__}")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError:
        data = None
    if not isinstance(data, dict):
        raise RunError(f"{path} is damaged; delete it and run the study again")
    return data


def _write(path: Path, text: str) -> None:
    """Write a file in one move, so that it is there whole or not at all."""
    partial = path.with_suffix(".partial")
    try:
        partial.write_text(text, encoding="utf-8", newline="\n")
        partial.replace(path)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}") from error


def _write_table(path: Path, table: pa.Table) -> None:
    columns = [map(_cell, column.to_pylist()) for column in table.columns]
    rows = zip(*columns, strict=True)
    lines = [",".join(map(_cell, table.column_names)), *(",".join(row) for row in rows)]
    _write(path, "\n".join(lines) + "\n")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value)
    if isinstance(value, str) and (not text or any(c in text for c in ',"\r\n')):
        return '"' + text.replace('"', '""') + '"'
    return text


def _read_table(path: Path, schema: pa.Schema) -> pa.Table:
    try:
        return csv.read_csv(
            path,
            parse_options=csv.ParseOptions(newlines_in_values=True),
            convert_options=csv.ConvertOptions(
                column_types=schema,
                include_columns=schema.names,
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
    except (OSError, pa.ArrowException) as error:
        raise RunError(f"{path} cannot be read: {error}") from None
