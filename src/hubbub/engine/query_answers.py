"""What a query finds when it is made by hand, through `act`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hubbub.actions.spec import Query
from hubbub.engine.society import Society
from hubbub.platform import queries


def answer(society: Society, agent: int, name: str, args: Mapping[str, Any]) -> Any:
    """Return the answer of a query action as `Outcome.result` has it; None for any other action."""
    world = society.world
    effects = world.table.spec(name).effects
    match next((e.name for e in effects if isinstance(e, Query)), None):
        case "search_posts":
            return queries.search_posts(world, args["query"])
        case "search_user":
            return queries.search_user(world, args["query"])
        case "trend":
            days = society.decider.platform.trend_days
            since = world.step - round(days * 1440 / society.scenario.time.step_minutes)
            return queries.trend(world, since, society.decider.platform.trend_size)
        case "groups":
            return queries.groups(world, agent)
        case "slate":
            return society.decider.show(agent)
        case None:
            return None
