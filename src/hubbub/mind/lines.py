"""How one thing that an agent remembers reads: a short, plain line that never changes.

::

    like_post Ann «first words of the post…»
    create_comment your «…»: «…»
    follow Bob (refused: duplicate)
    Bob +2 repost your «…»
    saw Cyd «…»

Everything is derived from the `ActionSpec`. Texts of agents are quoted between guillemets, which
they cannot contain themselves, on one line.
"""

from __future__ import annotations

from functools import lru_cache

from hubbub.actions import Kind, Reason
from hubbub.actions.spec import Interview
from hubbub.mind.quoting import called, one_line
from hubbub.world import World
from hubbub.world.world import MENTION

#: Characters of a text that are remembered, and of the agent's own text that a line refers to.
TEXT_CHARS, OWN_CHARS = 40, 24
#: Lines, names and texts kept in the cache; dropped ones are made again when needed.
_READY = 1 << 16


class Lines:
    """Writes the lines that the agents of one world remember; each is made once and cached.

    A line depends only on what never changes: texts, authors and names.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self._interviews = set(world.table.having(Interview()).tolist())
        # computed once: specifications look these up in their arguments
        self._verbs = [
            (spec.name, spec.target_kind, any(a.kind == "number" for a in spec.args))
            for spec in world.table
        ]
        self.did = lru_cache(_READY)(self._did)
        self.told = lru_cache(_READY)(self._told)
        self.saw = lru_cache(_READY)(self._saw)
        self._name = lru_cache(_READY)(self._name_of)
        self._quote = lru_cache(_READY)(self._quote_of)

    def _did(self, agent: int, code: int, reason: int, about: int, text: int, amount: int) -> str:
        """Return what the agent did, or tried to do: `about` is the target, -1 for none."""
        if code in self._interviews:
            return self._answered(text)
        line, kind, counts = self._verbs[code]
        if about >= 0 and kind is not None:
            line += f" {self._object(kind, about, agent)}"
        if counts:
            line += f" {amount}"
        if text >= 0:
            line += f": {self._quote(text)}"
        return line if reason == Reason.ok else f"{line} (refused: {Reason(reason).name})"

    def _told(self, agent: int, code: int, actor: int, item: int, count: int) -> str:
        """Return what others did to the agent: `count` of them, the last being `actor`."""
        what = "mention" if code == MENTION else self.world.table[code].name
        more = f" +{count - 1}" if count > 1 else ""
        line = f"{self._name(actor)}{more} {what}"
        if item < 0:
            return line
        items = self.world.items
        if items["author"][item] == agent:
            return f"{line} {self._item(item, agent)}"
        answers = items["kind"][item] == Kind.comment
        mine = int(items["parent" if answers else "ref"][item])
        if mine >= 0 and items["author"][mine] == agent:
            line += f" {self._item(mine, agent)}"
        text = int(items["text"][item])
        return f"{line}: {self._quote(text)}" if text >= 0 else line

    def _saw(self, post: int) -> str:
        """Return that a post was shown."""
        return f"saw {self._item(post, -1)}"

    def _answered(self, text: int) -> str:
        question, _, answer = self.world.texts[text].partition("\nA: ")
        asked = one_line(question.removeprefix("Q: "), TEXT_CHARS)
        return f"interview «{asked}»: «{one_line(answer, TEXT_CHARS)}»"

    def _object(self, kind: str, target: int, agent: int) -> str:
        """Return the words for a target, as seen by `agent`."""
        match kind:
            case "user":
                return self._name(target)
            case "group":
                return self._quote(int(self.world.groups["text"][target]))
            case "product":
                return self._quote(int(self.world.products["text"][target]))
            case _:
                return self._item(target, agent)

    def _item(self, item: int, agent: int) -> str:
        items = self.world.items
        author = int(items["author"][item])
        text = int(items["text"][item])
        if text < 0:  # a repost shows the text of its original
            text = int(items["text"][items["ref"][item]])
        if author == agent:
            return f"your {self._quote(text, OWN_CHARS)}"
        return f"{self._name(author)} {self._quote(text)}"

    def _name_of(self, agent: int) -> str:
        (row,) = self.world.profiles.rows([agent], ("name", "user_name"))
        return called(str(row["name"] or ""), str(row["user_name"]))

    def _quote_of(self, text: int, chars: int = TEXT_CHARS) -> str:
        return f"«{one_line(self.world.texts[text], chars)}»"


def age(steps: int, step_minutes: float) -> str:
    """Return an age in simulated time: 15m, 5h, 3d."""
    minutes = steps * step_minutes
    if minutes < 60:
        return f"{int(minutes)}m"
    if minutes < 48 * 60:
        return f"{int(minutes / 60)}h"
    return f"{int(minutes / 1440)}d"
