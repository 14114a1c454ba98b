"""Replies taken from the record of a run instead of from a model."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile, zip_longest

from hubbub.errors import ModelError
from hubbub.llm.chat import ChatRequest, Completion, Inferencer
from hubbub.mind.turn_records import Call
from hubbub.store.completions import KeptCalls, Record, RecordedCall

#: Characters of a line that an error shows, and how many of them precede the difference.
_WIDTH, _BEFORE = 120, 30


class Replay:
    """Answers calls from a record. Calls that are not there go to `behind`, or are an error.

    `failures` says whether a recorded failure is an answer: true in a replay, false for calls kept
    from an interrupted step.
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
        """Answer what is in the record, and pass on the rest.

        A missing call is an error only when `wait` needs it: a run that was stopped may have ended
        with turns still pending.
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
        """Return the answers there are; wait only if there are none.

        ModelError names the agent and step whose answer is missing, and what differs.
        """
        if self._lacking is not None and not self._ready:
            raise ModelError(self._missing(*self._lacking))
        if self._ready or self._behind is None:
            ready, self._ready = self._ready, []
            return ready
        return self._behind.wait(timeout)

    def cancel(self) -> None:
        """Forget all pending calls."""
        self._ready, self._lacking = [], None
        if self._behind is not None:
            self._behind.cancel()

    def close(self) -> None:
        """Close the inferencer behind the record."""
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
    """Return the first lines that differ, each from shortly before the difference."""
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
    shown = line[start : start + _WIDTH]
    before, after = "…" * (start > 0), "…" * (start + _WIDTH < len(line))
    return f"{before}{shown}{after}" if shown else "(nothing)"
