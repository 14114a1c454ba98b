"""Running in the terminal: an orderly start and stop, and a summary."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from shlex import quote
from types import FrameType
from typing import Any

import typer

from hubbub.analysis import summarise
from hubbub.cli.inspect_run import print_summary
from hubbub.cli.progress import RunProgress
from hubbub.cli.screen import clean, console
from hubbub.cli.user_code import look_beside
from hubbub.config import Scenario, load_scenario, without_models
from hubbub.config.scenario import SyntheticConfig
from hubbub.engine import Simulation
from hubbub.errors import RunError
from hubbub.policy.conditions import matching
from hubbub.store import RunStore

#: The exit code of a command that was interrupted (128 + SIGINT).
INTERRUPTED = 130
_NOTES = 5
#: A run warns of a model if more than this share of its calls have no reply.
_LOST = 0.05


def start(
    path: Path,
    *,
    out: Path | None,
    overrides: Mapping[str, Any],
    replay: Path | None = None,
    only_missing: bool = False,
    models: bool = True,
    workers: str | None = None,
) -> None:
    """Run a scenario file from step 1 into a new folder.

    Replies of language models may come from the record of a run (`replay`); without `models`, the
    statistical policy acts in their place.
    """
    look_beside(path)
    scenario = load_scenario(path, overrides)
    scenario = scenario if models else without_models(scenario)
    out = out or free_folder(scenario.name)
    progress = RunProgress()
    with (
        interruptible(progress, out, "stopped before step 1; nothing is kept") as check,
        _dropped_unless_begun(out),
        Simulation(
            scenario,
            out=out,
            base=path.parent,
            replay=replay,
            only_missing=only_missing,
            workers=workers,
            hooks=[progress],
        ) as sim,
    ):
        with progress.busy(_making(scenario)):
            sim.reset()
        check()
        _say_notes([*sim.notes, *_groups_of_nobody(sim)], progress)
        progress.say(f"{clean(scenario.name)}: {scenario.steps:,} steps into {out}")
        _run(sim, out, scenario.steps, progress)


def go_on(
    folder: Path,
    steps: int | None,
    *,
    overrides: Mapping[str, Any] | None = None,
    replay: Path | None = None,
    only_missing: bool = False,
    workers: str | None = None,
) -> None:
    """Run on from the last whole step of a run, for `steps` more or to the scenario's end."""
    progress = RunProgress()
    with interruptible(progress, folder, f"stopped; {folder} is as it was") as check:
        with progress.busy(f"reading {folder} ..."):
            resumed = Simulation.resume(
                folder,
                overrides=overrides,
                replay=replay,
                only_missing=only_missing,
                workers=workers,
                hooks=[progress],
            )
        with resumed as sim:
            check()
            last = sim.scenario.steps if steps is None else sim.t + steps
            if sim.t >= last:
                raise RunError(
                    f"{folder} is finished: it has all its {sim.t:,} steps; "
                    f"to extend it, say how far:  hubbub resume {quote(str(folder))} --steps 10"
                )
            if steps is not None:
                sim.extend(steps)
            progress.say(f"{folder}: going on after step {sim.t:,}")
            _run(sim, folder, last, progress)


def free_folder(name: str) -> Path:
    """Return runs/NAME-N with the lowest number N that is free."""
    stem = re.sub(r"[^\w.-]+", "-", name).strip("-.") or "run"
    number = 1
    while (folder := Path("runs") / f"{stem}-{number}").exists():
        number += 1
    return folder


def _making(scenario: Scenario) -> str:
    people = scenario.population
    if people.file is not None:
        return f"reading {people.file} ..."
    if people.records is not None:
        return f"making {len(people.records):,} agents ..."
    return f"making {(people.synthetic or SyntheticConfig()).agents:,} agents ..."


def _say_notes(notes: Sequence[str], progress: RunProgress) -> None:
    for note in notes[:_NOTES]:
        progress.say(f"note: {clean(note)}")
    if len(notes) > _NOTES:
        progress.say(f"note: and {len(notes) - _NOTES:,} more")


def _groups_of_nobody(sim: Simulation) -> Iterator[str]:
    for g, group in enumerate(sim.scenario.agents):
        if group.where and not matching(sim.world, group.where, 0, len(sim.world.agents)).any():
            driver = group.model or group.policy
            yield f"agents.{g} ({driver}): nobody meets its conditions: {group.where}"


def _run(sim: Simulation, folder: Path, last: int, progress: RunProgress) -> None:
    first, began, store = sim.t, time.perf_counter(), sim.store
    try:
        with _stopped_by_signals(sim, progress):
            sim.run(last - first)
    except KeyboardInterrupt:  # a second Ctrl-C; the step at hand did not happen
        pass
    except BaseException:
        progress.done = _kept(store)
        if progress.done:
            kept = f"{folder} is kept up to step {progress.done:,}. To go on:  hubbub resume "
            progress.say(kept + quote(str(folder)))
        raise
    seconds = time.perf_counter() - began
    done = progress.done = _kept(store)
    if sim.paused is not None:
        _say_paused(sim, sim.paused, folder, last, progress)
    elif done < last:
        if not done:
            raise KeyboardInterrupt
        progress.say(
            f"stopped after step {done:,} of {last:,}; nothing is lost. To go on:  "
            f"hubbub resume {quote(str(folder))}"
        )
        raise typer.Exit(INTERRUPTED)
    screen = console()
    found = summarise(sim.store)
    print_summary(found, sim.store, screen)
    for model in sim.store.usage():
        lost = sum(model.failures.values())
        if lost > _LOST * model.calls:
            progress.say(
                f"warning: {lost:,} of {model.calls:,} calls of the model '{model.model}' brought "
                "no reply; nothing was done in those turns (see Language models)"
            )
    turns, acted = found.active[first:].sum(), found.done[first:].sum()
    screen.print(
        f"\n{done - first:,} steps, {turns:,} turns with {acted:,} actions, in {seconds:.1f} s. "
        f"Look into the run with\n\n    hubbub inspect {quote(str(folder))}",
        soft_wrap=True,
    )


def _kept(store: RunStore) -> int:
    """Return the last step in the file; the last that was shown may be on its way there."""
    try:
        return max(store.steps, 0)
    except RunError:  # it can't be read, which the error on its way tells of
        return 0


def _say_paused(sim: Simulation, why: str, folder: Path, last: int, progress: RunProgress) -> None:
    progress.say(
        f"paused after step {sim.t:,} of {last:,}: {why}. To go on with a larger budget:  "
        f"hubbub resume {quote(str(folder))} {larger_budget(sim)}"
    )


def larger_budget(sim: Simulation) -> str:
    """Return the options that give a run a larger budget."""
    limits = sim.scenario.budget.model_dump(exclude_none=True)
    return " ".join(f"--set budget.{unit}=..." for unit in limits)


@contextmanager
def interruptible(
    progress: RunProgress, folder: Path, untouched: str
) -> Iterator[Callable[[], None]]:
    """Let Ctrl-C and SIGTERM interrupt, and say what an interruption leaves behind.

    That is `untouched` if no step was done. Give a function that interrupts if a signal has come:
    some imports swallow the exception.
    """
    came: list[int] = []

    def handle(number: int, frame: FrameType | None) -> None:
        came.append(number)
        raise KeyboardInterrupt

    def check() -> None:
        if came:
            raise KeyboardInterrupt

    before = {s: signal.signal(s, handle) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield check
    except BaseException as error:  # a signal within an import may end as any error
        if not came and not isinstance(error, KeyboardInterrupt):
            raise
        kept = f"stopped; {folder} is kept up to step {progress.done:,}"
        progress.say(kept if progress.done else untouched)
        raise typer.Exit(INTERRUPTED) from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _stopped_by_signals(sim: Simulation, progress: RunProgress) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end the run at a whole step; a second one ends it at once."""

    def handle(number: int, frame: FrameType | None) -> None:
        sim.stop()
        progress.stopping()
        for again in before:
            signal.signal(again, signal.default_int_handler)

    before = {s: signal.signal(s, handle) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _dropped_unless_begun(folder: Path) -> Iterator[None]:
    """Remove what was written to a new folder if it ends in an error before step 1 is whole."""
    there = folder.exists()
    ours = not there or (folder.is_dir() and not any(folder.iterdir()))
    try:
        yield
    except BaseException:
        if ours and _without_steps(folder):
            for pattern in ("run.db*", "scenario.yaml", "lock"):
                for left in folder.glob(pattern):
                    left.unlink()
        if not there:
            with suppress(OSError):  # not there, or not empty after all
                folder.rmdir()
        raise


def _without_steps(folder: Path) -> bool:
    try:
        with RunStore.open(folder, mode="write") as store:
            return store.steps <= 0
    except RunError:  # nothing was written, or somebody else is writing it
        return False
