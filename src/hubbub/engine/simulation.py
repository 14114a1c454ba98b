"""The simulation as users hold it: reset, act, step, run, ask, read, export, close, resume."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow.compute as pc

from hubbub import population
from hubbub.actions import Action, Reason
from hubbub.actions.spec import Configure, Interview
from hubbub.config.load import load_scenario, parse_scenario, with_models_changed
from hubbub.config.prompts import SurveyConfig
from hubbub.config.scenario import Scenario
from hubbub.embed import make_encoder
from hubbub.engine.free_memory import give_back
from hubbub.engine.given_turns import Ask, GivenTurns, Outcome, whole_steps
from hubbub.engine.hold_survey import hold_survey
from hubbub.engine.hooks import Hook, Hooks
from hubbub.engine.models.budget import BudgetSpent
from hubbub.engine.models.inference import Replies
from hubbub.engine.models.session import ModelSession
from hubbub.engine.models.surveys import as_survey, named_anew
from hubbub.engine.query_answers import answer
from hubbub.engine.schedule import check_calendar, check_schedule, check_settings
from hubbub.engine.society import Society
from hubbub.engine.start_and_resume import begin, make_world, refold
from hubbub.engine.step import StepReport
from hubbub.engine.workers import open_workers
from hubbub.errors import ActionError, ModelError, RunError, StoreError
from hubbub.feed import Explained
from hubbub.mind.survey import due
from hubbub.platform import Platform, apply
from hubbub.policy import AgentView
from hubbub.population.io import from_blobs, to_blobs
from hubbub.rng import Streams
from hubbub.store import RunStore, Table, check_free, export_run
from hubbub.world import World

if TYPE_CHECKING:
    from hubbub.llm.inferencer import Answering
    from hubbub.llm.usage import ModelUsage


class Simulation:
    """A society that runs.

    `out` is the folder of the run; without it, nothing touches the disk. Relative paths in the
    scenario start from the folder `base` (default: the current one).

    `threads` and `workers` change the speed and nothing else: threads of this process by default,
    or ``processes:N``, ``ray``, ``ray:ADDRESS`` (docs/workers.md). `stand_ins` replace language
    models, by name, with functions of this process (hubbub.testing). `replay` is the folder of a
    run whose recorded replies replace those of models; a missing reply is an error, or with
    `only_missing` asked of the model. `hooks` follow everything; see Hook.

    `scenario` is the scenario, with the seed given to `reset` and the steps added by `extend`.
    `paused` says why `run` ended early: the budget for models is spent. `notes` are sentences on
    oddities in the population's data and how they were handled.
    """

    def __init__(
        self,
        scenario: Scenario,
        *,
        out: Path | str | None = None,
        base: Path | str | None = None,
        threads: int | None = None,
        workers: str | None = None,
        stand_ins: Mapping[str, Answering] | None = None,
        replay: Path | str | None = None,
        only_missing: bool = False,
        hooks: Sequence[Hook] = (),
    ) -> None:
        self.scenario = scenario
        self._out = Path(out) if out is not None else None
        self._base = Path(base) if base is not None else Path()
        self._workers = open_workers(workers, threads)
        self._encoder = make_encoder(scenario.encoder.kind, scenario.encoder.dims)
        record = None if replay is None else Path(replay)
        replies = Replies(stand_ins or {}, record, only_missing)
        self._hooks = Hooks(hooks)
        self._models = ModelSession(replies, self._base, self._hooks.waiting)
        self._society: Society | None = None
        self._store: RunStore | None = None
        self.paused: str | None = None
        self._stopping = False
        self._closed = False
        self.notes: list[str] = []

    @classmethod
    def from_yaml(
        cls,
        path: Path | str,
        *,
        out: Path | str | None = None,
        overrides: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Self:
        """Return the simulation of a scenario file; `overrides` are values by dotted name.

        The other options are those of the class.
        """
        scenario = load_scenario(Path(path), overrides)
        return cls(scenario, out=out, base=Path(path).parent, **options)

    @classmethod
    def resume(
        cls, folder: Path | str, *, overrides: Mapping[str, Any] | None = None, **options: Any
    ) -> Self:
        """Return the simulation of a run folder, at its last whole step, ready to go on.

        `overrides` change what may change between sessions (models and budget), and are kept with
        the run. The other options are those of the class.
        """
        store = RunStore.open(Path(folder), mode="write")
        try:
            scenario = parse_scenario(store.scenario(), str(folder))
            if overrides:
                scenario = with_models_changed(scenario, overrides)
                store.save_scenario(scenario.model_dump_json())
            sim = cls(scenario, out=folder, **options)
        except BaseException:
            store.close()
            raise
        sim._store = store
        try:
            sim._ready()
        except BaseException:
            sim.close()
            raise
        return sim

    # -- life cycle ---------------------------------------------------------------------------

    def reset(self, seed: int | None = None) -> Self:
        """Begin at step 0, with another seed if one is given.

        What acts or asks (`run`, `step`, `act`, `survey`, `show`, ...) begins the run itself if
        need be. Attributes and tables never do: before the beginning they raise RunError.
        """
        if self._store is not None and self._out is not None:
            raise RunError(
                f"the run in {self._out} has begun and is kept; for another run make a new "
                "Simulation with another folder"
            )
        if self._out is not None:  # better now than after the population is made
            check_free(self._out)
        self._discard()
        self._closed = False
        if seed is not None:
            self.scenario = self.scenario.model_copy(update={"seed": seed})
        self._open_models()
        self._workers.start()
        scenario = self.scenario
        people = population.build(scenario, self._encoder, Streams(scenario.seed), self._base)
        self.notes = people.notes
        world = make_world(scenario, self._encoder, people)
        society = self._settle(world)
        check_schedule(scenario, world)
        if society.model_turns is not None:
            society.model_turns.groups.check()
        self._store = RunStore.create(
            self._out, scenario.model_dump_json(), to_blobs(people), world
        )
        begin(self._store, society, scenario, people)
        self._society = society
        del people
        give_back()
        self._hold_due()
        return self

    def close(self) -> None:
        """Release the run folder. Only `reset` can make the simulation usable again."""
        self._closed = True
        try:
            self._discard()
        finally:
            self._workers.close()

    def __repr__(self) -> str:
        if self._society is None:
            return (
                f"<Simulation {self.scenario.name!r}, {'closed' if self._closed else 'not begun'}>"
            )
        world = self._society.world
        return (
            f"<Simulation {self.scenario.name!r}, step {world.step} of {self.scenario.steps}: "
            f"{len(world.agents):,} agents, {len(world.items):,} items>"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    # -- moving -------------------------------------------------------------------------------

    def act(self, agent: int | str, name: str, /, **args: Any) -> Outcome:
        """Let one agent (id or user name) perform one action now, between steps.

        What the platform refuses is an Outcome with `ok` False and the reason. ActionError for an
        unknown agent, action or argument.
        """
        society = self._ready()
        world = society.world
        agent = self._agent(agent)
        spec = world.table.spec(name)
        batch = society.batch({agent: [Action(name, **args)]})
        configures = any(isinstance(effect, Configure) for effect in spec.effects)
        if configures:
            new = args.get("settings", args)
            check_settings(self.scenario, world, world.settings, new, name)
        with self._undone_on_error():
            rules, step = society.decider.platform, world.step
            events = apply(rules, world, batch, step, environment=spec.environment_only)
            society.remember(step, events, None)
            society.changed(step, events, None)
            self.store.commit(world, step, events, None, finished=False)
            if configures:
                society.configure(self.scenario)
        reason = Reason(int(events.reason[0]))
        item = int(events.item[0])
        result = answer(society, agent, name, args) if reason is Reason.ok else None
        return Outcome(reason is Reason.ok, reason.name, item if item >= 0 else None, result)

    def step(
        self,
        actions: Mapping[Any, Sequence[Action] | Action | Ask] | None = None,
        *,
        only: bool = False,
    ) -> StepReport:
        """Run one step and return its report.

        The agents in `actions` (ids or user names) perform the given actions; those with `hb.Ask()`
        are woken and decide themselves. Everyone else who is awake decides too; with `only`, nobody
        else takes part. Raises BudgetSpent if the remaining budget cannot pay for the step.
        """
        report = self._take_step(actions, only=only)
        with self._undone_on_error():
            self.store.settle()
        self._hooks.stepped(report)
        return report

    def _take_step(
        self,
        actions: Mapping[Any, Sequence[Action] | Action | Ask] | None = None,
        *,
        only: bool = False,
    ) -> StepReport:
        """Run one step. Its commit may still be under way afterwards."""
        society = self._ready()
        asked = GivenTurns.of(
            [(self._agent(agent), turn) for agent, turn in (actions or {}).items()]
        )
        society.batch(asked.actions)  # a slip in an action undoes nothing
        t = society.world.step + 1
        self._check_calendar(t)
        with self._undone_on_error():
            step = society.step(t, asked, only=only)
            self.store.commit(
                society.world,
                t,
                step.events,
                step.slate,
                finished=True,
                completions=step.completions,
                wait=False,
            )
            if society.model_turns is None:
                self.store.checkpoint(society.world)
            step.watch.lap("commit")
        self._hold_due()
        return step.report(t)

    def run(self, steps: int | None = None, hooks: Sequence[Hook] = ()) -> int:
        """Run `steps` more steps (default: to the scenario's end) and return the last one.

        Ends earlier, after a whole step, if `stop` is called or the budget is spent (see `paused`).
        `hooks` follow this run, in addition to those of the simulation.
        """
        self._ready()
        last = self.scenario.steps if steps is None else self.t + whole_steps(steps)
        self._check_calendar(last)
        self.paused = None
        with self._followed(hooks, last):
            self._run_to(last)
            with self._undone_on_error():
                self.store.settle()
            if (short := self._ready().short) is not None:
                self.paused = str(short)
        return self.t

    def _run_to(self, last: int) -> None:
        while self.t < last and not self._stopping:
            try:
                report = self._take_step()
            except BudgetSpent as spent:
                self.paused = str(spent)
                return
            self._hooks.stepped(report)
            if self.t < report.step:
                raise StoreError(
                    f"step {report.step:,} could not be written, and a hook that was told why "
                    f"went on; the run is at step {self.t:,}"
                )

    @contextmanager
    def _followed(self, hooks: Sequence[Hook], last: int) -> Iterator[None]:
        """Let further hooks follow a run, and tell all of its beginning and its end."""
        before, self._hooks.hooks = self._hooks.hooks, Hooks([*self._hooks.hooks, *hooks]).hooks
        error: BaseException | None = None
        try:
            self._hooks.began(self.t, last)
            yield
        except BaseException as caught:
            error = caught
            raise
        finally:
            self._stopping = False
            try:
                self._hooks.ended(self._whole(), self.paused, error)
            finally:
                self._hooks.hooks = before

    def _whole(self) -> int:
        """Return the last whole step in the file, whatever has happened since."""
        with suppress(RunError):  # it cannot be read, and another error is on its way
            return max(self._store.steps, 0) if self._store is not None else 0
        return 0

    def extend(self, steps: int) -> None:
        """Let the scenario go on for at least `steps` more steps, and keep that with the run."""
        end = self._ready().world.step + whole_steps(steps)
        self._check_calendar(end)
        if end > self.scenario.steps:
            self.scenario = self.scenario.model_copy(update={"steps": end})
            self.store.save_scenario(self.scenario.model_dump_json())
            if self.scenario.turns.staleness:  # later turns are due on worlds that are past
                self._leave()
                self._ready()

    def restore(self) -> Self:
        """Go back to the last whole step, after an error or interruption undid a step."""
        self._ready()
        return self

    def stop(self) -> None:
        """Let `run` end after the step it is in, or before its first if it has not begun.

        Safe to call from a signal handler or another thread.
        """
        self._stopping = True

    # -- asking -------------------------------------------------------------------------------

    def survey(
        self,
        survey: SurveyConfig | str | Sequence[str],
        agents: Sequence[int | str] | None = None,
        *,
        model: str | None = None,
    ) -> Table:
        """Ask agents questions now and return their answers, which are kept with the run.

        `survey` is a SurveyConfig, or one or more questions. `agents` (ids or user names) replace
        its conditions on who is asked, `model` its model. The world and the digest do not change,
        unless the survey says that agents remember it. Raises BudgetSpent, before anything is
        asked, if the remaining budget cannot pay for it.
        """
        config = as_survey(survey, model)
        self._ready()
        if config.model is not None:
            self._open_models(config.model)
        chosen = None if agents is None else [self._agent(agent) for agent in agents]
        config = named_anew(config, self.store.surveys_held(), self.t)
        self._hold(config, chosen)
        held = self.store.answers().arrow
        mine = pc.and_(pc.equal(held["survey"], config.name), pc.equal(held["step"], self.t))
        return Table(held.filter(mine))

    def interview(self, agent: int | str, question: str, *, model: str | None = None) -> str | None:
        """Ask one agent a question and return its answer, None if its reply could not be read.

        The agent's own model answers, or `model`. The question is logged as the agent's `interview`
        event, even if no answer comes, and the answer kept with the run (`answers`). ModelError if
        no model drives the agent and none is given; ActionError if the platform refuses the
        question, for example an empty one; BudgetSpent if the remaining budget cannot pay for it.
        """
        society = self._ready()
        number, turns = self._agent(agent), society.model_turns
        if model is None and (turns is None or turns.groups.model_of(number) is None):
            raise ModelError(
                f"agent {agent!r} has no model; name one that answers for it: "
                "sim.interview(agent, question, model=NAME)"
            )
        if (spec := society.world.table.find(Interview())) is not None:
            (text,) = (arg.name for arg in spec.args if arg.column == "text")
            outcome = self.act(number, spec.name, **{text: question})
            if not outcome.ok:
                raise ActionError(f"the platform refuses the question: {outcome.reason}")
        (said,) = self.survey(question, [number], model=model)["answer"].to_pylist()
        return said if said is None else str(said)

    # -- reading; leaves no trace -------------------------------------------------------------

    @property
    def t(self) -> int:
        """The last finished step; 0 before the first."""
        self._drop_lost_step()
        if self._society is None and self._store is not None:
            return max(self._store.steps, 0)
        return self._begun().world.step

    @property
    def world(self) -> World:
        """The world as it stands. Read it; only actions change it."""
        return self._begun().world

    @property
    def platform(self) -> Platform:
        """The rules in force: which actions are switched on, how long a text may be."""
        return self._begun().decider.platform

    @property
    def store(self) -> RunStore:
        """The store of this run."""
        self._drop_lost_step()
        if self._store is None:
            self._begun()
        assert self._store is not None  # noqa: S101 - else _begun has raised
        return self._store

    def events(self) -> Table:
        """Return what happened, one row per action, accepted or refused."""
        return self.store.events()

    def posts(self) -> Table:
        """Return posts, reposts and quotes with their counters."""
        return self.store.posts()

    def agents(self) -> Table:
        """Return the agents with their profiles and counters."""
        return self.store.agents()

    def completions(self) -> Table:
        """Return the calls of language models: prompt, reply, tokens, latency, cost."""
        return self.store.completions()

    def answers(self) -> Table:
        """Return what agents answered in surveys and interviews."""
        return self.store.answers()

    def show(self, agent: int | str) -> AgentView:
        """Return what an agent would be shown if it woke now."""
        return self._ready().decider.show(self._agent(agent))

    def explain(self, agent: int | str) -> list[Explained]:
        """Return every candidate of an agent's next slate: shown, or why not, and its score."""
        return self._ready().decider.explain(self._agent(agent))

    def look_up(self, agent: int | str, name: str, /, **args: Any) -> Any:
        """Return what a query would find now, as Outcome.result; None for other actions."""
        return answer(self._ready(), self._agent(agent), name, args)

    def usage(self) -> dict[str, ModelUsage]:
        """Return the requests, tokens and latencies of each model since it was opened, by name."""
        return self._models.usage()

    def digest(self) -> str:
        """Return the hash of the run's content; equal for equal runs."""
        return self.store.digest()

    def export(self, format: str, out: Path | str) -> None:  # noqa: A002 - the public word
        """Write the run as `oasis` (SQLite), `parquet` or `graphml` to `out`."""
        export_run(self.store, format, out)

    # -- inside -------------------------------------------------------------------------------

    def _drop_lost_step(self) -> None:
        """Drop a world that is ahead of the file because its commit failed."""
        if self._store is not None and self._store.failed:
            self._leave()
            self._store.reread()

    def _begun(self) -> Society:
        """Return the society; RunError if there is none now. Never builds one."""
        self._drop_lost_step()
        if self._closed:
            raise RunError("this simulation is closed; make a new one, or resume its folder")
        if self._society is None and self._store is None:
            raise RunError("the simulation has not begun; call reset() or run() first")
        if self._society is None:
            raise RunError(
                f"the last step was undone; call restore() to see the world after step {self.t:,}, "
                "or go on with run() or step()"
            )
        return self._society

    def _agent(self, agent: int | str) -> int:
        """Return the id of an agent given by id or user name; ActionError if there is none."""
        world = self._ready().world
        if isinstance(agent, str):
            found = world.profiles.find(agent)
            if found is None:
                raise ActionError(f"there is no agent with the user name '{agent}'")
            return found
        last = len(world.agents) - 1
        whole = isinstance(agent, int | np.integer) and not isinstance(agent, bool)
        if not whole or not 0 <= agent <= last:
            raise ActionError(f"there is no agent {agent!r}; ids go from 0 to {last}")
        return int(agent)

    def _hold(self, survey: SurveyConfig, agents: Sequence[int] | None = None) -> None:
        society = self._ready()
        with self._undone_on_error(but=BudgetSpent):
            hold_survey(society, self.store, survey, agents)

    def _hold_due(self) -> None:
        """Hold the surveys that are due after the current step and were not held yet.

        If the budget cannot pay for one, the run cannot go on before it is held.
        """
        society, t = self._ready(), self.t
        held = self.store.surveys_held() if self.scenario.surveys else set()
        for survey in due(self.scenario.surveys, t):
            if (survey.name, t) in held:
                continue
            try:
                self._hold(survey)
            except BudgetSpent as spent:
                society.short = spent
                return

    def _ready(self) -> Society:
        if self._closed:
            raise RunError("this simulation is closed; make a new one, or resume its folder")
        self._drop_lost_step()
        if self._society is None:
            if self._store is None:
                self.reset()
            else:  # resumed, or an error cut a step off: go back to what was committed
                self._society = self._refold(self._store)
                self._hold_due()
        assert self._society is not None  # noqa: S101 - made above
        return self._society

    def _settle(self, world: World) -> Society:
        """Return the society in a world, its models at hand."""
        model_turns = self._models.model_turns(self.scenario, world, self._store)
        return Society(self.scenario, world, model_turns, workers=self._workers)

    def _open_models(self, also: str | None = None) -> None:
        """Open the models that agents or surveys name; ModelError before anything is made."""
        if self._models.lack(self.scenario, also):
            self._leave()  # its minds ask those that are open
            self._models.open(self.scenario, also)

    def _refold(self, store: RunStore) -> Society:
        """Return the society whose world is the fold of the log."""
        self._open_models()
        self._workers.start()
        store.reread()
        people = from_blobs(store.population_blobs())
        world = make_world(self.scenario, self._encoder, people)
        society = refold(store, self.scenario, world, self._settle)
        if store.steps < 0:  # it was cut off before its first step was whole
            begin(store, society, self.scenario, people)
        del people
        give_back()
        return society

    @contextmanager
    def _undone_on_error(self, *, but: type[BaseException] | tuple[()] = ()) -> Iterator[None]:
        try:
            yield
        except but:
            raise
        except BaseException:  # also an interrupt: what was not committed did not happen
            self._leave()
            raise

    def _leave(self) -> None:
        """Let the society go; replies to turns that were not finished are kept with the run."""
        society, self._society = self._society, None
        if society is None:
            return
        if society.model_turns is not None and self._store is not None:
            with suppress(RunError):  # another error is on its way, and only money is lost
                self._store.keep(society.model_turns.salvage())

    def _check_calendar(self, step: int) -> None:
        check_calendar(self._ready().decider.clock, step)

    def _discard(self) -> None:
        self._leave()
        store, self._store = self._store, None
        try:
            self._models.close()
        finally:
            if store is not None:
                store.close()
