"""The OASIS side of `hubbub bench compare oasis`, run by the interpreter that has camel-oasis.

    python -I oasis_side.py PROFILES FOLDER STEPS

Makes the agents of an OASIS Twitter profile file (CSV) and lets all of them decide in each step;
writes FOLDER/result.json. It calls only what a user of OASIS would call, and imports nothing of
hubbub.

The model is a stand-in in this process that answers at once: it likes one of the posts in the
prompt. It counts tokens by CAMEL's stub, which costs nothing. Recommendations are drawn at random:
this is the only recommender of OASIS for X-like platforms that needs no model from the network.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import resource
import sqlite3
import sys
import time
from collections import Counter
from importlib.metadata import version
from pathlib import Path

_POST = re.compile(r'"post_id": (\d+)')
_PAGE = os.sysconf("SC_PAGE_SIZE")


async def run(profiles: Path, folder: Path, steps: int) -> dict[str, object]:
    """Return the cost of the run, seconds and bytes, and what was done in it."""
    import oasis
    from camel.models.stub_model import StubModel
    from camel.types import ChatCompletion, ModelType
    from oasis.social_agent.agents_generator import generate_agents
    from oasis.social_platform.channel import Channel

    class Likes(StubModel):  # type: ignore[misc]
        """Likes the posts of the prompt in turn."""

        calls = 0

        async def _arun(self, messages, response_format=None, tools=None):  # type: ignore[no-untyped-def]
            self.calls += 1
            posts = _POST.findall(messages[-1]["content"])
            return ChatCompletion.model_validate(_like(int(posts[self.calls % len(posts)])))

    model = Likes(model_type=ModelType.STUB)
    before = _resident()
    began, began_cpu = time.perf_counter(), time.process_time()
    channel = Channel()
    platform = oasis.Platform(
        db_path=str(folder / "oasis.db"),
        channel=channel,
        recsys_type="random",
        refresh_rec_post_count=2,
        max_rec_post_len=2,
        following_post_count=3,
    )
    graph = await generate_agents(
        agent_info_path=str(profiles),
        channel=channel,
        model=model,
        start_time=0,
        recsys_type="twitter",
        twitter=platform,
        available_actions=oasis.ActionType.get_default_twitter_actions(),
    )
    made, made_cpu = time.perf_counter(), time.process_time()
    env = oasis.make(agent_graph=graph, platform=platform, database_path=platform.db_path)
    env.platform_task = asyncio.create_task(platform.running())
    agents = [agent for _, agent in graph.get_agents()]
    done_before = _done(folder / "oasis.db")
    setup_cpu, began_cpu = made_cpu - began_cpu, time.process_time()
    seconds = []
    for _ in range(steps):
        start = time.perf_counter()
        await env.step({agent: oasis.LLMAction() for agent in agents})
        seconds.append(time.perf_counter() - start)
    ended_cpu = time.process_time()
    await env.close()
    return {
        "version": version("camel-oasis"),
        "agents": len(agents),
        "steps": steps,
        "setup_seconds": made - began,
        "setup_cpu_seconds": setup_cpu,
        "steps_cpu_seconds": ended_cpu - began_cpu,
        "step_seconds": seconds,
        "bytes_grown": _resident() - before,
        "peak_bytes": _peak(),
        "calls": model.calls,
        "did": dict(_done(folder / "oasis.db") - done_before),
        "bytes_on_disk": _size(folder),
        "bytes_of_database": _size(folder, "oasis.db*"),
    }


def _like(post: int) -> dict[str, object]:
    call = {
        "id": "call",
        "type": "function",
        "function": {"name": "like_post", "arguments": json.dumps({"post_id": post})},
    }
    message = {"role": "assistant", "content": "", "tool_calls": [call]}
    return {
        "id": "double",
        "object": "chat.completion",
        "created": 0,
        "model": "double",
        "choices": [{"index": 0, "finish_reason": "tool_calls", "message": message}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 10, "total_tokens": 20},
    }


def _done(database: Path) -> Counter[str]:
    """Return how many actions of each name OASIS has carried out, without looks at a feed."""
    with sqlite3.connect(database) as db:
        rows = db.execute("SELECT action, count(*) FROM trace GROUP BY action ORDER BY action")
        return Counter({name: count for name, count in rows if name != "refresh"})


def _size(folder: Path, pattern: str = "**/*") -> int:
    return sum(path.stat().st_size for path in folder.glob(pattern) if path.is_file())


def _resident() -> int:
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * _PAGE
    except OSError:
        return _peak()


def _peak() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


if __name__ == "__main__":
    _folder = Path(sys.argv[2]).absolute()
    (_folder / "log").mkdir(parents=True, exist_ok=True)  # OASIS logs to ./log
    _profiles = Path(sys.argv[1]).absolute()
    os.chdir(_folder)
    _found = asyncio.run(run(_profiles, _folder, int(sys.argv[3])))
    (_folder / "result.json").write_text(json.dumps(_found), encoding="utf-8")
