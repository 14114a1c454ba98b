"""`hubbub inspect`: what happened in a run, as tables in the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from hubbub.analysis import cascades, forest, model_figures, said, summarise
from hubbub.analysis.summary import OpinionShift, Ranked, Shared, Summary, items_light
from hubbub.cli.inspect_models import print_exchanges, print_models
from hubbub.cli.screen import bars, clean, console, cut, heading, show, table
from hubbub.errors import RunError, did_you_mean
from hubbub.store import RunStore
from hubbub.store.read import agents, codes, events, items, slates

#: Most turns, branches and comments that are printed, posts in a ranking, names to guess from.
_TURNS, _BRANCHES, _COMMENTS, _TOP, _NEAR = 30, 40, 20, 5, 1000
#: Columns of a text beside others, and of one by itself.
_SNIPPET, _LONG = 60, 200


def show_run(folder: Path) -> None:
    """Print what happened in a run."""
    screen = console()
    with RunStore.open(folder, mode="read") as store:
        found = summarise(store)
        liked = [] if found.most_shared else items.most_liked(store, _TOP)
        figures, examples = model_figures(store), said(store)
    _print_figures(screen, found)
    print_models(screen, figures, examples)
    _print_activity(screen, found)
    _print_opinions(screen, found.opinions)
    if found.most_shared:
        headers = ("post", "by", "likes", "size", "depth", "breadth", "text")
        rows = [
            (s.post, s.user_name, s.likes, s.size, s.depth, s.max_breadth, s.content)
            for s in found.most_shared
        ]
        table(screen, "Most reposted", headers, rows)
    else:
        _print_liked(screen, liked)
    _print_ranking(screen, "Most followed", "followers", found.most_followed)
    _print_ranking(screen, "Most active", "actions", found.most_active)


def print_summary(found: Summary, store: RunStore, screen: Console) -> None:
    """Print a run's figures, actions, models, most noticed post and activity."""
    _print_figures(screen, found)
    print_models(screen, model_figures(store), said(store))
    if found.most_shared:
        _print_shared(screen, found.most_shared[0])
    else:
        _print_liked(screen, items.most_liked(store, 1))
    _print_activity(screen, found)


def _print_figures(screen: Console, found: Summary) -> None:
    screen.print(
        f"\n{clean(found.name)}: {found.agents:,} agents, {found.follows:,} follows, "
        f"{found.steps:,} steps, seed {found.seed}"
    )
    rows = [
        (a.action, a.accepted, sum(a.refused.values()), _reasons(a.refused)) for a in found.actions
    ]
    table(screen, "Actions", ("action", "done", "refused", "because"), rows)


def _reasons(refused: dict[str, int]) -> str:
    return ", ".join(f"{reason} {number:,}" for reason, number in refused.items())


def _print_shared(screen: Console, best: Shared) -> None:
    heading(screen, "Most reposted")
    text = f"post {best.post} by {clean(best.user_name)}: {cut(best.content, _LONG)}"
    show(screen, Text(text))
    screen.print(
        f"size {best.size:,}, depth {best.depth:,}, maximum breadth {best.max_breadth:,}, "
        f"likes {best.likes:,}"
    )


def _print_liked(screen: Console, liked: Sequence[tuple[Any, ...]]) -> None:
    """Print the most liked posts of a run in which nothing was reposted."""
    if liked:
        headers = ("post", "by", "likes", "text")
        table(screen, "Most liked (nobody reposted anything)", headers, liked)
    else:
        screen.print("\nNobody reposted or liked anything.")


def _print_activity(screen: Console, found: Summary) -> None:
    if found.steps:
        screen.print()
        _print_series(screen, "Agents awake", found.active)
        _print_series(screen, "Posts, likes and other actions", found.done)


def _print_series(screen: Console, title: str, values: np.ndarray[Any, Any]) -> None:
    screen.print(
        f"{title} per step: {values.mean():,.1f} on average, {values.min():,} to {values.max():,}"
    )
    bars(screen, values.tolist())


def _print_opinions(screen: Console, opinions: Sequence[OpinionShift]) -> None:
    if not opinions:
        return
    headers = ("topic", "mean at start", "at end", "spread at start", "at end")
    rows = [(o.topic, o.mean_start, o.mean_end, o.spread_start, o.spread_end) for o in opinions]
    table(screen, "Opinions, from -1 (against) to 1 (for)", headers, rows)


def _print_ranking(screen: Console, title: str, header: str, ranked: Sequence[Ranked]) -> None:
    if ranked:
        rows = [(r.agent, r.user_name, r.number) for r in ranked]
        table(screen, title, ("agent", "name", header), rows)


def show_agent(folder: Path, who: str, prompts: int = 0) -> None:
    """Print who an agent is (id or user name), what it was shown and did, the last turns of it.

    If a language model drives it, also its last reply or its last `prompts` prompts.
    """
    screen = console()
    with RunStore.open(folder, mode="read") as store:
        agent = _agent(store, who)
        fields = agents.row(store, agent)
        if fields is None:
            raise _missing("agent", agent, agents.count(store))
        known = [(k, v) for k, v in fields.items() if v not in (None, "") and k != "extra"]
        table(screen, f"Agent {agent}", ("field", "value"), [(k, str(v)) for k, v in known])
        shown = _shown(store, agent)
        done = _done(store, agent)
        turns = sorted({*shown, *done})
        rows = [(t, _items(t, shown), "; ".join(done.get(t, []))) for t in turns[-_TURNS:]]
        title = "What it was shown and did" + (
            f" (the last {_TURNS} of {len(turns):,} steps)" if len(turns) > _TURNS else ""
        )
        table(screen, title, ("step", "shown", "did"), rows)
        with_items = [step for step, items in shown.items() if items]
        if with_items:
            step = max(with_items)
            texts = [(i, source, score, items.text(store, i)) for i, source, score in shown[step]]
            headers = ("item", "source", "score", "text")
            table(screen, f"Shown in step {step}", headers, texts)
        print_exchanges(screen, store, agent, prompts)


def _agent(store: RunStore, who: str) -> int:
    """Return the id of an agent given by its id or its user name."""
    if who.isdecimal():
        return int(who)
    name = who.removeprefix("@")
    agent = agents.with_user_name(store, name)
    if agent is not None:
        return agent
    hint = did_you_mean(name, agents.user_names_from(store, name[:2], _NEAR))
    raise RunError(f"there is no agent with the user name '{name}' in this run{hint}")


def _items(step: int, shown: Mapping[int, Sequence[tuple[int, str, float]]]) -> str:
    """Return what was shown in a step, as text."""
    if step == 0:
        return "(before the run)"
    if step not in shown:
        return "(not awake)"
    return ", ".join(str(i) for i, *_ in shown[step]) or "(nothing new)"


def _missing(name: str, number: int, count: int) -> RunError:
    """Return the error for an id that is not there; it says which ids there are."""
    there = f"{name}s have the ids 0 to {count - 1}" if count else f"there are no {name}s"
    return RunError(f"there is no {name} {number} in this run; {there}")


def _shown(store: RunStore, agent: int) -> dict[int, list[tuple[int, str, float]]]:
    """Return by step in which an agent was awake the (item, source, score) that it was shown."""
    found: dict[int, list[tuple[int, str, float]]] = {}
    names = codes.source_names(store)
    for step, slate in slates.between(store):
        at = slate.of(agent)
        if at.stop > at.start or agent in slate.agents:
            rows = zip(slate.items[at], slate.sources[at], slate.scores[at], strict=True)
            found[step] = [(int(i), names[int(s)], float(score)) for i, s, score in rows]
    return found


def _done(store: RunStore, agent: int) -> dict[int, list[str]]:
    """Return what an agent did, as text by step."""
    done: dict[int, list[str]] = {}
    for event in events.of_agent(store, agent):
        words = event.action + (f" {event.target}" if event.target >= 0 else "")
        words += f" '{cut(event.text, _SNIPPET)}'" if event.text else ""
        words += f" (refused: {event.reason})" if event.reason != "ok" else ""
        done.setdefault(event.step, []).append(words)
    return done


def show_post(folder: Path, post: int) -> None:
    """Print a post, its cascade and its comments."""
    screen = console()
    with RunStore.open(folder, mode="read") as store:
        row = items.row(store, post)
        if row is None:
            raise _missing("item", post, items.count(store))
        light = items_light(store)
        trees = forest(light)
        root = int(trees.root[post])
        if root < 0:
            raise RunError(f"item {post} is a comment or a message; give the id of a post")
        if root != post:
            screen.print(f"item {post} is a repost of post {root}, which is shown here")
            row = items.row(store, root) or row
        names = _names(store)
        screen.print(f"\npost {root} by {names(row['author'])} {_when(row['step'])}")
        show(screen, Text(clean(items.text(store, root))))
        counters = ", ".join(f"{name} {row[name]:,}" for name in store.layout.item)
        show(screen, Text(counters))
        screen.print()
        found = cascades(light)
        one = found.filter(np.asarray(found["post"]) == root).to_pylist()[0]
        screen.print(
            f"cascade: size {one['size']:,}, depth {one['depth']:,}, "
            f"maximum breadth {one['max_breadth']:,}, structural virality {one['virality']:.2f}"
        )
        show(screen, _tree(root, trees.root, trees.parent, light, names))
        _print_comments(screen, store, root, names)


def _tree(root: int, roots: Any, parents: Any, items: Any, names: Any) -> Tree:
    """Return the first branches of a cascade as a tree to print."""
    members = np.flatnonzero((roots == root) & (parents >= 0))
    agents, steps = np.asarray(items["agent"]), np.asarray(items["step"])
    nodes = {root: Tree(Text(names(agents[root])))}
    for member in members[:_BRANCHES].tolist():  # parents come before their children
        label = Text(f"{names(agents[member])} in step {steps[member]} (item {member})")
        nodes[member] = nodes[int(parents[member])].add(label)
    if len(members) > _BRANCHES:
        nodes[root].add(Text(f"and {len(members) - _BRANCHES:,} more reposts"))
    return nodes[root]


def _print_comments(screen: Console, store: RunStore, post: int, names: Any) -> None:
    rows = items.comments_on(store, post)
    if rows:
        cells = [(i, s, names(a), likes, cut(text, _LONG)) for i, s, a, text, likes in rows]
        title = (
            f"Comments ({len(rows):,})"
            if len(rows) <= _COMMENTS
            else (f"Comments (the first {_COMMENTS} of {len(rows):,})")
        )
        headers = ("id", "step", "by", "likes", "comment")
        table(screen, title, headers, cells[:_COMMENTS])


def _when(step: int) -> str:
    return f"in step {step}" if step else "before the run"


def _names(store: RunStore) -> Any:
    """Return a function from agent ids to user names."""

    def name(agent: int) -> str:
        found = agents.user_name(store, int(agent))
        return f"agent {agent}" if found is None else clean(found)

    return name
