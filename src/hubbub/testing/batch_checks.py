"""Whether a batch of actions is one that a policy may return."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import numpy as np

from hubbub.actions import NO_STANCE, SCALE, ActionBatch
from hubbub.policy import Observation

_COLUMNS = [f.name for f in fields(ActionBatch) if f.name not in ("texts", "opinions")]
_BLANK = ActionBatch.blank(np.empty(0, np.int32), 0)


def check_batch(name: str, where: str, obs: Observation, batch: ActionBatch) -> None:
    """Raise an AssertionError if a batch is not one of actions of the deciding agents."""
    for check in (_form, _agents, _values, _texts, _opinions):
        wrong = next(check(obs, batch), None)
        if wrong is not None:
            raise AssertionError(f"{name} returned a batch {wrong} ({where})")


def readable(batch: ActionBatch) -> list[Any]:
    """Return what a batch says, to be compared: texts in place of their rows."""
    columns = [getattr(batch, name) for name in _COLUMNS if name != "text"]
    texts = [batch.texts[row] if row >= 0 else None for row in batch.text.tolist()]
    changes = batch.opinions
    return [*columns, texts, changes.agent, changes.topic, changes.value]


def _form(obs: Observation, batch: ActionBatch) -> Iterator[str]:
    for column in _COLUMNS:
        values, dtype = getattr(batch, column), getattr(_BLANK, column).dtype
        if not isinstance(values, np.ndarray) or values.shape != (len(batch.agent),):
            yield f"whose column `{column}` is not an array with one number per action"
        elif values.dtype != dtype:
            yield (
                f"whose column `{column}` is {values.dtype}, not {dtype}: write into the column, "
                f"as in  batch.{column}[:] = ..."
            )


def _agents(obs: Observation, batch: ActionBatch) -> Iterator[str]:
    for agent in batch.agent[~np.isin(batch.agent, obs.agents)]:
        yield f"with an action of agent {agent}, who is not in obs.agents"
    turns = np.stack([batch.agent, batch.wave])
    if np.unique(turns, axis=1).shape[1] < len(batch):
        yield "with two actions of one agent in one wave: number them 0, 1, ... in `wave`"


def _values(obs: Observation, batch: ActionBatch) -> Iterator[str]:
    table = obs.world.table
    limits = {
        "wave": (0, 2**15 - 1),
        "action": (0, len(table) - 1),
        "target": (-1, 2**31 - 1),
        "reply_to": (-1, 2**31 - 1),
        "text": (-1, len(batch.texts) - 1),
        "topic": (-1, len(obs.world.topics) - 1),
    }
    for column, (low, high) in limits.items():
        values = getattr(batch, column)
        for value in values[(values < low) | (values > high)]:
            yield f"with {value} in `{column}`, which goes from {low} to {high}"
    for stance in batch.stance[batch.stance != NO_STANCE].tolist():
        if abs(stance) > SCALE:
            yield f"with the stance {stance}; stances go from -{SCALE} to {SCALE}, or are NO_STANCE"
    for code in batch.action.tolist():
        if table[code].environment_only:
            yield f"with the action '{table[code].name}', which agents cannot take"


def _texts(obs: Observation, batch: ActionBatch) -> Iterator[str]:
    for text in batch.texts:
        if type(text) is not str:  # workers send them
            yield f"with {text!r} among its texts, which is not a str"


def _opinions(obs: Observation, batch: ActionBatch) -> Iterator[str]:
    changes, last = batch.opinions, len(obs.world.topics) - 1
    columns = [np.asarray(getattr(changes, name)) for name in ("agent", "topic", "value")]
    agent, topic, value = columns
    if any(column.shape != agent.shape for column in columns):
        yield "whose opinions have columns of different lengths"
    if any(column.dtype.kind not in "iu" for column in columns):
        yield "whose opinions are not whole numbers; 10,000 stands for 1.0"
    for one in agent[~np.isin(agent, obs.agents)]:
        yield f"with an opinion of agent {one}, who is not in obs.agents"
    for one in topic[(topic < 0) | (topic > last)]:
        yield f"with an opinion on topic {one}; topics go from 0 to {last}"
    for one in value[np.abs(value.astype(int)) > SCALE]:
        yield f"with the opinion {one}; opinions go from -{SCALE} to {SCALE}"
