"""Replies from the record of a run, in place of a model's."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile, zip_longest

from hubbub.errors import ModelError
from hubbub.llm.chat import ChatRequest, Completion, Inferencer
from hubbub.mind.turn_records import Call
from hubbub.store.completions import KeptCalls, Record, RecordedCall

#: Characters of a line that an error shows, and of them before the place that differs.
_WIDTH, _BEFORE = 120, 30


class Replay:
    """Answers calls from a record; those it does not have go to `behind`, or are an error.

    `failures` says whether a recorded failure counts as an answer: in a replay it does, for calls
    kept from a step that was cut off it does not.
    """

    def __init__(
        self,
        record: Record | KeptCalls,
        behind: Inferencer[Call] | None,
        *,
        source: str,
        failures: bool = True,
    ) -> None:
        self._record, self._behind, self._source = record, behind, source
        self._failures = failures
        self._ready: list[tuple[Call, Completion]] = []
        self._lacking: tuple[Call, ChatRequest, RecordedCall | None] | None = None

    def submit(self, asked: Sequence[tuple[Call, ChatRequest]]) -> None:
        """Answer what is in the record, and hand the rest on.

        What is missing is an error only once it is waited for: the record of a run that was
        stopped may lack turns that were out.
        """
        rest = []
        for call, request in asked:
            known = self._record.find(*call)
            if known is not None and known.request == request.digest() and self._counts(known):
                self._ready.append((call, known.completion))
            elif self._behind is None:
                if self._lacking is None or call < self._lacking[0]:
                    self._lacking = call, request, known
            else:
                rest.append((call, request))
        if rest and self._behind is not None:
            self._behind.submit(rest)

    def _counts(self, known: RecordedCall) -> bool:
        return self._failures or known.completion.text is not None

    def wait(self, timeout: float | None = None) -> list[tuple[Call, Completion]]:
        """Return what is there; wait only if nothing is.

        ModelError says which agent and step lack an answer, and what differs.
        """
        if self._lacking is not None and not self._ready:
            raise ModelError(self._missing(*self._lacking))
        if self._ready or self._behind is None:
            ready, self._ready = self._ready, []
            return ready
        return self._behind.wait(timeout)

    def cancel(self) -> None:
        """Forget all that is outstanding."""
        self._ready, self._lacking = [], None
        if self._behind is not None:
            self._behind.cancel()

    def close(self) -> None:
        """Close what is behind."""
        if self._behind is not None:
            self._behind.close()

    def _missing(self, call: Call, request: ChatRequest, known: RecordedCall | None) -> str:
        what = f"call {call.number + 1} of its turn" if call.purpose == "turn" else call.purpose
        where = f"agent {call.agent}, step {call.step} ({what})"
        if known is None:
            return (
                f"{self._source} has no reply for {where}. To ask the model for what is missing, "
                "add --record-only-missing"
            )
        return (
            f"{self._source} has another prompt for {where}; the scenario, or hubbub, has changed. "
            f"What differs:\n{_difference(known, request)}\n"
            "To ask the model from here on, add --record-only-missing"
        )


def _difference(known: RecordedCall, request: ChatRequest) -> str:
    """Return the first lines that differ, each from shortly before the place where it does."""
    shape = request.shape.raw.decode() if request.shape is not None else ""
    for name, old, new in (
        ("the shared rules", known.system, request.system),
        ("the prompt", known.prompt, request.user),
        ("the form of the reply", known.shape or "", shape),
        ("the model", known.model, request.model),
        ("the longest reply in tokens", str(known.max_tokens), str(request.max_tokens)),
        ("the seed of the reply", str(known.seed), str(request.seed)),
    ):
        if old != new:
            pairs = zip_longest(old.split("\n"), new.split("\n"), fillvalue="")
            first, second = next((a, b) for a, b in pairs if a != b)
            same = takewhile(lambda both: both[0] == both[1], zip(first, second, strict=False))
            start = max(0, sum(1 for _ in same) - _BEFORE)
            told, now = (_cut(line, start) for line in (first, second))
            return f"  in {name}:\n    recorded: {told}\n    now:      {now}"
    return "  nothing that is kept"


def _cut(line: str, start: int) -> str:
    """Return a stretch of a line from `start` on."""
    shown = line[start : start + _WIDTH]
    before, after = "…" * (start > 0), "…" * (start + _WIDTH < len(line))
    return f"{before}{shown}{after}" if shown else "(nothing)"
