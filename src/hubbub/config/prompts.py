"""What agents driven by language models are told and asked: prompts, turns and surveys."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from hubbub.config.section import Count, Names, Probability, Section


class PromptConfig(Section):
    """What a model is told. Templates are Jinja2 and are checked before a run starts."""

    rules: str | None = Field(
        None,
        description="Template of the shared rules, instead of the built-in ones. It may use "
        "platform, actions, reply and max_actions (docs/models.md).",
    )
    persona: str | None = Field(
        None,
        description="Template of an agent's description. It may use the fields of the profile. "
        "Default: those of name, bio, persona, age, gender, MBTI, country, profession "
        "and interests that are given.",
    )
    language: str | None = Field(
        None,
        description="The language in which agents write. Default: the profile's field 'language'.",
    )
    memory_tokens: Count = Field(
        80, description="Limit on an agent's memory in a prompt, in tokens."
    )
    reflect_every: int | None = Field(
        None,
        ge=1,
        description="The model rewrites a short note to itself after this many turns. Default: "
        "never.",
    )
    post_chars: int = Field(
        280, ge=20, description="Longest post in a prompt, in characters; longer ones are cut."
    )
    comment_chars: int = Field(
        140, ge=20, description="Longest comment in a prompt, in characters; longer ones are cut."
    )


class TurnsConfig(Section):
    """The turns of agents that language models drive."""

    max_actions: int = Field(1, ge=1, le=20, description="Most actions in one reply.")
    max_calls: int = Field(
        2,
        ge=1,
        le=10,
        description="Most calls per turn. With 2 or more, a model learns the result of a query in "
        "a further call.",
    )
    staleness: int = Field(
        0,
        ge=0,
        le=16,
        description="Age of the world that a model sees, in steps. With 1 or more, the  "
        "turns of the next step are requested while the slowest replies of this one "
        "are still pending.",
    )


class QuestionConfig(Section):
    """One question of a survey."""

    name: str = Field(min_length=1, description="A short name: the column of the answers.")
    ask: str = Field(min_length=1, description="The question as it is asked.")
    kind: Literal["text", "choice", "likert", "number"] = Field(
        "text", description="The form of the answer."
    )
    options: Names = Field(
        default_factory=list,
        description="choice: the answers to choose from; likert: the labels from lowest to "
        "highest (default: strongly disagree ... strongly agree).",
    )
    min: float | None = Field(None, description="number: the lowest answer allowed.")
    max: float | None = Field(None, description="number: the highest answer allowed.")

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
    """Questions that agents answer through their models.

    The answers do not affect the run unless `remember` is set.
    """

    name: str = Field(
        "survey", min_length=1, description="Name of the survey in the table of answers."
    )
    questions: list[QuestionConfig] = Field(min_length=1, description="The questions, in order.")
    steps: list[int] = Field(
        default_factory=list,
        description="The steps after which the survey is held; 0: before step 1.",
    )
    every: int | None = Field(
        None, ge=1, description="Hold the survey repeatedly, this many steps apart."
    )
    where: dict[str, Any] = Field(
        default_factory=dict, description="Conditions on the agents to ask, as in `agents`."
    )
    share: Probability | None = Field(
        None, description="Ask only this share of the agents that meet the conditions."
    )
    model: str | None = Field(
        None,
        description="The model that answers. Default: each agent's own model; agents without one "
        "are left out.",
    )
    remember: bool = Field(
        default=False, description="Whether agents remember the questions and their answers."
    )

    @field_validator("questions")
    @classmethod
    def _distinct_names(cls, questions: list[QuestionConfig]) -> list[QuestionConfig]:
        names = [q.name for q in questions]
        twice = next((n for n in names if names.count(n) > 1), None)
        if twice is not None:
            raise ValueError(f"two questions are named '{twice}'")
        return questions
