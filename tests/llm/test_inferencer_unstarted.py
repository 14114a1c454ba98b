"""An inferencer whose first requests come after it was told to forget all."""

from __future__ import annotations

from hubbub.config.models import ModelConfig
from hubbub.llm.chat import ChatRequest, Completion
from hubbub.llm.inferencer import LiveInferencer
from hubbub.testing import ModelServer, ScriptedModel

ASKED = ChatRequest("small", "rules", "hello", None, 20, 1)


def test_cancelling_before_the_first_request_loses_none_of_the_later_ones() -> None:
    with (
        ModelServer(ScriptedModel(["hi"])) as server,
        LiveInferencer[int]({"small": ModelConfig(urls=[server.url])}) as inferencer,
    ):
        inferencer.cancel()
        inferencer.submit([(0, ASKED)])
        assert [(key, c.text) for key, c in inferencer.wait(timeout=10)] == [(0, "hi")]


def test_with_no_time_to_wait_doubles_are_not_asked() -> None:
    stand_in = ScriptedModel([Completion("hi")])
    with LiveInferencer[int]({}, stand_ins={"small": stand_in}) as inferencer:
        inferencer.submit([(0, ASKED)])
        assert inferencer.wait(timeout=0) == []
        assert not stand_in.requests
        assert [key for key, _ in inferencer.wait()] == [0]
