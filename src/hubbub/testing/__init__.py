"""Stand-ins for language models, a server with every fault, and checks of user code."""

from hubbub.llm.chat import ChatRequest, Completion
from hubbub.llm.inferencer import Answering
from hubbub.testing.checks import (
    check_encoder,
    check_filter,
    check_graph,
    check_opinion_rule,
    check_policy,
    check_ranker,
    check_source,
)
from hubbub.testing.faults import Faults, Latency
from hubbub.testing.server import ModelServer
from hubbub.testing.service import Busy, ServedRequest
from hubbub.testing.stand_ins import RecordedModel, ScriptedModel, ValidModel

__all__ = [
    "Answering",
    "Busy",
    "ChatRequest",
    "Completion",
    "Faults",
    "Latency",
    "ModelServer",
    "RecordedModel",
    "ScriptedModel",
    "ServedRequest",
    "ValidModel",
    "check_encoder",
    "check_filter",
    "check_graph",
    "check_opinion_rule",
    "check_policy",
    "check_ranker",
    "check_source",
]
