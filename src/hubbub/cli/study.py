"""Studies in the terminal: what there is, how far one is, and what it found."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from textwrap import TextWrapper
from typing import get_args

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from hubbub.cli.progress import RunProgress
from hubbub.cli.run import interruptible
from hubbub.cli.screen import clean, console, table
from hubbub.cli.user_code import look_beside
from hubbub.config.text import dump
from hubbub.errors import MissingExtraError, ScenarioError, did_you_mean
from hubbub.studies.catalogue import find_study, studies
from hubbub.studies.report import report
from hubbub.studies.runner import StudyHook, run_study
from hubbub.studies.study import Study
from hubbub.studies.study_folder import StudyFolder
from hubbub.studies.trials import Finding, StudyOptions, Trial, Verdict
from hubbub.studies.verdicts import sentences

#: Seconds of silence at most, where there is no terminal.
_SILENCE = 30.0
#: Columns of the comments in a shown scenario.
_WIDTH = 100
_VERDICTS = get_args(Verdict)


def show_studies() -> None:
    """Print the studies that come with hubbub."""
    screen = console()
    rows = [(study.name, study.title, study.question) for study in studies().values()]
    table(screen, "Studies", ("name", "title", "question"), rows)
    screen.print("\nRun one with\n\n    hubbub study run NAME", soft_wrap=True)


def show_study(name: str, arm: str | None) -> None:
    """Print a study as comments, and the scenario of one of its arms as YAML."""
    look_beside(Path(name))
    study, options = find_study(name), StudyOptions()
    trials = study.trials(options)
    arms = Counter(trial.arm for trial in trials)
    arm = next(iter(arms)) if arm is None else arm
    if arm not in arms:
        raise ScenarioError(
            f"'{study.name}' has no arm '{arm}'{did_you_mean(arm, arms)}; there are "
            + ", ".join(f"'{known}'" for known in arms)
        )
    scenario = study.scenario(next(t for t in trials if t.arm == arm), options)
    predictions = [f"{h.text} [{h.measure}]" for h in study.hypotheses(options)]
    comments = TextWrapper(_WIDTH, initial_indent="# ", subsequent_indent="#   ")
    for paragraph in (
        study.title,
        study.question,
        "",
        "Arms, with the number of replicates:",
        *(f"- {known}: {count}" for known, count in arms.items()),
        "",
        "Predictions, with what is measured:" if predictions else "No predictions.",
        *(f"- {text}" for text in predictions),
        "",
        f"The scenario of '{arm}', replicate 0:" if scenario else f"'{arm}' has no scenario.",
    ):
        typer.echo(comments.fill(clean(paragraph)) or "#")
    if scenario:
        typer.echo(dump(scenario.model_dump(mode="json", exclude_unset=True)), nl=False)


def run(name: str, options: StudyOptions, *, out: Path | None, processes: int | None) -> None:
    """Run a study by name, or one's own by its file; print what it found."""
    look_beside(Path(name))
    study = find_study(name)
    out = out or Path("studies") / study.name
    stopped = f"stopped; finished work is kept in {out}; the same command continues it"
    with interruptible(RunProgress(), out, stopped) as check:
        results = run_study(study, options, out, processes=processes, hooks=[StudyProgress()])
        check()
    findings = list(study.judge(results, options))
    StudyFolder.open(out).write_findings(findings)
    show_findings(study, findings)
    _report(out)


def _report(out: Path) -> None:
    """Write the report, and say where it is; without matplotlib say how to get it."""
    screen = console()
    try:
        screen.print(f"The report is in {report(out)}", soft_wrap=True)
    except MissingExtraError as error:
        screen.print(f"No report: {error}", soft_wrap=True)
    screen.print(f"The numbers are in {out}", soft_wrap=True)


def show_findings(study: Study, findings: Sequence[Finding]) -> None:
    """Print a sentence for each hypothesis, whether or not the predicted effect was found."""
    screen = console()
    if not findings:
        screen.print(
            f"{clean(study.title)}: the study makes no predictions, so nothing was tested",
            soft_wrap=True,
        )
        return
    rows = zip([finding.verdict for finding in findings], sentences(findings), strict=True)
    table(screen, study.title, ("verdict", "prediction and result"), rows)
    counts = Counter(finding.verdict for finding in findings)
    words = ", ".join(f"{counts[verdict]} {verdict}" for verdict in _VERDICTS if counts[verdict])
    screen.print(f"\n{len(findings)} predictions: {words}", soft_wrap=True)


class StudyProgress(StudyHook):
    """A hook that shows how many trials are done: a bar in a terminal, else a few plain lines."""

    def __init__(self) -> None:
        self._screen = console(error=True)
        self._done = self._total = 0
        self._said = time.monotonic()
        self._bar: Progress | None = None

    def began(self, total: int, kept: int) -> None:
        """Show what there is to do."""
        self._total, self._done = total, kept
        before = f", {kept:,} of them done before" if kept else ""
        self._screen.print(f"{total:,} trials{before}", soft_wrap=True)
        if self._screen.is_terminal:
            self._bar = Progress(
                TextColumn("trials"),
                MofNCompleteColumn(),
                BarColumn(bar_width=None),
                TimeRemainingColumn(),
                console=self._screen,
                transient=True,
            )
            self._task = self._bar.add_task("", total=total, completed=kept)
            self._bar.start()

    def ended(self, error: BaseException | None) -> None:
        """Remove the bar."""
        if self._bar:
            self._bar.stop()

    def finished(self, trial: Trial) -> None:
        """Show a finished trial."""
        self._done += 1
        now = time.monotonic()
        if self._bar:
            self._bar.update(self._task, completed=self._done)
        elif self._done % max(1, -(-self._total // 10)) == 0 or now - self._said > _SILENCE:
            self._said = now
            self._screen.print(
                f"{self._done:,} of {self._total:,} trials: arm {clean(trial.arm)}, "
                f"replicate {trial.replicate}",
                soft_wrap=True,
            )
