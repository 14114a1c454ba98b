"""The base of all sections of a scenario: kinds of values, checks and readable errors."""

from __future__ import annotations

from typing import Annotated, Any, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from hubbub.config.describe import Wording
from hubbub.config.problems import listed, problems
from hubbub.errors import ScenarioError

Probability = Annotated[float, Field(ge=0.0, le=1.0)]
Count = Annotated[int, Field(ge=0)]


def _distinct(names: list[str]) -> list[str]:
    """Return the names; ValueError if one is empty or comes twice."""
    for name in names:
        if not name.strip():
            raise ValueError("a name is empty")
        if names.count(name) > 1:
            raise ValueError(f"'{name}' comes twice")
    return names


def _dotted_path(path: str) -> str:
    """Return the path; ValueError if it is not 'module:name'."""
    module, _, name = path.partition(":")
    if not name.isidentifier() or not all(part.isidentifier() for part in module.split(".")):
        raise ValueError(f"'{path}' must have the form 'module:name'")
    return path


def _has_surrogate(value: Any) -> bool:
    if isinstance(value, str):
        return any("\ud800" <= c <= "\udfff" for c in value) if not value.isascii() else False
    if isinstance(value, dict):
        return any(_has_surrogate(v) for pair in value.items() for v in pair)
    return isinstance(value, list | tuple) and any(map(_has_surrogate, value))


Names = Annotated[list[str], AfterValidator(_distinct)]
DottedPath = Annotated[
    str,
    AfterValidator(_dotted_path),
    Wording("a dotted path 'module:name'", "dotted paths 'module:name'"),
]


class Section(BaseModel):
    """Base of all sections: unknown keys are refused, and values cannot be changed later."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, validate_default=True, allow_inf_nan=False
    )

    def __init__(self, /, **data: Any) -> None:
        """Take the fields by name; ScenarioError lists every problem."""
        try:
            super().__init__(**data)
        except ValidationError as error:
            raise ScenarioError(listed(type(self).__name__, problems(error, type(self)))) from None

    @field_validator("*", mode="before")
    @classmethod
    def _text_can_be_kept(cls, value: Any) -> Any:
        if _has_surrogate(value):
            raise ValueError("contains half a character (a lone surrogate), which no file can hold")
        return value

    @field_validator("*", mode="before")
    @classmethod
    def _true_is_no_number(cls, value: Any, info: ValidationInfo) -> Any:
        kinds = cls.model_fields[str(info.field_name)].annotation
        plain = {getattr(k, "__origin__", k) for k in (kinds, *get_args(kinds))}
        if isinstance(value, bool) and plain & {int, float} and bool not in plain:
            raise ValueError(f"must be a number, not {str(value).lower()}")
        return value

    # sections inside others are validated without it, so that all problems are listed at once
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]
