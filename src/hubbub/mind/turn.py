"""One agent's turn with its model: a state machine that makes requests and takes completions.

::

    act ──query──> act again, with what was found ──...──> reflect (where due) ──> Decision
     │ unreadable, once per turn: repair, then on
     └ no reply, or unreadable again: Decision with the reason, and what was decided before

Of what a model wrote, only the results of a readable query are ever put into a request.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hubbub.actions import Action, Reason
from hubbub.llm.chat import ChatRequest, Completion
from hubbub.mind.json_reading import MAX_REPLY, Unreadable, clean, spoken
from hubbub.mind.lookup import Lookup
from hubbub.mind.reply import ReplyForm
from hubbub.mind.turn_records import Decision, UserPrompt

#: Characters kept of an unreadable reply, and of an agent's note to itself.
RAW_CHARS, NOTE_CHARS = 2_000, 300
_NOTE_TOKENS = 80
_NO_NOTE = ("{", "[", "```")
_FOUND = "Now go on with your turn."


@dataclass(frozen=True, slots=True)
class TurnContext:
    """What the turns of all agents of a group and step have in common.

    `model` is the scenario's name of the model, `system` the shared rules. A turn makes at most
    `max_calls` calls for actions. `post_of` gives the post that a comment stands under.
    """

    model: str
    system: str
    form: ReplyForm
    lookup: Lookup
    post_of: Callable[[int], int]
    max_calls: int = 2
    max_tokens: int = 200


class Turn:
    """One agent's turn: `start` gives the first request, `receive` the next one or the decision.

    `seed` (from 0, below 2**31) is that of the first request; later ones count on from it.
    `reflect` is the prompt for a new note, None if none is due. `calls` counts the requests made. A
    turn makes at most max_calls + 2 of them: one may be a repair, the last a reflection.
    """

    __slots__ = (
        "_context",
        "_decision",
        "_looks_left",
        "_reflect",
        "_reflecting",
        "_repaired",
        "_seed",
        "_things",
        "_user",
        "calls",
    )

    def __init__(
        self, user_prompt: UserPrompt, context: TurnContext, *, seed: int, reflect: str | None
    ) -> None:
        self._context, self._seed, self._reflect = context, seed, reflect
        self._user, self._things = user_prompt.text, user_prompt.things
        self._looks_left = context.max_calls - 1
        self._repaired = self._reflecting = False
        self._decision = Decision(user_prompt.agent)
        self.calls = 0

    def start(self) -> ChatRequest:
        """Return the first request."""
        return self._act()

    def receive(self, completion: Completion) -> ChatRequest | Decision:
        """Take the completion of the last request; return the next request, or the decision."""
        if self._reflecting:
            self._decision.note = _note(completion.text)
            return self._decision
        if completion.text is None:
            return self._refuse(Reason.no_reply, completion.failure)
        try:
            actions = self._context.form.read(
                completion.text,
                self._things,
                post_of=self._context.post_of,
                queries=self._looks_left > 0,
            )
        except Unreadable as problem:
            if self._repaired:
                return self._refuse(Reason.invalid_reply, completion.text)
            self._repaired = True
            return self._act("it was too long" if completion.finish == "length" else problem.why)
        return self._take(actions)

    def _take(self, actions: list[Action]) -> ChatRequest | Decision:
        """Keep the actions up to the first query, and continue with what it found; else end."""
        kept = self._decision.actions
        for action in actions:
            kept.append(action)
            if self._context.form.looks(action):
                found, self._things = self._context.lookup.answer(
                    self._decision.agent, action, self._things
                )
                self._user = f"{self._user}\n{found}\n{_FOUND}"
                self._looks_left -= 1
                return self._act()
        if self._reflect is None:
            return self._decision
        self._reflecting = True
        return self._request(self._reflect, reflecting=True)

    def _refuse(self, reason: Reason, raw: str) -> Decision:
        self._decision.refused = reason
        self._decision.raw = clean(raw[:RAW_CHARS])
        return self._decision

    def _act(self, wrong: str | None = None) -> ChatRequest:
        """Return a request for actions; `wrong` says what was wrong with the last reply."""
        if wrong is None:
            return self._request(self._user)
        note = f"Your last reply was not valid: {wrong}. Reply with the JSON form only."
        return self._request(f"{self._user}\n{note}")

    def _request(self, user: str, *, reflecting: bool = False) -> ChatRequest:
        context, seed = self._context, (self._seed + self.calls) % 2**31
        self.calls += 1
        if reflecting:
            tokens = min(_NOTE_TOKENS, context.max_tokens)
            return ChatRequest(context.model, context.system, user, None, tokens, seed)
        shape = context.form.shape(self._things, queries=self._looks_left > 0)
        return ChatRequest(context.model, context.system, user, shape, context.max_tokens, seed)


def _note(text: str | None) -> str | None:
    """Return a reply as a note on one line, None if it is empty or JSON."""
    words = " ".join(spoken(clean((text or "")[:MAX_REPLY])).split())
    if words.startswith(_NO_NOTE):
        return None
    if len(words) > NOTE_CHARS:
        words = words[: NOTE_CHARS - 1].rstrip() + "…"
    return words or None
