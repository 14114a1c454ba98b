"""What a simulation shows of itself. Looking leaves no trace."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hubbub.engine.query_answers import answer
from hubbub.engine.society import Society
from hubbub.errors import ActionError
from hubbub.feed import Explained
from hubbub.platform import Platform
from hubbub.policy import AgentView
from hubbub.store import RunStore, export_run
from hubbub.store.table import Table
from hubbub.world import World

if TYPE_CHECKING:
    from hubbub.engine.models.session import ModelSession
    from hubbub.llm.usage import ModelUsage


class Looking(ABC):
    """The reading half of a simulation."""

    _store: RunStore | None
    _models: ModelSession

    @abstractmethod
    def _ready(self) -> Society:
        """Return the society, begun or resumed if need be."""

    @property
    def t(self) -> int:
        """The last finished step; 0 before the first."""
        return self.world.step

    @property
    def world(self) -> World:
        """The world as it stands. Read it; only actions change it."""
        return self._ready().world

    @property
    def platform(self) -> Platform:
        """The rules in force: which actions are switched on, how long a text may be."""
        return self._ready().decider.platform

    @property
    def store(self) -> RunStore:
        """The store of this run."""
        self._ready()
        assert self._store is not None  # noqa: S101 - made by reset
        return self._store

    def events(self) -> Table:
        """Return what happened, one row per action asked for, accepted or not."""
        return Table(self.store.events())

    def posts(self) -> Table:
        """Return posts, reposts and quotes with their counters."""
        return Table(self.store.posts())

    def agents(self) -> Table:
        """Return the agents with their profiles and counters."""
        return Table(self.store.agents())

    def show(self, agent: int | str) -> AgentView:
        """Return what an agent would be shown if it woke now. Looking leaves no trace."""
        society = self._ready()
        return society.decider.show(self._agent(agent))

    def look_up(self, agent: int | str, name: str, /, **args: Any) -> Any:
        """Return what a query action would find now, as Outcome.result. Looking leaves no trace.

        None for an action that is no query.
        """
        society = self._ready()
        return answer(society, self._agent(agent), name, args)

    def explain(self, agent: int | str) -> list[Explained]:
        """Return every candidate of an agent's next slate: shown, or why not, and its score."""
        society = self._ready()
        return society.decider.explain(self._agent(agent))

    def digest(self) -> str:
        """Return the hash of the run's content; equal for equal runs."""
        return self.store.digest()

    def export(self, format: str, out: Path | str) -> None:  # noqa: A002 - the public word
        """Write the run as `oasis` (SQLite), `parquet` or `graphml` to `out`."""
        export_run(self.store, format, Path(out))

    def completions(self) -> Table:
        """Return the calls of language models: prompt, reply, tokens, latency, cost."""
        return Table(self.store.completions())

    def usage(self) -> dict[str, ModelUsage]:
        """Return how each model and its endpoints have done since it was opened, by its name."""
        return self._models.usage()

    def answers(self) -> Table:
        """Return what agents answered in surveys and interviews."""
        return Table(self.store.answers())

    def _agent(self, agent: int | str) -> int:
        """Return the id of an agent given by id or user name; ActionError if there is none."""
        world = self.world
        if isinstance(agent, str):
            found = world.profiles.find(agent)
            if found is None:
                raise ActionError(f"there is no agent with the user name '{agent}'")
            return found
        last = len(world.agents) - 1
        whole = isinstance(agent, int | np.integer) and not isinstance(agent, bool)
        if not whole or not 0 <= agent <= last:
            raise ActionError(f"there is no agent {agent!r}; ids go from 0 to {last}")
        return int(agent)
