"""A model that always has something to do: it likes one post and comments on another."""

from __future__ import annotations

import msgspec

from hubbub.llm.chat import ChatRequest
from hubbub.testing.dice import Dice
from hubbub.testing.instances import sentence


class SociableModel:
    """Replies with a like of one of the first `posts` things and a comment of about twelve words.

    The reply is a function of the request's seed alone, which makes it cheap: for measurements.
    """

    def __init__(self, posts: int) -> None:
        self.posts = posts

    def __call__(self, request: ChatRequest) -> str:
        """Return the reply."""
        dice = Dice(request.seed)
        like = {"action": "like_post", "id": 1 + dice.below(self.posts)}
        number = 1 + dice.below(self.posts)
        comment = {"action": "create_comment", "id": number, "text": sentence(dice)}
        return msgspec.json.encode({"do": [like, comment]}).decode()
