"""Fitting parameters to real data, in the terminal."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from hubbub.cli.progress import RunProgress
from hubbub.cli.run import interruptible
from hubbub.cli.screen import console, table
from hubbub.cli.study import StudyProgress
from hubbub.errors import RunError
from hubbub.studies.cascade_files import read_cascades
from hubbub.studies.propagation.fit import fit
from hubbub.studies.propagation.report import FITTED, error_table
from hubbub.studies.propagation.study import HELD_OUT, study
from hubbub.studies.runner import run_study
from hubbub.studies.trials import StudyOptions


def calibrate(
    folder: Path, out: Path, *, only_oasis: bool, replicates: int, processes: int | None
) -> None:
    """Print the held-out error, fit to all cascades of the folder, and write the parameters."""
    flags = {HELD_OUT, "only_oasis"} if only_oasis else {HELD_OUT}
    options = StudyOptions(replicates, inputs={"cascades": folder}, flags=frozenset(flags))
    cascades = read_cascades(folder, only_oasis=only_oasis)
    pace = fit(cascades)
    trials = out.with_name(f"{out.name}.trials")
    stopped = f"stopped; finished work is kept in {trials}; the same command continues it"
    with interruptible(RunProgress(), trials, stopped) as check:
        results = run_study(study(), options, trials, processes=processes, hooks=[StudyProgress()])
        check()
    found = error_table(results)
    rows = [
        (r["arm"], r["measure"], f"{r['mean']:.3f}", f"{r['low']:.3f} to {r['high']:.3f}")
        for r in found.to_pylist()
    ]
    table(
        console(),
        f"Error over {len(cascades)} cascades, each predicted from others",
        ("prediction", "measure", "mean error", "95 % interval"),
        rows,
    )
    try:
        out.write_text(_file(pace.model_dump(mode="json"), found, len(cascades)), encoding="utf-8")
    except OSError as error:
        raise RunError(f"{out} cannot be written: {error.strerror}") from None
    console().print(f"The parameters, fitted to all of them, are in {out}", soft_wrap=True)


def _file(pace: dict[str, object], found: pa.Table, count: int) -> str:
    """Return the parameters as YAML, with their error on cascades they were not fitted to."""
    held_out = [r for r in found.to_pylist() if r["arm"] == FITTED]
    notes = [
        f"#   {r['measure']}: {r['mean']:.3f} ({r['low']:.3f} to {r['high']:.3f})" for r in held_out
    ]
    lines = [
        f"# Fitted by 'hubbub calibrate propagation' to {count} cascades. Mean error (95 % "
        "interval)",
        "# where each was predicted from the others:",
        *notes,
        "pace:",
        *(f"  {name}: {value}" for name, value in pace.items()),
    ]
    return "\n".join(lines) + "\n"
