"""`hubbub bench compare oasis`: the same work by both, in turns, and the ratios."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import typer

from hubbub.bench.machine import Machine, this_machine
from hubbub.bench.oasis import Side, oasis_side, write_profiles
from hubbub.bench.oasis_env import VERSION, oasis_python
from hubbub.cli.bench.all import check_out
from hubbub.cli.bench.digests import FILE, accept, expected_digests
from hubbub.cli.bench.process import measured
from hubbub.cli.bench.suite import Spread, Verdict, spread, verdict
from hubbub.cli.bench.tables import in_words, machine_in_words
from hubbub.cli.screen import console, table
from hubbub.errors import RunError
from hubbub.llm.weights import cache_folder

#: Whether more of a figure is better, for the ratio that is in favour of hubbub.
_FIGURES = {
    "ms_per_agent": ("ms to make an agent", False),
    "cpu_ms_per_agent": ("ms of CPU to make an agent", False),
    "turns_per_second": ("agent-turns per second", True),
    "cpu_us_per_turn": ("us of CPU per turn", False),
    "peak_mb": ("peak memory, MB", False),
    "grown_mb": ("memory grown by, MB", False),
    "disk_mb": ("on disk, MB", False),
    "database_mb": ("of it the database, MB", False),
}
#: Who decides on hubbub's side.
_OURS = {
    "model": "OASIS's models against hubbub's",
    "statistical": "OASIS's models against hubbub's statistical policy",
}


@dataclass(frozen=True, slots=True)
class OasisComparison:
    """What was found, by side: `oasis`, `model` and `statistical`.

    `ratios` are by side of ours and figure: how many times better than OASIS, in the same repeat.
    All steps are measured: there is no warm-up, but our kernels are compiled before. `did` counts
    the actions of the first repeat by name; `digests` are those of our runs, `verdicts` whether
    they are the ones on file.
    """

    machine: Machine
    oasis: str
    agents: int
    steps: int
    warmup: int
    repeats: int
    figures: dict[str, dict[str, Spread]]
    ratios: dict[str, dict[str, Spread]]
    did: dict[str, dict[str, int]]
    digests: dict[str, str]
    verdicts: dict[str, Verdict]

    def key(self, side: str) -> str:
        """Return the name under which the digest of a side of ours is kept."""
        return f"compare {side} agents={self.agents} steps={self.steps}"


def compare(
    *,
    agents: int,
    steps: int,
    repeats: int,
    python: Path | None,
    out: Path | None,
    accepting: bool,
) -> None:
    """Set up OASIS if need be, measure both in turns, print the figures, write them to `out`.

    RunError if a run of ours is not the one on file, unless `accepting`: then it goes on file.
    """

    def say(text: str) -> None:
        typer.echo(text, err=True)

    check_out(out)
    there = oasis_python(cache_folder(), say=say, own=python)
    found = measure(there, agents=agents, steps=steps, repeats=repeats, say=say)
    _show(found)
    if out is not None:
        out.write_text(json.dumps(asdict(found), indent=2) + "\n", encoding="utf-8")
        typer.echo(f"\nwrote {out}")
    if accepting:
        accept({found.key(side): digest for side, digest in found.digests.items()}, FILE)
    elif wrong := [found.key(side) for side, v in found.verdicts.items() if v == "WRONG"]:
        raise RunError(
            f"not the digest that is on file: {', '.join(wrong)}. If runs were meant to change:  "
            "hubbub bench compare oasis --accept"
        )


def measure(
    python: Path, *, agents: int, steps: int, repeats: int, say: Callable[[str], None]
) -> OasisComparison:
    """Let both do the work so often, in turns. RunError if hubbub's repeats differ."""
    machine, runs = this_machine(), []
    with TemporaryDirectory(prefix="hubbub-bench-") as work:
        profiles = Path(work) / "profiles.csv"
        write_profiles(profiles, agents)
        for repeat in range(repeats):
            say(f"{repeat + 1} of {repeats}: OASIS ...")
            sides = {"oasis": asdict(oasis_side(python, profiles, steps))}
            for name in _OURS:
                say(f"{repeat + 1} of {repeats}: hubbub, {name} ...")
                sides[name] = _ours(profiles, steps, models=name == "model")
            runs.append(sides)
    for name in _OURS:
        if len({run[name]["digest"] for run in runs}) > 1:
            raise RunError(f"the same run had different digests ({_OURS[name]})")
    figures = {
        side: {name: spread([run[side][name] for run in runs]) for name in _FIGURES}
        for side in runs[0]
    }
    ratios = {side: _ratios(runs, side) for side in _OURS}
    did = {side: run["did"] for side, run in runs[0].items()}
    digests = {side: runs[0][side]["digest"] for side in _OURS}
    found = OasisComparison(
        machine, VERSION, agents, steps, 0, repeats, figures, ratios, did, digests, {}
    )
    on_file = expected_digests(FILE)
    verdicts = {s: verdict([d], on_file.get(found.key(s))) for s, d in digests.items()}
    return replace(found, verdicts=verdicts)


def _ours(profiles: Path, steps: int, *, models: bool) -> dict[str, Any]:
    function = "hubbub.bench.oasis:our_side"
    found = measured(function, profiles=str(profiles), steps=steps, models=models).value
    return asdict(Side(**found))


def _ratios(runs: list[dict[str, dict[str, Any]]], side: str) -> dict[str, Spread]:
    """Return by figure how many times better this side is than OASIS; without those that are 0."""
    ratios = {}
    for name, (_, more) in _FIGURES.items():
        pairs = [(run["oasis"][name], run[side][name]) for run in runs]
        if all(min(pair) > 0 for pair in pairs):
            ratios[name] = spread([b / a if more else a / b for a, b in pairs])
    return ratios


def _show(found: OasisComparison) -> None:
    screen = console()
    screen.print(machine_in_words(found.machine), soft_wrap=True)
    screen.print(
        f"{found.agents:,} agents of one profile file, all awake in each of {found.steps} steps; "
        "models are stand-ins that answer at once; slates have up to three posts of followees and "
        "two at random. All steps are measured, without warm-up steps; hubbub's kernels are "
        "compiled before.",
        soft_wrap=True,
    )
    for side, ours in _OURS.items():
        rows = [
            (
                words,
                in_words(found.figures["oasis"][name]),
                in_words(found.figures[side][name]),
                in_words(found.ratios[side][name]) if name in found.ratios[side] else "",
            )
            for name, (words, _) in _FIGURES.items()
        ]
        headers = ("figure", f"OASIS {VERSION}", "hubbub", "times")
        table(screen, f"{ours}; medians of {found.repeats} (least - most)", headers, rows)
    names = sorted({name for did in found.did.values() for name in did})
    rows_did = [(name, *(did.get(name, 0) for did in found.did.values())) for name in names]
    turns = ("turns", *(found.agents * found.steps for _ in found.did))
    sides = [f"OASIS {VERSION}", *(f"hubbub, {side}" for side in _OURS)]
    table(screen, "What was done, in the first repeat", ("action", *sides), [*rows_did, turns])
    kept = [(side, found.digests[side], found.verdicts[side]) for side in _OURS]
    table(screen, "Digests", ("run", "digest", "verdict"), kept)
