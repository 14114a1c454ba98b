"""What the scenario does at set steps: posts, sign-ups, new products, changed settings."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hubbub.actions import Action, ActionBatch, ActionTable, Kind
from hubbub.actions.batch import bound_arguments, with_text
from hubbub.actions.spec import Configure, Effect, Found, Insert
from hubbub.config.scenario import Scenario, Scheduled
from hubbub.engine.decider import assemble, configured
from hubbub.errors import ActionError, ScenarioError
from hubbub.platform import Platform, apply
from hubbub.time import Clock
from hubbub.world import Events, World

#: Settings that may change during a run; all others shape what already exists.
CHANGEABLE = ("feed.", "platform.", "behaviour.", "opinions.", "time.wake_")
_FIXED = ("platform.extra_actions", "platform.preset")
#: The agent of events that no agent causes.
ENVIRONMENT = -1


class Schedule:
    """The scenario's events by step."""

    def __init__(self, scenario: Scenario) -> None:
        self._by_step: dict[int, list[Scheduled]] = {}
        for event in scenario.events:
            self._by_step.setdefault(event.step, []).append(event)

    def apply(self, world: World, platform: Platform, step: int) -> Events:
        """Carry out what is due at `step`, one event after the other, and return what happened.

        Each event gets a negative wave of its own, so that all come before the agents' actions.
        """
        due = self._by_step.get(step, [])
        return perform(world, platform, step, [_action(e, world.table) for e in due])


def perform(
    world: World, platform: Platform, step: int, actions: Sequence[tuple[int | str, Action]]
) -> Events:
    """Carry out actions of the environment in order, before the agents of this step."""
    parts = []
    for i, (by, action) in enumerate(actions):
        agent = world.profiles.find(by) if isinstance(by, str) else by
        if agent is None:
            raise ScenarioError(f"events: there is no agent '{by}' at step {step}")
        batch = ActionBatch.from_actions(world.table, [(agent, [action])], world.product)
        events = apply(platform, world, batch, step, environment=True)
        events.wave = np.full(len(events), i - len(actions), np.int16)
        parts.append(events)
    return Events.concat(parts)


def start_events(
    world: World, platform: Platform, products: Sequence[str], posts: Sequence[tuple[int, str]]
) -> Events:
    """Carry out step 0, what exists before step 1: products, and posts of any length."""
    table = world.table
    offered = [(ENVIRONMENT, _made(table, Found("product"), name)) for name in products]
    turns: dict[int, list[Action]] = {}
    for agent, text in posts:
        turns.setdefault(agent, []).append(_made(table, Insert(Kind.post), text))
    written = ActionBatch.from_actions(table, turns.items(), world.product)
    first = perform(world, platform, 0, offered)
    return Events.concat([first, apply(platform.without_limits(), world, written, 0)])


def _action(event: Scheduled, table: ActionTable) -> tuple[int | str, Action]:
    if event.sign_up is not None:
        return ENVIRONMENT, _made(table, Found("agent"), _profile(event.sign_up))
    if event.product is not None:
        return ENVIRONMENT, _made(table, Found("product"), event.product)
    if event.set is not None:
        return ENVIRONMENT, _made(table, Configure(), event.set)
    by = ENVIRONMENT if event.by is None else event.by  # the model makes sure that there is one
    return by, Action(str(event.act), **event.args)


def _made(table: ActionTable, effect: Effect, value: Any) -> Action:
    """Return the first action of the table with this effect; ScenarioError if there is none."""
    spec = table.find(effect)
    if spec is None:
        raise ScenarioError(f"this platform has no action with the effect {effect}")
    return with_text(spec, value)


def _profile(record: Mapping[str, Any]) -> dict[str, Any]:
    user_name = str(record.get("user_name", ""))
    return {"name": user_name, "bio": "", **record, "user_name": user_name}


def check_schedule(scenario: Scenario, world: World) -> None:
    """Raise ScenarioError for an event that cannot be carried out: its entry, field and reason."""
    joined: set[str] = set()
    settings: dict[str, Any] = {}
    for i, event in sorted(enumerate(scenario.events), key=lambda pair: pair[1].step):
        where = f"events.{i}"
        try:
            _action(event, world.table)
        except ScenarioError as error:
            raise ScenarioError(f"{where}: {error}") from None
        if event.sign_up is not None:
            joined.add(_new_name(event.sign_up, where, world, joined))
        if event.set is not None:
            settings.update(check_settings(scenario, world, settings, event.set, f"{where}.set"))
        if event.act is not None:
            _check_act(event, where, world, joined)


def _new_name(record: Mapping[str, Any], where: str, world: World, joined: set[str]) -> str:
    name = record.get("user_name")
    if not name or not isinstance(name, str | int):
        raise ScenarioError(f"{where}.sign_up: user_name is missing, or is not a name")
    if str(name) in joined or world.profiles.find(str(name)) is not None:
        raise ScenarioError(f"{where}.sign_up: there is an agent '{name}' already")
    return str(name)


def check_settings(
    scenario: Scenario,
    world: World,
    before: Mapping[str, Any],
    new: Mapping[str, Any],
    where: str,
) -> dict[str, Any]:
    """Return new settings as plain values; ScenarioError for one that is wrong or cannot change."""
    for name in new:
        if not str(name).startswith(CHANGEABLE) or str(name).startswith(_FIXED):
            raise ScenarioError(
                f"{where}: '{name}' cannot change in mid-run; what can are the settings of feed, "
                "platform (but its preset and extra_actions), behaviour, opinions and time.wake_*"
            )
    if new.get("platform.exclusive_reactions", True) is None:
        raise ScenarioError(f"{where}: platform.exclusive_reactions must be true or false here")
    plain: dict[str, Any] = json.loads(json.dumps(dict(new), default=str))
    try:
        now = configured(scenario, {**before, **plain})
        assemble(now, world)
    except ScenarioError as error:
        raise ScenarioError(f"{where}: {error}") from None
    if [s.source for s in now.feed.sources] != [s.source for s in scenario.feed.sources]:
        raise ScenarioError(  # their codes on slates are numbers of the list
            f"{where}: the entries of feed.sources cannot change in mid-run, only their slots: "
            "list a source with  slots: 0  from the start, and set e.g. feed.sources.0.slots: 2"
        )
    return plain


def check_calendar(clock: Clock, step: int) -> None:
    """Raise ScenarioError if the last step lies beyond the calendar."""
    try:
        clock.at(step + 1)
    except OverflowError:
        raise ScenarioError(
            f"time: step {step:,} would lie beyond the year 9999; start earlier, or take "
            "shorter steps or fewer"
        ) from None


def _check_act(event: Scheduled, where: str, world: World, joined: set[str]) -> None:
    try:
        spec = world.table.spec(str(event.act))
        bound_arguments(spec, event.args)
    except ActionError as error:
        raise ScenarioError(f"{where}.act: {error}") from None
    if any(isinstance(e, Configure) or e in _FOUNDED for e in spec.effects):
        raise ScenarioError(
            f"{where}.act: '{spec.name}' is the environment's own; write it as sign_up:, product: "
            "or set: instead"
        )
    if spec.environment_only:
        raise ScenarioError(
            f"{where}.act: '{spec.name}' cannot be scheduled; questions to agents go under surveys:"
        )
    by, last = event.by, len(world.agents) + len(joined) - 1
    if isinstance(by, str) and by not in joined and world.profiles.find(by) is None:
        raise ScenarioError(
            f"{where}.by: there is no agent with the user name '{by}' at step {event.step}"
        )
    if isinstance(by, int) and not 0 <= by <= last:
        raise ScenarioError(
            f"{where}.by: there is no agent {by} at step {event.step}; ids go from 0 to {last}"
        )


_FOUNDED = (Found("agent"), Found("product"))
