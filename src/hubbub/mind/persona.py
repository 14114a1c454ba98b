"""The description of an agent, made from the fields of its profile."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from hubbub.mind.quoting import handle, one_line, sentences
from hubbub.mind.template import Template
from hubbub.mind.words import PLAIN, Words, words_for
from hubbub.world.profiles import Profiles

#: Longest persona, in characters, without and with a template.
PERSONA_CHARS, TEMPLATE_CHARS = 300, 4_000
_FACTS = ("age", "gender", "mbti", "country", "profession")
_PROSE = ("persona", "user_char", "bio", "description")
_BETWEEN_SENTENCES = re.compile(r"(?<=[.!?]) ")
_KEPT = 20_000  # personas kept ready


class Persona(NamedTuple):
    """The text of an agent's persona, and the words of its language."""

    text: str
    words: Words


class Personas:
    """The personas of a population: pure functions of the profiles, the latest ones cached.

    ScenarioError if the template uses a field that no profile has, or cannot be used at all.
    """

    def __init__(self, profiles: Profiles, template: str | None, language: str | None) -> None:
        self._profiles = profiles
        self._fields = profiles.fields
        self._language = language
        self._ready: dict[int, Persona] = {}
        self._template: Template | None = None
        if template is not None:
            self._template = Template(template, "prompt.persona", self._fields)
            self.of(range(min(1, len(profiles))))  # a template that fails at all fails here

    def of(self, agents: Iterable[int]) -> list[Persona]:
        """Return the personas of these agents."""
        wanted = list(agents)
        ready = self._ready
        missing = [a for a in wanted if a not in ready]
        if missing:
            missing = list(dict.fromkeys(missing))
            made = zip(missing, self._profiles.rows(missing), strict=True)
            ready |= {agent: self._make(agent, profile) for agent, profile in made}
        result = [ready[a] for a in wanted]
        if missing and len(ready) > _KEPT:  # the oldest go first
            for agent in list(ready)[: len(ready) - _KEPT]:
                del ready[agent]
        return result

    def _make(self, agent: int, profile: dict[str, Any]) -> Persona:
        language = self._language or profile.get("language")
        words = words_for(language) if language else PLAIN
        if self._template is None:
            return Persona(describe(profile, words), words)
        values = {**dict.fromkeys(self._fields), **profile}
        text = self._template.render(values, f"of agent {agent}")
        return Persona(text.strip()[:TEMPLATE_CHARS], words)


def describe(profile: dict[str, Any], words: Words) -> str:
    """Return a persona from the well-known fields of a profile that are given.

    Name, age, gender, MBTI, country, profession and interests come first, then the sentences of the
    prose (persona, bio, ...) that fit into PERSONA_CHARS characters.
    """
    user_name = handle(str(profile["user_name"]))
    name = _text(profile.get("name"))
    who = f"{name} (@{user_name})" if name and name != user_name else f"@{user_name}"
    facts = [_text(profile.get(f)) for f in _FACTS]
    parts = [f"{words.you_are} {', '.join([who, *filter(None, facts)])}."]
    interests = _text(profile.get("interested_topics")).replace(";", ",")
    if interests:
        parts.append(f"{words.interests}: {interests}.")
    parts += _distinct(_unsaid(_text(profile.get(f)), facts) for f in _PROSE)
    return sentences(" ".join(parts), PERSONA_CHARS)


def _unsaid(text: str, facts: Collection[str]) -> str:
    """Return a text without sentences that only repeat a fact, as a bio may repeat a profession."""
    return " ".join(s for s in _BETWEEN_SENTENCES.split(text) if s.rstrip(".!?") not in facts)


def _distinct(texts: Iterable[str]) -> Sequence[str]:
    """Return the texts that are not empty and not contained in an earlier one."""
    kept: list[str] = []
    for text in texts:
        if text and not any(text in other for other in kept):
            kept.append(text)
    return kept


def _text(value: Any) -> str:
    """Return the value of a field as one line."""
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        value = ", ".join(map(str, value))
    elif isinstance(value, float) and value.is_integer():  # a column with gaps made floats of it
        value = int(value)
    return one_line(str(value), 2 * PERSONA_CHARS)
