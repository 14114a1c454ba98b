"""What a run will ask of language models, estimated beforehand without calling any model."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hubbub import population
from hubbub.config.models import BudgetConfig, ModelConfig
from hubbub.config.prompts import PromptConfig
from hubbub.config.scenario import Scenario
from hubbub.embed import make_encoder
from hubbub.engine.decider import assemble
from hubbub.engine.models.budget import cost
from hubbub.engine.schedule import check_schedule, start_events
from hubbub.engine.start_and_resume import make_world
from hubbub.estimate.dry_run import GroupMeasurement, dry_run
from hubbub.estimate.expected_activity import ExpectedActivity, hours_of
from hubbub.estimate.prompt_sizes import PromptSizes
from hubbub.estimate.reply_stats import REPAIRING, ReplyStats, reply_stats_of
from hubbub.llm.chat import Completion
from hubbub.llm.tokens import BYTES_PER_TOKEN
from hubbub.mind.survey import asked, due
from hubbub.rng import Streams
from hubbub.world import World

#: Tokens of an agent's note to itself.
NOTE = 60
#: Tokens of an answer to a question, by its kind, including JSON around a label or number.
_ANSWER = {"text": 40, "choice": 12, "likert": 8, "number": 8}

#: Calls, tokens of prompts, those of them in the shared rules, tokens of replies.
Load = NDArray[np.float64]
_WIDTH = 4


@dataclass(frozen=True, slots=True)
class ModelEstimate:
    """The expected requests to one model in a whole run.

    The `agents` that it drives have `turns` in all, of which `woken` come only from replies and
    mentions; `most_turns` is an upper bound, as if everyone were replied to or mentioned in each
    step. `surveyed` are calls of surveys, without repairs. `calls` are those of turns and surveys.
    Of `prompt_tokens`, `cached_tokens` are the shared rules. `cost` is in the currency of the
    prices, for endpoints that cache.
    """

    model: str
    agents: int
    turns: float
    woken: float
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

    def gpu_hours(self, reads: float, writes: float) -> float:
        """Return the hours of a GPU that reads, or writes, this many tokens per second.

        It does one after the other and is never idle; cached tokens take no time.
        """
        fresh = self.prompt_tokens - self.cached_tokens
        return (fresh / reads + self.reply_tokens / writes) / 3_600


@dataclass(frozen=True, slots=True)
class RunEstimate:
    """The expected requests of a run of `steps` steps to its models, in the order of their names.

    `reaches` is the last step that the scenario's budget pays for, `short` the unit that runs out:
    requests, tokens, money, "" if it lasts to the end or there is none. `notes` say what the
    figures are based on.
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


def estimate(
    scenario: Scenario, base: Path | str = ".", *, measured: Path | str | None = None
) -> RunEstimate:
    """Return the expected requests of a run of the scenario to its models.

    Makes the population, as the run does, and simulates the first steps without models. Relative
    paths of the scenario start from the folder `base`. `measured` is the folder of a run of the
    same models, whose record gives the reply statistics. ScenarioError for anything that a run
    would refuse too; RunError if the record has no usable calls.
    """
    used = _used(scenario)
    known = {} if measured is None else reply_stats_of(measured, used)
    encoder = make_encoder(scenario.encoder.kind, scenario.encoder.dims)
    people = population.build(scenario, encoder, Streams(scenario.seed), Path(base))
    world = make_world(scenario, encoder, people)
    clock, platform, _, mix = assemble(scenario, world)
    check_schedule(scenario, world)
    start_events(world, platform, scenario.products, people.posts)
    hours = hours_of(clock, scenario.steps)
    sizes = PromptSizes(scenario, world)
    assumed = ReplyStats.assumed(look_things_up=sizes.look_things_up)
    plans = {n: _Plan(scenario.steps, known.get(n, assumed)) for n in sorted(used)}
    group_of = mix.assignment(world)
    _add_surveys(plans, scenario, world, sizes, group_of)
    waking = {
        g: ExpectedActivity.of(scenario.time, world, members.astype(np.int32), hours)
        for g, group in enumerate(scenario.agents)
        if group.model is not None and len(members := np.flatnonzero(group_of == g))
    }
    panels = {g: its.panel() for g, its in waking.items() if its.turns.any()}
    simulated, parts = dry_run(scenario, world, sizes, panels, group_of)
    for g, its in waking.items():
        group = scenario.agents[g]
        plans[str(group.model)].add_turns(its, parts.get(g), group.prompt or scenario.prompt)
    prices = {name: _prices(scenario.models[name]) for name in plans}
    rows = tuple(plan.row(name, prices[name]) for name, plan in plans.items())
    reaches, short = _reach(scenario.budget, plans, prices, scenario.steps)
    notes = (*_turn_notes(scenario, rows, simulated, parts), *_token_notes(plans, known))
    return RunEstimate(scenario.name, scenario.steps, rows, reaches, short, notes)


def _used(scenario: Scenario) -> set[str]:
    named = [g.model for g in scenario.agents] + [s.model for s in scenario.surveys]
    return {name for name in named if name is not None}


class _Plan:
    """The requests to one model, step by step: `load` float64[steps + 1, 4], from step 0."""

    def __init__(self, steps: int, stats: ReplyStats) -> None:
        self.load: Load = np.zeros((steps + 1, _WIDTH))
        self.stats = stats
        self.agents = self.surveyed = 0
        self.turns = self.woken = self.most_turns = 0.0

    def add_turns(
        self, waking: ExpectedActivity, part: GroupMeasurement | None, prompt: PromptConfig
    ) -> None:
        """Add the turns of a group's agents. There are none without a `part`."""
        self.agents += len(waking.members)
        self.most_turns += waking.most
        if part is None:
            return
        own, by_step = float(waking.turns.sum()), waking.by_step + part.woken
        turns = float(by_step.sum())
        self.turns += turns
        self.woken += turns - own
        self._add(by_step * self.stats.calls, part.rules, part.prompts, self.stats.reply)
        if prompt.reflect_every is not None:
            notes = _reflections(waking.turns * (turns / own), prompt.reflect_every)
            self._add(by_step * (notes / turns), part.rules, part.notes, NOTE)

    def add_survey(self, step: int, agents: int, rules: float, user: float, reply: float) -> None:
        """Add a survey that is held after a step."""
        calls = np.zeros(len(self.load))
        calls[step] = agents * (1 + REPAIRING)
        self._add(calls, rules, user, reply)
        self.surveyed += agents

    def _add(self, calls: Load, rules: float, user: Load | float, reply: float) -> None:
        """Add calls in each of the last steps, with this many tokens each: float64, by step."""
        stretch, rows = self.stats.stretch, self.load[len(self.load) - len(calls) :]
        rows[:, 0] += calls
        rows[:, 1] += calls * (rules + user) * stretch
        rows[:, 2] += calls * rules * stretch
        rows[:, 3] += calls * reply

    def row(self, name: str, prices: Load) -> ModelEstimate:
        total = self.load.sum(axis=0)
        calls, prompt, cached, reply = total.tolist()
        return ModelEstimate(
            model=name,
            agents=self.agents,
            turns=self.turns,
            woken=self.woken,
            most_turns=self.most_turns,
            surveyed=self.surveyed,
            calls=calls,
            prompt_tokens=prompt,
            cached_tokens=cached,
            reply_tokens=reply,
            cost=float(total @ prices),
        )


def _reflections(turns: NDArray[np.float64], every: int) -> float:
    """Return how many notes agents write to themselves, one with each `every`th of their turns.

    After T turns this is floor(T / every), on average over nearby T (T - (every - 1) / 2) / every.
    """
    return float(np.maximum(0.0, (turns - (every - 1) / 2) / every).sum())


def _add_surveys(
    plans: Mapping[str, _Plan],
    scenario: Scenario,
    world: World,
    sizes: PromptSizes,
    group_of: NDArray[np.int16],
) -> None:
    """Add the surveys that are held after steps; their agents are drawn as in the run."""
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
                    remembering = models[mine] != ""
                    rules, user = sizes.of_survey(survey, mine, remembering=remembering)
                    plan.add_survey(step, len(mine), rules, user, reply)
    world.step = 0


def _prices(model: ModelConfig) -> Load:
    """Return the prices of a call, a prompt token, the same cached, and a reply token."""
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
    """Return the last step that the budget pays for, and the unit that then runs out ("": none)."""
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


def _turn_notes(
    scenario: Scenario,
    rows: tuple[ModelEstimate, ...],
    simulated: int,
    parts: Mapping[int, GroupMeasurement],
) -> Iterator[str]:
    """Yield sentences on what the figures for turns and prompts are based on."""
    if not parts:
        return
    whole = simulated == scenario.steps
    yield (
        f"{'All' if whole else f'The first {simulated}'} steps were simulated with the statistical "
        "policy in place of the models, and prompts measured on the way"
        + ("." if whole else ". Later ones are taken to be as the last of these.")
    )
    woken = f"{sum(row.woken for row in rows):,.0f} because of replies and mentions in the dry run"
    most = f"{sum(row.most_turns for row in rows):,.0f}, if everyone got some in every step"
    waking = scenario.time.wake_on_notice and scenario.time.wake_rate
    yield (
        "Turns: the agents' chances to be awake, added up over the steps"
        + (f"; {woken}. There are at most {most}." if waking else ".")
    )
    for g, part in parts.items():
        model: Any = scenario.agents[g].model
        yield (
            f"Prompts of agents.{g} ({model}), on average over {part.samples} agents: "
            f"{part.rules:,.0f} tokens of rules, and {part.prompts[0]:,.0f} in step 1, "
            f"{part.prompts[-1]:,.0f} in the last."
        )
    if any(e.sign_up is not None or e.set is not None for e in scenario.events):
        yield "Turns of agents who sign up, and what changed settings do to prompts, are left out."


def _token_notes(plans: Mapping[str, _Plan], known: Collection[str]) -> Iterator[str]:
    """Yield sentences on what the figures for calls and tokens are based on."""
    for name, plan in plans.items():
        its, how = plan.stats, "Measured" if name in known else "Assumed"
        per_token = BYTES_PER_TOKEN / its.stretch
        yield (
            f"{how} of {name}: {its.calls:.2f} calls a turn, {its.reply:.0f} tokens a reply, "
            f"a token for {per_token:.1f} bytes of a prompt."
        )
    yield "Cached are the rules that all prompts begin with, if the endpoints keep them."
