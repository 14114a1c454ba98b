"""Running a study: its trials in parallel processes, none of them twice."""

from __future__ import annotations

import json
import multiprocessing
import sys
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path

import hubbub
from hubbub.config.user_code import blamed_on
from hubbub.cores import usable_cores
from hubbub.errors import HubbubError, RunError, ScenarioError, StoreError
from hubbub.studies import trial_process as worker
from hubbub.studies.file_hashes import content_of
from hubbub.studies.study import Study
from hubbub.studies.study_folder import StudyFolder, assemble
from hubbub.studies.trials import Results, StudyOptions, Trial

#: Errors of trials that are told one by one.
_TOLD = 5


class StudyHook:
    """Follows a study. Every method does nothing; override those you need.

    Hooks are called in order, in the process that called `run_study`.
    """

    def began(self, total: int, kept: int) -> None:
        """React when the study begins: of its `total` trials, `kept` were done before."""

    def finished(self, trial: Trial) -> None:
        """React after each trial, when its outcome is kept. Not for one that failed."""

    def ended(self, error: BaseException | None) -> None:
        """React when the study ends, in any case; `error` is what cut it off."""


def run_study(
    study: Study,
    options: StudyOptions,
    folder: Path | str,
    *,
    processes: int | None = None,
    hooks: Sequence[StudyHook] = (),
) -> Results:
    """Run the trials that are not in the folder yet, write the results there and return them.

    The results are the same whatever the number of `processes` (default: the cores; 1 runs the
    trials in this process) and however often the study was killed and started again. Trials that
    ask language models run in this process, one after the other. An interruption
    (KeyboardInterrupt) ends the trials under way; those that are done are kept. RunError names the
    trials that ended in an error, after all others are done; with language models after the first,
    as it costs time and money to see the next one end in the same way. ScenarioError for inputs and
    flags that the study does not take.
    """
    _check_taken(study, options)
    trials = study.trials(options)
    keys = _keys(study, trials, options)
    kept = StudyFolder.begin(Path(folder), study, options)
    missing = {key: trial for key, trial in zip(keys, trials, strict=True) if not kept.has(key)}
    with_models = _ask_models(study, trials, options)
    most = 1 if with_models else processes or usable_cores()
    processes = min(most, len(missing))
    run = _one_by_one if processes <= 1 else _in_parallel
    errors: list[str] = []
    with (
        _followed(hooks, len(trials), len(trials) - len(missing)),
        closing(run(_Work(study, options, kept), missing, processes)) as done,
    ):
        for trial, error in done:
            if error is not None:
                errors.append(f"{_name(trial)}: {error}")
                if with_models:
                    break
                continue
            for hook in hooks:
                hook.finished(trial)
        if errors:
            raise RunError(_told(errors, sum(map(kept.has, keys)), len(trials)))
        results = assemble(trials, map(kept.outcome, keys))
        kept.write_results(results)
    return results


@contextmanager
def _followed(hooks: Sequence[StudyHook], total: int, kept: int) -> Iterator[None]:
    """Call the hooks at the beginning and at the end of a study."""
    for hook in hooks:
        if not isinstance(hook, StudyHook):
            raise TypeError(f"{hook!r} is not a hook: derive its class from StudyHook")
    error: BaseException | None = None
    try:
        for hook in hooks:
            hook.began(total, kept)
        yield
    except BaseException as caught:
        error = caught
        raise
    finally:
        for hook in hooks:
            hook.ended(error)


class _Work:
    """Runs a trial and keeps its outcome, in any process."""

    def __init__(self, study: Study, options: StudyOptions, folder: StudyFolder) -> None:
        self._study = study
        self._options = options
        self._folder = folder

    def __call__(self, key: str, trial: Trial) -> str | None:
        """Return the message of an error meant for people; other errors are raised."""
        with blamed_on(f"the trial of {_name(trial)}"):
            try:
                outcome = self._study.run(trial, self._options)
                self._folder.keep(key, trial, outcome)
            except StoreError:
                raise
            except HubbubError as error:
                return str(error)
        return None


_Done = Generator[tuple[Trial, str | None]]


def _one_by_one(work: _Work, trials: Mapping[str, Trial], processes: int) -> _Done:
    for key, trial in trials.items():
        yield trial, work(key, trial)


def _in_parallel(work: _Work, trials: Mapping[str, Trial], processes: int) -> _Done:
    """Run trials in other processes; no more are handed out than are under way."""
    waiting = iter(trials.items())
    under_way: dict[Future[str | None], Trial] = {}
    with _pool(processes) as pool:
        try:
            while True:
                while len(under_way) < processes and (task := next(waiting, None)):
                    under_way[pool.submit(work, *task)] = task[1]
                if not under_way:
                    return
                for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                    yield under_way.pop(future), future.result()
        except BrokenProcessPool:
            raise RunError(
                "a process that ran trials was ended from outside, perhaps for want of memory; "
                "what is done is kept: run the study again, perhaps with fewer --processes"
            ) from None


@contextmanager
def _pool(processes: int) -> Iterator[ProcessPoolExecutor]:
    """Give a pool of fresh processes; those still busy at the end are terminated."""
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(
        processes,
        multiprocessing.get_context("spawn"),
        initializer=worker.begin,
        initargs=(str(Path.cwd()),),
    )
    try:
        yield pool
        pool.shutdown()
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in set(multiprocessing.active_children()) - others:
            process.terminate()
            process.join()
        raise


def _check_taken(study: Study, options: StudyOptions) -> None:
    unknown = sorted({*options.inputs, *options.flags} - study.takes)
    if unknown:
        given = " and ".join(f"--{name.replace('_', '-')}" for name in unknown)
        raise ScenarioError(f"the study '{study.name}' does not take {given}")


def _keys(study: Study, trials: Sequence[Trial], options: StudyOptions) -> list[str]:
    """Return the hashes under which outcomes are kept: of all that they depend on.

    The budget is left out: where it was not enough there is no outcome, and with a larger one the
    study goes on.
    """
    overrides = {k: v for k, v in options.overrides.items() if k.partition(".")[0] != "budget"}
    if len(overrides) < len(options.overrides):
        trials = study.trials(replace(options, overrides=overrides))
    given = [
        hubbub.__version__,
        overrides,
        sorted(options.flags),
        {name: content_of(path) for name, path in options.inputs.items()},
        *_code(study),
    ]
    text = json.dumps(given, sort_keys=True, allow_nan=False)
    keys = [
        blake2b(f"{text}{trial.key(study.name, study.version)}".encode(), digest_size=16)
        .hexdigest()
        for trial in trials
    ]  # fmt: skip
    if len(set(keys)) < len(keys):
        raise ValueError(f"two trials of the study '{study.name}' are the same")
    return keys


def _code(study: Study) -> list[str]:
    """Return the hash of a custom study's file; nothing for hubbub's own, or without a file."""
    module = type(study).__module__
    file = getattr(sys.modules.get(module), "__file__", None)
    if module.partition(".")[0] == "hubbub" or file is None:
        return []
    return [content_of(Path(file))]


def _ask_models(study: Study, trials: Sequence[Trial], options: StudyOptions) -> bool:
    """Return whether the options or the scenario of a trial name language models."""
    if any(name.partition(".")[0] == "models" for name in options.overrides):
        return True
    kept = [trial.settings.get("scenario") for trial in trials]
    if any(isinstance(one, Mapping) and one.get("models") for one in kept):
        return True
    first = {trial.arm: trial for trial in trials if trial.arm in study.arms}.values()
    scenarios = [study.scenario(trial, options) for trial in first]
    return any(one is not None and one.models for one in scenarios)


def _name(trial: Trial) -> str:
    return f"arm '{trial.arm}', replicate {trial.replicate}, seed {trial.seed}"


def _told(errors: Sequence[str], kept: int, trials: int) -> str:
    first = "\n".join(f"  {error}" for error in errors[:_TOLD])
    more = f"\n  and {len(errors) - _TOLD:,} more" if len(errors) > _TOLD else ""
    rest = "the others are kept" if kept + len(errors) == trials else f"{kept:,} are kept"
    return f"{len(errors):,} of {trials:,} trials failed; {rest}:\n{first}{more}"
