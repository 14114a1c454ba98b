"""Judging texts with a language model: many cases at once, answers in a fixed form."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from hubbub.config.load import parse_scenario
from hubbub.config.scenario import Scenario
from hubbub.engine.models.budget import Budget
from hubbub.engine.models.inference import Inference, Replies
from hubbub.errors import ModelError
from hubbub.llm.chat import ChatRequest, ReplyShape
from hubbub.llm.inferencer import Answering
from hubbub.mind.turn_records import Call
from hubbub.rng import Streams
from hubbub.store import Spent
from hubbub.studies.lost_replies import UNREAD

#: A judgement is short: a word or a number, and the JSON around it.
_TOKENS = 60


class Judge:
    """A model that gives judgements. Use it in a `with` block.

    `models` are the models of a scenario by name; `stand_ins` answer in this process instead of
    those of the same name. The seeds of its requests follow from `seed`. It pays from `budget` and
    raises BudgetSpent if that is not enough. `asked` and `unread` count its judgements.
    """

    def __init__(
        self,
        name: str,
        models: Mapping[str, Any],
        *,
        seed: int,
        stand_ins: Mapping[str, Answering] | None = None,
        budget: Budget | None = None,
    ) -> None:
        self.asked = self.unread = 0
        self._name = name
        scenario = parse_scenario({"models": dict(models)}, "the judge")
        self._inference = Inference(scenario, {name}, Replies(stand_ins or {}), Path())
        self._budget = budget or Budget(scenario.budget, scenario.models)
        self._stream = Streams(seed).at(f"judge:{name}")

    def choose(self, rules: str, cases: Sequence[str], among: Sequence[str]) -> list[str | None]:
        """Return which of these words the model chooses in each case.

        None where its reply cannot be read. `rules` is the shared head of the prompt.
        """
        replies = self._ask(rules, cases, "choice", {"type": "string", "enum": list(among)})
        said = [word if isinstance(word, str) and word in among else None for word in replies]
        self._count(said)
        return said

    def rate(self, rules: str, cases: Sequence[str], low: int, high: int) -> list[int | None]:
        """Return the whole number from `low` to `high` that the model gives each case, or None."""
        schema = {"type": "integer", "minimum": low, "maximum": high}
        replies = self._ask(rules, cases, "score", schema)
        rated = [_whole(reply, low, high) for reply in replies]
        self._count(rated)
        return rated

    @property
    def lost(self) -> dict[str, float]:
        """The share of its judgements that could not be read, as UNREAD; empty without any."""
        return {UNREAD: self.unread / self.asked} if self.asked else {}

    def _count(self, judgements: Sequence[object]) -> None:
        self.asked += len(judgements)
        self.unread += sum(judgement is None for judgement in judgements)

    def _ask(
        self, rules: str, cases: Sequence[str], field: str, schema: dict[str, Any]
    ) -> list[object]:
        """Return the value of the field in each reply, None where there is none."""
        form = {
            "type": "object",
            "properties": {field: schema},
            "required": [field],
            "additionalProperties": False,
        }
        shape = ReplyShape(field, form)
        seeds = (self._stream.words(len(cases)) % 2**31).tolist()
        requests = [
            ChatRequest(self._name, rules, case, shape, _TOKENS, seed)
            for case, seed in zip(cases, seeds, strict=True)
        ]
        self._budget.check("the judgements", requests)
        inferencer = self._inference.inferencer(None)
        inferencer.submit([(Call(0, i, field, 0), r) for i, r in enumerate(requests)])
        found: list[object] = [None] * len(cases)
        left = len(cases)
        while left:
            for call, completion in inferencer.wait():
                self._budget.book(requests[call.agent], completion)
                found[call.agent] = _field(completion.text, field)
                left -= 1
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._inference.close()


@contextmanager
def judging(scenario: Scenario, name: str, seed: int, spent: Spent) -> Iterator[Judge]:
    """Give the judge of a run that has already spent part of the scenario's budget.

    ModelError at the end of the block if none of its judgements could be read.
    """
    budget = Budget(scenario.budget, scenario.models)
    budget.renew(spent)
    with Judge(name, {name: scenario.models[name]}, seed=seed, budget=budget) as judge:
        yield judge
    if judge.asked and judge.unread == judge.asked:
        raise ModelError(
            f"judge '{name}': none of its {judge.asked:,} judgements could be read; it is to reply "
            "one JSON object as its prompt says"
        )


def _field(text: str | None, field: str) -> object:
    """Return a field of the JSON object in a reply, even with words around the object."""
    if text is None or "{" not in text:
        return None
    try:
        value = json.loads(text[text.index("{") : text.rindex("}") + 1])
    except ValueError:
        return None
    return value.get(field) if isinstance(value, dict) else None


def _whole(value: object, low: int, high: int) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        return None
    return value
