"""The simulation as users hold it: reset, act, step, run, read, export, close, resume."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

from hubbub import population
from hubbub.actions import Action, Reason
from hubbub.actions.spec import Configure, Interview
from hubbub.config.load import load_scenario, parse_scenario, with_models_changed
from hubbub.config.scenario import Scenario
from hubbub.embed import make_encoder
from hubbub.engine.free_memory import give_back
from hubbub.engine.given_turns import Ask, GivenTurns, Outcome, whole_steps
from hubbub.engine.models.budget import BudgetSpent
from hubbub.engine.models.inference import Replies
from hubbub.engine.models.session import ModelSession
from hubbub.engine.models.turns import Waiting
from hubbub.engine.query_answers import answer
from hubbub.engine.schedule import check_calendar, check_schedule, check_settings
from hubbub.engine.society import Society, StepReport
from hubbub.engine.start_and_resume import begin, make_world, refold
from hubbub.engine.surveying import Surveying
from hubbub.engine.workers import open_workers
from hubbub.errors import RunError, StoreError
from hubbub.platform import apply
from hubbub.platform.queries import wanted
from hubbub.population.io import from_blobs, to_blobs
from hubbub.rng import Streams
from hubbub.store import RunStore, check_free
from hubbub.world import World

if TYPE_CHECKING:
    from hubbub.llm.inferencer import Answering


class Hook(Protocol):
    """Is told of every finished step."""

    def stepped(self, report: StepReport) -> None:
        """Look at a step. Its commit may be under way: `Simulation.store` waits for it.

        Must not change the simulation.
        """
        ...


class Simulation(Surveying):
    """A society that runs.

    Nothing touches the disk unless `out` names a folder for the run. `base` is the folder from
    which relative paths of the scenario start (default: the current one). `threads` changes the
    speed and nothing else; so does `workers`: who ranks feeds, decides and asks models, threads of
    this process or ``processes:N``, ``ray``, ``ray:ADDRESS`` (docs/workers.md). `stand_ins`
    stand-ins for language models, by name: functions of this process (hubbub.testing). `replay` is
    the folder of a run whose recorded replies take the place of the models'; what it lacks is an
    error, or with `only_missing` asked of the model. `waiting` is told, while a step waits for
    models, how many turns are decided, and of how many.

    `paused` says why `run` ended early: the budget for models is spent.
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
        waiting: Waiting | None = None,
    ) -> None:
        self.scenario = scenario
        self._out = Path(out) if out is not None else None
        self._base = Path(base) if base is not None else Path()
        self._workers = open_workers(workers, threads)
        self._encoder = make_encoder(scenario.encoder.kind, scenario.encoder.dims)
        record = None if replay is None else Path(replay)
        replies = Replies(stand_ins or {}, record, only_missing)
        self._models = ModelSession(replies, self._base, waiting)
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
        """Begin at step 0, with another seed if one is given. Called by itself at the first use."""
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
        """Let one agent (id or user name) do one thing now, between steps; say what came of it.

        Raises ActionError for an unknown agent, action or argument. What the platform refuses is
        an Outcome with ok = False and the reason.
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
            events = apply(
                society.decider.platform,
                world,
                batch,
                world.step,
                environment=spec.environment_only,
            )
            society.remember(world.step, events, None)
            society.changed(world.step, events, None)
            self.store.commit(world, world.step, events, None, finished=False)
            if configures:
                society.configure(self.scenario)
        reason = Reason(int(events.reason[0]))
        item = int(events.item[0])
        result = answer(society, agent, name, args) if reason is Reason.ok else None
        interviews = Interview() in spec.effects
        model_turns = society.model_turns if interviews and reason is Reason.ok else None
        if model_turns is not None and model_turns.groups.model_of(agent):
            (result,) = self.survey(wanted(spec, args), [agent])["answer"].to_pylist()
        return Outcome(reason is Reason.ok, reason.name, item if item >= 0 else None, result)

    def step(
        self,
        actions: Mapping[Any, Sequence[Action] | Action | Ask] | None = None,
        *,
        only: bool = False,
    ) -> StepReport:
        """Run one step.

        The agents of `actions` (ids or user names) do as given, or for `hb.Ask()` are awake and
        decide; everyone else awake decides, too. With `only`, nobody else takes part. BudgetSpent
        if what models may cost does not reach for the step.
        """
        report = self._take_step(actions, only=only)
        with self._undone_on_error():
            self.store.settle()
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
        """Run `steps` more steps (default: up to the scenario's number) and return the last.

        Ends earlier at a whole step after `stop`, or when the budget is spent (see `paused`).
        """
        self._ready()
        last = self.scenario.steps if steps is None else self.t + whole_steps(steps)
        self._check_calendar(last)
        self.paused = None
        try:
            while self.t < last and not self._stopping:
                try:
                    report = self._take_step()
                except BudgetSpent as spent:
                    self.paused = str(spent)
                    break
                for hook in hooks:
                    hook.stepped(report)
                if self.t < report.step:
                    raise StoreError(
                        f"step {report.step:,} could not be written, and a hook that was told why "
                        f"went on; the run is at step {self.t:,}"
                    )
        finally:
            self._stopping = False
        with self._undone_on_error():
            self.store.settle()
        if (short := self._ready().short) is not None:
            self.paused = str(short)
        return self.t

    def extend(self, steps: int) -> None:
        """Let the scenario go on for at least `steps` more steps, and keep that with the run."""
        end = self.t + whole_steps(steps)
        self._check_calendar(end)
        if end > self.scenario.steps:
            self.scenario = self.scenario.model_copy(update={"steps": end})
            self.store.save_scenario(self.scenario.model_dump_json())
            if self.scenario.turns.staleness:  # later turns are due on worlds that are past
                self._leave()

    def stop(self) -> None:
        """Let `run` end after the step it is in, or before its first if it has not begun.

        Safe to call from a signal handler or another thread.
        """
        self._stopping = True

    # -- inside -------------------------------------------------------------------------------

    def _ready(self) -> Society:
        if self._closed:
            raise RunError("this simulation is closed; make a new one, or resume its folder")
        if self._store is not None and self._store.failed:
            self._leave()  # its world is ahead of what was committed
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
