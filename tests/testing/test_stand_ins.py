"""Models that live in this process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from hubbub.errors import ModelError, RunError
from hubbub.llm.chat import ChatRequest, Completion, ReplyShape
from hubbub.store import RunStore
from hubbub.store.completions import CompletionRow
from hubbub.testing import RecordedModel, ScriptedModel, ValidModel
from hubbub.world import World

SHAPE = ReplyShape(
    "n", {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
)


def asked(user: str = "hello", shape: ReplyShape | None = None, seed: int = 0) -> ChatRequest:
    return ChatRequest("small", "The rules.", user, shape, seed=seed)


def test_the_lines_of_a_script_in_turn_then_the_last() -> None:
    cut = Completion("cut", finish="length")
    model = ScriptedModel(["one", {"do": [{"action": "é"}]}, cut])
    replies = [model(asked(str(i))) for i in range(4)]
    assert replies == ["one", '{"do":[{"action":"é"}]}', cut, cut]
    assert [r.user for r in model.requests] == ["0", "1", "2", "3"]


def test_a_script_that_is_a_function() -> None:
    model = ScriptedModel(lambda request: {"said": request.user})
    assert model(asked("hi")) == '{"said":"hi"}'


def test_a_script_without_a_line_or_that_is_no_list() -> None:
    with pytest.raises(ValueError, match="empty"):
        ScriptedModel([])
    with pytest.raises(TypeError, match="list"):
        ScriptedModel("one")


def test_valid_replies_depend_on_seed_and_request() -> None:
    def numbers(seed: int, of_request: int = 0) -> list[int]:
        model = ValidModel(seed)
        replies = [model(asked(str(i), SHAPE, of_request)) for i in range(20)]
        return [msgspec.json.decode(r)["n"] for r in replies]

    assert numbers(1) == numbers(1)
    assert len({tuple(n) for n in (numbers(1), numbers(2), numbers(1, 1))}) == 3
    assert ValidModel()(asked()).endswith(".")


@pytest.fixture
def recorded_run(tmp_path: Path, make_world: Callable[..., World]) -> Path:
    """Return the folder of a run with one completion in it."""
    folder = tmp_path / "run"
    done = Completion("what it said", prompt_tokens=12, latency=0.5, endpoint="http://a/v1")
    with RunStore.create(folder, '{"name": "recorded"}', {}, make_world()) as store:
        store.keep([CompletionRow(1, 7, "turn", 0, asked("known", SHAPE), done)])
    return folder


def test_a_recorded_model_replies_what_was_replied_once(recorded_run: Path) -> None:
    with RecordedModel.of_run(recorded_run) as model:
        again = model(asked("known", SHAPE))
        assert again.recorded
        assert (again.text, again.prompt_tokens, again.latency) == ("what it said", 12, 0.5)
        for other in (asked("other", SHAPE), asked("known"), asked("known", SHAPE, seed=1)):
            with pytest.raises(ModelError, match="no reply of model 'small'") as caught:
                model(other)
            assert other.user in str(caught.value)


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="is not a run"):
        RecordedModel.of_run(tmp_path)
