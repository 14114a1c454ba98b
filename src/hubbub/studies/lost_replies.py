"""Replies of language models that a study could not use: their share, and saying so."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from hubbub.engine import Simulation
from hubbub.errors import ModelError

#: Measures of a trial with models: the share of their turns without a readable reply, and the share
#: of a judge's judgements that could not be read.
LOST, UNREAD = "turns_lost", "judgements_unread"
_LOST = pa.array(["no_reply", "invalid_reply"])
_WORDS = {
    LOST: "the turns of language models {share} ended without a reply that could be read; nothing "
    "was done in them.",
    UNREAD: "the judge's judgements {share} could not be read; they are left out.",
}


def turns_lost(sim: Simulation) -> dict[str, float]:
    """Return the share of models' turns without a usable reply, as LOST; empty without turns.

    ModelError if no turn had one: agents that never did anything are no outcome.
    """
    calls = sim.store.completions().select(["purpose", "number", "model"])
    turns = calls.filter(pc.and_(pc.equal(calls["purpose"], "turn"), pc.equal(calls["number"], 0)))
    if not turns.num_rows:
        return {}
    events = sim.store.events().select(["reason", "content"])
    lost = events.filter(pc.is_in(events["reason"], _LOST))
    if lost.num_rows >= turns.num_rows:
        last = lost.slice(lost.num_rows - 1).to_pylist()[0]
        models = ", ".join(f"'{name}'" for name in pc.unique(turns["model"]).to_pylist())
        raise ModelError(
            f"model {models}: of {turns.num_rows:,} turns none ended in a reply that could be "
            f"read; the last: {last['reason']}, {_start(last['content'] or '')!r}"
        )
    return {LOST: lost.num_rows / turns.num_rows}


def usable(values: pa.Table) -> list[str]:
    """Return sentences on replies that could not be used, from a study's values.

    Empty where no model took part. Shares are means over the trials, in whole per cent.
    """
    told = []
    for measure, words in _WORDS.items():
        shares = values.filter(pc.equal(values["measure"], measure))["value"]
        if len(shares):
            told.append(f"Of {words.format(share=_per_cent(pc.mean(shares).as_py()))}")
    return told


def _per_cent(share: float) -> str:
    if 0 < share < 0.01:
        return "less than 1 %"
    return f"{round(100 * share)} %"


def _start(text: str, most: int = 80) -> str:
    return text if len(text) <= most else f"{text[:most]}..."
