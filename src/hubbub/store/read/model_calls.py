"""Calls of language models: which models, how long their replies, what they said."""

from __future__ import annotations

from typing import NamedTuple

from hubbub.store.run import RunStore


class ReplyFigures(NamedTuple):
    """A model's calls for turns that got a reply; all 0 without any.

    `turns` and `calls` are numbers (a turn makes one call or more), `reply_tokens` the mean tokens
    of a reply, and `tokens_per_byte` those of a prompt, as the endpoint counts them.
    """

    turns: int
    calls: int
    reply_tokens: float
    tokens_per_byte: float


class Exchange(NamedTuple):
    """One call of a turn: `reply` is None where none came, `failure` says why then."""

    step: int
    number: int
    model: str
    system: str
    prompt: str
    reply: str | None
    failure: str
    prompt_tokens: int
    reply_tokens: int


def model_names(store: RunStore) -> list[str]:
    """Return the names of the models that were called, in order."""
    rows = store.database.rows("SELECT DISTINCT model FROM completion ORDER BY model")
    return [name for (name,) in rows]


def reply_figures(store: RunStore, model: str) -> ReplyFigures:
    """Return how many turns a model took, and how long its prompts and replies were."""
    (row,) = store.database.rows(
        "SELECT sum(number = 0), count(*), avg(completion_tokens), 1.0 * sum(prompt_tokens) / "
        "sum(length(CAST(c.prompt AS BLOB)) + length(CAST(s.content AS BLOB))) "
        "FROM completion c JOIN prompt s ON s.id = c.system "
        "WHERE model = ? AND purpose = 'turn' AND failure = ''",
        model,
    )
    return ReplyFigures(*(value or 0 for value in row))


def turns(store: RunStore) -> list[tuple[int, int]]:
    """Return (step, agent) of each turn of whole steps that a model was asked for, in order."""
    return store.database.rows(  # read from an index: the rows hold the prompts
        "SELECT step, agent FROM completion WHERE purpose = 'turn' AND number = 0 AND step <= ? "
        "ORDER BY step, agent",
        store.steps,
    )


def last_reply(store: RunStore, step: int, agent: int) -> tuple[str, str] | None:
    """Return (model, reply) of an agent's last reply for actions in a step, None without one.

    The reply to a question for a note has no form and is passed over.
    """
    rows = store.database.rows(
        "SELECT model, reply FROM completion WHERE step = ? AND agent = ? AND purpose = 'turn' "
        "AND reply IS NOT NULL AND shape IS NOT NULL ORDER BY number DESC LIMIT 1",
        step,
        agent,
    )
    return rows[0] if rows else None


def last_calls(store: RunStore, agent: int, count: int) -> list[Exchange]:
    """Return the last `count` calls of an agent's turns, the oldest first."""
    rows = store.database.rows(
        "SELECT c.step, c.number, c.model, s.content, c.prompt, c.reply, c.failure, "
        "c.prompt_tokens, c.completion_tokens FROM completion c JOIN prompt s ON s.id = c.system "
        "WHERE c.agent = ? AND c.purpose = 'turn' ORDER BY c.step DESC, c.number DESC LIMIT ?",
        agent,
        count,
    )
    return [Exchange(*row) for row in rows[::-1]]
