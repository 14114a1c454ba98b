"""What a run will ask of language models, told before it is begun: no model is called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hubbub import population
from hubbub.config.minds import BudgetConfig, ModelConfig
from hubbub.config.scenario import Scenario
from hubbub.embed import make_encoder
from hubbub.engine.budget import cost
from hubbub.engine.origin import make_world
from hubbub.engine.prompt_sizes import COMMENTED, Sizes
from hubbub.engine.schedule import assemble, check_schedule, start_events
from hubbub.errors import ScenarioError
from hubbub.llm.chat import Completion
from hubbub.llm.tokens import BYTES_PER_TOKEN
from hubbub.mind.survey import asked, due
from hubbub.rng import Streams
from hubbub.time import Clock
from hubbub.world import World

#: Tokens of a reply: an action with a text of some length, or without one; a note to oneself.
REPLY, NOTE = 25, 60
#: Of all turns, how many make a further call to see what a query found (where agents may look
#: things up), and to repair a reply that could not be read.
LOOKING, REPAIRING = 0.1, 0.05
#: Tokens of an answer to a question, by its kind; a label or number comes with the JSON around it.
_ANSWER = {"text": 40, "choice": 12, "likert": 8, "number": 8}
_HOURS = 24

#: Calls, tokens of prompts, those of them that are the shared rules, tokens of replies.
Load = NDArray[np.float64]
_WIDTH = 4


@dataclass(frozen=True, slots=True)
class ModelEstimate:
    """What is expected to be asked of one model in a whole run.

    `agents` it drives have `turns` in all; `most_turns` is a bound that holds if all of them were
    replied to or mentioned in each step. `surveyed` are calls of surveys, repairs left out.
    `calls` are those of turns and surveys. Of `prompt_tokens`, `cached_tokens` are the shared
    rules. `cost` is in the currency of the prices, for endpoints that cache.
    """

    model: str
    agents: int
    turns: float
    most_turns: float
    surveyed: int
    calls: float
    prompt_tokens: float
    cached_tokens: float
    reply_tokens: float
    cost: float

    @property
    def tokens(self) -> float:
        """Tokens of prompts and replies."""
        return self.prompt_tokens + self.reply_tokens


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run of `steps` steps is expected to ask of models, in the order of their names.

    `reaches` is the last step that the scenario's budget pays for, `short` the unit it lacks then:
    requests, tokens, money, "" if it reaches to the end or there is none. `notes` say what the
    figures rest on.
    """

    name: str
    steps: int
    models: tuple[ModelEstimate, ...]
    reaches: int
    short: str
    notes: tuple[str, ...]

    @property
    def decisions(self) -> float:
        """Turns and answered surveys, of all models."""
        return sum(m.turns + m.surveyed for m in self.models)

    @property
    def tokens(self) -> float:
        """Tokens of prompts and replies, of all models."""
        return sum(m.tokens for m in self.models)


def estimate(scenario: Scenario, base: Path | str = ".") -> Estimate:
    """Return what a run of the scenario is expected to ask of its models.

    Makes the population, as the run does. `base` is the folder from which the scenario's relative
    paths start. ScenarioError for what a run would refuse, too.
    """
    encoder = make_encoder(scenario.encoder.kind, scenario.encoder.dims)
    people = population.build(scenario, encoder, Streams(scenario.seed), Path(base))
    world = make_world(scenario, encoder, people)
    clock, platform, _, mix = assemble(scenario, world)
    check_schedule(scenario, world)
    start_events(world, platform, scenario.products, people.posts)
    hours = _hours(clock, scenario.steps)
    sizes = Sizes(scenario, world)
    plans = {name: _Plan(scenario.steps) for name in sorted(_used(scenario))}
    group_of = mix.assignment(world)
    for g, group in enumerate(scenario.agents):
        members = np.flatnonzero(group_of == g).astype(np.int32)
        if group.model is not None and len(members):
            _add_turns(plans[group.model], scenario, world, sizes, g, members, hours)
    _add_surveys(plans, scenario, world, sizes, group_of)
    prices = {name: _prices(scenario.models[name]) for name in plans}
    rows = tuple(plan.row(name, prices[name]) for name, plan in plans.items())
    reaches, short = _reach(scenario.budget, plans, prices, scenario.steps)
    return Estimate(
        scenario.name, scenario.steps, rows, reaches, short, tuple(_notes(scenario, rows, sizes))
    )


def _used(scenario: Scenario) -> set[str]:
    named = [g.model for g in scenario.agents] + [s.model for s in scenario.surveys]
    return {name for name in named if name is not None}


def _hours(clock: Clock, steps: int) -> NDArray[np.int64]:
    """Return the hour of day in which each step begins, int64[steps], step 1 first."""
    try:
        return np.array([clock.hour(t) for t in range(1, steps + 1)], np.int64)
    except OverflowError:
        raise ScenarioError(
            f"time: step {steps:,} would lie beyond the year 9999; take shorter steps or fewer"
        ) from None


class _Plan:
    """What is asked of one model, step by step: `load` float64[steps + 1, 4], from step 0."""

    def __init__(self, steps: int) -> None:
        self.load: Load = np.zeros((steps + 1, _WIDTH))
        self.agents = self.surveyed = 0
        self.turns = self.most_turns = 0.0

    def row(self, name: str, prices: Load) -> ModelEstimate:
        total = self.load.sum(axis=0)
        calls, prompt, cached, reply = total.tolist()
        return ModelEstimate(
            model=name,
            agents=self.agents,
            turns=self.turns,
            most_turns=self.most_turns,
            surveyed=self.surveyed,
            calls=calls,
            prompt_tokens=prompt,
            cached_tokens=cached,
            reply_tokens=reply,
            cost=float(total @ prices),
        )


@dataclass(frozen=True, slots=True)
class _Awake:
    """How often the agents of a group are expected to be awake.

    `by_hour` and `most_by_hour` float64[24] are turns in one step of that hour; `turns` float64[k]
    those of each agent in the whole run; `ever` how many agents are expected to have one at all.
    """

    by_hour: NDArray[np.float64]
    most_by_hour: NDArray[np.float64]
    turns: NDArray[np.float64]
    ever: float

    @classmethod
    def of(
        cls, scenario: Scenario, world: World, members: NDArray[np.int32], hours: NDArray[np.int64]
    ) -> _Awake:
        """Add up the chances by which `time.draw` draws who is awake."""
        curve, rate = world.agents["curve"][members], world.agents["rate"][members]
        woken = scenario.time.wake_rate if scenario.time.wake_on_notice else 0.0
        by_hour, most = np.zeros(_HOURS), np.zeros(_HOURS)
        turns, never = np.zeros(len(members)), np.ones(len(members))
        for hour, count in enumerate(np.bincount(hours, minlength=_HOURS).tolist()):
            if count:
                chance = np.minimum(world.curves[curve, hour] * rate, 1.0).astype(np.float64)
                by_hour[hour] = chance.sum()
                most[hour] = (chance + woken * (1 - chance)).sum()
                turns += count * chance
                never *= (1 - chance) ** count
        return cls(by_hour, most, turns, float((1 - never).sum()))


def _add_turns(
    plan: _Plan,
    scenario: Scenario,
    world: World,
    sizes: Sizes,
    group: int,
    members: NDArray[np.int32],
    hours: NDArray[np.int64],
) -> None:
    """Add the turns of a group's agents to the plan of their model."""
    awake = _Awake.of(scenario, world, members, hours)
    turns = float(awake.turns.sum())
    plan.agents += len(members)
    plan.turns += turns
    plan.most_turns += float(awake.most_by_hour[hours].sum())
    if not turns:
        return
    prompt = scenario.agents[group].prompt or scenario.prompt
    size = sizes.of_group(group, members, awake.turns)
    first, later = size.first, size.later
    user = (awake.ever * first + (turns - awake.ever) * later) / turns
    calls = 1 + REPAIRING + (LOOKING if sizes.look_things_up else 0.0)
    per_turn = calls * np.array([1.0, size.rules + user, size.rules, REPLY])
    if prompt.reflect_every is not None:
        notes = _reflections(awake.turns, prompt.reflect_every) / turns
        per_turn += notes * np.array([1.0, size.rules + size.reflection, size.rules, NOTE])
    plan.load[1:] += awake.by_hour[hours][:, None] * per_turn


def _reflections(turns: NDArray[np.float64], every: int) -> float:
    """Return how many notes agents write to themselves, one with each `every`th of its turns.

    After T turns that is floor(T / every), on average over nearby T (T - (every - 1) / 2) / every.
    """
    return float(np.maximum(0.0, (turns - (every - 1) / 2) / every).sum())


def _add_surveys(
    plans: Mapping[str, _Plan],
    scenario: Scenario,
    world: World,
    sizes: Sizes,
    group_of: NDArray[np.int16],
) -> None:
    """Add the surveys that are held after steps: who is asked is drawn as in the run."""
    models = np.array([g.model or "" for g in scenario.agents] + [""])[group_of]
    for survey in scenario.surveys:
        reply = sum(_ANSWER[q.kind] for q in survey.questions)
        for step in range(scenario.steps + 1):
            if not due([survey], step):
                continue
            world.step = step
            agents, _ = asked(survey, world, world.streams, models != "")
            own = survey.model is None
            answering = models[agents] if own else np.full(len(agents), survey.model)
            for name, plan in plans.items():
                mine = agents[answering == name]
                if len(mine):
                    rules, user = sizes.of_survey(survey, mine, remembering=models[mine] != "")
                    one = np.array([1.0, rules + user, rules, reply])
                    plan.load[step] += len(mine) * (1 + REPAIRING) * one
                    plan.surveyed += len(mine)
    world.step = 0


def _prices(model: ModelConfig) -> Load:
    """Return what a call, a token of a prompt, its being cached, a token of a reply cost."""
    million = 1_000_000
    parts = (
        Completion(""),
        Completion("", prompt_tokens=million),
        Completion("", cached_tokens=million),
        Completion("", completion_tokens=million),
    )
    return np.array([cost(model, part) for part in parts]) / million


def _reach(
    budget: BudgetConfig, plans: Mapping[str, _Plan], prices: Mapping[str, Load], steps: int
) -> tuple[int, str]:
    """Return the last step that the budget pays for, and what it lacks for the next ("": none)."""
    empty: Load = np.zeros((steps + 1, _WIDTH))
    load = sum((p.load for p in plans.values()), empty)
    money = sum((p.load @ prices[name] for name, p in plans.items()), np.zeros(steps + 1))
    used = {"requests": load[:, 0], "tokens": load[:, 1] + load[:, 3], "money": money}
    reaches, short = steps, ""
    for unit, spent in used.items():
        limit = getattr(budget, unit)
        if limit is not None:
            last = int(np.searchsorted(np.cumsum(spent), limit, side="right")) - 1
            if last < reaches:
                reaches, short = max(last, 0), unit
    return reaches, short


def _notes(scenario: Scenario, rows: tuple[ModelEstimate, ...], sizes: Sizes) -> Iterator[str]:
    """Yield what the figures rest on, in words."""
    if any(row.turns for row in rows):
        yield "Turns: the agents' chances to be awake, added up over the steps."
        if scenario.time.wake_on_notice and scenario.time.wake_rate:
            most = sum(row.most_turns for row in rows)
            yield (
                "Replies and mentions wake agents, too, which is not in the figures: if everyone "
                f"got some in every step, there would be {most:,.0f} turns."
            )
        yield from _prompt_notes(scenario, sizes)
    yield (
        f"Replies are taken to have {REPLY} tokens, notes {NOTE}, and {REPAIRING:.0%} of calls "
        "to need a repair"
        + (f"; {LOOKING:.0%} of turns look something up." if sizes.look_things_up else ".")
    )
    yield (
        f"Tokens are counted as UTF-8 bytes / {BYTES_PER_TOKEN}. Cached are the rules that all "
        "prompts begin with, if the endpoints keep them."
    )
    if any(e.sign_up is not None or e.set is not None for e in scenario.events):
        yield "Agents who sign up and settings that change in mid-run are left out."


def _prompt_notes(scenario: Scenario, sizes: Sizes) -> Iterator[str]:
    for g, size in sizes.groups.items():
        model: Any = scenario.agents[g].model
        yield (
            f"Prompts of agents.{g} ({model}): {size.rules:,.0f} tokens of rules, and "
            f"{size.first:,.0f} on average over {size.samples} agents as the world is before "
            f"step 1; {size.later:,.0f} from their second turn on, with a full memory and "
            f"{sizes.slots} posts"
            + (f", {COMMENTED:.0%} of their comments." if sizes.commented else ".")
        )
