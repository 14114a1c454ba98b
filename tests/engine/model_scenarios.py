"""Small societies in which some agents are language models, or stand-ins for them."""

from __future__ import annotations

from typing import Any

from hubbub.config.load import parse_scenario
from hubbub.config.scenario import Scenario

NOWHERE = "http://127.0.0.1:9/v1"


def talkative(**changes: Any) -> Scenario:
    """Forty agents on a Reddit-like platform, half of them driven by the model `small`."""
    data: dict[str, Any] = {
        "name": "talkative",
        "seed": 5,
        "steps": 6,
        "population": {"synthetic": {"agents": 40, "core": 5, "posts_per_core": 2}},
        "platform": {"preset": "reddit"},
        "time": {"activity": {"kind": "constant", "rate": 0.5, "core_rate": 0.8}},
        "encoder": {"kind": "hashing"},
        "behaviour": {"base": {"do_nothing": 1.0}},
        "models": {"small": {"urls": [NOWHERE]}},
        "agents": [{"model": "small", "share": 0.5}, {"policy": "statistical"}],
    }
    return parse_scenario({**data, **changes}, "test")


def over_http(server, **changes):
    """Agents half driven by a model behind a server, with reflections and a custom policy."""
    limits = {"timeout_seconds": 5.0, "concurrency": 7}
    group = {"policy": "engine.worker_policies:Grumpy", "share": 0.5}
    data = {
        "models": {"small": {"urls": [server.url], "limits": limits}},
        "agents": [{"model": "small", "share": 0.5}, group, {"policy": "statistical"}],
        "prompt": {"reflect_every": 2},
    }
    return talkative(**data | changes)
