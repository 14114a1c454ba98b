"""From a scenario to its population: the only function of this package that others need."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from hubbub.config.scenario import GraphConfig, PopulationConfig, Scenario, SyntheticConfig
from hubbub.embed import Encoder
from hubbub.errors import ScenarioError
from hubbub.population.activity_curves import build_curves
from hubbub.population.custom_graph import custom_follows
from hubbub.population.edges import read_edges
from hubbub.population.graphs import generate_follows
from hubbub.population.initial_opinions import initial_opinions
from hubbub.population.people import People
from hubbub.population.synthetic import generate
from hubbub.population.tabular import read_people
from hubbub.rng import Streams
from hubbub.world import Population

SourceKind = Literal["synthetic", "file", "records"]


def build(scenario: Scenario, encoder: Encoder, streams: Streams, base: Path) -> Population:
    """Return the population of a scenario. Relative paths in it start from the folder `base`.

    Profiles, interests and initial posts come from the source (records, a file, or generated); the
    follow graph, activity, traits and opinions are added. Sharing and verbosity are standard
    normal, being contrary is uniform; all are independent of each other and of opinions.
    """
    config = scenario.population
    kind: SourceKind = (
        "file" if config.file else "synthetic" if config.records is None else "records"
    )
    graph = _graph(config, kind)
    people = _people(scenario, encoder, streams, base, own_graph=graph.kind == "file")
    if kind != "synthetic":
        people.notes = [f"{_source(config)}: {note}" for note in people.notes]
    n = len(people)
    curves, curve, rate = build_curves(
        scenario.time.activity,
        utc_offset_minutes=people.utc_offset,
        chronotype_stream=streams.at("population/chronotype"),
        core=people.core,
        frequencies=people.frequencies,
        user_names=_user_names(scenario, people.profiles),
        kind_of_source=kind,
        base=base,
    )
    return Population(
        profiles=people.profiles,
        core=people.core,
        topics=people.topics,
        interest=people.interest,
        curves=curves,
        curve=curve,
        rate=rate,
        sharing=streams.at("population/sharing").normal(n).astype(np.float32),
        verbosity=streams.at("population/verbosity").normal(n).astype(np.float32),
        contrary=_uniform32(streams, n),
        opinions=initial_opinions(streams.at("population/opinion"), n, len(scenario.topics)),
        follows=_follows(scenario, graph, people, streams, base),
        posts=people.posts,
        notes=people.notes,
    )


def _people(
    scenario: Scenario, encoder: Encoder, streams: Streams, base: Path, *, own_graph: bool
) -> People:
    config = scenario.population
    if config.file is not None or config.records is not None:
        return read_people(config, scenario.topics, encoder, base, own_graph=own_graph)
    return generate(config.synthetic or SyntheticConfig(), scenario.topics, encoder, streams)


def _graph(config: PopulationConfig, kind: SourceKind) -> GraphConfig:
    """Return the graph's settings; ScenarioError if it is unclear which graph they describe."""
    graph = config.graph
    if graph is None:
        return GraphConfig(kind="topic" if kind == "synthetic" else "file")
    if kind != "synthetic" and "kind" not in graph.model_fields_set:
        raise ScenarioError(
            f"population.graph: say which kind of graph is meant: 'kind: file' takes the follow "
            f"lists of {_source(config)}, the others, such as 'kind: topic', leave them unread and "
            "generate one"
        )
    return graph


def _follows(
    scenario: Scenario, graph: GraphConfig, people: People, streams: Streams, base: Path
) -> NDArray[np.int64]:
    if graph.kind == "edges":
        if graph.path is None:
            raise ScenarioError("population.graph: kind edges needs a path to a file of edges")
        names = people.profiles.column("user_name")
        return read_edges(base / graph.path, names, people.notes, shown=str(graph.path))
    if graph.kind == "topic" and not people.core.any():
        people.notes.append("There are no core users: kind topic makes only ties among equals.")
    if ":" in graph.kind:
        return custom_follows(graph, people, streams)
    if graph.kind != "file":
        return generate_follows(graph, people.core, people.topics, len(scenario.topics), streams)
    if people.follows is not None:
        return people.follows
    if scenario.population.graph is not None:
        raise ScenarioError(
            f"population.graph: kind file needs follow lists, but {_source(scenario.population)} "
            "has no column for them. Say which one it is with  population.columns: {following: "
            "...}  or choose another kind, such as topic"
        )
    people.notes.append(
        f"{_source(scenario.population)}: no follow lists, so nobody follows anyone at the start. "
        "Choose a graph with  population.graph: {kind: topic}"
    )
    return np.empty(0, np.int64)


def _source(config: PopulationConfig) -> str:
    if config.file is not None:
        return str(config.file)
    return "population.synthetic" if config.records is None else "population.records"


def _user_names(scenario: Scenario, profiles: pa.Table) -> Sequence[str]:
    """Return the user names if activity is matched to agents by name (a million take 60 MB)."""
    if scenario.time.activity.kind != "timestamps":
        return ()
    names: list[str] = profiles.column("user_name").to_pylist()
    return names


def _uniform32(streams: Streams, n: int) -> NDArray[np.float32]:
    """Return uniform float32 in [0, 1): rounding to float32 must not give 1."""
    words = streams.at("population/contrary").words(n) >> np.uint64(40)
    return (words * 2.0**-24).astype(np.float32)
