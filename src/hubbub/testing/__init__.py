"""Stand-ins for language models, a server with every fault, and checks of user code."""

from importlib import import_module
from typing import Any

from hubbub.llm.chat import ChatRequest, Completion, ReplyShape
from hubbub.llm.inferencer import Answering
from hubbub.llm.provider import Provider
from hubbub.testing.check_providers import check_provider
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

#: Checks of what stands above this package, found by name at their first use.
_ABOVE = {"check_study": "hubbub.studies.checking"}

__all__ = [
    "Answering",
    "Busy",
    "ChatRequest",
    "Completion",
    "Faults",
    "Latency",
    "ModelServer",
    "Provider",
    "RecordedModel",
    "ReplyShape",
    "ScriptedModel",
    "ServedRequest",
    "ValidModel",
    "check_encoder",
    "check_filter",
    "check_graph",
    "check_opinion_rule",
    "check_policy",
    "check_provider",
    "check_ranker",
    "check_source",
    "check_study",
]


def __getattr__(name: str) -> Any:
    if name not in _ABOVE:
        raise AttributeError(f"module 'hubbub.testing' has no attribute '{name}'")
    return getattr(import_module(_ABOVE[name]), name)
