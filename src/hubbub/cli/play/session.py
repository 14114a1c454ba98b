"""`hubbub play`: a person at the terminal takes an agent of a run."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path
from shlex import quote
from typing import Any

import numpy as np
from rich.columns import Columns
from rich.text import Text

from hubbub.actions import Action, ActionSpec
from hubbub.cli.play.arguments import ArgumentPrompt, ArgumentReader, whole
from hubbub.cli.play.screen_view import ScreenView
from hubbub.cli.progress import RunProgress
from hubbub.cli.run import interruptible, larger_budget
from hubbub.cli.screen import clean, console, cut, show, table
from hubbub.engine import Simulation
from hubbub.engine.models.budget import BudgetSpent
from hubbub.errors import ActionError, RunError, did_you_mean
from hubbub.mind.json_reading import clean as fit
from hubbub.policy.view import Notice
from hubbub.store.read import events

_PROMPT = "what do you do? "
_COMMANDS = (
    ("NUMBER or NAME", "an action of the menu"),
    ("s", "end the turn with the actions chosen so far, if any"),
    ("s 10", "the same, and let nine more steps pass"),
    ("w", "who am I"),
    ("h", "this help"),
    ("q", "quit; the run stays at its last step"),
)
#: Columns of what was typed in a message; most news of steps that were let pass.
_SNIPPET, _NEWS = 60, 20


class _Quit(Exception):  # noqa: N818 - a wish, no fault
    """The person has had enough."""


class _Back(Exception):  # noqa: N818
    """The person does not want this action after all."""


def play(folder: Path, who: str, *, overrides: Mapping[str, Any] | None = None) -> None:
    """Let a person play an agent (id or user name) of a run, from its last whole step on."""
    progress = RunProgress()
    _prepare_input()
    with interruptible(progress, folder, f"stopped; {folder} is as it was") as check:
        with progress.busy(f"reading {folder} ..."):
            sim = Simulation.resume(folder, overrides=overrides, hooks=[progress])
        with sim:
            check()
            player = _Player(sim, sim.show(_agent(who)).user_id, progress)
            try:
                while True:
                    player.turn()
                    check()
            except (_Quit, EOFError):
                player.leave()
            except BudgetSpent as spent:
                raise RunError(
                    f"{spent}. To go on with a larger budget:  hubbub play {quote(str(folder))} "
                    f"--agent {quote(who)} {larger_budget(sim)}"
                ) from None
            progress.say(f"{folder} is kept up to step {sim.t:,}")


class _Player:
    """An agent in a person's hands."""

    def __init__(self, sim: Simulation, agent: int, progress: RunProgress) -> None:
        self._sim, self._agent, self._progress = sim, agent, progress
        self._screen = console()
        self._chosen: list[Action] = []

    def turn(self) -> None:
        """Show what the agent is shown, ask what it does, and run the step."""
        self._chosen = []
        self._sight = ScreenView(self._sim, self._agent, self._screen)
        self._sight.show()
        self._show_menu()
        steps = 0
        while not steps:
            steps = self._command(self._read(_PROMPT).split())
        self._run(steps)

    def leave(self) -> None:
        """Say that what was chosen in a turn that has not ended is not done."""
        if self._chosen:
            names = ", ".join(action.name for action in self._chosen)
            self._progress.say(f"your turn had not ended, so {names} did not happen")

    def _command(self, words: Sequence[str]) -> int:
        """Do what was typed; return how many steps are to be run now."""
        match words:
            case []:
                self._say("write the number of an action, s to let the step pass, or h for help")
            case ["q"]:
                raise _Quit
            case ["h"]:
                self._show_help()
            case ["w"]:
                self._show_profile()
            case ["s"]:
                return 1
            case ["s", number] if steps := whole(number):
                return steps
            case [choice]:
                return self._choose(choice)
            case _:
                self._say(f"'{cut(' '.join(words), _SNIPPET)}' is not a command; h shows them")
        return 0

    # -- choosing -----------------------------------------------------------------------------

    @property
    def _menu(self) -> list[ActionSpec]:
        """The actions that an agent may take now and a person can type."""
        table_, allowed = self._sim.world.table, self._sim.platform.allowed
        on = [spec for spec, switched in zip(table_, allowed, strict=True) if switched]
        records = {s.name for s in on for a in s.args if a.kind == "record" and a.required}
        return [s for s in on if not s.environment_only and s.name not in records]

    def _choose(self, choice: str) -> int:
        """Take an action into the turn; return 1 if the turn is full, else 0."""
        menu = {spec.name: spec for spec in self._menu}
        names = list(menu)
        number = whole(choice)
        if number is not None and 1 <= number <= len(names):
            choice = names[number - 1]
        if choice not in menu:
            hint = did_you_mean(choice, menu)
            self._say(f"'{cut(choice, _SNIPPET)}' is not an action of the menu{hint}; h shows it")
            return 0
        spec = menu[choice]
        query = spec.query
        most = self._sim.scenario.turns.max_calls
        if query is not None and self._looks() >= most:
            self._say(f"you have used all look-ups of this turn ({most})")
            return 0
        try:
            action = ArgumentReader(self._sim, spec, self._sight.things).action(self._ask)
        except _Back:
            self._say(f"{spec.name}: left")
            return 0
        self._chosen.append(action)
        if query is not None:
            found = self._sim.look_up(self._agent, action.name, **action.args)
            self._sight.show_found(query, found)
            return 0
        done, limit = len(self._chosen) - self._looks(), self._sim.scenario.turns.max_actions
        if done < limit:
            self._say(f"{spec.name}: chosen, {done} of {limit} actions; s ends the turn")
        return int(done >= limit)

    def _looks(self) -> int:
        spec = self._sim.world.table.spec
        return sum(spec(a.name).query is not None for a in self._chosen)

    def _ask(self, question: ArgumentPrompt) -> Any:
        """Return the answer to a question: None for an empty line where that is an answer."""
        self._screen.print(f"  {question.prompt}", soft_wrap=True)
        while True:
            said = self._read("  > ")
            if not said:
                if question.optional:
                    return None
                raise _Back
            try:
                return question.read(said)
            except ActionError as error:
                self._say(f"  {error}; an empty line goes back to the menu")

    def _read(self, prompt: str) -> str:
        """Return a line that was typed; EOFError at the end of the input."""
        try:
            line = input(prompt)
        except EOFError:
            self._screen.print()
            raise
        if not sys.stdin.isatty():  # so that a protocol shows what was put in
            self._screen.print(clean(line), soft_wrap=True)
        return fit(line)

    # -- running ------------------------------------------------------------------------------

    def _run(self, steps: int) -> None:
        """Run the step of this turn, then the steps to pass; print the results."""
        sim, before, first = self._sim, self._standing(), events.next_id(self._sim.store)
        sim.extend(steps)
        missed: list[Notice] = []
        with self._progress.showing(sim.t, sim.t + steps):
            for left in reversed(range(steps)):
                sim.step({self._agent: self._chosen})
                self._chosen = []
                if left:  # the news of the last step will be shown with the next turn
                    missed += sim.show(self._agent).notices
        self._show_outcomes(first)
        self._sight.show_news("Meanwhile", missed[-_NEWS:], numbered=False)
        if len(missed) > _NEWS:
            self._say(f"and before that, {len(missed) - _NEWS:,} more")
        after = self._standing()
        changed = [f"{k} {after[k] - n:+,}" for k, n in before.items() if after[k] != n]
        if changed:
            self._say(f"for you: {', '.join(changed)}")

    def _standing(self) -> dict[str, int]:
        """Return what others think of the agent: its own counters, and those of all its items."""
        world = self._sim.world
        own = [p.counter for p in world.table.pairs if p.over == "agent" and p.counter]
        mine = np.flatnonzero(world.items["author"] == self._agent)
        counters = {name: int(world.agents[name][self._agent]) for name in own}
        of_items = {name: int(world.items[name][mine].sum()) for name in world.table.item_counters}
        return counters | of_items

    def _show_outcomes(self, first: int) -> None:
        """Print the results of the agent's actions, from an event on."""
        for event in events.of_agent(self._sim.store, self._agent, first):
            kind = self._sim.world.table.spec(event.action).target_kind
            target = f" {kind} #{event.target}" if event.target >= 0 and kind else ""
            created = f", its id is #{event.item}" if event.item >= 0 else ""
            result = f"done{created}" if event.reason == "ok" else f"refused ({event.reason})"
            self._say(f"{event.action}{target}: {result}")

    # -- showing ------------------------------------------------------------------------------

    def _say(self, text: str) -> None:
        self._screen.print(text, soft_wrap=True)

    def _show_menu(self) -> None:
        names = [f"{n} {spec.name}" for n, spec in enumerate(self._menu, start=1)]
        self._screen.print()
        show(self._screen, Columns(map(Text, names), padding=(0, 2)))

    def _show_help(self) -> None:
        rows = [(n, spec.name, spec.summary) for n, spec in enumerate(self._menu, start=1)]
        table(self._screen, "Actions", ("number", "action", "what it is"), rows)
        table(self._screen, "Commands", ("command", "what it does"), _COMMANDS)

    def _show_profile(self) -> None:
        known = self._sim.world.profiles[self._agent]
        rows = [(k, str(v)) for k, v in known.items() if v not in (None, "")]
        rows += [(k, f"{n:,}") for k, n in self._standing().items()]
        table(self._screen, f"Agent {self._agent}", ("field", "value"), rows)


def _agent(who: str) -> int | str:
    number = whole(who)
    return who.removeprefix("@") if number is None else number


def _prepare_input() -> None:
    """Let a terminal edit lines; bytes that are no text become a sign that says so."""
    if isinstance(sys.stdin, TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")
    if sys.stdin.isatty():
        with suppress(ImportError):  # not on every system
            import readline  # noqa: F401
