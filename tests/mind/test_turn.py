"""A turn: calls for actions, look-ups, one repair, and a note to oneself."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubbub.actions import SOCIAL, Action, ActionBatch, Reason
from hubbub.llm.chat import ChatRequest, Completion
from hubbub.mind.reply import ReplyForm
from hubbub.mind.turn import NOTE_CHARS, RAW_CHARS, Turn, TurnContext
from hubbub.mind.turn_records import Decision, Reference, UserPrompt

NAMES = ("do_nothing", "refresh", "like_post", "create_comment", "search_posts", "trend")
ALLOWED = np.isin(SOCIAL.names, NAMES)
THINGS = (Reference("post", 70, 1), Reference("comment", 80, 2))
BRIEF = UserPrompt(4, "You are Eve.\n1 @ann: hello\n 2 @bob: hi", THINGS)
REFLECT = "Now take no action. Write a note to yourself."
REPAIR = "Your last reply was not valid: {}. Reply with the JSON form only."


@dataclass
class Library:
    """Finds one post more with each query."""

    asked: list[tuple[int, Action, int]] = field(default_factory=list)

    def answer(
        self, agent: int, action: Action, things: tuple[Reference, ...]
    ) -> tuple[str, tuple[Reference, ...]]:
        self.asked.append((agent, action, len(things)))
        number = len(things) + 1
        return f"{number} @cyd: found by {action.name}", (
            *things,
            Reference("post", 90 + number, 5),
        )


def context(library: Library | None = None, *, max_actions: int = 1, **options: Any) -> TurnContext:
    form = ReplyForm(SOCIAL, ALLOWED, max_actions=max_actions, max_text=1000)
    ask = library or Library()
    return TurnContext("small", "The rules.", form, ask, {80: 70}.__getitem__, **options)


def turn(some: TurnContext | None = None, *, reflect: str | None = None, seed: int = 7) -> Turn:
    return Turn(BRIEF, some or context(), seed=seed, reflect=reflect)


def reply(*entries: dict[str, Any], **options: Any) -> Completion:
    return Completion(json.dumps({"do": entries}), **options)


LIKE, SEARCH = {"action": "like_post", "id": 1}, {"action": "search_posts", "text": "cats"}
LIKED, SEARCHED = Action("like_post", post_id=70), Action("search_posts", query="cats")


def ask(step: ChatRequest | Decision) -> ChatRequest:
    assert isinstance(step, ChatRequest)
    return step


def names(request: ChatRequest) -> set[str]:
    """Return the actions that the request's schema has."""
    assert request.shape is not None
    options = request.shape.schema["properties"]["do"]["items"]["anyOf"]
    return {name for o in options for name in o["properties"]["action"]["enum"]}


def test_a_plain_turn_is_one_call() -> None:
    some = turn(context(max_tokens=120))
    assert some.calls == 0
    request = some.start()
    assert (request.model, request.system, request.user) == ("small", "The rules.", BRIEF.text)
    assert (request.max_tokens, request.seed, some.calls) == (120, 7, 1)
    assert names(request) == set(NAMES) - {"refresh"}
    assert some.receive(reply(LIKE)) == Decision(4, [LIKED])
    assert some.calls == 1


def test_no_reply_ends_the_turn() -> None:
    some = turn(reflect=REFLECT)
    some.start()
    assert some.receive(Completion(None, "timeout")) == Decision(
        4, refused=Reason.no_reply, raw="timeout"
    )


def test_an_unreadable_reply_gets_one_repair_call() -> None:
    some = turn()
    first = some.start()
    second = ask(some.receive(Completion("I like post 1!")))
    assert second.user == f"{BRIEF.text}\n{REPAIR.format('it was not JSON')}"
    assert (second.system, second.shape, second.seed) == (first.system, first.shape, 8)
    assert some.receive(reply(LIKE)) == Decision(4, [LIKED])


def test_a_second_unreadable_reply_is_recorded_as_such() -> None:
    some = turn(reflect=REFLECT)
    some.start()
    ask(some.receive(Completion("no\ud800")))
    assert some.receive(Completion("no\x00" * RAW_CHARS)) == Decision(
        4, refused=Reason.invalid_reply, raw="no" * 667
    )
    assert some.calls == 2


def test_no_reply_to_a_repair_call_is_no_reply() -> None:
    some = turn()
    some.start()
    ask(some.receive(Completion("no")))
    assert some.receive(Completion(None, "server_error")) == Decision(
        4, refused=Reason.no_reply, raw="server_error"
    )


def test_a_reply_that_was_cut_off_is_told_so() -> None:
    some = turn()
    some.start()
    cut = Completion('{"do":[{"action":"create_comment","id":1,"text":"I th', finish="length")
    assert ask(some.receive(cut)).user.endswith(REPAIR.format("it was too long"))


def test_a_query_gets_its_answer_in_a_further_call() -> None:
    library = Library()
    some = turn(context(library))
    some.start()
    second = ask(some.receive(reply(SEARCH)))
    assert second.user == f"{BRIEF.text}\n3 @cyd: found by search_posts\nNow go on with your turn."
    assert names(second) == {"do_nothing", "like_post", "create_comment"}
    assert (second.seed, some.calls) == (8, 2)
    assert library.asked == [(4, SEARCHED, 2)]
    done = some.receive(reply({"action": "create_comment", "id": 3, "text": "so"}))
    assert done == Decision(4, [SEARCHED, Action("create_comment", post_id=93, content="so")])


def test_with_more_calls_a_turn_may_look_up_more() -> None:
    library = Library()
    some = turn(context(library, max_calls=3))
    some.start()
    assert "trend" in names(ask(some.receive(reply(SEARCH))))
    third = ask(some.receive(reply({"action": "trend"})))
    assert "trend" not in names(third)
    assert third.user.count("found by") == 2
    assert [things for *_, things in library.asked] == [2, 3]
    assert some.receive(reply({"action": "like_post", "id": 4})) == Decision(
        4, [SEARCHED, Action("trend"), Action("like_post", post_id=94)]
    )


def test_a_turn_of_one_call_offers_no_look_ups() -> None:
    some = turn(context(max_calls=1))
    assert names(some.start()) == {"do_nothing", "like_post", "create_comment"}
    again = ask(some.receive(reply(SEARCH)))
    assert again.user.endswith(REPAIR.format("search_posts is not possible any more in this turn"))


def test_what_follows_a_query_in_a_reply_is_left_out() -> None:
    some = turn(context(max_actions=3))
    some.start()
    ask(some.receive(reply(LIKE, SEARCH, {"action": "do_nothing"})))
    assert some.receive(reply({"action": "like_post", "id": 3})) == Decision(
        4, [LIKED, SEARCHED, Action("like_post", post_id=93)]
    )


def test_looking_at_the_feed_again_is_no_look_up() -> None:
    some = turn()
    some.start()
    assert some.receive(reply({"action": "refresh"})) == Decision(4, [Action("refresh")])


def test_a_repair_does_not_count_against_the_calls() -> None:
    some = turn()
    some.start()
    ask(some.receive(Completion("no")))
    second = ask(some.receive(reply(SEARCH)))
    assert "not valid" not in second.user
    assert some.receive(reply(LIKE)) == Decision(4, [SEARCHED, LIKED])
    assert some.calls == 3


@pytest.mark.parametrize(
    ("last", "reason", "raw"),
    [
        ([Completion(None, "overloaded")], Reason.no_reply, "overloaded"),
        ([Completion("no"), Completion("never")], Reason.invalid_reply, "never"),
    ],
)
def test_what_was_decided_before_a_failure_stands(
    last: list[Completion], reason: Reason, raw: str
) -> None:
    some = turn(reflect=REFLECT)
    some.start()
    result: Any = some.receive(reply(SEARCH))
    for completion in last:
        assert "found by" in ask(result).user
        result = some.receive(completion)
    assert result == Decision(4, [SEARCHED], reason, raw)


def test_a_reflection_is_one_more_call_in_plain_text() -> None:
    some = turn(reflect=REFLECT)
    some.start()
    request = ask(some.receive(reply(LIKE)))
    assert (request.system, request.user, request.shape) == ("The rules.", REFLECT, None)
    assert (request.max_tokens, request.seed) == (80, 8)
    done = some.receive(Completion("<think>hm</think>\n I trust\x00 Ann.\n\nI like\tcats. "))
    assert done == Decision(4, [LIKED], note="I trust Ann. I like cats.")


@pytest.mark.parametrize(
    "completion",
    [
        Completion(None, "timeout"),
        Completion(" \n"),
        Completion("<think>well"),
        Completion('{"do":[{"action":"do_nothing"}]}'),
        Completion("```json\n[]\n```"),
    ],
)
def test_a_failed_reflection_leaves_no_note(completion: Completion) -> None:
    some = turn(reflect=REFLECT)
    some.start()
    ask(some.receive(reply(LIKE)))
    assert some.receive(completion) == Decision(4, [LIKED])


def test_notes_are_short() -> None:
    some = turn(reflect=REFLECT)
    some.start()
    ask(some.receive(reply(LIKE)))
    done = some.receive(Completion("I like cats. " * 10_000))
    assert isinstance(done, Decision)
    assert done.note is not None
    assert done.note.endswith("I like cats. I like cats.…")
    assert len(done.note) <= NOTE_CHARS


def test_seeds_stay_below_their_bound() -> None:
    some = turn(seed=2**31 - 1)
    assert some.start().seed == 2**31 - 1
    assert ask(some.receive(Completion("no"))).seed == 0


#: What is in every text that the model writes here, and must never come back to it.
MARK = "ZQX"
texts = st.text(max_size=8).map(lambda t: t + MARK)
entries = st.fixed_dictionaries(
    {"action": st.sampled_from([*NAMES, "follow", MARK])},
    optional={"id": st.integers(0, 6) | texts, "text": texts | st.none(), MARK: texts},
)
said = (
    texts
    | st.lists(entries, max_size=4).map(lambda do: json.dumps({"do": do}))
    | st.tuples(entries.map(json.dumps), st.integers(1, 30)).map(lambda t: t[0][: t[1]] + MARK)
)
completions = st.builds(Completion, said, finish=st.sampled_from(["stop", "length"])) | st.builds(
    Completion, st.none(), st.sampled_from(["timeout", "refused"])
)


@given(
    st.integers(1, 4),
    st.integers(1, 3),
    st.sampled_from([None, REFLECT]),
    st.lists(completions, min_size=6, max_size=6),
)
def test_any_turn_ends_well(
    max_calls: int, max_actions: int, reflect: str | None, received: list[Completion]
) -> None:
    library = Library()
    some = turn(context(library, max_calls=max_calls, max_actions=max_actions), reflect=reflect)
    step: ChatRequest | Decision = some.start()
    waiting = iter(received)
    while isinstance(step, ChatRequest):
        assert MARK not in step.user + step.system
        assert 0 <= step.seed < 2**31
        step = some.receive(next(waiting))
    assert some.calls <= max_calls + 1 + (reflect is not None)
    assert len(library.asked) < max_calls
    assert len(step.actions) <= max_calls * max_actions
    assert step.actions or step.refused in (Reason.no_reply, Reason.invalid_reply)
    assert len(step.raw) <= RAW_CHARS
    batch = ActionBatch.from_actions(SOCIAL, [(4, step.actions)], lambda name: -1)
    assert ALLOWED[batch.action].all()


@given(st.lists(completions, min_size=6, max_size=6))
def test_a_turn_is_a_function_of_what_is_received(received: list[Completion]) -> None:
    def play() -> list[Any]:
        some = turn(reflect=REFLECT)
        steps: list[Any] = [some.start().digest()]
        for completion in received:
            step = some.receive(completion)
            if isinstance(step, Decision):
                return [*steps, step]
            steps.append(step.digest())
        return steps

    assert play() == play()
