"""Who ranks feeds and runs policies: threads, processes, or a Ray cluster."""

from hubbub.engine.workers.base import Workers
from hubbub.engine.workers.factory import open_workers
from hubbub.engine.workers.threads import Threads

__all__ = ["Threads", "Workers", "open_workers"]
