"""What a run's store holds, as tables and figures."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from hubbub.actions.batch import SCALE
from hubbub.store import arrow_tables as tables
from hubbub.store import opinions, spending
from hubbub.store.answers import answer_tables, surveys_held
from hubbub.store.completions import completion_tables
from hubbub.store.database import Database
from hubbub.store.schema import Layout
from hubbub.store.spending import ModelSpending, Spent


class Contents(ABC):
    """The looking half of a run's store. Errors of a commit that failed come up here, too."""

    layout: Layout
    complete_slates: bool

    @property
    @abstractmethod
    def database(self) -> Database:
        """The file, with all that was committed."""

    def events(self) -> pa.Table:
        """Return what happened: one row per action asked for, accepted or not."""
        return tables.events(self.database)

    def posts(self) -> pa.Table:
        """Return posts, reposts and quotes with their counters."""
        return tables.posts(self.database, self.layout)

    def comments(self) -> pa.Table:
        """Return comments with their counters."""
        return tables.comments(self.database, self.layout)

    def items(self) -> pa.Table:
        """Return everything written: posts, reposts, quotes, comments, messages."""
        return tables.items(self.database, self.layout)

    def agents(self) -> pa.Table:
        """Return the agents with their profiles and counters."""
        return tables.agents(self.database, self.layout)

    def steps_table(self) -> pa.Table:
        """Return the whole steps: when each begins (UTC), who was active, how many events."""
        return tables.steps(self.database)

    def opinions(self, *, changes_only: bool = False) -> pa.Table:
        """Return what agents think of topics: step, agent, topic, value in [-1, 1].

        All opinions at the start (step 0) or at signing up, then each change in the step in which
        it came about; `changes_only` leaves out the first. An agent's opinion after a step is its
        last row up to that step; `opinions_at` has those of all agents.
        """
        parts = opinions.opinion_tables(self.database, changes_only=changes_only)
        return pa.concat_tables([opinions.SCHEMA.empty_table(), *parts])

    def opinions_at(self, step: int | None = None) -> NDArray[np.float32]:
        """Return all opinions after a step (the last, if None), float32[agents, topics].

        A row for each agent that had joined by then; columns in the order of the scenario's topics.
        """
        with self.database.snapshot():
            values = opinions.opinions_at(self.database, step)
        return values.astype(np.float32) / np.float32(SCALE)

    def opinions_over(self, steps: Iterable[int]) -> Iterator[NDArray[np.float32]]:
        """Return `opinions_at` each of the steps; where they ascend, each change is read once."""
        for values in opinions.opinions_over(self.database, steps):
            yield values.astype(np.float32) / np.float32(SCALE)

    def slates(self) -> pa.Table:
        """Return who was shown what: step, agent, position, item, source, score."""
        return tables.slates(self.database, complete=self.complete_slates)

    def relations(self) -> pa.Table:
        """Return the relations that stand: kind, left, right, and the step they date from."""
        return tables.relations(self.database)

    def reactions(self) -> pa.Table:
        """Return the reactions that stand: kind, agent, item, and the step they date from."""
        return tables.reactions(self.database)

    # -- language models ----------------------------------------------------------------------

    def completions(self) -> pa.Table:
        """Return the calls of language models with their prompts and replies."""
        return pa.concat_tables(completion_tables(self.database))

    def answers(self) -> pa.Table:
        """Return the answers to surveys: a row per agent and question."""
        return pa.concat_tables(answer_tables(self.database))

    def surveys_held(self) -> set[tuple[str, int]]:
        """Return the names of surveys and the steps after which they were held."""
        return surveys_held(self.database)

    def spent(self) -> Spent:
        """Return what the run has spent: requests, tokens, money. A record's replies are free."""
        return spending.read_spent(self.database)

    def usage(self) -> list[ModelSpending]:
        """Return the calls, tokens, cost, latencies and failures of each model."""
        return spending.usage(self.database)
