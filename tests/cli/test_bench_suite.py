"""`hubbub bench`: what is made of repeated measurements, and the command itself on tiny runs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from inspect import signature
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

import pytest

from hubbub.bench import history, mixed
from hubbub.cli.bench.all import judge
from hubbub.cli.bench.digests import accept, expected_digests
from hubbub.cli.bench.oasis import _OURS
from hubbub.cli.bench.process import measured
from hubbub.cli.bench.suite import _FUNCTIONS, WARMUP, Case, Kind, Suite, cases, run_suite
from hubbub.errors import RunError

if TYPE_CHECKING:
    from .conftest import Command


def fake(values: Mapping[str, list[dict[str, Any]]], repeats: int = 1) -> Suite:
    """The suite of cases that measure as told, by kind, one value after the other."""
    coming: dict[str, Iterator[dict[str, Any]]] = {k: iter(v) for k, v in values.items()}
    chosen = [Case(kind, {"agents": 7}) for kind in values]  # type: ignore[arg-type]
    return run_suite(
        chosen, repeats=repeats, quick=True, say=list, measure=lambda case: next(coming[case.kind])
    )


def engine(us: float, digest: str = "a") -> dict[str, Any]:
    return {
        "agents": 7,
        "microseconds_per_turn": us,
        "cpu_us_per_turn": us + 4,
        "ms": {"feed": us / 2},
        "digest": digest,
    }


def test_medians_and_ranges_over_the_repeats() -> None:
    (found,) = fake({"engine": [engine(3.0), engine(9.0), engine(4.0)]}, repeats=3).cases
    spread = found.figures["microseconds_per_turn"]
    assert (spread.median, spread.least, spread.most) == (4.0, 3.0, 9.0)
    assert found.of("ms")["feed"].median == 2.0
    assert (found.repeats, found.digest, found.label) == (3, "a", "engine 7")


def test_cases_take_turns_and_the_huge_one_comes_once() -> None:
    order: list[str] = []

    def measure(case: Case) -> dict[str, Any]:
        order.append(case.kind)
        return {"agents": 7, "growth": 1.5, "digest": "d"}

    chosen = [Case("history", {}), Case("huge", {})]
    suite = run_suite(chosen, repeats=2, quick=False, say=list, measure=measure)
    assert order == ["history", "huge", "history"]
    assert suite.ratios == {"late by early in history 7": 1.5}


@pytest.mark.parametrize(
    ("kind", "awake"), [("engine", "one in ten awake"), ("flat", "as many awake")]
)
def test_the_cost_of_a_turn_by_size(kind: Kind, awake: str) -> None:
    chosen = [Case(kind, {"agents": n}) for n in (1, 2, 3)]
    costs = {1: 12.0, 2: 8.0, 3: 10.0}
    suite = run_suite(
        chosen,
        repeats=1,
        quick=False,
        say=list,
        measure=lambda case: engine(costs[case.arguments["agents"]]),
    )
    assert suite.ratios == {
        f"dearest by cheapest size, {awake}, clock": 12 / 8,
        f"dearest by cheapest size, {awake}, CPU": 16 / 12,
    }


def test_the_warm_up_of_each_kind_is_what_is_said() -> None:
    for kind, function in _FUNCTIONS.items():
        parameter = signature(resolve_name(function)).parameters.get("warmup")
        if parameter is not None:
            assert parameter.default == WARMUP[kind]
    assert WARMUP["history"] == history.FIRST - 1
    assert WARMUP["mixed"] == mixed._WARMUP
    assert [case.warmup for case in cases(huge=True) if case.kind == "huge"] == [1]
    (found,) = fake({"history": [{"agents": 7, "growth": 1.0, "digest": "a"}]}).cases
    assert asdict(found)["warmup"] == 9


def test_words_are_kept_apart_from_figures() -> None:
    (found,) = fake({"llm": [{"agents": 7, "own_cores": True, "by": "x", "digest": "a"}]}).cases
    assert found.words == {"own_cores": "True", "by": "x"}
    assert set(found.figures) == {"agents"}


def test_repeats_that_differ_are_an_error_even_when_accepting(tmp_path: Path) -> None:
    suite = fake({"engine": [engine(1.0, "a"), engine(1.0, "b")]}, repeats=2)
    assert suite.cases[0].verdict == "REPEATS DIFFER"
    for accepting in (False, True):
        with pytest.raises(RunError, match="different digests: engine agents=7"):
            judge(suite, accepting=accepting, file=tmp_path / "none.json")


def test_a_digest_is_judged_by_the_file_and_can_be_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "digests.json"
    file.write_text('{"other": "x", "engine agents=7": "old"}', encoding="utf-8")
    monkeypatch.setattr("hubbub.cli.bench.suite.expected_digests", lambda: expected_digests(file))
    suite = fake({"engine": [engine(1.0, "new")]})
    assert suite.cases[0].verdict == "WRONG"
    with pytest.raises(RunError, match="hubbub bench --accept"):
        judge(suite, accepting=False, file=file)
    judge(suite, accepting=True, file=file)
    assert expected_digests(file) == {"engine agents=7": "new", "other": "x"}
    again = fake({"engine": [engine(2.0, "new")]})
    assert again.cases[0].verdict == "as expected"
    judge(again, accepting=False, file=file)


def test_what_is_not_on_file_is_no_error() -> None:
    suite = fake({"engine": [engine(1.0)]})
    assert suite.cases[0].verdict == "not on file"
    judge(suite, accepting=False)


def test_a_file_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "digests.json"
    file.write_text("{}", encoding="utf-8")

    def refuse(*args: object, **options: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "write_text", refuse)
    with pytest.raises(RunError, match=r"digests\.json can't be written: Permission denied"):
        accept({"a": "b"}, file)


def test_every_digest_on_file_belongs_to_a_case() -> None:
    known = {case.key for quick in (True, False) for case in cases(quick=quick, huge=True)}
    known |= {f"compare {side} agents={n} steps=3" for side in _OURS for n in (200, 500)}
    assert set(expected_digests()) <= known


def test_sizes() -> None:
    sizes = {case.kind: case.arguments["agents"] for case in cases(huge=True)}
    assert sizes == {
        "engine": 1_000_000,
        "flat": 1_000_000,
        "history": 100_000,
        "million": 1_000_000,
        "mixed": 1_000_000,
        "llm": 1000,
        "huge": 10_000_000,
    }
    assert "huge" not in {case.kind for case in cases()}
    assert all(case.arguments["agents"] <= 20_000 for case in cases(quick=True))


def test_an_error_in_a_process_of_its_own_is_told() -> None:
    with pytest.raises(RunError, match="a long run has 12 steps at least"):
        measured("hubbub.bench.history:bench_history", agents=10, active=0.1, steps=3)


def test_the_command(hubbub: Command, tmp_path: Path) -> None:
    options = ("--quick", "--only", "history", "--repeats", 1, "--out", "figures.json")
    found = hubbub("bench", *options)
    assert found.code == 0, found.err
    assert "1 of 1: history" in found.err
    for words in ("cores", "numba", "late by early", "activation", "commit", "Digests"):
        assert words in found.out
    written = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    assert written["machine"]["cores"] >= 1
    assert written["machine"]["memory_gb"] > 0
    assert set(written["machine"]["versions"]) == {"hubbub", "python", "numpy", "numba", "sqlite"}
    (case,) = written["cases"]
    assert case["figures"]["early_us_per_turn"]["median"] > 0
    assert case["figures"]["late_ms_per_step.feed"]["median"] > 0
    assert case["digest"][:12] in found.out


def test_wrong_places_are_told_before_anything_is_measured(hubbub: Command) -> None:
    found = hubbub("bench", "--out", "nowhere/figures.json")
    assert found.code == 1
    assert "there is no folder nowhere to write figures.json into" in found.err
    found = hubbub("bench", "--scenario", "none.yaml")
    assert found.code == 1
    assert "there is no scenario file none.yaml" in found.err
    assert hubbub("bench", "--only", "speed").code == 2


@pytest.mark.slow
def test_everything_small_is_as_expected(hubbub: Command) -> None:
    found = hubbub("bench", "--quick", "--huge", "--repeats", 2)
    assert found.code == 0, found.err
    assert "not on file" not in found.out
    for words in ("Engine", "A long run", "reading the run", "models among many", "Decisions"):
        assert words in found.out
