"""Language models in a scenario: endpoints, limits, prices and the budget."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from hubbub.config.section import DottedPath, Names, Section

_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,63}")
_NAME_OF_A_SECRET = re.compile(r"api.?key|authorization|access.?token|password|secret", re.I)


class PriceConfig(Section):
    """Prices per million tokens, in any currency."""

    input: float = Field(0.0, ge=0, description="Price of prompt tokens.")
    cached: float | None = Field(
        None,
        ge=0,
        description="Price of prompt tokens that the endpoint has cached. Default: that of "
        "`input`.",
    )
    output: float = Field(0.0, ge=0, description="Price of reply tokens.")


class LimitsConfig(Section):
    """Rate limits, timeouts and retries of a model's endpoints."""

    concurrency: int = Field(
        32, ge=1, description="Most requests at once per endpoint; fewer while it is overloaded."
    )
    requests_per_minute: int | None = Field(
        None, ge=1, description="Most requests per minute, per endpoint."
    )
    tokens_per_minute: int | None = Field(
        None, ge=1, description="Most tokens per minute, per endpoint."
    )
    timeout_seconds: float = Field(
        60.0, gt=0, description="Longest wait for one reply, in seconds."
    )
    attempts: int = Field(
        5, ge=1, description="Most attempts per request; after that the turn has no reply."
    )
    copy_after: float | None = Field(
        10.0,
        gt=1,
        description="Hedging: if a request takes this many times the median latency and a slot is "
        "idle, send it again; the first reply wins. null: never.",
    )
    patience_seconds: float = Field(
        300.0,
        ge=0,
        description="How long to wait while no endpoint answers, in seconds, before the run stops.",
    )


class ModelConfig(Section):
    """A language model. Give one of `urls`, `urls_file`, `local` and `provider`."""

    urls: Names = Field(
        default_factory=list,
        description="Base URLs of its endpoints, e.g. http://localhost:8000/v1. Requests are "
        "spread over them.",
    )
    urls_file: Path | None = Field(
        None, description="A file with one base URL per line, read again whenever it changes."
    )
    provider: DottedPath | None = Field(
        None,
        description="A custom source of replies: dotted path 'module:Class' (docs/extending.md).",
    )
    local: str | None = Field(
        None,
        description="A model on this machine: smollm2-135m, or the path of a GGUF file "
        "(needs hubbub[local]).",
    )
    model: str = Field("default", description="The model's name at its endpoints.")
    key_env: str | None = Field(
        None, description="Name of the environment variable that holds the API key."
    )
    temperature: float = Field(0.8, ge=0, le=2, description="Sampling temperature of the replies.")
    top_p: float = Field(
        1.0,
        gt=0,
        le=1,
        description="Nucleus sampling: draw from the most likely tokens with this total "
        "probability.",
    )
    max_tokens: int = Field(200, ge=1, description="Longest reply, in tokens.")
    reply: Literal["auto", "json_schema", "tools", "text"] = Field(
        "auto",
        description="How the form of replies is requested. auto: by JSON schema, else by tool "
        "calls, else by text.",
    )
    extra: dict[str, Any] = Field(
        default_factory=dict, description="Further fields of each request, e.g. reasoning_effort."
    )
    price: PriceConfig = PriceConfig()
    limits: LimitsConfig = LimitsConfig()

    @field_validator("urls")
    @classmethod
    def _plain_urls(cls, urls: list[str]) -> list[str]:
        for url in urls:
            check_url(url)
        return urls

    @field_validator("key_env")
    @classmethod
    def _name_of_a_variable(cls, name: str | None) -> str | None:
        # the message must not repeat what may be a key
        if name is not None and not _VARIABLE.fullmatch(name):
            raise ValueError(
                "give the *name* of an environment variable, in capitals, never a key itself"
            )
        return name

    @field_validator("extra")
    @classmethod
    def _no_secrets(cls, extra: dict[str, Any]) -> dict[str, Any]:
        # a run keeps its scenario
        if any(_NAME_OF_A_SECRET.search(name) for name in _names(extra)):
            raise ValueError("a key can't stand here, it would be kept: name its variable, key_env")
        return extra

    @model_validator(mode="after")
    def _one_place(self) -> ModelConfig:
        given = [n for n in ("urls", "urls_file", "local", "provider") if getattr(self, n)]
        if len(given) != 1:
            raise ValueError("give exactly one of urls, urls_file, local, provider")
        return self

    @model_serializer(mode="wrap")
    def _as_before(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out `provider` where there is none: scenarios read as those of earlier versions."""
        data: dict[str, Any] = serialize(self)
        if data.get("provider", True) is None:
            del data["provider"]
        return data


def _names(value: object) -> Iterator[str]:
    """Give the names of all fields within a value."""
    match value:
        case dict():
            for name, inner in value.items():
                yield str(name)
                yield from _names(inner)
        case list():
            for inner in value:
                yield from _names(inner)


def check_url(url: str) -> None:
    """Raise ValueError if the text is not a base URL, or carries a secret."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("a base URL looks like http://localhost:8000/v1")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError(
            "a base URL must carry no user, password or query: keys are named by key_env"
        )


class BudgetConfig(Section):
    """What a run may spend on models. When any part is spent, the run pauses after a whole step."""

    requests: int | None = Field(None, ge=0, description="Most requests.")
    tokens: int | None = Field(None, ge=0, description="Most tokens, prompts and replies together.")
    money: float | None = Field(
        None, ge=0, description="Most money, in the currency of the prices."
    )
