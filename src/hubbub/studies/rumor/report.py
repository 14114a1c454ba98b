"""The figures and paragraphs of the study of rumor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from hubbub.report.figure_data import Figure
from hubbub.report.figures import dots, layout, network
from hubbub.store import Table
from hubbub.studies.options import RunOptions
from hubbub.studies.plots import (
    MEANS,
    averages,
    curves_figure,
    named,
    names_in,
    panelled,
    renamed,
)
from hubbub.studies.trials import Finding, Results
from hubbub.studies.verdicts import sentences

#: The measures of each message that are drawn, as their axes name them.
_MEASURES = {
    "reach": "reach (agents)",
    "half_time": "time to half of the reach (steps)",
    "life": "life (steps)",
    "related": "new related posts (number)",
}
_GROUPS = {
    "assortativity": "assortativity",
    "modularity": "modularity Q",
    "assortativity_change": "change of assortativity",
    "modularity_change": "change of modularity Q",
}
#: The steps of the two pictures, as named in the tables.
_WHEN = ("start", "end")


def figures(results: Results) -> list[Figure]:
    """Return reach over time, each message, groups over time, and the graph before and after."""
    made = [_reach(results), _messages(results), _groups(results)]
    return made + ([_graph(results)] if "ties" in results.tables else [])


def story(findings: Sequence[Finding], asked: RunOptions, appeal: float) -> list[str]:
    """Return what was done, found and not found, and the assumptions."""
    built_in = (
        f"A known difference was built in: who saw a false message passed it on with the chance "
        f"{appeal:g} in addition to the agent's own decision. "
        "Finding it checks the study, not the world."
        if appeal
        else "No difference was built in."
    )
    unknowing = (
        ""
        if asked.models
        else " The statistical policy reads topics, not facts, and cannot tell a false message "
        "from a true one: without such a difference, finding none is the right result."
    )
    return [
        "Eight messages in four pairs, one true and one false on technology, entertainment, "
        "education and health, were posted by the eight core users with the most followers, in a "
        f"society driven by {asked.who}. Core users were awake in a tenth of the steps, ordinary "
        "users in a hundredth. Lots decided who posted which message, so reach differs by truth "
        "only by chance; the two messages of a pair are the same words in another order.",
        *sentences(findings),
        built_in + unknowing,
        "Related posts are quotes and comments on a message and new posts on its subject by those "
        "who had seen it; such a post counts for both messages of a pair if both were seen. An "
        "agent's interest group is the subject nearest to its interests.",
    ]


def _reach(results: Results) -> Figure:
    """Return the reach over time, with a line for the true and the false messages of each arm."""
    curves = results.curves
    curves = curves.filter(pc.starts_with(curves["curve"], "reach/"))
    truth = [name.removeprefix("reach/") for name in curves["curve"].to_pylist()]
    curves = renamed(curves, "curve", ["reach"] * len(truth))
    return curves_figure(
        renamed(curves, "arm", _within(results, curves["arm"].to_pylist(), truth)),
        {"reach": "agents who were shown the message"},
        name="reach",
        title="Reach of true and false messages",
        caption=f"Mean reach of the four true and the four false messages: {MEANS}.",
    )


def _messages(results: Results) -> Figure:
    """Return the measures of the messages of each pair, with a panel for each measure."""
    messages = results.tables["messages"]
    subjects = _within(results, messages["arm"].to_pylist(), messages["domain"].to_pylist())
    messages = messages.append_column("pair", pa.array(subjects, pa.string()))
    messages = messages.sort_by([("pair", "ascending"), ("truth", "descending")])
    found = {name: averages(messages, ["pair", "truth"], name) for name in _MEASURES}
    data = pa.concat_tables(
        table.add_column(0, "measure", pa.array([name] * len(table), pa.string()))
        for name, table in found.items()
    )

    def draw(*panels: Any) -> None:
        for panel, (name, table) in zip(panels, found.items(), strict=True):
            dots(panel, table, x=_MEASURES[name], of="pair", by="truth")
            panel.set_xlim(left=0)

    return panelled(
        "messages",
        "Reach, speed, life and answers of each pair",
        "The true and the false message on each subject: how many other agents were shown it, in "
        "which step half of them had been, the step in which it was last answered, and how many "
        f"new posts, quotes and comments belong to it; {MEANS}.",
        draw,
        data,
        len(found),
    )


def _groups(results: Results) -> Figure:
    curves = results.curves
    return curves_figure(
        pa.concat_tables([curves.arrow, _since_start(curves, ["assortativity", "modularity"])]),
        _GROUPS,
        name="groups",
        title="Interest groups over time",
        caption="How far follows stay within interest groups (0: as by chance) in all of the "
        "society: assortativity and modularity of the groups, and below how much each has changed "
        f"since the start; {MEANS}.",
    )


def _since_start(curves: Table, names: Sequence[str]) -> pa.Table:
    """Return these curves minus their first points, as "NAME_change"."""
    rows = curves.filter(pc.is_in(curves["curve"], pa.array(names, pa.string()))).to_pylist()
    first: dict[tuple[Any, ...], float] = {}
    for row in rows:
        key = row["arm"], row["replicate"], row["curve"]
        row |= {"curve": f"{row['curve']}_change", "y": row["y"] - first.setdefault(key, row["y"])}
    return pa.Table.from_pylist(rows, curves.schema)


def _graph(results: Results) -> Figure:
    """Return the pictures of the follow graph among the core users, before and after."""
    arm = names_in(results.tables["ties"], "arm")[0]
    people, ties = (named(results.tables[name], "arm", arm) for name in ("members", "ties"))
    agents, groups = people["agent"].to_pylist(), people["group"].to_pylist()
    row = {agent: i for i, agent in enumerate(agents)}
    members = {
        group: np.array([i for i, g in enumerate(groups) if g == group])
        for group in sorted(set(groups))
    }
    pairs: dict[str, Any] = {}
    places: dict[str, Any] = {}
    for when in _WHEN:
        now = named(ties, "when", when)
        sides = (now[side].to_pylist() for side in ("follower", "followed"))
        ends = [[row[agent] for agent in side] for side in sides]
        pairs[when] = np.array(ends, np.int64).reshape(2, -1).T
        places[when] = layout(len(agents), pairs[when], seed=0, start=places.get(_WHEN[0]))

    def draw(*panels: Any) -> None:
        for panel, when in zip(panels, _WHEN, strict=True):
            network(panel, places[when], pairs[when], members)
            panel.set_title(f"at the {when}: {_ties_in_words(groups, pairs[when])}")

    data = [
        {"when": when, "agent": agent, "group": group, "x": float(x), "y": float(y),
         "follows": " ".join(str(agents[b]) for a, b in pairs[when].tolist() if a == i)}
        for when in _WHEN
        for i, (agent, group, (x, y)) in enumerate(zip(agents, groups, places[when], strict=True))
    ]  # fmt: skip
    return Figure(
        "graph",
        "Who follows whom at the start and at the end",
        f"The {len(agents):,} core users of the first replicate ({arm}) and the follows among "
        "them. Colours are interest groups; ties within a group have its colour, others are grey. "
        "Those who are tied are drawn near each other (Fruchterman and Reingold 1991), the second "
        "picture beginning from the first.",
        draw,
        pa.Table.from_pylist(data),
        (7.2, 4.2),
        len(_WHEN),
    )


def _ties_in_words(groups: Sequence[str], ties: NDArray[np.int64]) -> str:
    within = sum(groups[a] == groups[b] for a, b in ties.tolist())
    return f"{len(ties):,} ties, {within:,} within groups"


def _within(results: Results, arms: Sequence[str], names: Sequence[str]) -> list[str]:
    """Return names of parts of arms, preceded by the arm if there are several."""
    one = len(set(results.values["arm"].to_pylist())) == 1
    return [name if one else f"{arm}, {name}" for arm, name in zip(arms, names, strict=True)]
