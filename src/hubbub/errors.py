"""One tree of exceptions.

::

    HubbubError                 everything hubbub raises on purpose
    ├── ScenarioError           a scenario that cannot be run: names the field and the fix
    ├── DataError               a file or record that cannot be read: names file, row and field
    ├── ActionError             a call of `act` or `Action` that no platform could understand
    ├── RunError                a run folder that cannot be used (exists, locked, newer, damaged)
    │   └── StoreError          writing failed (disk full, ...); the run stays at a whole step
    ├── ModelError              a language model that cannot be used: key, address, name, answers
    └── MissingExtraError       an optional package is not installed; says which extra brings it

An action that a *platform* refuses is never an exception: it is an event with a reason code.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class HubbubError(Exception):
    """Base of all errors meant for people. The message is complete and needs no traceback."""


class ScenarioError(HubbubError):
    """A scenario that cannot be run."""


class DataError(HubbubError):
    """A file or record that cannot be read."""


class ActionError(HubbubError):
    """An action call that no platform could understand (unknown name, wrong argument)."""


class RunError(HubbubError):
    """A run folder that cannot be used."""


class StoreError(RunError):
    """Writing to the run folder failed. The folder is still at its last whole step."""


class ModelError(HubbubError):
    """A language model that cannot be used at all. The run stays at its last whole step."""


class MissingExtraError(HubbubError):
    """An optional package is missing."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(
            f"this needs the package '{package}': install it with  pip install 'hubbub[{extra}]'  "
            f"(in a clone of hubbub:  pip install '.[{extra}]')"
        )


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``" (did you mean 'x'?)"`` for the nearest of `known`, or an empty string."""
    near = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f" (did you mean '{near[0]}'?)" if near else ""
