"""The scenario: everything a run needs, as one model."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from hubbub.config.models import BudgetConfig, ModelConfig
from hubbub.config.prompts import PromptConfig, SurveyConfig, TurnsConfig
from hubbub.config.section import Count, DottedPath, Names, Probability, Section
from hubbub.errors import did_you_mean

#: Topics a generated society talks about: the interests of OASIS's one-million-user file.
DEFAULT_TOPICS = (
    "Politics",
    "Business",
    "Entertainment",
    "Science & Technology",
    "Health",
    "Education",
    "Sports",
    "Environment",
)


class PlatformConfig(Section):
    """The rules of the platform."""

    preset: Literal["x", "reddit"] = Field("x", description="The rules and defaults to start from.")
    actions: Literal["default", "all"] | list[str] = Field(
        "default",
        description="Actions that are switched on: those of the preset, all, or a list of names.",
    )
    extra_actions: list[str] = Field(
        default_factory=list,
        description="Custom actions: dotted paths 'module:NAME' of ActionSpec objects.",
    )
    allow_self_rating: bool | None = Field(
        None, description="Whether agents may like their own posts. Preset: x yes, reddit no."
    )
    exclusive_reactions: bool | None = Field(
        None,
        description="Whether a like withdraws an earlier dislike of the same agent, and vice "
        "versa. Preset: x no, reddit yes.",
    )
    show_score: bool | None = Field(
        None,
        description="Show one score (likes - dislikes) instead of counts. Preset: x no, reddit "
        "yes.",
    )
    report_threshold: int = Field(
        2, ge=1, description="A post with this many reports carries a warning."
    )
    max_text_length: int | None = Field(
        None, ge=1, description="Longest text, in characters. Preset: x 1,000, reddit 10,000."
    )
    trend_days: int = Field(7, ge=1, description="How many days `trend` looks back.")
    trend_size: int = Field(5, ge=1, description="How many posts `trend` returns.")


class SyntheticConfig(Section):
    """A generated population."""

    agents: int = Field(1000, ge=1, description="Number of agents, including the core users.")
    core: Count = Field(10, description="Number of core users (opinion leaders).")
    topics_per_agent: tuple[int, int] = Field(
        (1, 3), description="Fewest and most topics of interest of an agent."
    )
    countries: dict[str, float] | None = Field(
        None,
        description="Share of each country, by ISO 3166 alpha-2 code. Default: social media users "
        "by country.",
    )
    posts_per_core: Count = Field(
        1, description="Number of posts that each core user has before step 1."
    )


class GraphConfig(Section):
    """Who follows whom at the start."""

    kind: (
        Literal["file", "edges", "none", "random", "preferential", "topic", "block"] | DottedPath
    ) = Field(
        "topic",
        description=(
            "Where the follow graph comes from. file: the profile file; edges: an edge "
            "list (path); none: nobody follows anybody; random: uniform; preferential: "
            "heavy-tailed in-degrees; topic: ordinary users follow the core users of "
            "their topics (OASIS), plus heavy-tailed ties; block: a stochastic block "
            "model by topic; or a custom function (docs/extending.md). Required if the "
            "agents come from a file or records."
        ),
    )
    path: Path | None = Field(
        None,
        description="kind edges: a CSV, JSON or Parquet file with columns src and dst: agent ids "
        "or user names.",
    )
    mean_following: float = Field(
        20.0, ge=0, description="Mean number of followees (random, preferential, topic, block)."
    )
    core_follow: Probability = Field(
        0.2,
        description="kind topic: probability of following each core user with a shared topic "
        "(OASIS).",
    )
    homophily: Probability = Field(
        0.8, description="kinds topic and block: share of ties between agents with a shared topic."
    )
    reciprocity: Probability = Field(
        0.3, description="Share of ties that are mutual (Twitter: 0.22 to 0.55)."
    )
    exponent: float = Field(
        2.3, gt=2.0, description="Power-law exponent of in-degrees (preferential, topic)."
    )


class PopulationConfig(Section):
    """The agents. Give one of `file`, `records` and `synthetic` (the default)."""

    file: Path | None = Field(
        None, description="Profile file (docs/files.md), relative to the scenario's folder."
    )
    format: Literal["auto", "oasis-reddit", "oasis-twitter", "csv", "json", "parquet"] = Field(
        "auto", description="Format of the file. auto: detected from its name and columns."
    )
    columns: dict[str, str] = Field(
        default_factory=dict,
        description="Which column of the file holds a field of hubbub, e.g. user_name: handle.",
    )
    records: list[dict[str, Any]] | None = Field(
        None, description="Profiles, written in the scenario itself."
    )
    synthetic: SyntheticConfig | None = None
    graph: GraphConfig | None = Field(
        None,
        description=(
            "Who follows whom. Default: the follow lists of the file or records, if they "
            "have any (kind: file); kind: topic for generated agents."
        ),
    )
    limit: int | None = Field(
        None, ge=1, description="Use only this many agents, from the beginning of the file."
    )
    duplicate_names: Literal["error", "rename"] = Field(
        "error",
        description="What to do if user names repeat. rename: add a number to the later ones.",
    )

    @model_validator(mode="after")
    def _one_source(self) -> PopulationConfig:
        given = [n for n in ("file", "records", "synthetic") if getattr(self, n) is not None]
        if len(given) > 1:
            raise ValueError(f"give one of file, records, synthetic, not {' and '.join(given)}")
        return self


class ActivityConfig(Section):
    """When agents are awake.

    The probability that an agent is awake in a step is its rate times its activity in this hour,
    divided by that of the most active agent in this hour: P = rate * f_ij / max_k f_kj for agent i
    in hour j (docs/files.md).
    """

    kind: Literal["auto", "constant", "chronotype", "file", "timestamps"] = Field(
        "auto",
        description=(
            "Where hourly activity comes from. auto: the file's 24 figures if it has "
            "them, else chronotype for synthetic agents and constant for others; "
            "timestamps: a CSV file of past activity (path)."
        ),
    )
    path: Path | None = Field(
        None,
        description="kind timestamps: a CSV file with columns user_name and time (docs/files.md).",
    )
    core_rate: Probability = Field(0.1, description="Rate of core users per step (OASIS: 0.1).")
    rate: Probability = Field(0.1, description="Rate of ordinary users per step.")


class TimeConfig(Section):
    """The simulated calendar."""

    start: datetime = Field(
        datetime(2024, 1, 1, 8, 0),  # noqa: DTZ001 - simulated time is UTC without saying so
        description="When step 1 begins (UTC).",
    )
    step_minutes: float = Field(3.0, gt=0, description="Length of a step, in simulated minutes.")
    activity: ActivityConfig = ActivityConfig()
    wake_on_notice: bool = Field(
        default=True,
        description="Whether a reply or mention can wake an agent in the next step.",
    )
    wake_rate: Probability = Field(
        0.5, description="Probability that such a notice wakes the agent."
    )

    @field_validator("start", mode="before")
    @classmethod
    def _no_number(cls, value: Any) -> Any:
        if isinstance(value, int | float):  # a year would be taken for seconds since 1970
            raise ValueError(  # noqa: TRY004 - pydantic reports ValueErrors only
                "must be a date and time such as 2024-01-01 08:00"
            )
        return value


class SourceConfig(Section):
    """A custom feed source: a function that finds posts for each viewer (docs/extending.md)."""

    source: DottedPath = Field(description="Dotted path 'module:function'.")
    slots: Count | None = Field(
        None,
        description="Slots for its best posts, ranked by its own scores. Default: its posts "
        "compete for the recommended slots, with the scores of the preset or the "
        "ranker. 0: switched off.",
    )

    @model_validator(mode="before")
    @classmethod
    def _one_section(cls, value: Any) -> Any:
        if isinstance(value, str):
            raise ValueError(  # noqa: TRY004 - pydantic reports ValueErrors only
                f"write it as a section: {{source: '{value}', slots: 2}}"
            )
        return value

    @property
    def name(self) -> str:
        """What slates and explanations call it: the name of the function."""
        return self.source.partition(":")[2]


class FeedConfig(Section):
    """What an agent is shown."""

    preset: Literal["auto", "chronological", "following-top", "hot", "interest", "x", "random"] = (
        Field(
            "auto",
            description="How posts are ranked. auto: the preset of the platform "
            "(x: interest, reddit: hot).",
        )
    )
    following: Count | None = Field(
        None, description="Number of followees' posts on a slate. Preset: x 3, reddit 0."
    )
    recommended: Count | None = Field(
        None, description="Number of recommended posts on a slate. Preset: x 4, reddit 5."
    )
    comments: Count = Field(2, description="How many of the best comments to show with each post.")
    pool: int = Field(256, ge=1, description="Most out-of-network posts that are scored per step.")
    window: int = Field(
        480, ge=1, description="Posts of this age or older, in steps, are not recommended."
    )
    author_decay: Probability = Field(
        0.7, description="Factor on the score of each further post of one author on a slate."
    )
    explore: Probability = Field(
        0.0, description="Share of recommended slots that are filled at random."
    )
    hide_reported: int | None = Field(
        None,
        ge=1,
        description="A post with this many reports is no longer shown. Default: always shown.",
    )
    ranker: str | None = Field(None, description="A custom ranker: dotted path 'module:function'.")
    sources: list[SourceConfig] = Field(
        default_factory=list,
        max_length=64,
        description="Custom sources of posts, in addition to followees' posts and the pool.",
    )
    filters: list[DottedPath] = Field(
        default_factory=list,
        description="Custom filters: dotted paths 'module:function'. A post is shown only if all "
        "of them keep it.",
    )

    @model_validator(mode="after")
    def _distinct_names(self) -> FeedConfig:
        names = [source.name for source in self.sources]
        names += [path.partition(":")[2] for path in self.filters]
        twice = next((n for n in names if names.count(n) > 1), None)
        if twice is not None:
            raise ValueError(f"two of sources and filters are named '{twice}'; rename one of them")
        return self

    @model_serializer(mode="wrap")
    def _as_before(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out empty `sources` and `filters`: studies compare scenarios with earlier ones."""
        data: dict[str, Any] = serialize(self)
        for name in ("sources", "filters"):
            if not data.get(name, True):
                del data[name]
        return data


class BehaviourConfig(Section):
    """The statistical policy: a multinomial logit over the switched-on actions (docs/behaviour.md).

    The utility of action a on item i is base[a] + traits + notice(i) + sign(a) * attraction(i).
    Recency and standing make up notice; the other weights make up attraction.
    """

    base: dict[str, float] = Field(
        default_factory=dict,
        description="Utility of each action by name; the others keep their defaults.",
    )
    similarity: float = Field(2.0, description="Weight of the similarity of interests, in [-1, 1].")
    social_proof: float = Field(0.3, description="Weight of log10(1 + likes + shares).")
    herding: float = Field(
        0.3, description="Weight of the displayed score s: sign(s) * log10(1+|s|)."
    )
    recency: float = Field(0.5, description="Weight of 2**(-age / half_life).")
    half_life: float = Field(40.0, gt=0, description="Half-life of recency, in steps.")
    in_network: float = Field(0.5, description="Added for posts of followees.")
    standing: float = Field(0.1, description="Weight of log10(1 + the author's followers).")
    agreement: float = Field(1.0, description="Weight of opinion * stance, in [-1, 1].")
    trait_spread: float = Field(
        0.5,
        ge=0,
        description="Standard deviation, over agents, of the traits sharing and verbosity "
        "(logits).",
    )
    contrarian_share: Probability = Field(
        0.05, description="Share of agents who like what they disagree with."
    )
    actions_per_turn: int = Field(1, ge=1, description="Most actions of an agent in one turn.")


class OpinionConfig(Section):
    """How opinions on the topics, in [-1, 1], change with what agents see."""

    model: (
        Literal["none", "bounded-confidence", "friedkin-johnsen", "biased-assimilation"]
        | DottedPath
    ) = Field(
        "bounded-confidence",
        description="The rule of change (docs/behaviour.md), or a custom function "
        "(docs/extending.md).",
    )
    step: Probability = Field(
        0.05, description="Share of the distance that an opinion moves per post seen."
    )
    confidence: float = Field(
        0.6,
        ge=0,
        description="bounded-confidence: largest distance at which a post still has influence.",
    )
    stubbornness: Probability = Field(
        0.3, description="friedkin-johnsen: pull towards the initial opinion."
    )
    bias: float = Field(1.0, ge=0, description="biased-assimilation: the exponent b.")


class AgentGroup(Section):
    """A group of agents and what drives them. An agent is in the first group that it matches."""

    policy: str | None = Field(
        None,
        description="statistical, idle, scripted, or a custom policy: dotted path 'module:Class'.",
    )
    model: str | None = Field(
        None, description="Instead of a policy: the name of the language model that decides."
    )
    where: dict[str, Any] = Field(
        default_factory=dict,
        description="Conditions on profile fields: a value, a list of values, or {min:, max:}.",
    )
    share: Probability | None = Field(
        None, description="Take only this share of the agents that meet the conditions."
    )
    script: dict[int, list[dict[str, Any]]] = Field(
        default_factory=dict,
        description=(
            "policy scripted: for each step a list of actions, each {agent:, action:, and "
            "its arguments}. Agents are awake in the steps in which they have actions."
        ),
    )
    behaviour: BehaviourConfig | None = Field(
        None, description="Parameters of the statistical policy for this group."
    )
    prompt: PromptConfig | None = Field(None, description="Prompt for this group.")

    @model_validator(mode="after")
    def _one_driver(self) -> AgentGroup:
        if (self.policy is None) == (self.model is None):
            raise ValueError("give exactly one of policy and model")
        return self


class Scheduled(Section):
    """Something that happens at the start of a step. Give one of act, sign_up, product and set."""

    step: int = Field(ge=1, description="The step at whose start it happens.")
    act: str | None = Field(
        None, description="The name of an action, which the agent `by` performs."
    )
    by: int | str | None = Field(None, description="The agent's id or user name.")
    args: dict[str, Any] = Field(default_factory=dict, description="Arguments of the action.")
    sign_up: dict[str, Any] | None = Field(
        None, description="The profile of a new agent: user_name, name, bio."
    )
    product: str | None = Field(None, description="The name of a new product.")
    set: dict[str, Any] | None = Field(
        None,
        description="New settings by dotted name, e.g. feed.preset: random. Settings of feed, "
        "platform (except preset and extra_actions), behaviour, opinions and "
        "time.wake_* can change.",
    )

    @model_validator(mode="after")
    def _one_kind(self) -> Scheduled:
        given = [n for n in ("act", "sign_up", "product", "set") if getattr(self, n) is not None]
        if len(given) != 1:
            raise ValueError("give exactly one of act, sign_up, product, set")
        if self.act is not None and self.by is None:
            raise ValueError("act needs 'by': an agent id or a user name")
        return self


class EncoderConfig(Section):
    """How texts become vectors."""

    kind: Literal["wordllama", "hashing"] | DottedPath = Field(
        "wordllama",
        description="wordllama: English, by meaning; hashing: any language, by shared words; or a "
        "custom class (docs/extending.md).",
    )
    dims: Literal[64, 128, 256] = Field(
        64,
        description="Numbers per vector, one byte each. A custom class gets this number if it "
        "takes an argument.",
    )


class StoreConfig(Section):
    """What a run keeps."""

    slates: bool = Field(
        default=True,
        description="Keep the source and score of each shown post. Who was shown what is always "
        "kept.",
    )
    relation_rows: Count = Field(
        5_000_000,
        description="Follow graphs with up to this many ties are also written as rows for SQL.",
    )
    checkpoint_events: Count = Field(
        2_000_000,
        description="Save the world after this many events (and at least two per agent and item), "
        "so that resuming is faster; 0: never.",
    )


class Scenario(Section):
    """Everything a run needs: a run is a pure function of it and of the models' replies."""

    name: str = Field("run", description="Name of the run, and of its folder.")
    seed: int = Field(
        0, ge=0, lt=2**63, description="Random seed: the same scenario and seed give the same run."
    )
    steps: Count = Field(60, description="Number of steps.")
    topics: Names = Field(
        list(DEFAULT_TOPICS),
        min_length=1,
        max_length=64,
        description="What the society talks about. Agents have an opinion on each topic.",
    )
    platform: PlatformConfig = PlatformConfig()
    population: PopulationConfig = PopulationConfig()
    time: TimeConfig = TimeConfig()
    feed: FeedConfig = FeedConfig()
    agents: list[AgentGroup] = Field(
        default_factory=lambda: [AgentGroup(policy="statistical")],
        description="Groups of agents, and what drives each; agents in no group are idle.",
    )
    behaviour: BehaviourConfig = BehaviourConfig()
    opinions: OpinionConfig = OpinionConfig()
    models: dict[str, ModelConfig] = Field(
        default_factory=dict, description="Language models by name, for `agents` and `surveys`."
    )
    prompt: PromptConfig = PromptConfig()
    turns: TurnsConfig = TurnsConfig()
    budget: BudgetConfig = BudgetConfig()
    surveys: list[SurveyConfig] = Field(
        default_factory=list, description="Questions that agents are asked at set steps."
    )
    events: list[Scheduled] = Field(default_factory=list, description="What happens at set steps.")
    products: Names = Field(
        default_factory=list, description="Names of the products on sale from the start."
    )
    encoder: EncoderConfig = EncoderConfig()
    store: StoreConfig = StoreConfig()

    @model_validator(mode="after")
    def _known_models(self) -> Scenario:
        named = [(f"agents.{g}", group.model) for g, group in enumerate(self.agents)]
        named += [(f"surveys.{i}", survey.model) for i, survey in enumerate(self.surveys)]
        for place, model in named:
            if model is not None and model not in self.models:
                hint = did_you_mean(model, self.models)
                raise ValueError(f"{place}.model: there is no model '{model}' in models{hint}")
        names = [s.name for s in self.surveys]
        twice = next((n for n in names if names.count(n) > 1), None)
        if twice is not None:
            raise ValueError(f"surveys: two are named '{twice}'")
        return self
