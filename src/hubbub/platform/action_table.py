"""The actions of a run: the built-in ones and the user's own."""

from __future__ import annotations

from collections.abc import Sequence

from hubbub.actions import SOCIAL, ActionSpec, ActionTable
from hubbub.config.user_code import load_own
from hubbub.errors import ScenarioError, did_you_mean
from hubbub.platform.queries import QUERIES


def action_table(extra: Sequence[str]) -> ActionTable:
    """Return the built-in actions and the user's own, given as dotted paths 'module:NAME'."""
    return SOCIAL.with_extra([_load_action(path) for path in extra]) if extra else SOCIAL


def _load_action(path: str) -> ActionSpec:
    found = load_own(path, "platform.extra_actions")
    if not isinstance(found, ActionSpec):
        raise ScenarioError(f"platform.extra_actions: '{path}' is not an ActionSpec")
    if found.query is not None and found.query not in QUERIES:
        hint = did_you_mean(found.query, QUERIES)
        raise ScenarioError(
            f"platform.extra_actions: '{path}': there is no query '{found.query}'{hint}"
        )
    return found
