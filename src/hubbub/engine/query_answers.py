"""What a query finds when it is made by hand, through `act`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hubbub.engine.society import Society
from hubbub.platform.queries import Moment, finds, wanted


def answer(society: Society, agent: int, name: str, args: Mapping[str, Any]) -> Any:
    """Return the answer of a query action as `Outcome.result` has it; None for any other action."""
    world, decider = society.world, society.decider
    spec = world.table.spec(name)
    if spec.query is None:
        return None
    if finds(spec) == "feed":
        return decider.show(agent)
    minutes = society.scenario.time.step_minutes
    asking = np.array([agent], np.int32)
    moment = Moment(world, decider.platform, asking, step=world.step, step_minutes=minutes)
    return moment.find(spec.query, agent, wanted(spec, args))
