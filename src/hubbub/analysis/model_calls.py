"""What language models did in a run: their calls, cost, and what they said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from hubbub.store import RunStore
from hubbub.store.read import agents, events, model_calls
from hubbub.store.read.model_calls import Exchange
from hubbub.store.spending import ModelSpending

#: Turns examined for each one that is given as an example.
_LOOKED_AT = 4


@dataclass(frozen=True, slots=True)
class ModelFigures:
    """One model in a run.

    Of its `calls`, `replies` got a reply and the others are in `failures`, by kind; `recorded` were
    answered from a record. `retries` are attempts beyond the first of each call that was made.
    `cached_share` is the share of prompt tokens that the endpoints had cached, 0 to 1. `latency`
    holds the percentiles 50, 90 and 99 in seconds of calls with a reply, None without any.
    """

    model: str
    calls: int
    replies: int
    failures: dict[str, int]
    recorded: int
    retries: int
    prompt_tokens: int
    cached_share: float
    reply_tokens: int
    cost: float
    latency: tuple[float, float, float] | None

    @classmethod
    def of(cls, spent: ModelSpending) -> ModelFigures:
        """Return the figures of a model's calls."""
        made = spent.calls - spent.recorded
        timed = (spent.latency_p50, spent.latency_p90, spent.latency_p99)
        return cls(
            model=spent.model,
            calls=spent.calls,
            replies=spent.replies,
            failures=spent.failures,
            recorded=spent.recorded,
            retries=spent.attempts - made,
            prompt_tokens=spent.prompt_tokens,
            cached_share=spent.cached_tokens / max(spent.prompt_tokens, 1),
            reply_tokens=spent.completion_tokens,
            cost=spent.cost,
            latency=timed if made and any(timed) else None,
        )


@dataclass(frozen=True, slots=True)
class TurnAction:
    """One action of an agent's turn: `target` is -1 for none, `text` what the agent wrote with it.

    `reason` is ok, or why it was refused.
    """

    action: str
    target: int
    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Said:
    """A turn of an agent that a model drives: its last reply for actions, and the actions."""

    step: int
    agent: int
    user_name: str
    model: str
    reply: str
    actions: tuple[TurnAction, ...]


def model_figures(store: RunStore) -> list[ModelFigures]:
    """Return the figures of each model that was called, in the order of their names."""
    return [ModelFigures.of(spent) for spent in store.usage()]


def said(store: RunStore, count: int = 5) -> list[Said]:
    """Return up to `count` turns that models replied to, from all over the run, by step.

    Turns in which something was written come first; turns of unfinished steps are left out.
    """
    begun = model_calls.turns(store)
    turns = [t for turn in _spread(begun, count * _LOOKED_AT) for t in _said(store, *turn)]
    wrote = [t for t in turns if any(d.text and d.reason == "ok" for d in t.actions)]
    others = [t for t in turns if t not in wrote]
    chosen = _spread(wrote, count)
    chosen += _spread(others, count - len(chosen))
    return sorted(chosen, key=lambda t: (t.step, t.agent))


def exchanges(store: RunStore, agent: int, count: int) -> list[Exchange]:
    """Return the last `count` calls of an agent's turns, the oldest first."""
    return model_calls.last_calls(store, agent, count)


def _spread(values: Sequence[Any], count: int) -> list[Any]:
    """Return `count` of the values, evenly spread over them, or all if there are fewer."""
    if len(values) <= count:
        return list(values)
    return [values[int((i + 0.5) * len(values) / count)] for i in range(count)]


def _said(store: RunStore, step: int, agent: int) -> Iterator[Said]:
    """Yield an agent's turn, if it had a reply for actions."""
    last = model_calls.last_reply(store, step, agent)
    if last is not None:
        model, reply = last
        user_name = agents.user_name(store, agent) or ""
        yield Said(step, agent, user_name, model, reply, tuple(_actions(store, step, agent)))


def _actions(store: RunStore, step: int, agent: int) -> Iterator[TurnAction]:
    """Yield what an agent did itself in a step, without its notes to itself."""
    for event in events.of_agent(store, agent, *events.ids_of_step(store, step)):
        if event.wave >= 0 and event.action != "reflect":
            yield TurnAction(event.action, event.target, event.text or "", event.reason)
