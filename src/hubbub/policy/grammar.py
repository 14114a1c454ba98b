"""New texts by topic and stance: plain English sentences assembled from a few parts.

There are only some thousands of texts per topic, so a long run keeps and encodes each of them once.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hubbub.population.wording import in_a_sentence

#: Stances (fixed-point) at which a text turns from one of the five levels to the next.
LEVEL_EDGES = np.array([-6000, -2000, 2000, 6000], np.int16)
LEVELS = 5

_CLAIMS = (
    (
        "I am deeply worried about the future of {topic}.",
        "The state of {topic} is a disgrace.",
        "I have lost all trust in what is being done in {topic}.",
        "Almost every story I hear about {topic} makes me angry.",
        "We are being misled about {topic}.",
        "I strongly oppose the new ideas in {topic}.",
    ),
    (
        "I have my doubts about the direction of {topic}.",
        "There is more bad than good in the news about {topic}.",
        "I find it hard to trust what is said about {topic}.",
        "I am a little worried about {topic}.",
        "The promises people make about {topic} sound too good.",
        "Too little care goes into {topic} these days.",
    ),
    (
        "I can see both sides of the debate about {topic}.",
        "I have not made up my mind about {topic}.",
        "There are good and bad points in the talk about {topic}.",
        "I would like to hear more facts about {topic}.",
        "It is hard to say what the latest news about {topic} means.",
        "I am still learning about {topic}.",
    ),
    (
        "I feel fairly good about the state of {topic}.",
        "There is more good than bad in the news about {topic}.",
        "I tend to trust the experts on {topic}.",
        "On the whole I like the direction of {topic}.",
        "I am quietly hopeful about {topic}.",
        "Small steps forward in {topic} are adding up.",
    ),
    (
        "I am completely convinced by the new ideas in {topic}.",
        "I have never felt better about the future of {topic}.",
        "The latest news about {topic} is wonderful.",
        "I fully support what is being done in {topic}.",
        "There is every reason to be excited about {topic}.",
        "Anyone who doubts the progress in {topic} should look at the results.",
    ),
)
_OPENINGS = {
    "post": (
        "",
        "Thinking aloud here.",
        "My thought for today:",
        "A friend asked me about it over coffee.",
        "I have said it before.",
        "Three articles later:",
        "Not a popular view, perhaps.",
        "The short version:",
    ),
    "quote": (
        "",
        "Worth a look.",
        "My view on this one:",
        "Sharing this because it matters.",
        "Everyone seems to talk about this.",
        "Read this first.",
    ),
    "comment": (
        "",
        "Interesting.",
        "Thanks for posting.",
        "Since you bring it up:",
        "My two cents:",
        "Reading this, I have to say it.",
    ),
}
_CLOSINGS = {
    "post": (
        "",
        "What do you think?",
        "Does anyone agree?",
        "More on this soon.",
        "Time will tell.",
        "Ask me again in a year.",
        "I would love to hear other views.",
        "That is all.",
    ),
    "quote": ("", "What do you think?", "Pass it on.", "Judge for yourselves."),
    "comment": ("", "Just saying.", "What makes you say so?", "Do you have a source?"),
}
_NAMES = (
    "Friends of {topic}",
    "{topic} talk",
    "The {topic} circle",
    "All about {topic}",
    "{topic} watch",
    "The {topic} corner",
)
#: Kinds of texts. Queries and names of groups have no stance.
REGISTERS = ("post", "quote", "comment", "query", "name")
_TITLES = ("query", "name")  # no sentences: topics are as their users wrote them
_NO_TOPIC = "this"


class Grammar:
    """All texts that the statistical policy can write about the topics of a scenario."""

    def __init__(self, topics: Sequence[str], max_length: int | None = None) -> None:
        """Take the topics as named by the user; texts are cut at `max_length` characters."""
        self._topics = [*topics, _NO_TOPIC]
        self._max_length = max_length
        self._known: dict[int, str] = {}
        self._sizes = np.array([_variants(r) for r in REGISTERS])
        self._stride = int(self._sizes.max())

    def write(
        self,
        register: NDArray[np.int8],
        topic: NDArray[np.int16],
        stance: NDArray[np.int16],
        pick: NDArray[np.float64],
    ) -> tuple[NDArray[np.int32], list[str]]:
        """Return a text for each row as (row of the list int32[n], distinct texts).

        `register` int8[n] are rows of REGISTERS; `topic` int16[n] (-1: "this") and `stance`
        int16[n] (fixed-point, unknown counts as undecided) say what the text is about; `pick`
        float64[n] in [0, 1) chooses among the variants.
        """
        known_stance = np.where(stance < -10_000, 0, stance)
        level = np.searchsorted(LEVEL_EDGES, known_stance, side="right")
        level[register >= REGISTERS.index(_TITLES[0])] = 0
        where = topic.astype(np.int64) % len(self._topics)  # -1 is the last
        variant = (pick * self._sizes[register]).astype(np.int64)
        number = (register * np.int64(len(self._topics)) + where) * LEVELS + level
        codes, row = np.unique(number * self._stride + variant, return_inverse=True)
        return row.astype(np.int32), [self._text(c) for c in codes.tolist()]

    def _text(self, code: int) -> str:
        text = self._known.get(code)
        if text is None:
            number, variant = divmod(code, self._stride)
            number, level = divmod(number, LEVELS)
            register, topic = divmod(number, len(self._topics))
            name = self._topics[topic]
            name = name if REGISTERS[register] in _TITLES else in_a_sentence(name)
            text = sentence(REGISTERS[register], level, variant)
            text = text.replace("{topic}", name)[: self._max_length]
            self._known[code] = text
        return text


def sentence(register: str, level: int, variant: int) -> str:
    """Return one text with {topic} in place of the topic."""
    if register == "query":
        return "{topic}"
    if register == "name":
        return _NAMES[variant]
    claims, closings = _CLAIMS[level], _CLOSINGS[register]
    variant, closing = divmod(variant, len(closings))
    opening, claim = divmod(variant, len(claims))
    parts = (_OPENINGS[register][opening], claims[claim], closings[closing])
    return " ".join(p for p in parts if p)


def _variants(register: str) -> int:
    if register == "query":
        return 1
    if register == "name":
        return len(_NAMES)
    return len(_OPENINGS[register]) * len(_CLAIMS[0]) * len(_CLOSINGS[register])
