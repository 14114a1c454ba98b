"""What a person who plays an agent sees of its world, each thing with a number to name it by."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from hubbub.cli.screen import clean, heading, show
from hubbub.engine import Simulation
from hubbub.mind.turn_records import Reference
from hubbub.platform.queries import QUERIES
from hubbub.policy.view import AgentView, CommentView, Notice, PostView

#: A number (0 for none), how far the line stands in, and the line.
_Row = tuple[int, int, Text]


class ScreenView:
    """What one agent is shown in one turn: what it wakes to, and what its queries find.

    The number n on the screen stands for ``things[n - 1]``: first posts, then comments, users of
    notices, groups; then, one after the other, what was found.
    """

    def __init__(self, sim: Simulation, agent: int, screen: Console) -> None:
        self._sim, self._agent, self._screen = sim, agent, screen
        self._numbers: dict[tuple[str, int], int] = {}
        self.things: list[Reference] = []
        self._view = sim.show(agent)
        self._take_in(self._view)

    def show(self) -> None:
        """Print what the agent wakes to."""
        view = self._view
        self._screen.print()
        who = f"Step {self._sim.t + 1:,}: you are @{clean(view.user_name)} (agent {view.user_id})"
        counts = f"followers {view.followers:,}, following {view.followings:,}"
        counts += "".join(f", {text}" for text in _custom(view))
        self._screen.print(f"{who}, {counts}", soft_wrap=True)
        self._show_view(view)

    def show_found(self, query: str, found: Any) -> None:
        """Print what a query found (see Outcome.result); new things get the next numbers."""
        match QUERIES[query].finds:
            case "posts":
                self._section("Found", [self._found_post(post) for post in found])
            case "users":
                self._section("Found", [self._found_user(user) for user in found])
            case "groups":
                self._show_groups(found)
            case "feed":
                self._take_in(found)
                self._show_view(found)
        if not found:
            self._screen.print("nothing found")

    def show_news(self, title: str, notices: Sequence[Notice], *, numbered: bool = True) -> None:
        """Print what others did to the agent."""
        direct = {notice.item for notice in notices if notice.what != "mention"}
        rows = []
        for notice in notices:
            if notice.what == "mention" and notice.item in direct:  # told of once is enough
                continue
            number = (
                self._number(Reference("user", notice.user_id, notice.user_id)) if numbered else 0
            )
            about, text = [notice.what], ""
            if notice.item is not None:
                about, text = [*about, f"#{notice.item}"], self._text(notice.item)
            rows.append((number, 0, _line(notice.user_name, about, text)))
        self._section(title, rows)

    def _take_in(self, view: AgentView) -> None:
        """Give numbers to all that a view has."""
        author = self._sim.world.items["author"]
        for post in view.posts:
            self._number(Reference("post", post.id, post.user_id))
        for comment in (c for post in view.posts for c in post.comments):
            self._number(Reference("comment", comment.id, int(author[comment.id])))
        for notice in view.notices:
            self._number(Reference("user", notice.user_id, notice.user_id))
        for group in view.groups:
            self._number(Reference("group", group.id, -1))

    def _number(self, thing: Reference) -> int:
        """Return the number of a thing; one that is new gets the next."""
        key = (thing.kind, thing.id)
        if key not in self._numbers:
            self.things.append(thing)
            self._numbers[key] = len(self.things)
        return self._numbers[key]

    def _show_view(self, view: AgentView) -> None:
        self.show_news("News", view.notices)
        groups = ((g.id, g.name, [f"members {g.members:,}"]) for g in view.groups)
        self._section("Your groups", [self._group(*group) for group in groups])
        rows = []
        for post in view.posts:
            rows.append((self._numbers["post", post.id], 0, _post(post)))
            for comment in post.comments:
                rows.append((self._numbers["comment", comment.id], 2, _comment(comment)))
        self._section("Feed", rows)
        if not rows:
            self._screen.print("\nYour feed is empty.")

    def _show_groups(self, found: dict[str, list[dict[str, Any]]]) -> None:
        rows = []
        for group in found["groups"]:
            about = [f"members {group['members']:,}", *(["joined"] if group["joined"] else [])]
            rows.append(self._group(group["group_id"], group["name"], about))
            for message in found["messages"]:
                if message["group_id"] == group["group_id"]:
                    (name,) = self._sim.world.profiles.user_names([message["user_id"]])
                    rows.append((0, 2, _line(name, [], message["content"])))
        self._section("Groups", rows)
        if not rows:
            self._screen.print("there are no groups")

    def _group(self, group: int, name: str, about: Sequence[str]) -> _Row:
        return self._number(Reference("group", group, -1)), 0, _line(name, about)

    def _found_post(self, item: int) -> _Row:
        world, now = self._sim.world, self._sim.t + 1
        author, step = int(world.items["author"][item]), int(world.items["step"][item])
        (name,) = world.profiles.user_names([author])
        age = _ago((now - step) * self._sim.scenario.time.step_minutes)
        number = self._number(Reference("post", item, author))
        return number, 0, _line(name, [age, f"#{item}"], self._text(item))

    def _found_user(self, user: int) -> _Row:
        profile = self._sim.world.profiles[user]
        followers = int(self._sim.world.agents["followers"][user])
        about = [profile["name"], f"followers {followers:,}"]
        number = self._number(Reference("user", user, user))
        return number, 0, _line(f"@{profile['user_name']}", about, profile["bio"])

    def _text(self, item: int) -> str:
        """Return the text of an item; of a repost, that of the post that it reposts."""
        world = self._sim.world
        return world.item(int(world.targets(np.array([item]))[0])).content

    def _section(self, title: str, rows: Sequence[_Row]) -> None:
        """Print a title and lines with their numbers, if there are any."""
        if not rows:
            return
        grid = Table.grid(padding=(0, 1))
        grid.add_column(justify="right", no_wrap=True, min_width=3)
        grid.add_column(overflow="fold")
        for number, inset, line in rows:
            grid.add_row(Text(str(number or "")), Padding(line, (0, 0, 0, inset)))
        heading(self._screen, title)
        show(self._screen, grid)


def _post(post: PostView) -> Text:
    about = [_ago(post.age_minutes), f"#{post.id}", *_counts(post, "shares")]
    about += [f"shared by {post.shared_by}"] if post.shared_by else []
    about += [post.warning] if post.warning else []
    quoted = f" «{post.quoted}»" if post.quoted else ""
    return _line(post.user_name, about, post.content + quoted)


def _comment(comment: CommentView) -> Text:
    about = [_ago(comment.age_minutes), f"#{comment.id}", *_counts(comment)]
    return _line(comment.user_name, about, comment.content)


def _counts(item: PostView | CommentView, *more: str) -> list[str]:
    """Return the counts that are shown and not 0."""
    names = ("score", "likes", "dislikes", *more)
    counts = [f"{name} {value:,}" for name in names if (value := getattr(item, name))]
    return counts + _custom(item)


def _custom(view: AgentView | PostView | CommentView) -> list[str]:
    """Return the counts of custom actions that are not 0."""
    return [f"{name} {value:,}" for name, value in view.counters.items() if value]


def _line(name: str, about: Iterable[str], text: str = "") -> Text:
    """Return a name, what there is to say of it and a text; all of it may be others' words."""
    line = Text().append(clean(name), style="bold")
    said = "".join(f", {clean(part)}" for part in about)
    line.append(f"{said}: " if text else said, style="dim")
    return line.append(clean(text))


def _ago(minutes: float) -> str:
    if minutes < 60:
        return f"{int(minutes)} min"
    return f"{int(minutes / 60)} h" if minutes < 2 * 1440 else f"{int(minutes / 1440)} d"
