"""What agents driven by language models are told and asked: prompts, turns and surveys."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from hubbub.config.section import Count, Names, Probability, Section


class PromptConfig(Section):
    """What a model is told. Templates are Jinja2; their fields are checked before a run starts."""

    rules: str | None = Field(
        None,
        description="Template of the shared rules, in place of the built-in ones; may use "
        "platform, actions, reply and max_actions (docs/models.md).",
    )
    persona: str | None = Field(
        None,
        description="Template of who the agent is; may use the fields of its profile. Default: "
        "name, bio, persona, age, gender, MBTI, country, profession, interests as far as given.",
    )
    language: str | None = Field(
        None, description="Language agents write in; default: the profile's field 'language'."
    )
    memory_tokens: Count = Field(80, description="Most tokens of memory in a prompt.")
    reflect_every: int | None = Field(
        None, ge=1, description="Every so many turns the model rewrites a short note to itself."
    )
    post_chars: int = Field(280, ge=20, description="Characters of a post that are shown.")
    comment_chars: int = Field(140, ge=20, description="Characters of a comment that are shown.")


class TurnsConfig(Section):
    """The turns of agents who are language models."""

    max_actions: int = Field(1, ge=1, le=20, description="Most actions in one reply.")
    max_calls: int = Field(
        2,
        ge=1,
        le=10,
        description="Most calls per turn: what a query found is told in a further one.",
    )
    staleness: int = Field(
        0,
        ge=0,
        le=16,
        description="Steps by which the world a model sees may be older, so that the next step's "
        "turns are asked for while the slowest of this one are still out.",
    )


class QuestionConfig(Section):
    """One question of a survey."""

    name: str = Field(min_length=1, description="Its short name, a column of the answers.")
    ask: str = Field(min_length=1, description="The question as it is put.")
    kind: Literal["text", "choice", "likert", "number"] = Field(
        "text", description="The form of the answer."
    )
    options: Names = Field(
        default_factory=list,
        description="choice: the answers to choose from; likert: labels from lowest to highest "
        "(default: strongly disagree ... strongly agree).",
    )
    min: float | None = Field(None, description="number: the lowest.")
    max: float | None = Field(None, description="number: the highest.")

    @model_validator(mode="after")
    def _fits_its_kind(self) -> QuestionConfig:
        if self.kind == "choice" and len(self.options) < 2:
            raise ValueError("a choice needs at least two options")
        if self.kind in ("text", "number") and self.options:
            raise ValueError(f"options do not go with the kind {self.kind}")
        if self.kind != "number" and (self.min is not None or self.max is not None):
            raise ValueError("min and max go with the kind number only")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("min is above max")
        return self


class SurveyConfig(Section):
    """Questions put to agents by their models. The run takes no notice unless `remember` is set."""

    name: str = Field("survey", min_length=1, description="Its name in the table of answers.")
    questions: list[QuestionConfig] = Field(min_length=1, description="What is asked, in order.")
    steps: list[int] = Field(
        default_factory=list, description="After which steps it is held; 0: before step 1."
    )
    every: int | None = Field(None, ge=1, description="Held after every so many steps.")
    where: dict[str, Any] = Field(
        default_factory=dict, description="Conditions on who is asked, as for agents."
    )
    share: Probability | None = Field(None, description="Only this share of those who match.")
    model: str | None = Field(
        None, description="The model that answers; default: each agent's own (others are left out)."
    )
    remember: bool = Field(default=False, description="Do agents remember having been asked?")

    @field_validator("questions")
    @classmethod
    def _distinct_names(cls, questions: list[QuestionConfig]) -> list[QuestionConfig]:
        names = [q.name for q in questions]
        twice = next((n for n in names if names.count(n) > 1), None)
        if twice is not None:
            raise ValueError(f"two questions are named '{twice}'")
        return questions
