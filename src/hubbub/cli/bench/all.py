"""`hubbub bench`: run all benchmarks, print, write, judge."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict
from pathlib import Path

import typer

from hubbub.cli.bench.digests import FILE, accept
from hubbub.cli.bench.process import measured
from hubbub.cli.bench.suite import Suite, cases, run_suite
from hubbub.cli.bench.tables import show_suite
from hubbub.cli.screen import console
from hubbub.errors import RunError


def run_all(
    *,
    only: Collection[str],
    quick: bool,
    huge: bool,
    scenario: Path | None,
    repeats: int,
    out: Path | None,
    accepting: bool,
) -> None:
    """Measure, print the tables and write the JSON file `out`.

    `only` are the kinds of cases to take. RunError if a run is not the one that is on file, unless
    `accepting`: then its digest goes on file.
    """
    if scenario is not None and not scenario.is_file():
        raise RunError(f"there is no scenario file {scenario}")
    check_out(out)
    chosen = cases(quick=quick, huge=huge or "huge" in only, scenario=scenario)
    chosen = [case for case in chosen if not only or case.kind in only]
    _say("loading and compiling ...")
    measured("hubbub.bench.engine:warm_up")
    suite = run_suite(chosen, repeats=repeats, quick=quick, say=_say)
    show_suite(suite, console())
    if out is not None:
        out.write_text(json.dumps(asdict(suite), indent=2) + "\n", encoding="utf-8")
        typer.echo(f"\nwrote {out}")
    judge(suite, accepting=accepting)


def check_out(out: Path | None) -> None:
    """Raise RunError, before hours are spent, if a file to be written has no folder."""
    if out is not None and not out.absolute().parent.is_dir():
        raise RunError(f"there is no folder {out.parent} to write {out.name} into")


def _say(text: str) -> None:
    typer.echo(text, err=True)


def judge(suite: Suite, *, accepting: bool, file: Path = FILE) -> None:
    """Raise RunError if a run is not the one on `file`; when `accepting`, put it there instead."""
    differing = [f.key for f in suite.cases if f.verdict == "REPEATS DIFFER"]
    if differing:
        raise RunError(f"the same run had different digests: {', '.join(differing)}")
    if accepting:
        found = {f.key: f.digest for f in suite.cases if "path=" not in f.key}
        accept(found, file)
        typer.echo(f"\n{len(found)} digests are on file now")
        return
    wrong = [f.key for f in suite.cases if f.verdict == "WRONG"]
    if wrong:
        raise RunError(
            f"not the digest that is on file: {', '.join(wrong)}. If runs were meant to change:  "
            "hubbub bench --accept"
        )
