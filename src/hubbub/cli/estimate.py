"""`hubbub estimate`: what a run will ask of language models, before it is begun."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

from rich.console import Console

from hubbub.cli.progress import RunProgress
from hubbub.cli.screen import amount, clean, console, heading, table
from hubbub.cli.user_code import look_beside
from hubbub.config import load_scenario
from hubbub.config.scenario import Scenario
from hubbub.estimate.estimate import RunEstimate, estimate

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


@dataclass(frozen=True, slots=True)
class Gpu:
    """Tokens that a GPU reads, or writes, per second, and the hours that a run may take.

    The defaults are no measurement. They are what the data sheet of an A100 (312 TFLOP/s in
    bfloat16, 2.0 TB/s) leaves of a model of 8 billion parameters: reading takes 2 FLOP per
    parameter and token, 19,500 tokens/s at most, of which 41 %; for writing all weights, 16 GB,
    go through the memory 125 times a second, with 16 replies at once.
    """

    reads: float = 8_000
    writes: float = 2_000
    hours: float = 24


def show(
    path: Path,
    overrides: Mapping[str, Any],
    *,
    tokens_per_second: float | None = None,
    decisions_per_second: float | None = None,
    gpu: Gpu | None = None,
    measured: Path | None = None,
) -> None:
    """Print what a scenario's run is expected to take: turns, calls, tokens, cost and time.

    `gpu` adds how many GPUs it takes; `measured` is the folder of a run to learn from.
    """
    look_beside(path)
    scenario = load_scenario(path, overrides)
    with RunProgress().busy("making the agents, and a dry run ..."):
        found = estimate(scenario, path.parent, measured=measured)
    screen = console()
    if not found.models:
        screen.print(
            f"{clean(found.name)}: no language model drives any agent, so it costs nothing.",
            soft_wrap=True,
        )
        return
    _print_models(screen, found, scenario)
    _print_time(screen, found, tokens_per_second, decisions_per_second)
    if gpu is not None:
        _print_gpus(screen, found, gpu)
    _print_budget(screen, found, scenario)
    heading(screen, "Where these figures come from")
    for note in found.notes:
        screen.print(f"- {clean(note)}", soft_wrap=True)


def _print_models(screen: Console, found: RunEstimate, scenario: Scenario) -> None:
    headers = ("model", "agents", "turns", "surveyed", "calls")
    calls = [(m.model, m.agents, round(m.turns), m.surveyed, round(m.calls)) for m in found.models]
    title = f"{found.name}: expected of language models in {found.steps:,} steps"
    table(screen, clean(title), headers, calls)
    columns = ("model", "prompt tokens", "per call", "cached", "reply tokens", "cost")
    tokens = [
        (
            m.model,
            round(m.prompt_tokens),
            round(m.prompt_tokens / max(m.calls, 1e-9)),
            f"{m.cached_tokens / max(m.prompt_tokens, 1e-9):.0%}",
            round(m.reply_tokens),
            amount(m.cost) if _priced(scenario, m.model) else "no prices",
        )
        for m in found.models
    ]
    table(screen, "Tokens and cost", columns, tokens)


def _priced(scenario: Scenario, model: str) -> bool:
    price = scenario.models[model].price
    return bool(price.input or price.output or price.cached)


def _print_time(
    screen: Console, found: RunEstimate, tokens: float | None, decisions: float | None
) -> None:
    if tokens is not None:
        took = _duration(found.tokens / tokens)
        screen.print(f"\nAt {tokens:,.12g} tokens a second that takes {took}.", soft_wrap=True)
    elif decisions is not None:
        took = _duration(found.decisions / decisions)
        screen.print(
            f"\nAt {decisions:,.12g} decisions a second that takes {took}.", soft_wrap=True
        )


def _print_gpus(screen: Console, found: RunEstimate, gpu: Gpu) -> None:
    headers = ("model", "GPU-hours", f"GPUs for {gpu.hours:,.12g} h", "tokens read", "written")
    rows = []
    for model in found.models:
        hours = model.gpu_hours(gpu.reads, gpu.writes)
        fresh = round(model.prompt_tokens - model.cached_tokens)
        gpus = max(1, ceil(hours / gpu.hours))
        rows.append((model.model, f"{hours:,.1f}", gpus, fresh, round(model.reply_tokens)))
    table(screen, "GPUs", headers, rows)
    screen.print(
        f"\nA GPU reads {gpu.reads:,.12g} tokens a second and writes {gpu.writes:,.12g} (--gpu-in, "
        "--gpu-out: measure yours), is never idle, and reads cached prompts only once.",
        soft_wrap=True,
    )


def _print_budget(screen: Console, found: RunEstimate, scenario: Scenario) -> None:
    limits = [
        f"{limit:,.12g} of {unit}" if unit == "money" else f"{limit:,.12g} {unit}"
        for unit, limit in scenario.budget.model_dump().items()
        if limit is not None
    ]
    if not limits:
        return
    reach = f"\nThe budget of {', '.join(limits)} reaches for "
    if found.short:
        less = "is not enough money" if found.short == "money" else f"are not enough {found.short}"
        reach += f"{found.reaches:,} of {found.steps:,} steps: then there {less} left."
    else:
        reach += f"all {found.steps:,} steps."
    screen.print(reach, soft_wrap=True)


def _duration(seconds: float) -> str:
    """Return a time as text, in its two largest units."""
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{seconds:.1f} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE} s"
    if whole < _DAY:
        return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"
    return f"{whole // _DAY} d {whole % _DAY // _HOUR} h"
