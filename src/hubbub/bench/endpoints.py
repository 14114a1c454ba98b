"""How runs perform with slow and with broken endpoints: `hubbub bench llm --tails` and `--faults`.

The endpoints are stand-ins, each in a process of its own.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from hubbub.actions import Reason
from hubbub.bench.models import MODEL, POSTS, talkative
from hubbub.config.scenario import Scenario
from hubbub.engine import Hook, Simulation, StepReport
from hubbub.testing.faults import Faults, Latency
from hubbub.testing.server import ModelServer
from hubbub.testing.sociable import SociableModel

ENDPOINTS, SLOTS = 4, 32
TAILS = Latency(0.2, sigma=1.0, by="arrival")
#: Timeout in seconds where some replies never come.
_FAULTS_TIMEOUT = 2.0
#: Of the requests of each endpoint, a fifth fail, a twentieth hang, and a twentieth return rubbish:
#: half of it not JSON at all, half JSON that is not a reply.
FAULTS = Faults(errors=0.2, hangs=0.05, malformed=0.025, nonsense=0.025)
_NOT_DECIDED = (Reason.no_reply.name, Reason.invalid_reply.name)


@dataclass(frozen=True, slots=True)
class TailsBench:
    """A run on endpoints whose latencies have a heavy tail (lognormal, median 200 ms, sigma 1).

    `busy_share` is the share of all slots' time in use from the first step to the last, as the
    endpoints saw it; `busy_share_client` is that of all requests which the run may have pending.
    `copies` are hedged requests. `same_digest` tells whether a replay of the record gave the same
    digest.
    """

    agents: int
    steps: int
    staleness: int
    seconds_per_step: float
    busy_share: float
    busy_share_client: float
    copies: int
    digest: str
    same_digest: bool


@dataclass(frozen=True, slots=True)
class FaultsBench:
    """A run on failing endpoints, one of which disappears during the run and comes back.

    `turns` are those of agents who were awake. Each is in `decided`, or in `undecided` by the
    recorded reason; `unaccounted` are in neither. `fates` count what the endpoints did with
    requests; `retries` are further attempts, `failures` requests given up, by kind. `same_digest`
    is as in TailsBench.
    """

    agents: int
    steps: int
    turns: int
    decided: int
    undecided: dict[str, int]
    unaccounted: int
    fates: dict[str, int]
    retries: int
    failures: dict[str, int]
    seconds_per_step: float
    digest: str
    same_digest: bool


def bench_tails(*, agents: int = 2000, steps: int = 20, staleness: int = 0) -> TailsBench:
    """Run a society on four endpoints of 32 slots with heavy-tailed latencies."""
    with _endpoints(Faults(), TAILS) as servers, TemporaryDirectory(prefix="hubbub-bench-") as work:
        scenario = talkative(
            agents,
            steps,
            [server.url for server in servers],
            concurrency=SLOTS,
            staleness=staleness,
        )
        with Simulation(scenario, out=Path(work) / "run") as sim:
            sim.reset()
            seconds = _seconds(sim, steps)
            busy = sum(server.busy.seconds for server in servers)
            usage = sim.usage()[MODEL]
            digest = sim.digest()
        return TailsBench(
            agents=agents,
            steps=steps,
            staleness=staleness,
            seconds_per_step=seconds / steps,
            busy_share=busy / (ENDPOINTS * SLOTS * seconds),
            busy_share_client=usage.busy_share,
            copies=usage.copies,
            digest=digest,
            same_digest=_replayed(scenario, Path(work)) == digest,
        )


def bench_faults(*, agents: int = 300, steps: int = 12) -> FaultsBench:
    """Run a society on four failing endpoints, one of which is away for the middle of the run."""
    with _endpoints(FAULTS, Latency()) as servers, TemporaryDirectory(prefix="hubbub-bench-") as w:
        urls = [server.url for server in servers]
        scenario = talkative(
            agents, steps, urls, concurrency=SLOTS, staleness=1, timeout=_FAULTS_TIMEOUT
        )
        away = _Away(servers[0], first=max(1, steps // 3), last=max(2, 2 * steps // 3))
        with Simulation(scenario, out=Path(w) / "run") as sim:
            sim.reset()
            seconds = _seconds(sim, steps, away)
            usage, digest = sim.usage()[MODEL], sim.digest()
            turns = _Turns.of(sim, agents * steps)
        fates = sum((server.counts for server in servers), Counter[str]())
        return FaultsBench(
            agents=agents,
            steps=steps,
            turns=agents * steps,
            **asdict(turns),
            fates=dict(sorted(fates.items())),
            retries=usage.retries,
            failures=usage.failures,
            seconds_per_step=seconds / steps,
            digest=digest,
            same_digest=_replayed(scenario, Path(w)) == digest,
        )


@dataclass(frozen=True, slots=True)
class _Turns:
    """How the turns of a run ended."""

    decided: int
    undecided: dict[str, int]
    unaccounted: int

    @classmethod
    def of(cls, sim: Simulation, turns: int) -> _Turns:
        """Return how these turns ended, by the log."""
        calls, events = sim.completions(), sim.events()
        asked = set(zip(calls["step"].to_pylist(), calls["agent"].to_pylist(), strict=True))
        columns = (events[name].to_pylist() for name in ("step", "agent", "reason"))
        outcome: dict[tuple[int, int], str] = {}
        for step, agent, reason in zip(*columns, strict=True):
            if (step, agent) in asked and outcome.get((step, agent)) not in _NOT_DECIDED:
                outcome[step, agent] = reason
        undecided = Counter(reason for reason in outcome.values() if reason in _NOT_DECIDED)
        decided = len(outcome) - undecided.total()
        return cls(decided, dict(undecided), turns - len(outcome))


class _Away(Hook):
    """Stops a server after step `first` and starts it again after step `last`."""

    def __init__(self, server: ModelServer, first: int, last: int) -> None:
        self._server, self._first, self._last = server, first, last

    def stepped(self, report: StepReport) -> None:
        if report.step == self._first:
            self._server.stop()
        elif report.step == self._last:
            self._server.start()


@contextmanager
def _endpoints(faults: Faults, latency: Latency) -> Iterator[list[ModelServer]]:
    """Run the endpoints, each with faults of its own."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(
                ModelServer(
                    SociableModel(POSTS),
                    faults=faults,
                    latency=replace(latency, seed=number),
                    slots=SLOTS,
                    seed=number,
                    where="process",
                    log_size=1,
                )
            )
            for number in range(ENDPOINTS)
        ]


def _seconds(sim: Simulation, steps: int, *hooks: Hook) -> float:
    """Run the steps and return how long that took."""
    began = time.perf_counter()
    sim.run(steps, hooks)
    return time.perf_counter() - began


def _replayed(scenario: Scenario, work: Path) -> str:
    """Return the digest of a replay of the run in this folder, which calls no model."""
    with Simulation(scenario, out=work / "again", replay=work / "run") as sim:
        sim.run()
        return sim.digest()
