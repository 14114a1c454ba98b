"""`hubbub demo`: the first society, with a small language model where there is one."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import typer

from hubbub.cli.run import start
from hubbub.cli.starter import DEMO
from hubbub.errors import ModelError
from hubbub.llm.local import usable
from hubbub.llm.weights import cache_folder, fetch, find

MODEL = "smollm2-135m"


def show(*, out: Path | None, overrides: Mapping[str, Any], models: bool) -> None:
    """Run the demo, by the statistical policy alone without `models` or where there is none."""
    if models:
        why = _why_not()
        if why is not None:
            models = False
            typer.echo(f"The demo runs without a language model: {why}", err=True)
    start(DEMO, out=out, overrides=overrides, models=models)


def _why_not() -> str | None:
    """Return why the local model can't be used; None if it can, its weights fetched if need be."""
    if find_spec("xllamacpp") is not None and find(MODEL, cache=cache_folder()) is None:
        try:
            fetch(MODEL, cache=cache_folder(), say=lambda line: typer.echo(line, err=True))
        except ModelError as error:
            return str(error)
    return usable(MODEL)
