"""A dry run: the beginning of a run, with the statistical policy in place of language models.

It shows what step 0 cannot: what agents will remember, how much there will be to see, and who will
be replied to, and so be woken. Nothing is written, and no model is asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hubbub.actions import ActionTable
from hubbub.config.scenario import Scenario
from hubbub.engine.society import Society
from hubbub.engine.workers import Threads
from hubbub.estimate.prompt_sizes import SAMPLE, PromptSizes
from hubbub.time import Clock
from hubbub.world import World

#: A dry run ends after this many steps, or turns of all agents: about ten seconds of one machine.
STEPS, TURNS = 100, 1_000_000
#: Utility of doing nothing for the agents that replace models. By default it is 0, and two of three
#: turns end in nothing; a language model nearly always does something when asked (SmolLM2 in all
#: turns of `hubbub demo`). At -3, one turn in ten ends in nothing.
NOTHING = -3.0
#: Number of its steps in which prompts are measured, including the first and the last.
MEASURED = 12


@dataclass(frozen=True, slots=True)
class GroupMeasurement:
    """The measured turns of one group; arrays are by step, from 1 to the scenario's last.

    `rules` are the tokens of the shared rules; `prompts` float64[steps] is the mean of what follows
    them, over `samples` agents; `notes` the tokens of the prompt for a note to oneself (0: never
    asked). `woken` float64[steps] are the turns expected from replies and mentions. After the dry
    run, prompts stay as in its last step, and `woken` as on average in its second half.
    """

    samples: int
    rules: float
    prompts: NDArray[np.float64]
    notes: float
    woken: NDArray[np.float64]


def dry_run(
    scenario: Scenario,
    world: World,
    sizes: PromptSizes,
    panels: Mapping[int, NDArray[np.int32]],
    group_of: NDArray[np.int16],
) -> tuple[int, dict[int, GroupMeasurement]]:
    """Run the first steps; return their number, and the measurements of each group.

    `panels` are the agents of each group, driven by models, whose prompts are measured as if they
    were awake; `group_of` int16[n] the groups of all agents.
    """
    if not panels:
        return 0, {}
    steps = _length(scenario, world)
    at = np.unique(np.linspace(1, steps, MEASURED).round().astype(np.int64))
    measured: dict[int, list[float]] = {g: [] for g in panels}
    woken = {g: np.zeros(steps) for g in panels}
    on_panel = np.zeros(len(world.agents), np.bool_)
    on_panel[np.concatenate(list(panels.values()))] = True
    workers = Threads()
    society = Society(_without_models(scenario, world.table), world, workers=workers)
    try:
        for t in range(1, steps + 1):
            by_notice = _woken(scenario, world, society.decider.clock, t)
            for g, panel in panels.items():
                woken[g][t - 1] = by_notice[: len(group_of)][group_of == g].sum()
                if t in at:
                    measured[g].append(float(sizes.of_turns(panel, t).mean()))
            step = society.step(t)
            sizes.remember(t, step.events, step.slate, on_panel)
    finally:
        workers.close()
    return steps, {
        g: _part(scenario, sizes, g, panel, at, measured[g], woken[g])
        for g, panel in panels.items()
    }


def _length(scenario: Scenario, world: World) -> int:
    per_step = max(1.0, float(world.agents["rate"].sum(dtype=np.float64)))
    return min(scenario.steps, STEPS, max(1, int(TURNS / per_step)))


def _without_models(scenario: Scenario, table: ActionTable) -> Scenario:
    """Return the scenario with the statistical policy in place of each model, groups as before."""
    idle = {table[table.idle].name: NOTHING} if table.idle >= 0 else {}
    groups = []
    for group in scenario.agents:
        if group.model is not None:
            own = group.behaviour or scenario.behaviour
            busy = own.model_copy(update={"base": {**idle, **own.base}})
            group = group.model_copy(
                update={"model": None, "policy": "statistical", "behaviour": busy}
            )
        groups.append(group)
    return scenario.model_copy(update={"agents": groups, "surveys": []})


def _woken(scenario: Scenario, world: World, clock: Clock, step: int) -> NDArray[np.float64]:
    """Return the probability that an agent is awake only because of a notice, float64[n]."""
    agents, result = world.agents, np.zeros(len(world.agents))
    if scenario.time.wake_on_notice:
        rows = np.flatnonzero(agents["noticed"] == step - 1)
        chance = world.curves[agents["curve"][rows], clock.hour(step)] * agents["rate"][rows]
        result[rows] = scenario.time.wake_rate * (1 - np.minimum(chance, 1.0))
    return result


def _part(
    scenario: Scenario,
    sizes: PromptSizes,
    group: int,
    panel: NDArray[np.int32],
    at: NDArray[np.int64],
    measured: list[float],
    woken: NDArray[np.float64],
) -> GroupMeasurement:
    done, all_steps = len(woken), np.arange(1, scenario.steps + 1)
    prompt = scenario.agents[group].prompt or scenario.prompt
    asked = prompt.reflect_every is not None
    rest = np.full(scenario.steps - done, woken[done // 2 :].mean())
    return GroupMeasurement(
        samples=len(panel),
        rules=sizes.of_rules(group),
        prompts=np.interp(all_steps, at, measured),
        notes=sizes.of_reflections(group, panel[:SAMPLE], done + 1) if asked else 0.0,
        woken=np.concatenate([woken, rest]),
    )
