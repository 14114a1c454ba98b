"""API keys: read from the environment, sent to the endpoints, shown nowhere."""

from __future__ import annotations

from collections.abc import Mapping

from hubbub.errors import ModelError

#: Shorter values protect nothing (``EMPTY``, ``none``) and may be words that agents use.
_SHORTEST_SECRET = 8


class ApiKey:
    """The key of one model, if it needs one. Its repr hides it."""

    __slots__ = ("_value",)

    def __init__(self, value: str | None) -> None:
        self._value = value

    def __repr__(self) -> str:
        return "ApiKey(***)"

    @classmethod
    def of(cls, model: str, variable: str | None, environ: Mapping[str, str]) -> ApiKey:
        """Return the key in this environment variable; ModelError if it holds none."""
        if variable is None:
            return cls(None)
        value = environ.get(variable, "").strip()
        if not value:
            raise ModelError(
                f"model '{model}': the environment variable {variable} (key_env) is not set; "
                f"put the API key in it, e.g.  export {variable}=..."
            )
        if not (value.isascii() and value.isprintable()):
            raise ModelError(
                f"model '{model}': the environment variable {variable} holds characters that "
                "no API key has (line breaks, letters beyond ASCII)"
            )
        return cls(value)

    def headers(self) -> dict[str, str]:
        """Return the header that carries the key, if there is one."""
        return {} if self._value is None else {"Authorization": f"Bearer {self._value}"}

    def scrub(self, text: str) -> str:
        """Return the text with the key replaced by ``***``."""
        if self._value is None or len(self._value) < _SHORTEST_SECRET:
            return text
        return text.replace(self._value, "***")
