"""The models that run on this machine: what there is, and fetching them."""

from __future__ import annotations

import typer

from hubbub.cli.screen import console, table
from hubbub.llm.weights import KNOWN, cache_folder, fetch, find


def show_models() -> None:
    """Print the known models, which of them are here, and where they are kept."""
    cache = cache_folder()
    rows = [
        (
            weights.name,
            f"{weights.size / 1e6:.0f} MB",
            weights.licence,
            find(weights.name, cache=cache) is not None,
            weights.words,
        )
        for weights in KNOWN.values()
    ]
    table(console(), "Local models", ("name", "size", "licence", "here", "what"), rows)
    typer.echo(f"\nThey are kept in {cache}; 'hubbub models get NAME' fetches one.")


def get(name: str) -> None:
    """Fetch a model's weights, unless they are here."""
    cache = cache_folder()
    there = find(name, cache=cache) if name in KNOWN else None
    if there is not None:
        typer.echo(f"{name} is here: {there}")
        return
    fetch(name, cache=cache, say=typer.echo)
