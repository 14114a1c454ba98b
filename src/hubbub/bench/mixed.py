"""A few language models among many agents: whether the run waits for nothing but the models."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from hubbub.bench.engine import by_stage, society, timed_steps, turns_per_second, warm_up
from hubbub.bench.machine import peak
from hubbub.config.load import parse_scenario
from hubbub.config.scenario import Scenario
from hubbub.engine.simulation import Simulation
from hubbub.testing.server import ModelServer

#: Seconds that the endpoint works on a request, one after the other: 50 replies a second.
SECONDS = 0.02
#: Requests at once: the endpoint works on one while the others wait.
_CONCURRENCY = 8
_MODEL = "bench"
#: Steps before those that are measured.
_WARMUP = 2


class LikesFirstPost:
    """A model that likes the first post it is shown."""

    def __call__(self, request: object) -> str:
        return '{"do":[{"action":"like_post","id":1}]}'


@dataclass(frozen=True, slots=True)
class MixedBench:
    """A run in which `models` of the `agents` ask an endpoint of `replies_per_second`.

    `turns` and `calls` are those of all measured steps. Of their `seconds`, the endpoint worked for
    `models_seconds`, as it saw it. `engine_share` is the rest, in which it had nothing to do: what
    engine and orchestration add to the models' time. `waiting_share` is the share of the time in
    which the thread that runs the steps waited for replies. `ms_per_step` is as in EngineBench;
    `replies` includes the wait.
    """

    agents: int
    models: int
    steps: int
    replies_per_second: float
    turns: int
    calls: int
    seconds: float
    models_seconds: float
    engine_share: float
    waiting_share: float
    turns_per_second: float
    ms_per_step: dict[str, float]
    setup_seconds: float
    peak_mb: float
    digest: str


def bench_mixed(*, agents: int, models: int, active: float, steps: int) -> MixedBench:
    """Run the society of `bench_engine`, with about `models` agents driven by language models.

    A share `active` of them, as of all others, is awake in each step. The endpoint is a stand-in in
    a process of its own.
    """
    warm_up()
    began = time.perf_counter()
    with (
        ModelServer(
            LikesFirstPost(), latency=SECONDS, slots=1, where="process", log_size=1
        ) as server,
        TemporaryDirectory(prefix="hubbub-bench-") as folder,
        Simulation(
            _scenario(agents, models, active, _WARMUP + steps, server.url), out=Path(folder) / "run"
        ) as sim,
    ):
        sim.reset()
        setup = time.perf_counter() - began
        sim.run(_WARMUP)
        before = server.busy.seconds
        measured = timed_steps(sim, steps)
        busy = server.busy.seconds - before
        most, digest = peak(), sim.digest()
    reports, seconds = [r for r, _ in measured], sum(s for _, s in measured)
    waited = sum(r.seconds["replies"] - r.cpu["replies"] for r in reports)
    return MixedBench(
        agents=agents,
        models=models,
        steps=steps,
        replies_per_second=1 / SECONDS,
        turns=sum(r.active for r in reports),
        calls=sum(r.calls for r in reports),
        seconds=seconds,
        models_seconds=busy,
        engine_share=1 - busy / seconds,
        waiting_share=waited / seconds,
        turns_per_second=turns_per_second(measured),
        ms_per_step=by_stage(measured),
        setup_seconds=setup,
        peak_mb=most / 1e6,
        digest=digest,
    )


def _scenario(agents: int, models: int, active: float, steps: int, url: str) -> Scenario:
    data = society(agents, active, steps).model_dump(mode="json")
    data["agents"] = [
        {"model": _MODEL, "share": models / agents},
        {"policy": "statistical"},
    ]
    data["models"] = {_MODEL: {"urls": [url], "limits": {"concurrency": _CONCURRENCY}}}
    return parse_scenario(data)
