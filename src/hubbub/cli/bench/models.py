"""`hubbub bench llm`: measure language models' decisions and print."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict

import typer

from hubbub.bench.endpoints import bench_faults, bench_tails
from hubbub.bench.models import bench_models
from hubbub.cli.screen import console, table


def show_costs(size: Mapping[str, int], *, as_json: bool) -> None:
    """Measure decisions by a model that answers at once; print a table or one JSON object."""
    result = bench_models(**size)
    if as_json:
        typer.echo(json.dumps(asdict(result), indent=2))
        return
    screen = console()
    rows: list[tuple[str, object]] = [
        ("agents", result.agents),
        ("decisions per second", round(result.decisions_per_second)),
        ("us of CPU per decision", round(result.cpu_us_per_decision)),
        *(
            (f"us of CPU per decision, {stage}", round(us, 1))
            for stage, us in result.cpu_us_by_stage.items()
        ),
        ("prompt tokens, mean", round(result.prompt_tokens_mean)),
        ("prompt tokens, most", result.prompt_tokens_max),
        ("shared rules, share of the prompt", round(result.rules_share, 3)),
        ("reply tokens, mean", round(result.reply_tokens_mean, 1)),
        ("reply tokens, most", result.reply_tokens_max),
    ]
    table(screen, "Language models", ("figure", "value"), rows)
    cores = "a core each" if result.own_cores else "no cores of their own"
    screen.print(f"\ntokens counted by {result.tokenizer}; this process and the model had {cores}")
    screen.print(f"digest {result.digest}", soft_wrap=True)


def show_tails(size: Mapping[str, int], *, as_json: bool) -> None:
    """Measure how busy slow endpoints are kept, with staleness 0 and 1 side by side."""
    results = [bench_tails(**size, staleness=staleness) for staleness in (0, 1)]
    if as_json:
        typer.echo(json.dumps([asdict(result) for result in results], indent=2))
        return
    columns = [
        (
            round(result.seconds_per_step, 2),
            round(result.busy_share, 3),
            round(result.busy_share_client, 3),
            "yes" if result.same_digest else "NO",
        )
        for result in results
    ]
    names = (
        "seconds per step",
        "busy slots, share",
        "requests under way, share of the maximum",
        "a replay gives the same digest",
    )
    title = f"Heavy tails: {results[0].agents:,} agents, {results[0].steps} steps"
    rows = list(zip(names, *columns, strict=True))
    table(console(), title, ("figure", "staleness 0", "staleness 1"), rows)


def show_faults(size: Mapping[str, int], *, as_json: bool) -> None:
    """Run on failing endpoints and print how requests and turns ended."""
    result = bench_faults(**size)
    if as_json:
        typer.echo(json.dumps(asdict(result), indent=2))
        return
    rows: list[tuple[str, object]] = [
        ("turns", result.turns),
        ("turns decided", result.decided),
        *((f"turns not decided, {reason}", n) for reason, n in result.undecided.items()),
        ("turns without any record", result.unaccounted),
        *((f"requests that met: {fate}", n) for fate, n in result.fates.items()),
        ("further attempts", result.retries),
        *((f"requests given up: {kind}", n) for kind, n in result.failures.items()),
        ("seconds per step", round(result.seconds_per_step, 2)),
        ("a replay gives the same digest", "yes" if result.same_digest else "NO"),
    ]
    title = f"Faults: {result.agents:,} agents, {result.steps} steps"
    table(console(), title, ("figure", "value"), rows)
