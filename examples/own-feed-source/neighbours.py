"""A custom feed source: the posts that the accounts one follows commented on.

The scenario beside this file names it. Slates record what it found as `neighbours_commented`.
"""

from typing import Any

import numpy as np

from hubbub import World
from hubbub.actions import Kind

RECENT = 40  # steps


def neighbours_commented(world: World, agents: Any, step: int) -> Any:
    """Return (viewers, posts, scores): the post with the latest comment of a followee leads."""
    items = world.items
    first = np.searchsorted(items["step"], step - RECENT)  # ids ascend in time
    comments = first + np.flatnonzero(items["kind"][first:] == Kind.comment)

    viewers = np.repeat(agents, len(comments))  # every viewer with every recent comment
    comments = np.tile(comments, len(agents))
    near = world.sets["follow"].contains(viewers, items["author"][comments])
    viewers, comments = viewers[near], comments[near]

    return viewers, items["ref"][comments], items["step"][comments]
