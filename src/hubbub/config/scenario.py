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

    preset: Literal["x", "reddit"] = Field("x", description="Rules and defaults to start from.")
    actions: Literal["default", "all"] | list[str] = Field(
        "default", description="Switched-on actions: the preset's, all, or a list of names."
    )
    extra_actions: list[str] = Field(
        default_factory=list,
        description="Own actions: dotted paths 'module:NAME' of ActionSpec objects.",
    )
    allow_self_rating: bool | None = Field(
        None, description="May agents like their own posts? Preset: x yes, reddit no."
    )
    exclusive_reactions: bool | None = Field(
        None, description="Does a like withdraw one's dislike? Preset: x no, reddit yes."
    )
    show_score: bool | None = Field(
        None, description="Show one score (likes - dislikes) instead of counts? Preset: reddit."
    )
    report_threshold: int = Field(2, ge=1, description="Reports from which a post has a warning.")
    max_text_length: int | None = Field(
        None, ge=1, description="Longest text in characters. Preset: x 1,000, reddit 10,000."
    )
    trend_days: int = Field(7, ge=1, description="Days that `trend` looks back.")
    trend_size: int = Field(5, ge=1, description="Posts that `trend` returns.")


class SyntheticConfig(Section):
    """A generated population."""

    agents: int = Field(1000, ge=1, description="Number of agents, the core users included.")
    core: Count = Field(10, description="Number of core users (opinion leaders).")
    topics_per_agent: tuple[int, int] = Field(
        (1, 3), description="Fewest and most topics of interest of an agent."
    )
    countries: dict[str, float] | None = Field(
        None, description="Shares by ISO 3166 alpha-2 code; default: social media users by country."
    )
    posts_per_core: Count = Field(1, description="Posts each core user has before step 1.")


class GraphConfig(Section):
    """Who follows whom at the start."""

    kind: (
        Literal["file", "edges", "none", "random", "preferential", "topic", "block"] | DottedPath
    ) = Field(
        "topic",
        description=(
            "file: from the profile file; edges: an edge list (path); none; random: uniform; "
            "preferential: heavy-tailed in-degrees; topic: ordinary users follow the core users of "
            "their topics (OASIS) plus heavy-tailed ties; block: stochastic block model by topic; "
            "or a custom function (docs/extending.md). "
            "Must be named where the agents come from a file or records."
        ),
    )
    path: Path | None = Field(
        None,
        description="kind edges: CSV, JSON or Parquet, columns src, dst: agent ids or user names.",
    )
    mean_following: float = Field(
        20.0, ge=0, description="Mean number of followees (random, preferential, topic, block)."
    )
    core_follow: Probability = Field(
        0.2, description="kind topic: chance to follow each core user of a shared topic (OASIS)."
    )
    homophily: Probability = Field(
        0.8, description="kinds topic and block: share of ties within a shared topic."
    )
    reciprocity: Probability = Field(
        0.3, description="Chance that a generated tie is returned (Twitter: 0.22 to 0.55)."
    )
    exponent: float = Field(
        2.3, gt=2.0, description="Power-law exponent of in-degrees (preferential, topic)."
    )


class PopulationConfig(Section):
    """Who lives here. One of `file`, `records` and `synthetic`; nothing means synthetic."""

    file: Path | None = Field(
        None, description="Profile file (docs/files.md); relative to the scenario's folder."
    )
    format: Literal["auto", "oasis-reddit", "oasis-twitter", "csv", "json", "parquet"] = Field(
        "auto", description="auto: by the file's ending and its columns."
    )
    columns: dict[str, str] = Field(
        default_factory=dict, description="Our field -> the file's column, e.g. user_name: handle."
    )
    records: list[dict[str, Any]] | None = Field(None, description="Profiles written in place.")
    synthetic: SyntheticConfig | None = None
    graph: GraphConfig | None = Field(
        None,
        description=(
            "Who follows whom. Default: of a file or records their own follow lists, if they have "
            "any (kind: file); of generated agents kind: topic."
        ),
    )
    limit: int | None = Field(None, ge=1, description="Only the first agents of the file.")
    duplicate_names: Literal["error", "rename"] = Field(
        "error", description="rename: later agents of one user name get a number added."
    )

    @model_validator(mode="after")
    def _one_source(self) -> PopulationConfig:
        given = [n for n in ("file", "records", "synthetic") if getattr(self, n) is not None]
        if len(given) > 1:
            raise ValueError(f"give one of file, records, synthetic, not {' and '.join(given)}")
        return self


class ActivityConfig(Section):
    """When agents are awake.

    The chance that an agent is awake in a step is its rate times its activity in this hour divided
    by that of the most active agent in this hour: P = rate * f_ij / max_k f_kj for agent i in hour
    j (docs/files.md).
    """

    kind: Literal["auto", "constant", "chronotype", "file", "timestamps"] = Field(
        "auto",
        description=(
            "auto: the file's 24 figures where it has them, else chronotype for synthetic, else "
            "constant; timestamps: from a CSV of past activity (path)."
        ),
    )
    path: Path | None = Field(
        None, description="kind timestamps: CSV, columns user_name, time (docs/files.md)."
    )
    core_rate: Probability = Field(0.1, description="Rate of core users per step (OASIS: 0.1).")
    rate: Probability = Field(0.1, description="Rate of ordinary users per step.")


class TimeConfig(Section):
    """The simulated calendar."""

    start: datetime = Field(
        datetime(2024, 1, 1, 8, 0),  # noqa: DTZ001 - simulated time is UTC without saying so
        description="Time (UTC) when step 1 begins.",
    )
    step_minutes: float = Field(3.0, gt=0, description="Length of a step in simulated minutes.")
    activity: ActivityConfig = ActivityConfig()
    wake_on_notice: bool = Field(
        default=True,
        description="Does being replied to or mentioned wake an agent in the next step?",
    )
    wake_rate: Probability = Field(0.5, description="Chance to be woken by such a notice.")

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
        description="Slots for its best posts, by its own scores. Default: its posts compete for "
        "the recommended slots, with the scores of the preset or the ranker. 0: switched off.",
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
        Field("auto", description="auto: the platform's own (x: interest, reddit: hot).")
    )
    following: Count | None = Field(
        None, description="Top posts of followees on a slate. Preset: x 3, reddit 0."
    )
    recommended: Count | None = Field(
        None, description="Recommended posts on a slate. Preset: x 4, reddit 5."
    )
    comments: Count = Field(2, description="Top comments shown with each post.")
    pool: int = Field(
        256, ge=1, description="Most out-of-network posts scored per step (all, if fewer exist)."
    )
    window: int = Field(
        480, ge=1, description="Age in steps from which posts are no longer recommended."
    )
    author_decay: Probability = Field(
        0.7, description="Score factor for each further post of one author on a slate."
    )
    explore: Probability = Field(0.0, description="Share of recommended slots given at random.")
    hide_reported: int | None = Field(
        None, ge=1, description="Reports from which a post is no longer shown; default: never."
    )
    ranker: str | None = Field(None, description="Own ranker: dotted path 'module:function'.")
    sources: list[SourceConfig] = Field(
        default_factory=list,
        max_length=64,
        description="Custom sources of posts, in addition to followees' posts and the pool.",
    )
    filters: list[DottedPath] = Field(
        default_factory=list,
        description="Custom filters: dotted paths 'module:function'. A post is shown if all of "
        "them keep it.",
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

    Utility of action a on item i = base[a] + traits + notice(i) + sign(a) * attraction(i), where
    recency and standing make up notice, the other weights attraction.
    """

    base: dict[str, float] = Field(
        default_factory=dict, description="Utility of each action; the rest as documented."
    )
    similarity: float = Field(2.0, description="Weight of the similarity of interests, [-1, 1].")
    social_proof: float = Field(0.3, description="Weight of log10(1 + likes + shares).")
    herding: float = Field(0.3, description="Weight of the displayed score, sign * log10(1+|s|).")
    recency: float = Field(0.5, description="Weight of 2**(-age / half_life).")
    half_life: float = Field(40.0, gt=0, description="Half-life of recency in steps.")
    in_network: float = Field(0.5, description="Added for posts of followees.")
    standing: float = Field(0.1, description="Weight of log10(1 + the author's followers).")
    agreement: float = Field(1.0, description="Weight of opinion * stance, [-1, 1].")
    trait_spread: float = Field(
        0.5, ge=0, description="Standard deviation over agents of sharing and verbosity (logits)."
    )
    contrarian_share: Probability = Field(
        0.05, description="Share of agents who value what they disagree with."
    )
    actions_per_turn: int = Field(1, ge=1, description="Most actions an agent takes in a turn.")


class OpinionConfig(Section):
    """How opinions on the topics, in [-1, 1], move with what is seen."""

    model: (
        Literal["none", "bounded-confidence", "friedkin-johnsen", "biased-assimilation"]
        | DottedPath
    ) = Field(
        "bounded-confidence",
        description="The rule by which they move (docs/behaviour.md), or a custom function "
        "(docs/extending.md).",
    )
    step: Probability = Field(0.05, description="Share of the distance moved per post seen.")
    confidence: float = Field(0.6, ge=0, description="bounded-confidence: largest distance heard.")
    stubbornness: Probability = Field(0.3, description="friedkin-johnsen: pull to the initial.")
    bias: float = Field(1.0, ge=0, description="biased-assimilation: exponent b.")


class AgentGroup(Section):
    """Which agents a policy drives. The first group that matches an agent is its own."""

    policy: str | None = Field(
        None, description="statistical, idle, scripted, or a dotted path 'module:Class'."
    )
    model: str | None = Field(
        None, description="In place of a policy: the language model that decides, by its name."
    )
    where: dict[str, Any] = Field(
        default_factory=dict,
        description="Conditions on profile fields: a value, a list, or {min:, max:}.",
    )
    share: Probability | None = Field(None, description="Only this share of those who match.")
    script: dict[int, list[dict[str, Any]]] = Field(
        default_factory=dict,
        description=(
            "scripted: step -> actions, each {agent:, action:, and its arguments}. Who has lines "
            "in a step is awake in it."
        ),
    )
    behaviour: BehaviourConfig | None = Field(None, description="Own parameters for this group.")
    prompt: PromptConfig | None = Field(None, description="Own prompt for this group.")

    @model_validator(mode="after")
    def _one_driver(self) -> AgentGroup:
        if (self.policy is None) == (self.model is None):
            raise ValueError("give exactly one of policy and model")
        return self


class Scheduled(Section):
    """Something the environment does at the start of a step. One of act, sign_up, product, set."""

    step: int = Field(ge=1, description="The step at whose start it happens.")
    act: str | None = Field(None, description="An action's name, done by `by`.")
    by: int | str | None = Field(None, description="Agent id or user name.")
    args: dict[str, Any] = Field(default_factory=dict, description="The action's arguments.")
    sign_up: dict[str, Any] | None = Field(None, description="A new agent: user_name, name, bio.")
    product: str | None = Field(None, description="A new product's name.")
    set: dict[str, Any] | None = Field(
        None,
        description="New settings by dotted name, e.g. feed.preset: random. What may change: feed, "
        "platform (but its preset and extra_actions), behaviour, opinions, time.wake_*.",
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
        description="wordllama: English, semantic; hashing: any language, lexical; or a custom "
        "class (docs/extending.md).",
    )
    dims: Literal[64, 128, 256] = Field(
        64,
        description="Numbers per vector (one byte each). A custom class gets this number if it "
        "takes an argument.",
    )


class StoreConfig(Section):
    """What is kept of a run."""

    slates: bool = Field(
        default=True,
        description="Keep source and score of what was shown (who was shown what is kept always).",
    )
    relation_rows: Count = Field(
        5_000_000,
        description="Initial follow graphs up to this size are also written as rows for SQL.",
    )
    checkpoint_events: Count = Field(
        2_000_000,
        description="After so many events (and two for each agent and item) the world is saved "
        "beside the log, to resume sooner; 0: never.",
    )


class Scenario(Section):
    """Everything a run needs. A run is a pure function of this, the seed and model replies."""

    name: str = Field("run", description="Name of the run; its folder is called after it.")
    seed: int = Field(0, ge=0, lt=2**63, description="Same scenario, same seed, same run.")
    steps: Count = Field(60, description="Number of steps.")
    topics: Names = Field(
        list(DEFAULT_TOPICS),
        min_length=1,
        max_length=64,
        description="What the society talks about; opinions are on these.",
    )
    platform: PlatformConfig = PlatformConfig()
    population: PopulationConfig = PopulationConfig()
    time: TimeConfig = TimeConfig()
    feed: FeedConfig = FeedConfig()
    agents: list[AgentGroup] = Field(
        default_factory=lambda: [AgentGroup(policy="statistical")],
        description="Who is driven by what; agents that match no group are idle.",
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
        default_factory=list, description="Questions put to agents at set steps."
    )
    events: list[Scheduled] = Field(
        default_factory=list, description="What the environment does at set steps."
    )
    products: Names = Field(
        default_factory=list, description="Products on offer from the start, by name."
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
