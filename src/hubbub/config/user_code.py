"""A user's own code, named in a scenario by a dotted path, and errors that name it in turn."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from inspect import Parameter, signature
from typing import Any

from hubbub.errors import ScenarioError, did_you_mean


def load_own(path: str, place: str) -> Any:
    """Return what 'module:name' names; ScenarioError with the `place` in the scenario if nothing.

    The working folder is searched, too.
    """
    module_name, _, name = path.partition(":")
    if not module_name or not name:
        raise ScenarioError(f"{place}: '{path}' must have the form 'module:name'")
    added = "" not in sys.path
    if added:
        sys.path.insert(0, "")
    try:
        with blamed_on(place):
            module = import_module(module_name)
    except ImportError as error:
        raise ScenarioError(
            f"{place}: cannot import '{module_name}': {error}. Run hubbub in the folder of the "
            "module, or install it"
        ) from error
    finally:
        if added:
            sys.path.remove("")
    if not hasattr(module, name):
        hint = did_you_mean(name, dir(module))
        raise ScenarioError(f"{place}: '{module_name}' has no '{name}'{hint}")
    return getattr(module, name)


def load_function(path: str, place: str) -> Any:
    """Return the function that 'module:name' names; ScenarioError if it can't be called.

    For a class, return an instance made without arguments, to be called like a function.
    """
    return as_function(load_own(path, place), path, place)


def as_function(found: Any, path: str, place: str) -> Any:
    """Return what 'module:name' names as a function; ScenarioError if it can't be called."""
    if isinstance(found, type):
        with blamed_on(f"{place} '{path}'"):
            found = found()
    if not callable(found):
        raise ScenarioError(f"{place}: '{path}' is not a function")
    return found


def takes_argument(factory: Callable[..., Any]) -> bool:
    """Return whether a class or function can be called with one positional argument."""
    kinds = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD, Parameter.VAR_POSITIONAL)
    try:
        parameters = signature(factory).parameters
    except ValueError:  # some classes written in C have no signature
        return False
    return any(p.kind in kinds for p in parameters.values())


@contextmanager
def blamed_on(place: str, step: int | None = None) -> Iterator[None]:
    """Add to any error from a user's own code where in the scenario that code is named."""
    try:
        yield
    except Exception as error:  # whatever it is, it goes on up; this only says where it is from
        when = "" if step is None else f", in step {step} of the run"
        error.add_note(f"This comes from {place}{when}.")
        raise
