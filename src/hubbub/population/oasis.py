"""OASIS's profile files as they are: the Reddit JSON and the Twitter CSV.

Both are read like any other table. What is special is which column means what, and that the files
went through pandas (index columns without a name, 'nan' for nothing, lists as Python literals).

The ids in following_agentid_list are rows of the file, counted from 0. In a part of a larger file
they still mean rows of the larger one: ids beyond the part are an error, others cannot be told from
correct ones. For such a part, choose another graph; that column is then not read.
"""

from __future__ import annotations

from collections.abc import Sequence

#: Our field -> OASIS's column. `user_char` of the one is the `persona` of the other.
REDDIT = {
    "user_name": "username",
    "name": "realname",
    "bio": "bio",
    "persona": "persona",
    "topics": "interested_topics",
}
TWITTER = {
    "user_name": "username",
    "name": "name",
    "bio": "description",
    "persona": "user_char",
    "topics": "topics",
    "following": "following_agentid_list",
    "posts": "previous_tweets",
    "frequencies": "activity_level_frequency",
    "core": "is_super_user",
}


def detect(columns: Sequence[str]) -> str | None:
    """Return oasis-reddit or oasis-twitter if these are the columns of such a file."""
    if "username" not in columns:
        return None
    if "following_agentid_list" in columns or "user_char" in columns:
        return "oasis-twitter"
    reddit = ("realname", "persona", "interested_topics")
    return "oasis-reddit" if any(c in columns for c in reddit) else None


def is_leftover(column: str) -> bool:
    """Return whether this column is an index that pandas wrote: '' or 'Unnamed: 0.1'."""
    return not column or column.startswith(("Unnamed: ", "__index_level_"))
