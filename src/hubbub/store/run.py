"""A run's folder: scenario.yaml, run.db and a lock."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from hubbub.actions.batch import SCALE
from hubbub.config.text import dump
from hubbub.errors import RunError, StoreError
from hubbub.store import arrow_tables as tables
from hubbub.store import opinions, spending
from hubbub.store.answers import AnswerRow, answer_tables, surveys_held, write_answers
from hubbub.store.check import content_digest
from hubbub.store.checkpoint import Checkpoints
from hubbub.store.codec import Committed
from hubbub.store.commits import Commits
from hubbub.store.completions import (
    CompletionRow,
    KeptCalls,
    Record,
    completion_tables,
    write_completions,
)
from hubbub.store.database import Database, Lock
from hubbub.store.folder import DATABASE, LOCK, SCENARIO, check_format, new_folder
from hubbub.store.reader import read_parts, read_tail
from hubbub.store.schema import Layout
from hubbub.store.spending import ModelSpending, Spent
from hubbub.store.table import Table
from hubbub.store.writer import POPULATION, Gathered, Tail, gather, write_part, write_start
from hubbub.time.clock import steps_as_times
from hubbub.world import Events, Slate, World


class RunStore:
    """A run on disk or in memory: open it with `RunStore.open`, or take that of a simulation.

    Use it in a `with` block, or close it. A run may be read while another process writes it. Every
    commit is one transaction: a crash keeps or loses it whole.
    """

    # A thread writes a commit, so that the world may move on; every read waits until it is written.
    # If it fails, every read raises the error until `reread`: the world may be ahead of the file.

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
    def open(cls, folder: Path | str, *, mode: Literal["read", "write"] = "read") -> Self:
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
        """Close the file and release its lock.

        StoreError if the last commit failed and the error was not raised yet.
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

        Otherwise these are extra events of the current step, which follow its others.
        `completions` are the calls of models that led to it, `answers` those of surveys held with
        it. StoreError if it cannot be written; then nothing of it is in the file. Without `wait`
        the writing goes on afterwards, and every later call raises its error until `reread`.
        ValueError for a step that does not follow the last one in the file.
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
        """Wait until the last commit is in the file; StoreError if it cannot be written."""
        try:
            self._commits.settle()
        except BaseException:
            self._checkpoints.forget()
            raise
        self._checkpoints.save(self._commits.tail)

    @property
    def failed(self) -> bool:
        """Whether a commit without `wait` failed, and the error was raised.

        The world is then ahead of the file, and cannot be used. `reread` ends this state.
        """
        return self._commits.failed

    @property
    def database(self) -> Database:
        """The file, with everything that was committed."""
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
        """Write calls of unfinished steps, so that they need not be made again.

        Used after an interruption or when a budget is spent, even if the last commit failed. The
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
        """Read how far the file is, after an interruption or a commit that failed.

        StoreError if one failed and the error was not raised yet.
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
        """Yield exactly what was committed, in order, without the first `done` commits."""
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

    # -- tables -------------------------------------------------------------------------------

    def events(self) -> Table:
        """Return what happened: one row per action, accepted or refused."""
        return Table(tables.events(self.database))

    def posts(self) -> Table:
        """Return posts, reposts and quotes with their counters."""
        return Table(tables.posts(self.database, self.layout))

    def comments(self) -> Table:
        """Return comments with their counters."""
        return Table(tables.comments(self.database, self.layout))

    def items(self) -> Table:
        """Return everything written: posts, reposts, quotes, comments, messages."""
        return Table(tables.items(self.database, self.layout))

    def agents(self) -> Table:
        """Return the agents with their profiles and counters."""
        return Table(tables.agents(self.database, self.layout))

    def steps_table(self) -> Table:
        """Return the whole steps: when each begins (UTC), who was active, how many events."""
        return Table(tables.steps(self.database))

    def opinions(self, *, changes_only: bool = False) -> Table:
        """Return what agents think of topics: step, agent, topic, value in [-1, 1].

        First all opinions at the start (step 0) or at signing up, then each change in its step;
        `changes_only` leaves out the first. An agent's opinion after a step is its
        last row up to that step; `opinions_at` has those of all agents.
        """
        parts = opinions.opinion_tables(self.database, changes_only=changes_only)
        return Table(pa.concat_tables([opinions.SCHEMA.empty_table(), *parts]))

    def opinions_at(self, step: int | None = None) -> NDArray[np.float32]:
        """Return all opinions after a step (the last, if None), float32[agents, topics].

        A row for each agent that had joined by then; columns in the order of the scenario's topics.
        """
        with self.database.snapshot():
            values = opinions.opinions_at(self.database, step)
        return values.astype(np.float32) / np.float32(SCALE)

    def opinions_over(self, steps: Iterable[int]) -> Iterator[NDArray[np.float32]]:
        """Yield `opinions_at` each of the steps; if they ascend, each change is read once."""
        for values in opinions.opinions_over(self.database, steps):
            yield values.astype(np.float32) / np.float32(SCALE)

    def slates(self) -> Table:
        """Return who was shown what: step, agent, position, item, source, score."""
        return Table(tables.slates(self.database, complete=self.complete_slates))

    def relations(self) -> Table:
        """Return the current relations: kind, left, right, and the step in which they were made."""
        return Table(tables.relations(self.database))

    def reactions(self) -> Table:
        """Return the current reactions: kind, agent, item, and the step in which they were made."""
        return Table(tables.reactions(self.database))

    # -- language models ----------------------------------------------------------------------

    def completions(self) -> Table:
        """Return the calls of language models with their prompts and replies."""
        return Table(pa.concat_tables(completion_tables(self.database)))

    def answers(self) -> Table:
        """Return the answers to surveys: a row per agent and question."""
        return Table(pa.concat_tables(answer_tables(self.database)))

    def surveys_held(self) -> set[tuple[str, int]]:
        """Return the names of surveys and the steps after which they were held."""
        return surveys_held(self.database)

    def spent(self) -> Spent:
        """Return what the run has spent: requests, tokens, money. Recorded replies are free."""
        return spending.read_spent(self.database)

    def usage(self) -> list[ModelSpending]:
        """Return the calls, tokens, cost, latencies and failures of each model."""
        return spending.usage(self.database)
