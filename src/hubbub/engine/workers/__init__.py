"""Who ranks feeds and lets policies decide: threads, processes, or a Ray cluster."""

from hubbub.engine.workers.base import (
    Deed,
    Live,
    Seen,
    Shard,
    Threads,
    Workers,
    open_workers,
)

__all__ = ["Deed", "Live", "Seen", "Shard", "Threads", "Workers", "open_workers"]
