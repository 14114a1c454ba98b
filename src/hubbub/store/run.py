"""A run's folder: scenario.yaml, run.db and a lock."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import numpy as np

from hubbub.config.text import dump
from hubbub.errors import RunError, StoreError
from hubbub.store import spending
from hubbub.store.answers import AnswerRow, write_answers
from hubbub.store.check import content_digest
from hubbub.store.checkpoint import Checkpoints
from hubbub.store.codec import Committed
from hubbub.store.commits import Commits
from hubbub.store.completions import (
    CompletionRow,
    KeptCalls,
    Record,
    write_completions,
)
from hubbub.store.contents import Contents
from hubbub.store.database import Database, Lock
from hubbub.store.folder import DATABASE, LOCK, SCENARIO, check_format, new_folder
from hubbub.store.reader import read_parts, read_tail
from hubbub.store.schema import Layout
from hubbub.store.writer import POPULATION, Gathered, Tail, gather, write_part, write_start
from hubbub.time.clock import steps_as_times
from hubbub.world import Events, Slate, World


class RunStore(Contents):
    """The durable form of a run. Every commit is one transaction: a crash loses it whole, or not.

    A commit is written by a thread, so that the world may move on meanwhile; whoever reads waits
    until it is whole. If it fails, whoever asks for anything is told, until `reread`: what was
    asked of the world meanwhile may be of a step that is not in the file. Readers may look at a run
    while another process writes it.
    """

    def __init__(
        self, database: Database, folder: Path | None, layout: Layout, tail: Tail, lock: Lock | None
    ) -> None:
        self._database = database
        (told,) = database.rows("SELECT value FROM meta WHERE key = 'scenario'")
        scenario = json.loads(told[0])
        every = int(scenario.get("store", {}).get("checkpoint_events", 0))
        self._checkpoints = Checkpoints(folder, every)
        self._commits = Commits(tail)
        self.folder = folder
        self.layout = layout
        self._lock = lock
        self.complete_slates = bool(scenario.get("store", {}).get("slates", True))
        self._moment = steps_as_times(scenario)

    @classmethod
    def create(
        cls,
        folder: Path | None,
        scenario_json: str,
        population_blobs: dict[str, bytes],
        world: World,
    ) -> Self:
        """Begin a run in a new or empty folder, or in memory if `folder` is None.

        `world` is the world before anything happened. RunError for a folder with anything in it.
        """
        path = None if folder is None else new_folder(folder) / DATABASE
        lock = None if path is None else Lock(path.with_name(LOCK))
        database = None
        try:
            database = Database(path, "create")
            scenario = json.loads(scenario_json)
            rows = int(scenario.get("store", {}).get("relation_rows", 5_000_000))
            with database.transaction():
                layout, tail = write_start(
                    database, {"scenario": scenario_json}, population_blobs, world, rows
                )
            store = cls(database, folder, layout, tail, lock)
            store._write_yaml()
        except BaseException as error:  # leave an empty folder, so that one can try again
            if database is not None:
                database.close()
            if lock is not None and path is not None:
                lock.release()
                for left in path.parent.iterdir():
                    left.unlink()
            if isinstance(error, StoreError):
                text = str(error).replace("the run is still at its last whole step", "no run began")
                raise StoreError(text) from error
            raise
        return store

    @classmethod
    def open(cls, folder: Path, *, mode: Literal["read", "write"] = "read") -> Self:
        """Open a run. RunError if there is none, or it is damaged, newer, or being written."""
        folder = Path(folder).parent if Path(folder).name == DATABASE else Path(folder)
        path = folder / DATABASE
        if not path.is_file():
            what = "is not a run: it has no run.db" if path.parent.is_dir() else "does not exist"
            raise RunError(f"{folder} {what}. Give the folder that `hubbub run` made")
        lock = Lock(path.with_name(LOCK)) if mode == "write" else None
        database = None
        try:
            database = Database(path, mode)
            with database.snapshot():
                check_format(database, folder)
                meta = dict(database.rows("SELECT key, value FROM meta"))
                store = cls(
                    database,
                    folder,
                    Layout.from_json(meta["layout"]),
                    read_tail(database, meta),
                    lock,
                )
            if mode == "write":
                store._checkpoints.tidy()
                if not path.with_name(SCENARIO).exists():
                    store._write_yaml()
        except BaseException:
            if database is not None:
                database.close()
            if lock is not None:
                lock.release()
            raise
        return store

    def close(self) -> None:
        """Close the file and let others write it.

        StoreError if the last commit went wrong and nobody was told.
        """
        try:
            self._commits.report()
        finally:
            self._commits.close()
            self._checkpoints.close()
            self._database.close()
            if self._lock is not None:
                self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()

    # -- writing ------------------------------------------------------------------------------

    def commit(
        self,
        world: World,
        step: int,
        events: Events,
        slate: Slate | None,
        *,
        finished: bool,
        completions: Sequence[CompletionRow] = (),
        answers: Sequence[AnswerRow] = (),
        wait: bool = True,
    ) -> None:
        """Write in one transaction what happened since the last: a whole step if `finished`.

        Otherwise these are extra events of the current step, which take its next places.
        `completions` are the calls of models that led to it, `answers` those of surveys held with
        it. StoreError if it can't be written; nothing of it is in the file then. Without `wait`
        the writing goes on afterwards, and the error comes with whatever is asked for, until
        `reread`. ValueError for a step that does not follow what is in the file.
        """
        self.settle()
        tail = self._commits.tail
        if step not in (tail.step, tail.step + 1):
            raise ValueError(f"step {step} does not follow step {tail.step}, the last in the file")
        if slate is not None and not self.complete_slates:
            zeros = np.zeros_like
            slate = Slate(
                slate.agents, slate.offsets, slate.items, zeros(slate.scores), zeros(slate.sources)
            )
        texts = world.texts.since(tail.texts)
        exclusive = bool(world.exclusive_reactions)
        part = Committed(step, events, texts, slate, finished, exclusive)
        time = self._moment(step).isoformat()
        gathered = gather(self.layout, world, part, tail, time=time)
        self._commits.begin(partial(self._write, gathered, completions, answers))
        if wait:
            try:
                self.settle()
            except BaseException:  # an interrupt leaves it under way; else who must know does
                if self._commits.failed:
                    self._commits.forget()
                raise

    def _write(
        self,
        gathered: Gathered,
        completions: Sequence[CompletionRow],
        answers: Sequence[AnswerRow],
    ) -> Tail:
        with self._database.transaction():
            tail = write_part(self._database, gathered, scores=self.complete_slates)
            self._write_calls(completions, answers)
        return tail

    def settle(self) -> None:
        """Wait until the last commit is in the file; StoreError if it can't be written."""
        try:
            self._commits.settle()
        except BaseException:
            self._checkpoints.forget()
            raise
        self._checkpoints.save(self._commits.tail)

    @property
    def failed(self) -> bool:
        """Whether a commit without `wait` could not be written, and somebody was told.

        The world it was of is ahead of the file then, and of no use. `reread` ends this.
        """
        return self._commits.failed

    @property
    def database(self) -> Database:
        """The file, with all that was committed."""
        self.settle()
        return self._database

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """All reads inside see the run at one moment, while another process may go on writing."""
        with self.database.snapshot():
            yield

    def checkpoint(self, world: World) -> None:
        """Save the world as of the last commit, if enough has happened since the last time.

        It is copied now, and saved by a thread of its own once that commit is in the file.
        """
        if self._checkpoints.due(self._commits.tail.events, world):
            self._checkpoints.take(world)

    def keep(self, completions: Sequence[CompletionRow]) -> None:
        """Write calls of steps that are not whole yet, so that they needn't be made again.

        Kept after an interruption or when a budget is spent, also if the last commit failed. The
        step's own commit replaces them.
        """
        self._commits.wait()
        with self._database.transaction():
            self._write_calls(completions, ())

    def add_answers(
        self, answers: Sequence[AnswerRow], completions: Sequence[CompletionRow] = ()
    ) -> None:
        """Write a survey held between two steps or after the run. The digest stays the same."""
        with self.database.transaction():
            self._write_calls(completions, answers)

    def _write_calls(
        self, completions: Sequence[CompletionRow], answers: Sequence[AnswerRow]
    ) -> None:
        write_completions(self._database, completions)
        spending.add_spent(self._database, completions)
        write_answers(self._database, answers)

    def reread(self) -> None:
        """Look up how far the file is, after an interruption or a commit that failed.

        StoreError if one failed and nobody was told.
        """
        self._checkpoints.forget()
        self._commits.report()
        self._commits.forget()
        self._commits.tail = read_tail(self.database, self.meta())

    def save_scenario(self, scenario_json: str) -> None:
        """Replace the scenario, for example with more steps."""
        with self.database.transaction():
            self.database.rows("UPDATE meta SET value = ? WHERE key = 'scenario'", scenario_json)
        self._write_yaml()

    def _write_yaml(self) -> None:
        if self.folder is None:
            return
        path = self.folder / SCENARIO
        text = dump(self.scenario())
        try:
            partial = path.with_suffix(".partial")
            partial.write_text(text, encoding="utf-8")
            partial.replace(path)
        except OSError as error:
            raise StoreError(f"{path} cannot be written: {error.strerror}") from error

    # -- reading ------------------------------------------------------------------------------

    @property
    def steps(self) -> int:
        """The last whole step in the file, also if a later commit failed; -1 before step 0."""
        self._commits.wait()
        rows = self._database.rows("SELECT max(step) FROM part WHERE finished = 1")
        return -1 if rows[0][0] is None else int(rows[0][0])

    @property
    def scenario_json(self) -> str:
        """The scenario as JSON."""
        return self.meta()["scenario"]

    def scenario(self) -> dict[str, Any]:
        """Return the scenario as plain values."""
        data: dict[str, Any] = json.loads(self.scenario_json)
        return data

    def meta(self) -> dict[str, str]:
        """Return the table meta: format, scenario, what is kept where."""
        return dict(self.database.rows("SELECT key, value FROM meta"))

    def population_blobs(self) -> dict[str, bytes]:
        """Return the blobs given to `create`."""
        rows = self.database.rows(
            "SELECT name, data FROM bulk WHERE name LIKE ? ORDER BY name", f"{POPULATION}%"
        )
        return {name.removeprefix(POPULATION): data for name, data in rows}

    def replay(self, parts: int = 0) -> Iterator[Committed]:
        """Return exactly what was committed, in order, without the first so many commits."""
        return read_parts(self.database, parts)

    def restore(self, world: World) -> int:
        """Bring a world as its population settled to the last checkpoint.

        Return how many commits it has in it then; 0 if there is no valid checkpoint, and nothing is
        changed.
        """
        return self._checkpoints.load(self.database, world)

    def digest(self) -> str:
        """Return the hash of the run's content, computed from the file; equal for equal runs.

        RunError if the file was altered: the hash of each part is kept with it, and the counters
        must be those that the events add up to.
        """
        with self.database.snapshot():
            return content_digest(self.database, self.layout, self.meta())

    def recorded(self) -> Record:
        """Return the calls of this run, to be found by address or by request."""
        return Record(self.database)

    def kept(self) -> KeptCalls:
        """Return the calls that were kept from a step or a survey that was cut off."""
        return KeptCalls(lambda: self.database)
