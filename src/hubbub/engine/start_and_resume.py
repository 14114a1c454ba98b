"""How a society starts: from its people, or from the log of a run."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hubbub.config.scenario import Scenario
from hubbub.embed import Encoder
from hubbub.engine.models.budget import BudgetSpent
from hubbub.engine.schedule import start_events
from hubbub.engine.society import Society
from hubbub.platform import action_table
from hubbub.store import RunStore
from hubbub.store.codec import Committed
from hubbub.world import Population, Slate, World
from hubbub.world.fold import fold, fold_slate

Settle = Callable[[World], Society]


def make_world(scenario: Scenario, encoder: Encoder, people: Population) -> World:
    """Return the world of these people before anything has happened."""
    return World(
        action_table(scenario.platform.extra_actions),
        list(scenario.topics),
        encoder,
        people,
        seed=scenario.seed,
    )


def begin(store: RunStore, society: Society, scenario: Scenario, people: Population) -> None:
    """Commit step 0: the products and posts that exist before step 1."""
    start = start_events(society.world, society.decider.platform, scenario.products, people.posts)
    nobody = Slate.empty(np.empty(0, np.int32))
    society.remember(0, start, nobody)
    store.commit(society.world, 0, start, nobody, finished=True)


def refold(store: RunStore, scenario: Scenario, world: World, settle: Settle) -> Society:
    """Return the society whose world is the fold of the log; `settle` makes the society of a world.

    Folding starts from the last checkpoint, unless there are models, whose agents remember the
    whole log. With staleness, turns that were pending when the run stopped are requested again, on
    the worlds on which they were first requested.
    """
    society = settle(world)
    world.exclusive_reactions = society.decider.platform.exclusive_reactions
    society.foreseen = last = store.steps
    done = store.restore(world) if society.model_turns is None else 0
    for part in store.replay(done):
        ahead = part.slate is not None and part.step > max(0, last - scenario.turns.staleness)
        _fold_part(society, part, ahead=ahead)
    society.configure(scenario)
    return society


def _fold_part(society: Society, part: Committed, *, ahead: bool) -> None:
    """Fold a part of the log; with `ahead`, first request the turns that its step requested."""
    world, events = society.world, part.events
    world.step = part.step
    world.texts.intern(part.texts)
    if ahead:
        before = events.wave < 0  # what the scenario does as the step begins
        first = events.take(before)
        fold(world, first)
        society.changed(part.step, first, None)
        society.configure(society.scenario)
        if society.short is None:
            try:
                society.foresee(part.step)
            except BudgetSpent as spent:  # one can look at the run, but it can't go on
                society.short = spent
        rest = events.take(~before)
        rest.opinions = events.opinions
        fold(world, rest)
    else:
        rest = events
        fold(world, rest)
    if part.slate is not None:
        fold_slate(world, part.slate, society.behind(part.slate))
    society.changed(part.step, rest, part.slate)
    society.remember(part.step, events, part.slate)
