"""Reading the answers to a survey's questions, with some tolerance."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from hubbub.config.prompts import QuestionConfig
from hubbub.mind.json_reading import MAX_REPLY, Unreadable, clean, json_values

#: Characters of a free answer; longer ones are cut.
LONGEST_TEXT = 500
_AGREEMENT = (
    "strongly disagree", "disagree", "neither agree nor disagree", "agree", "strongly agree",
)  # fmt: skip
_NUMBER = re.compile(r"[-+]?[0-9]{1,18}(\.[0-9]{1,18})?")
_NUMBERED = re.compile(r"([0-9]{1,4})\s*[-.:)=]?\s*(.*)", re.DOTALL)
_THOUGHTS_END = "</think>"
#: Digits of a whole number in a reply; no question needs more.
_HUGE = 2**53


def labels(question: QuestionConfig) -> Sequence[str]:
    """Return the options of a choice, or the labels of a scale from lowest to highest."""
    return question.options or (_AGREEMENT if question.kind == "likert" else ())


def limits(question: QuestionConfig) -> str:
    """Return the limits of a number as words that follow 'a number'."""
    low, high = whole(question.min), whole(question.max)
    if low is not None and high is not None:
        return f" from {low} to {high}"
    if low is not None:
        return f", at least {low}"
    return "" if high is None else f", at most {high}"


def read_answers(questions: Sequence[QuestionConfig], text: str) -> list[tuple[str, float | None]]:
    """Return (text, value) for each question; Unreadable if an answer cannot be read.

    The reply may have words before and after its object. If there is a single question, a reply
    without any object is the answer to it.
    """
    if len(questions) == 1 and "{" not in text and len(text) <= MAX_REPLY:
        return [_answer(questions[0], text.rpartition(_THOUGHTS_END)[2].strip().strip('"'))]
    given = _object(questions, text)
    return [_answer(q, given.get(q.name, given.get(_fold(q.name)))) for q in questions]


def whole(number: float | None) -> float | int | None:
    """Return the number as an int if it is one."""
    return int(number) if isinstance(number, float) and number.is_integer() else number


def _object(questions: Sequence[QuestionConfig], text: str) -> Mapping[str, Any]:
    """Return the first object that answers a question, under its name in any case."""
    known = {_fold(q.name) for q in questions}
    found = [value for value in json_values(text) if isinstance(value, dict)]
    found += [inner for value in found for inner in value.values() if isinstance(inner, dict)]
    for value in found:
        folded = {_fold(str(name)): answer for name, answer in value.items()}
        if known & folded.keys():
            return {**folded, **value}
    raise Unreadable("it was no JSON object with an answer to each question")


def _answer(question: QuestionConfig, value: Any) -> tuple[str, float | None]:
    name = question.name
    huge = isinstance(value, int) and abs(value) >= _HUGE
    if not isinstance(value, str | int | float) or isinstance(value, bool) or huge:
        raise Unreadable(f"the answer to '{name}' is missing or has another form")
    match question.kind:
        case "text":
            return _words(name, _as_text(value)), None
        case "number":
            number = _number(question, value)
            return str(whole(number)), number
        case "choice" | "likert":
            known, scale = labels(question), question.kind == "likert"
            index = _index(value, known, numbers_first=scale)
            if index is None:
                what = f"a number from 1 to {len(known)}" if scale else "one of its options"
                raise Unreadable(f"the answer to '{name}' must be {what}")
            return known[index], float(index + scale)


def _words(name: str, value: str) -> str:
    """Return a text on one line without control characters, cut if it is too long."""
    line = " ".join(clean(value).split())
    if not line:
        raise Unreadable(f"the answer to '{name}' is empty")
    return line if len(line) <= LONGEST_TEXT else line[: LONGEST_TEXT - 1].rstrip() + "…"


def _number(question: QuestionConfig, value: str | float) -> float:
    low = -math.inf if question.min is None else question.min
    high = math.inf if question.max is None else question.max
    plain = not isinstance(value, str) or _NUMBER.fullmatch(value.strip())
    number = float(value) if plain else math.nan
    if not math.isfinite(number) or not low <= number <= high:
        raise Unreadable(f"the answer to '{question.name}' must be a number{limits(question)}")
    return number


def _index(value: str | float, known: Sequence[str], *, numbers_first: bool) -> int | None:
    """Return which label is meant: by its words, its number from 1, or both ('2. disagree')."""
    text = _as_text(value).strip()
    ways = (_by_label(text, known), _by_number(text, known))
    return next((i for i in (ways[::-1] if numbers_first else ways) if i is not None), None)


def _by_label(text: str, known: Sequence[str]) -> int | None:
    if text in known:
        return known.index(text)
    same = [i for i, label in enumerate(known) if _fold(label) == _fold(text)]
    return same[0] if len(same) == 1 else None


def _by_number(text: str, known: Sequence[str]) -> int | None:
    found = _NUMBERED.fullmatch(text)
    if found is None or not 1 <= int(found[1]) <= len(known):
        return None
    index = int(found[1]) - 1
    return index if not found[2] or _fold(found[2]) == _fold(known[index]) else None


def _as_text(value: str | float) -> str:
    return value if isinstance(value, str) else str(whole(value))


def _fold(text: str) -> str:
    """Return a text for comparison: without case, quotes, and punctuation at its ends."""
    return " ".join(text.casefold().split()).strip(" \"'.")
