"""The names of codes: topics, actions, reasons."""

from __future__ import annotations

from hubbub.store.arrow_tables import custom_sources
from hubbub.store.run import RunStore
from hubbub.world import source_names as names_of_codes


def topic_names(store: RunStore) -> list[str]:
    """Return the topics in the order of the columns of `RunStore.opinions_at`."""
    rows = store.database.rows("SELECT name FROM topic ORDER BY code")
    return [name for (name,) in rows]


def action_names(store: RunStore) -> dict[int, str]:
    """Return the name of each action by its code."""
    return dict(store.database.rows("SELECT code, name FROM action"))


def reason_names(store: RunStore) -> dict[int, str]:
    """Return the name of each reason by its code; 0 is ok."""
    return dict(store.database.rows("SELECT code, name FROM reason"))


def source_names(store: RunStore) -> list[str]:
    """Return the names of feed sources by the code that a slate has."""
    return names_of_codes(custom_sources(store.database))
