"""What commands say when the budget for models is spent."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hubbub.testing import ModelServer

if TYPE_CHECKING:
    from .conftest import Command

TALK = """\
name: talk
steps: 5
population: {{synthetic: {{agents: 40, core: 4}}}}
encoder: {{kind: hashing}}
time: {{activity: {{kind: constant, rate: 0.5, core_rate: 1.0}}}}
models: {{small: {{urls: ["{url}"]}}}}
agents:
  - {{model: small, where: {{core: true}}}}
  - {{model: small, where: {{country: Nowhere}}}}
  - {{policy: statistical}}
turns: {{staleness: 1}}
budget: {{requests: 15}}
"""


def test_the_limit_that_is_reached_is_the_one_to_raise(hubbub: Command, tmp_path: Path) -> None:
    with ModelServer() as server:
        (tmp_path / "talk.yaml").write_text(TALK.format(url=server.url))
        done = hubbub("run", "talk.yaml", "--out", "a")
        assert done.code == 0
        assert "note: agents.1 (small): nobody meets its conditions" in done.err
        assert "paused after step 2 of 5: the budget of 15 requests is not enough" in done.err
        assert "hubbub resume a --set budget.requests=...\n" in done.err
        again = hubbub("resume", "a")
        assert again.code == 0
        assert "paused after step 2 of 5: the budget of 15 requests" in again.err
        more = hubbub("resume", "a", "--set", "budget.requests=100")
        assert more.code == 0
        assert "paused" not in more.err
