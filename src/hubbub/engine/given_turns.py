"""What people ask of a simulation, checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hubbub.actions import Action
from hubbub.errors import ActionError, RunError


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one action: whether it was carried out (`ok`), else the `reason` of refusal.

    `id` is the id of the item, group, agent or product that it created. `result` is what a query
    found, None for any other action:

    - `search_posts`, `trend`: ids of posts, list[int]
    - `search_user`: ids of agents, list[int]
    - `listen_from_group`: a dict of "groups" and their "messages"
    - `refresh`: all that the agent is shown now, an AgentView
    """

    ok: bool
    reason: str
    id: int | None = None
    result: Any = None


class Ask:
    """In `step`: wake the agent and let it decide itself, by its model or policy."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Ask()"


class GivenTurns:
    """The agents that a call of `step` names: `actions` of those it gives actions to.

    `scripted` have given actions, `woken` are awake and decide themselves; both int32, ascending.
    `agents` are both together.
    """

    def __init__(
        self, actions: Mapping[int, Sequence[Action]] | None = None, woken: Iterable[int] = ()
    ) -> None:
        self.actions = dict(actions or {})
        self.scripted = np.array(sorted(self.actions), np.int32)
        self.woken = np.array(sorted(woken), np.int32)
        self.agents: NDArray[np.int32] = np.union1d(self.scripted, self.woken).astype(np.int32)

    @classmethod
    def of(cls, turns: Sequence[tuple[int, Sequence[Action] | Action | Ask]]) -> GivenTurns:
        """Return what `step` was given; ActionError for other values or an agent twice."""
        if len({agent for agent, _ in turns}) < len(turns):
            raise ActionError("step was given the same agent by id and by user name")
        woken = [agent for agent, turn in turns if isinstance(turn, Ask)]
        scripted = {agent: _turn_of(turn) for agent, turn in turns if not isinstance(turn, Ask)}
        return cls(scripted, woken)


def whole_steps(steps: int) -> int:
    """Return a number of steps; RunError if it is none."""
    if not isinstance(steps, int) or isinstance(steps, bool) or steps < 0:
        raise RunError(f"a number of steps must be a whole number from 0 on, not {steps!r}")
    return steps


def _turn_of(actions: Sequence[Action] | Action) -> Sequence[Action]:
    """Return an agent's actions in a step; ActionError for anything else."""
    turn = [actions] if isinstance(actions, Action) else list(actions)
    wrong = next((a for a in turn if not isinstance(a, Action)), None)
    if wrong is not None:
        raise ActionError(
            f"step takes actions such as hb.Action('trend'), or hb.Ask(), not {wrong!r}"
        )
    return turn
