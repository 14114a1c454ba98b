"""Who ranks feeds and lets policies decide: threads, processes, or a Ray cluster."""

from hubbub.engine.workers.base import (
    Live,
    Shard,
    ShardSlates,
    ShardTurns,
    Threads,
    Workers,
    open_workers,
)

__all__ = ["Live", "Shard", "ShardSlates", "ShardTurns", "Threads", "Workers", "open_workers"]
