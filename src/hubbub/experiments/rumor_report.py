"""The figures and paragraphs of the study of rumor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from hubbub.experiments.asked import Asked
from hubbub.experiments.polarization_report import bands
from hubbub.experiments.records import Finding, Results
from hubbub.experiments.rumor_messages import FALSE, TRUE
from hubbub.experiments.telling import found_and_not
from hubbub.report.records import Figure

_COLORS = {TRUE: "C0", FALSE: "C1"}


def figures(results: Results) -> list[Figure]:
    """Return reach over time, each message's reach, groups over time, and the two pictures."""
    made = [_reach(results), _messages(results), _groups(results)]
    if "picture" in results.tables:
        arm = results.tables["picture"]["arm"].to_pylist()[0]
        made += [_picture(results, arm, when) for when in ("start", "end")]
    return made


def story(findings: Sequence[Finding], asked: Asked, appeal: float) -> list[str]:
    """Return what was done, what was found and what not, and what is assumed."""
    who = f"language models ({', '.join(asked.models)})" if asked.models else "a statistical policy"
    built_in = (
        f"A known difference was built in: who saw a false message passed it on with the chance "
        f"{appeal:g} besides what the agent decided. Finding it checks the study, not the world."
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
        f"society driven by {who}. Core users were awake in a tenth of the steps, ordinary users "
        "in a hundredth. Lots decided who posted which message, so reach differs by truth only by "
        "chance; the two messages of a pair are the same words in another order.",
        *found_and_not(findings),
        built_in + unknowing,
        "Related posts are quotes and comments on a message and new posts on its subject by those "
        "who had seen it; such a post counts for both messages of a pair if both were seen. An "
        "agent's interest group is the subject nearest to its interests.",
    ]


def _reach(results: Results) -> Figure:
    data = pa.concat_tables(
        bands(results.curves, f"reach/{truth}").append_column(
            "truth", pa.array([truth] * bands(results.curves, f"reach/{truth}").num_rows)
        )
        for truth in (TRUE, FALSE)
    )
    rows = data.to_pylist()

    def draw(axes: Any) -> None:
        for arm in dict.fromkeys(r["arm"] for r in rows):
            for truth, color in _COLORS.items():
                mine = [r for r in rows if (r["arm"], r["truth"]) == (arm, truth)]
                step, mean, low, high = ([r[c] for r in mine] for c in _BAND)
                axes.plot(step, mean, color=color, label=f"{truth} ({arm})")
                axes.fill_between(step, low, high, color=color, alpha=0.15, linewidth=0)
        axes.set_xlabel("step")
        axes.set_ylabel("agents who were shown the message")
        axes.legend()

    caption = (
        "Mean reach of the four true and the four false messages. Lines: means over replicates; "
        "bands: the middle nine tenths of replicates."
    )
    return Figure("reach", "Reach of true and false messages", caption, draw, data)


def _messages(results: Results) -> Figure:
    """Return the reach of each message in each replicate."""
    data = results.tables["messages"]
    rows = data.to_pylist()
    domains = list(dict.fromkeys(sorted(r["domain"] for r in rows)))

    def draw(axes: Any) -> None:
        for side, (truth, color) in zip((-0.12, 0.12), _COLORS.items(), strict=True):
            mine = [r for r in rows if r["truth"] == truth]
            x = [domains.index(r["domain"]) + side for r in mine]
            axes.plot(x, [r["reach"] for r in mine], "o", color=color, alpha=0.4, label=truth)
        axes.set_xticks(range(len(domains)), domains)
        axes.set_ylabel("agents who were shown the message")
        axes.legend()

    caption = "A dot is a message of one replicate."
    return Figure("messages", "Reach by subject", caption, draw, data)


def _groups(results: Results) -> Figure:
    data = bands(results.curves, "assortativity")
    rows = data.to_pylist()

    def draw(axes: Any) -> None:
        for arm in dict.fromkeys(r["arm"] for r in rows):
            mine = [r for r in rows if r["arm"] == arm]
            step, mean, low, high = ([r[c] for r in mine] for c in _BAND)
            (line,) = axes.plot(step, mean, label=arm)
            axes.fill_between(step, low, high, color=line.get_color(), alpha=0.15, linewidth=0)
        axes.set_xlabel("step")
        axes.set_ylabel("assortativity of interest groups")
        axes.legend()

    caption = (
        "How far follows stay within interest groups (0: as by chance; 1: entirely), over the "
        "replicates."
    )
    return Figure("groups", "Interest groups over time", caption, draw, data)


def _picture(results: Results, arm: str, when: str) -> Figure:
    table = results.tables["picture"]
    rows = [r for r in table.to_pylist() if (r["arm"], r["when"]) == (arm, when)]
    data = pa.Table.from_pylist(rows)
    groups = sorted({r["group"] for r in rows})

    def draw(axes: Any) -> None:
        for group in groups:
            at = np.array([(r["x"], r["y"]) for r in rows if r["group"] == group])
            axes.plot(at[:, 0], at[:, 1], "o", markersize=3, alpha=0.5, label=group)
        axes.set_xlim(-1.1, 1.1)
        axes.set_ylim(-1.1, 1.1)
        axes.set_aspect("equal")
        axes.legend(fontsize="small")

    caption = (
        f"Agents of the first replicate ({arm}), each at the mean of the corners of those it "
        "follows: every interest group has a corner of its own, so groups that keep to "
        "themselves stand apart."
    )
    title = f"Who follows whom at the {when}"
    return Figure(f"graph_{when}", title, caption, draw, data, (5.0, 5.0))


_BAND = ("step", "mean", "low", "high")
