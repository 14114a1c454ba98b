"""What a person types as the arguments of an action, read and checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from hubbub.actions import Action, ActionSpec
from hubbub.actions.spec import Arg
from hubbub.cli.screen import clean
from hubbub.engine import Simulation
from hubbub.errors import ActionError, did_you_mean
from hubbub.mind.turn_records import Reference
from hubbub.platform.preconditions import exists, least_number, longest_text

_LARGEST = 2**31 - 1
_EXAMPLES = {
    "post": "a number from above, or an id such as #57",
    "comment": "a number from above, or an id such as #57",
    "user": "the number of anything by them, or a user name such as @ann",
    "group": "a number from above, or an id such as #2",
}


class ArgumentPrompt(NamedTuple):
    """What to ask for: a prompt, and what makes a value of the answer (ActionError if it can't)."""

    prompt: str
    read: Callable[[str], Any]
    optional: bool


class ArgumentReader:
    """Asks for the arguments of one action, in the order of its specification."""

    def __init__(self, sim: Simulation, spec: ActionSpec, things: Sequence[Reference]) -> None:
        self._sim, self._spec, self._things = sim, spec, things
        # a comment may be named in place of its post: so it is answered
        on_post = spec.target_kind == "post"
        comments = (a for a in spec.args if a.kind == "comment" and not a.required and on_post)
        self._answered = next(comments, None)

    def action(self, ask: Callable[[ArgumentPrompt], Any]) -> Action:
        """Return the action. `ask` gets the value for a question, None if there is no answer."""
        given: dict[str, Any] = {}
        for arg in self._spec.args:
            if arg.kind == "record" or arg == self._answered:
                continue
            value = ask(self._question(arg))
            if isinstance(value, Reference):
                value = self._named(arg, value, given)
            given[arg.name] = value
        return Action(self._spec.name, **{k: v for k, v in given.items() if v is not None})

    def _named(self, arg: Arg, thing: Reference, given: dict[str, Any]) -> int:
        """Return the id for an argument; a comment in place of a post is answered."""
        if thing.kind == "comment" and arg.kind == "post" and self._answered is not None:
            given[self._answered.name] = thing.id
            return int(self._sim.world.items["ref"][thing.id])
        return thing.user if arg.kind == "user" else thing.id

    def _question(self, arg: Arg) -> ArgumentPrompt:
        what = arg.summary or arg.name
        kinds = [arg.kind]
        if arg.kind == "post" and arg.required and self._answered is not None:
            kinds.append(self._answered.kind)
            what += ", or of a comment to reply to"
        read: Callable[[str], Any]
        match arg.kind:
            case "text":
                hint, read = (
                    f"at most {self._sim.platform.max_text_length:,} characters",
                    self._text,
                )
            case "number":
                hint, read = "a whole number", self._number
            case "product":
                names = ", ".join(map(clean, self._products()))
                hint, read = f"on sale: {names or 'nothing'}", self._product
            case _:
                hint, read = _EXAMPLES[arg.kind], lambda said: self._thing(said, kinds)
        optional = "" if arg.required else "; an empty line for none"
        return ArgumentPrompt(f"{arg.name}: {what} ({hint}{optional})", read, not arg.required)

    def _text(self, said: str) -> str:
        longest = longest_text(self._spec, self._sim.platform)
        if longest is not None and len(said) > longest:
            raise ActionError(
                f"that is {len(said):,} characters long; the platform takes at most {longest:,}"
            )
        return said

    def _number(self, said: str) -> int:
        number = whole(said)
        least = least_number(self._spec) or 0
        if number is None or not least <= number <= _LARGEST:
            raise ActionError(f"write a whole number from {least} to {_LARGEST:,}")
        return number

    def _products(self) -> list[str]:
        world = self._sim.world
        return [world.texts[int(text)] for text in world.products["text"]]

    def _product(self, said: str) -> str:
        known = self._products()
        if said not in known:
            raise ActionError(f"no product '{clean(said)}' is on sale{did_you_mean(said, known)}")
        return said

    def _thing(self, said: str, kinds: Sequence[str]) -> Reference:
        """Return the thing of one of these kinds that is meant."""
        number = whole(said)
        if number is not None:
            return self._shown(number, kinds)
        if said.startswith("#"):
            return self._by_id(said, kinds)
        if "user" in kinds:
            user = self._sim.world.profiles.find(said.removeprefix("@"))
            if user is None:
                raise ActionError(f"there is no user '{clean(said)}'")
            return Reference("user", user, user)
        raise ActionError(f"write {_EXAMPLES[kinds[0]]}")

    def _shown(self, number: int, kinds: Sequence[str]) -> Reference:
        if not 1 <= number <= len(self._things):
            shown = f"they go from 1 to {len(self._things)}" if self._things else "nothing is shown"
            raise ActionError(f"there is no number {number} above: {shown}")
        thing = self._things[number - 1]
        if thing.kind not in kinds and not ("user" in kinds and thing.user >= 0):
            wanted = " or ".join(kinds)
            raise ActionError(f"{number} is a {thing.kind}; {self._spec.name} takes a {wanted}")
        return thing

    def _by_id(self, said: str, kinds: Sequence[str]) -> Reference:
        known = whole(said.removeprefix("#"))
        for kind in kinds:
            if known is not None and exists(self._sim.world, kind, np.array([known]))[0]:
                author = self._sim.world.items["author"]
                user = {"user": known, "group": -1}.get(kind)
                user = int(author[known]) if user is None else user
                return Reference(kind, known, user)  # type: ignore[arg-type]
        raise ActionError(f"there is no {' or '.join(kinds)} {clean(said)}")


def whole(said: str) -> int | None:
    """Return a number from 0 on that is written in digits, None for anything else."""
    return int(said) if said.isdecimal() and len(said) <= 10 else None
