"""Agents: how many there are, their names, profiles and followers."""

from __future__ import annotations

from typing import Any

from hubbub.store.run import RunStore


def count(store: RunStore, step: int | None = None) -> int:
    """Return how many agents there are after a step (the last, if None)."""
    last = 2**62 if step is None else step
    ((number,),) = store.database.rows("SELECT count(*) FROM agent WHERE joined <= ?", last)
    return int(number)


def total_followers(store: RunStore) -> int:
    """Return the number of follows that stand at the end."""
    ((number,),) = store.database.rows("SELECT coalesce(sum(followers), 0) FROM agent")
    return int(number)


def most_followed(store: RunStore, top: int) -> list[tuple[int, int]]:
    """Return (agent, followers) of the agents with most followers; nobody without any."""
    return store.database.rows(
        "SELECT id, followers FROM agent WHERE followers > 0 ORDER BY followers DESC, id LIMIT ?",
        top,
    )


def row(store: RunStore, agent: int) -> dict[str, Any] | None:
    """Return the columns of an agent, None if there is no such agent."""
    return store.database.row("agent", agent)


def user_name(store: RunStore, agent: int) -> str | None:
    """Return the user name of an agent, None if there is no such agent."""
    rows = store.database.rows(f"SELECT {_name(store)} FROM agent WHERE id = ?", agent)
    return str(rows[0][0]) if rows else None


def with_user_name(store: RunStore, name: str) -> int | None:
    """Return the agent with a user name, None if there is none."""
    rows = store.database.rows(f"SELECT id FROM agent WHERE {_name(store)} = ?", name)
    return int(rows[0][0]) if rows else None


def user_names_from(store: RunStore, beginning: str, limit: int) -> list[str]:
    """Return at most `limit` user names that begin so, in any case."""
    rows = store.database.rows(
        f"SELECT {_name(store)} FROM agent WHERE {_name(store)} LIKE ? LIMIT ?",
        f"{beginning}%",
        limit,
    )
    return [str(name) for (name,) in rows]


def _name(store: RunStore) -> str:
    return f'"{store.layout.profile["user_name"]}"'
