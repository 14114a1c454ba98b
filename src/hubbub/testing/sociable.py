"""A model that always has something to do: it likes a post, or comments on one."""

from __future__ import annotations

import msgspec

from hubbub.llm.chat import ChatRequest
from hubbub.testing.dice import Dice
from hubbub.testing.instances import sentence


class SociableModel:
    """Likes one of the first `posts` things, or writes a comment of about twelve words on it.

    The reply is a function of the request's seed alone, which makes it cheap: for measurements.
    """

    def __init__(self, posts: int) -> None:
        self.posts = posts

    def __call__(self, request: ChatRequest) -> str:
        """Return the reply."""
        dice = Dice(request.seed)
        number = 1 + dice.below(self.posts)
        action: dict[str, object] = {"action": "like_post", "id": number}
        if dice.below(2):
            action = {"action": "create_comment", "id": number, "text": sentence(dice)}
        return msgspec.json.encode({"do": [action]}).decode()
