"""A custom action and ranker: bookmarks, and a feed that shows the most kept posts first.

The scenario beside this file names both; nothing in hubbub knows of them. Who keeps what is in the
view `reaction` of run.db, and the number of bookmarks in the column `bookmarks` of `post`.
"""

from typing import Any

import numpy as np

from hubbub import World
from hubbub.actions import POST, ActionSpec, Add, Exists, Pairs, Without

KEPT = Pairs("bookmark", "item", counter="bookmarks")

BOOKMARK_POST = ActionSpec(
    "bookmark_post",
    "keep a post for later",
    args=(POST,),
    requires=(Exists(), Without(KEPT)),  # refused as not_found, or as duplicate
    effects=(Add(KEPT),),
)


def most_kept(world: World, agents: Any, items: Any, step: int) -> Any:
    """Return one score for each pair of a viewer and an item: bookmarks, less with age."""
    bookmarks = world.items["bookmarks"][world.targets(items)]
    age = step - world.items["step"][items]
    return np.log1p(bookmarks) - age / 40
