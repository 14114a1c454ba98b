"""Statistics of models' replies: calls per turn and tokens per reply, assumed or from a run."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from hubbub.errors import RunError
from hubbub.llm.tokens import BYTES_PER_TOKEN
from hubbub.store import RunStore
from hubbub.store.read import model_calls

#: Tokens of a reply: an action with a text of some length, or without one (measured: 24 with the
#: tokenizer of SmolLM2, half of the replies comments of twelve words; docs/performance.md).
REPLY = 25
#: Shares of turns with a further call to see what a query found (where agents may query), and to
#: repair a reply that could not be read. Both are guesses.
LOOKING, REPAIRING = 0.1, 0.05


@dataclass(frozen=True, slots=True)
class ReplyStats:
    """What a model needs for a turn.

    `calls` per turn (at least 1), `reply` tokens per call, and `stretch`: the tokens that its own
    tokenizer counts in a prompt per estimated token (hubbub.llm.tokens).
    """

    calls: float
    reply: float
    stretch: float = 1.0

    @classmethod
    def assumed(cls, *, look_things_up: bool) -> ReplyStats:
        """Return the assumptions for a model of which nothing is known."""
        return cls(1 + REPAIRING + (LOOKING if look_things_up else 0.0), REPLY)


def reply_stats_of(run: Path | str, models: Collection[str]) -> dict[str, ReplyStats]:
    """Return the statistics of those of the models (names in the scenario) that had turns in a run.

    RunError if there is no such run, or none of them had a turn with a reply.
    """
    store = RunStore.open(Path(run))
    try:
        figures = {name: model_calls.reply_figures(store, name) for name in models}
        known = model_calls.model_names(store)
    finally:
        store.close()
    found = {
        name: ReplyStats(f.calls / f.turns, f.reply_tokens, f.tokens_per_byte * BYTES_PER_TOKEN)
        for name, f in figures.items()
        if f.turns and f.tokens_per_byte
    }
    if models and not found:
        raise RunError(
            f"{run}: no turn of {' or '.join(sorted(models))} is on record there; "
            + (f"its models are {', '.join(known)}" if known else "no model took part")
            + ". Models are known by their names in the scenario"
        )
    return found
