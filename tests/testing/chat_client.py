"""A bare HTTP client for the tests of the model server."""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

import aiohttp
import msgspec

LIKE = {
    "type": "object",
    "properties": {
        "do": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "properties": {"action": {"const": "like"}, "id": {"enum": [1, 2, 3]}},
                "required": ["action", "id"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["do"],
    "additionalProperties": False,
}


class Answer(NamedTuple):
    """What came back."""

    status: int
    body: bytes
    headers: dict[str, str]

    @property
    def data(self) -> Any:
        return msgspec.json.decode(self.body)

    @property
    def content(self) -> Any:
        return self.data["choices"][0]["message"]["content"]


def body(user: str = "hello", mode: str = "text", **more: Any) -> dict[str, Any]:
    """The body of a chat request for this mode."""
    messages = [{"role": "system", "content": "The rules."}, {"role": "user", "content": user}]
    asked: dict[str, Any] = {"model": "m", "messages": messages, **more}
    if mode == "json_schema":
        form = {"name": "reply", "schema": LIKE, "strict": True}
        asked["response_format"] = {"type": "json_schema", "json_schema": form}
    elif mode == "tools":
        function = {"name": "reply", "parameters": LIKE}
        asked["tools"] = [{"type": "function", "function": function}]
    return asked


def ask(
    url: str,
    *bodies: dict[str, Any],
    timeout: float = 10.0,
    together: bool = False,
    key: str = "",
) -> list[Answer]:
    """Post these bodies, one after the other or all at once."""

    async def post(session: aiohttp.ClientSession, asked: dict[str, Any]) -> Answer:
        data = msgspec.json.encode(asked)
        async with session.post(f"{url}/chat/completions", data=data) as response:
            return Answer(response.status, await response.read(), dict(response.headers))

    async def post_all() -> list[Answer]:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        limit = aiohttp.ClientTimeout(total=timeout)
        async with aiohttp.ClientSession(timeout=limit, headers=headers) as session:
            if together:
                return await asyncio.gather(*(post(session, b) for b in bodies))
            return [await post(session, b) for b in bodies]

    return asyncio.run(post_all())
