"""A study from a YAML file: scenario, arms, measures and hypotheses."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from hubbub.config.load import (
    apply_overrides,
    load_scenario,
    parse_scenario,
    read_text,
    validated,
)
from hubbub.config.scenario import Scenario
from hubbub.config.section import Names, Section
from hubbub.config.text import Document, dump
from hubbub.config.user_code import blamed_on, load_own
from hubbub.engine import Simulation
from hubbub.errors import ScenarioError, did_you_mean
from hubbub.report.figure_data import Figure
from hubbub.rng import Streams
from hubbub.store import RunStore
from hubbub.studies.drivers import run_on
from hubbub.studies.file_hashes import content_of
from hubbub.studies.measures import CURVES, MEASURES
from hubbub.studies.statistics import Hypothesis, compare
from hubbub.studies.study import Study
from hubbub.studies.trial_process import threads
from hubbub.studies.trials import Finding, Results, StudyOptions, Trial, TrialOutcome
from hubbub.studies.verdicts import sentences
from hubbub.studies.yaml_figures import own_figures


class HypothesisConfig(Section):
    """A prediction: a measure in one arm against another arm, or against a number."""

    text: str = Field(description="The prediction as a sentence.")
    measure: str = Field(description="The measure it is about.")
    arm: str = Field(description="The arm it is about.")
    against: str | float = Field(description="The arm, or the number, it is compared with.")
    direction: Literal["greater", "less", "different", "same"] = "different"
    test: Literal["permutation", "paired", "bootstrap"] = Field(
        "paired", description="paired: by replicate, for all arms have the same seeds."
    )
    quantity: Literal["difference of means", "ratio of means"] = "difference of means"
    margin: float | None = Field(None, gt=0, description="direction same: what counts as the same.")

    @model_validator(mode="after")
    def _can_be_tested(self) -> HypothesisConfig:
        self.hypothesis()
        return self

    def hypothesis(self) -> Hypothesis:
        """Return the hypothesis for `compare`; ValueError if it cannot be tested."""
        return Hypothesis(**self.model_dump())


class StudyConfig(Section):
    """A study: arms are changes to a scenario; each runs with every seed."""

    name: str = Field(description="Letters, digits, '-', '_' and '.'; its folder is called so.")
    title: str = Field("", description="A line for the head of the report.")
    question: str = Field("", description="What is asked, in a sentence.")
    scenario: Scenario = Field(description="A scenario, or the path of one.")
    arms: dict[str, dict[str, Any]] = Field(
        min_length=1, description="By name: settings of the scenario by dotted name."
    )
    replicates: int = Field(20, ge=1, description="Seeds per arm.")
    seed: int = Field(1, ge=0, lt=2**63, description="From which all seeds are derived.")
    measures: Names = Field(
        min_length=1, description="Measures by name, or own ones: 'module:function'."
    )
    curves: Names = Field(
        default_factory=list, description="Curves by name, or own ones: 'module:function'."
    )
    hypotheses: list[HypothesisConfig] = Field(default_factory=list)

    @field_validator("name")
    @classmethod
    def _name_for_a_folder(cls, name: str) -> str:
        if not re.fullmatch(r"[\w-][\w.-]*", name):
            raise ValueError(f"must be letters, digits, '-', '_' and '.', not '{name}'")
        return name

    @model_validator(mode="after")
    def _all_known(self) -> StudyConfig:
        for kind, named, known in (
            ("measure", self.measures, MEASURES),
            ("curve", self.curves, CURVES),
        ):
            for name in named:
                if ":" not in name and name not in known:
                    raise ValueError(
                        f"{kind}s: there is no {kind} '{name}'{did_you_mean(name, known)}; there "
                        f"are {', '.join(known)}, or your own as 'module:function'"
                    )
        own = any(":" in name for name in self.measures)  # those may give numbers of any names
        for h, given in enumerate(self.hypotheses):
            for arm in (given.arm, given.against):
                if isinstance(arm, str) and arm not in self.arms:
                    hint = did_you_mean(arm, self.arms)
                    raise ValueError(f"hypotheses.{h}: there is no arm '{arm}'{hint}")
            if given.measure not in self.measures and not own:
                hint = did_you_mean(given.measure, self.measures)
                raise ValueError(
                    f"hypotheses.{h}: '{given.measure}' is not one of the study's measures{hint}"
                )
        return self


def load_study(path: Path | str) -> YamlStudy:
    """Return the study in a YAML file; ScenarioError lists every problem."""
    path = Path(path)
    document = Document(read_text(path), str(path))
    data, base = document.data, path.parent
    if not isinstance(data, Mapping):
        raise ScenarioError(f"{path}: a study is keys and values such as 'name: my-study'")
    if isinstance(data.get("scenario"), str):
        file = base / data["scenario"]
        data = {**data, "scenario": load_scenario(file).model_dump(mode="json")}
        base = file.parent
    return YamlStudy(validated(StudyConfig, data, str(path), document), base)


class YamlStudy(Study):
    """The study of a StudyConfig. Relative paths of its scenario start from `base`."""

    version = 1
    takes = frozenset[str]()

    def __init__(self, config: StudyConfig, base: Path | str = "") -> None:
        self.name = config.name
        self.title = config.title or config.name
        self.question = config.question
        self._config = config
        self._base = Path(base)

    @property
    def definition(self) -> str:
        """The study as YAML, including its scenario."""
        return dump(self._config.model_dump(mode="json"))

    def trials(self, options: StudyOptions) -> list[Trial]:
        """Return all arms x replicates; replicate r has the same seed in all arms.

        A `seed` in the options replaces that of the study.
        """
        config = self._config
        settings = {arm: self._settings(arm, options) for arm in config.arms}
        streams = Streams(options.overrides.get("seed", config.seed))
        seeds = [
            int(streams.at("replicate", r).words(1)[0] >> 11)
            for r in range(options.replicates or config.replicates)
        ]
        return [
            Trial(arm, r, seed, settings[arm])
            for arm in config.arms
            for r, seed in enumerate(seeds)
        ]

    def _settings(self, arm: str, options: StudyOptions) -> dict[str, Any]:
        """Return what an arm's outcomes depend on: scenario, measures, hashes of other files.

        An arm's own settings take precedence over those of the options.
        """
        data = self._config.scenario.model_dump(mode="json")
        changed = apply_overrides(apply_overrides(data, options.overrides), self._config.arms[arm])
        scenario = parse_scenario(changed, f"{self.name}, arm '{arm}'")
        files = {str(file): content_of(self._base / file) for file in _files(scenario)}
        code = {name: _code(name, place) for place, name in self._own(scenario)}
        return {
            "scenario": scenario.model_dump(mode="json"),
            "measures": self._config.measures,
            "curves": self._config.curves,
            "files": files,
            "code": code,
        }

    def _own(self, scenario: Scenario) -> Iterator[tuple[str, str]]:
        """Give the user's functions and classes, each with the field that names it."""
        named = [("measures", name) for name in self._config.measures]
        named += [("curves", name) for name in self._config.curves]
        named += [(f"agents.{g}.policy", a.policy or "") for g, a in enumerate(scenario.agents)]
        named += [("platform.extra_actions", name) for name in scenario.platform.extra_actions]
        named += [("feed.ranker", scenario.feed.ranker or "")]
        named += [("feed.sources", source.source) for source in scenario.feed.sources]
        named += [("feed.filters", name) for name in scenario.feed.filters]
        named += [
            (f"models.{name}.provider", model.provider or "")
            for name, model in scenario.models.items()
        ]
        named += [
            ("encoder.kind", scenario.encoder.kind),
            ("opinions.model", scenario.opinions.model),
        ]
        if scenario.population.graph is not None:
            named += [("population.graph.kind", scenario.population.graph.kind)]
        return ((place, name) for place, name in named if ":" in name)

    def scenario(self, trial: Trial, options: StudyOptions) -> Scenario:
        """Return the scenario of an arm with the seed of a replicate."""
        scenario = parse_scenario(trial.settings["scenario"], f"{self.name}, arm '{trial.arm}'")
        return scenario.model_copy(update={"seed": trial.seed})

    def hypotheses(self, options: StudyOptions) -> list[Hypothesis]:
        """Return the hypotheses of the file."""
        return [given.hypothesis() for given in self._config.hypotheses]

    def run(self, trial: Trial, options: StudyOptions) -> TrialOutcome:
        """Run the scenario of an arm with a seed, in memory, and take the measures."""
        with Simulation(self.scenario(trial, options), base=self._base, threads=threads()) as sim:
            run_on(sim)
            values = [_values(name, sim.store) for name in self._config.measures]
            curves = {_short(name): _points(name, sim.store) for name in self._config.curves}
        return TrialOutcome(
            {n: v for given in values for n, v in given.items() if isfinite(v)}, curves
        )

    def judge(self, results: Results, options: StudyOptions) -> list[Finding]:
        """Return a finding for each hypothesis."""
        return compare(results.values, self.hypotheses(options), seed=self._config.seed)

    def figures(self, results: Results, options: StudyOptions) -> list[Figure]:
        """Return a figure per measure, and one per curve."""
        return own_figures(results)

    def story(
        self, results: Results, findings: Sequence[Finding], options: StudyOptions
    ) -> list[str]:
        """Return what was done, what was found, and the assumptions."""
        config, scenario = self._config, self._config.scenario
        replicates = options.replicates or config.replicates
        arms = "; ".join(f"{arm} ({_changes(sets)})" for arm, sets in config.arms.items())
        done = (
            f"The scenario '{scenario.name}' ran {scenario.steps:,} steps in {len(config.arms)} "
            f"arms of {replicates:,} replicates each: {arms}. Replicates of the same number have "
            "the same seed in all arms, so that they differ in the arms' settings alone."
        )
        assumed = (
            "All of this is about the simulated society and its rules of behaviour. That real "
            "people would do the same is an assumption, which this study does not test."
        )
        return [done, *sentences(findings), assumed]


def _changes(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}: {value}" for name, value in settings.items()) or "as it is"


def _values(name: str, store: RunStore) -> dict[str, float]:
    """Return the numbers of a measure: one by its name, or those that a user's function returns."""
    if ":" not in name:
        return {name: MEASURES[name].take(store)}
    with blamed_on(f"the measure {name}"):
        taken = load_own(name, "measures")(store)
        named = taken if isinstance(taken, Mapping) else {_short(name): taken}
        return {str(key): float(value) for key, value in named.items() if value is not None}


def _points(name: str, store: RunStore) -> list[tuple[float, float]]:
    if ":" not in name:
        taken = CURVES[name].take(store)
    else:
        with blamed_on(f"the curve {name}"):
            taken = load_own(name, "curves")(store)
    return [(float(x), float(y)) for x, y in taken if isfinite(y)]


def _short(name: str) -> str:
    return name.rpartition(":")[2]


def _code(name: str, place: str) -> str:
    """Return the hash of the file that defines a function; ScenarioError if there is none."""
    load_own(name, place)
    file = sys.modules[name.partition(":")[0]].__file__
    return "" if file is None else content_of(Path(file))


def _files(section: Any) -> Iterator[Path]:
    """Give the paths in a section and in all sections within it."""
    match section:
        case Path():
            yield section
        case Section():
            for name in type(section).model_fields:
                yield from _files(getattr(section, name))
        case list() | tuple():
            for entry in section:
                yield from _files(entry)
        case dict():
            yield from _files(list(section.values()))
