"""The cost of a decision by a language model on this machine: the figures of `hubbub bench llm`.

The model is a stand-in that answers at once from another process, so only hubbub's own work is
measured: slate, prompt, HTTP, reply, actions, and the step on disk.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from math import ceil
from pathlib import Path
from statistics import mean, median
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pyarrow.compute as pc

from hubbub.bench.engine import WRITER
from hubbub.bench.machine import thread_seconds
from hubbub.config.load import parse_scenario
from hubbub.config.scenario import Scenario
from hubbub.engine import StepReport
from hubbub.engine.simulation import Simulation
from hubbub.llm.local import LocalServer, usable
from hubbub.llm.tokens import estimate_tokens
from hubbub.llm.weights import DEFAULT, cache_folder, find
from hubbub.testing.dice import Dice
from hubbub.testing.instances import sentence
from hubbub.testing.server import ModelServer
from hubbub.testing.sociable import SociableModel

#: The name of the model in the scenarios of these benches.
MODEL = "bench"
#: Size of a slate: posts, and comments with each.
POSTS, COMMENTS = 5, 2
#: Requests at once.
_CONCURRENCY = 64
#: Calls of the last step whose tokens are counted.
_COUNTED = 300
#: Where Linux lists the threads of this process.
_THREADS = Path("/proc/self/task")


@dataclass(frozen=True, slots=True)
class ModelsBench:
    """The cost of decisions. Medians over the measured steps; all agents decide in each.

    A decision is the whole way from the slate to the disk. `cpu_us_per_decision` is processor time
    of all threads of this process; `cpu_us_by_stage` splits it: the thread that runs the steps by
    stage, the thread that writes as `writing`, and all others as `http`. `own_cores` tells whether
    this process and the server each had one core to themselves; if not, they shared all cores.

    Tokens are those of the prompts and replies of the last step, counted as `tokenizer` says;
    `rules_share` is the share of a mean prompt that is the same for all agents.
    """

    agents: int
    steps: int
    own_cores: bool
    decisions_per_second: float
    cpu_us_per_decision: float
    cpu_us_by_stage: dict[str, float]
    tokenizer: str
    prompt_tokens_mean: float
    prompt_tokens_max: int
    rules_share: float
    reply_tokens_mean: float
    reply_tokens_max: int
    digest: str


class _Measured(NamedTuple):
    """One step: wall-clock seconds, processor time of all threads, of this one, of the writing."""

    report: StepReport
    seconds: float
    cpu: float
    own: float
    writing: float


def bench_models(*, agents: int = 1000, steps: int = 10, warmup: int = 5) -> ModelsBench:
    """Run a society on the reddit platform whose agents all ask a model that answers at once.

    `steps` are measured after `warmup`, when memories are full.
    """
    server = ModelServer(SociableModel(POSTS), where="process", log_size=1)
    cores = _cores()
    with TemporaryDirectory(prefix="hubbub-bench-") as folder, _on(cores[-1:]), server:
        scenario = talkative(agents, warmup + steps, [server.url], concurrency=_CONCURRENCY)
        with _on(cores[:1]), Simulation(scenario, out=Path(folder) / "run") as sim:
            sim.run(warmup)
            measured = [_measured_step(sim) for _ in range(steps)]
            calls = sim.completions()
            last = calls.filter(pc.equal(calls["step"], sim.t)).slice(0, _COUNTED)
            digest = sim.digest()
    tokens = _counted(last.select(["system", "prompt", "reply"]).to_pylist())
    return ModelsBench(
        agents=agents,
        steps=steps,
        own_cores=len(cores) > 1,
        decisions_per_second=median(m.report.active / m.seconds for m in measured),
        cpu_us_per_decision=median(1e6 * m.cpu / m.report.active for m in measured),
        cpu_us_by_stage=_by_stage(measured),
        tokenizer=tokens.tokenizer,
        prompt_tokens_mean=mean(tokens.prompts),
        prompt_tokens_max=max(tokens.prompts),
        rules_share=tokens.rules / mean(tokens.prompts),
        reply_tokens_mean=mean(tokens.replies),
        reply_tokens_max=max(tokens.replies),
        digest=digest,
    )


def talkative(
    agents: int,
    steps: int,
    urls: Sequence[str],
    *,
    concurrency: int,
    staleness: int = 0,
    timeout: float = 60.0,
) -> Scenario:
    """Return a scenario whose `agents` are awake in each step and ask the model at `urls`.

    Beside them there are authors, a tenth as many, who never wake. Slates are drawn at random from
    their posts, which are older than step 1 and have two comments each. Nobody sees a post twice,
    and there are enough for full slates in all steps.
    """
    authors = max(POSTS, agents // 10)
    each = ceil(POSTS * steps / authors)
    comments = [
        {
            "step": 1,
            "act": "create_comment",
            "by": (post + nth) % authors,
            "args": {"post_id": post, "content": sentence(Dice(post, nth))},
        }
        for post in range(each * authors)
        for nth in range(1, COMMENTS + 1)
    ]
    return parse_scenario(
        {
            "name": "bench",
            "steps": steps,
            "platform": {"preset": "reddit"},
            "population": {
                "synthetic": {"agents": authors + agents, "core": authors, "posts_per_core": each}
            },
            "time": {
                "activity": {"kind": "constant", "rate": 1.0, "core_rate": 0.0},
                "wake_on_notice": False,
            },
            "feed": {"preset": "random", "recommended": POSTS, "comments": COMMENTS},
            "agents": [{"model": MODEL}],
            "models": {
                MODEL: {
                    "urls": list(urls),
                    "limits": {"concurrency": concurrency, "timeout_seconds": timeout},
                }
            },
            "turns": {"staleness": staleness},
            "events": comments,
        }
    )


def _measured_step(sim: Simulation) -> _Measured:
    seconds, cpu, own = time.perf_counter(), time.process_time(), time.thread_time()
    writing = thread_seconds(WRITER)
    report = sim.step()
    return _Measured(
        report,
        time.perf_counter() - seconds,
        time.process_time() - cpu,
        time.thread_time() - own,
        thread_seconds(WRITER) - writing,
    )


def _by_stage(measured: Sequence[_Measured]) -> dict[str, float]:
    parts = [
        {
            **m.report.cpu,
            "writing": m.writing,
            "other": m.own - sum(m.report.cpu.values()),
            "http": m.cpu - m.own - m.writing,
        }
        for m in measured
    ]
    turns = [m.report.active for m in measured]
    return {
        stage: median(1e6 * p[stage] / n for p, n in zip(parts, turns, strict=True))
        for stage in parts[0]
    }


def _cores() -> list[int]:
    """Return two cores that this process may use; none if cores cannot be chosen."""
    if not hasattr(os, "sched_getaffinity") or not _THREADS.is_dir():
        return []
    cores = sorted(os.sched_getaffinity(0))
    return [cores[0], cores[-1]] if len(cores) > 1 else []


@contextmanager
def _on(cores: Sequence[int]) -> Iterator[None]:
    """Keep all threads of this process, and processes it starts, on these cores; [] means any."""
    if not cores:
        yield
        return
    before = os.sched_getaffinity(0)
    _move_to(cores)
    try:
        yield
    finally:
        _move_to(before)


def _move_to(cores: Iterable[int]) -> None:
    for thread in _THREADS.iterdir():
        with suppress(ProcessLookupError):  # it has ended meanwhile
            os.sched_setaffinity(int(thread.name), cores)


# -- tokens --------------------------------------------------------------------------------------


class _Tokens(NamedTuple):
    """Tokens of calls, by `tokenizer`: of prompts, of the rules at their head, of replies."""

    tokenizer: str
    prompts: list[int]
    rules: int
    replies: list[int]


def _counted(calls: Sequence[dict[str, str]]) -> _Tokens:
    """Count with the tokenizer of the local model if it is present, else by `estimate_tokens`."""
    weights = find(DEFAULT, cache=cache_folder()) if usable(DEFAULT) is None else None
    if weights is None:
        return _tokens("an estimate by bytes", estimate_tokens, _plain, calls)
    with LocalServer(weights, slots=1, tokens=512, threads=1) as server:
        address = urlsplit(server.url)
        with closing(HTTPConnection(str(address.hostname), address.port)) as connection:

            def size(text: str) -> int:
                return len(_post(connection, "/tokenize", {"content": text})["tokens"])

            def chat(system: str, user: str) -> str:
                said = [{"role": "system", "content": system}, {"role": "user", "content": user}]
                return str(_post(connection, "/apply-template", {"messages": said})["prompt"])

            return _tokens(DEFAULT, size, chat, calls)


def _tokens(
    tokenizer: str,
    size: Callable[[str], int],
    chat: Callable[[str, str], str],
    calls: Sequence[dict[str, str]],
) -> _Tokens:
    prompts = [size(chat(c["system"], c["prompt"])) for c in calls]
    rules = size(calls[0]["system"])
    return _Tokens(tokenizer, prompts, rules, [size(c["reply"]) for c in calls])


def _plain(system: str, user: str) -> str:
    return system + user


def _post(connection: HTTPConnection, path: str, body: dict[str, Any]) -> dict[str, Any]:
    connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
    found: dict[str, Any] = json.loads(connection.getresponse().read())
    return found
