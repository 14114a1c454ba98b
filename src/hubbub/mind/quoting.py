"""Agents' texts made safe for a prompt: on one line, limited, unable to imitate its layout."""

from __future__ import annotations

import re

#: Invisible characters: controls, directions, zero-width spaces, halves of pairs, language tags.
#: The joiners U+200C and U+200D stay, since scripts and emoji need them.
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffc\ud800-\udfff\U000e0000-\U000e007f]"
)
#: What chat templates mark turns with: <|im_end|>, </s>, <start_of_turn>, [INST], <<SYS>>.
_ANGLE = re.compile(r"<(?=[^\s\d=-])")
_SQUARE = re.compile(r"\[(/?[A-Z_]{3,})\]")
_QUOTES = str.maketrans({"«": "“", "»": "”"})
_IN_A_NAME = re.compile(r"[\s:,;“”()]+")
_STOP = re.compile(r"[.!?](?= )|[。！？।]")
#: Longest name of a user, in characters.
NAME_CHARS = 24
_LOOK_AT = 4  # times the limit: so much of a text is looked at


def one_line(text: str, limit: int) -> str:
    """Return the text on one line, at most `limit` characters, cut at a word with "…".

    Guillemets are the prompt's own quotation marks, so those in the text become other quotes; marks
    of chat templates are broken, and invisible characters removed.
    """
    whole = len(text) <= limit * _LOOK_AT
    text = text[: limit * _LOOK_AT]
    if not (text.isascii() and text.isprintable()):
        text = _UNSEEN.sub("", text).translate(_QUOTES)
    if "<" in text or "[" in text:
        text = _SQUARE.sub(r"(\1)", _ANGLE.sub("‹", text))
    line = " ".join(text.split() if whole else [*text.split(), "…"])
    return cut(line, limit)


def cut(text: str, limit: int) -> str:
    """Return the text, cut at a word and with "…" if it has more than `limit` characters."""
    if len(text) <= limit:
        return text
    head = text[: limit - 1]
    space = head.rfind(" ")
    return (head[:space] if space > limit // 2 else head).rstrip() + "…"


def sentences(text: str, limit: int) -> str:
    """Return the sentences that fit into `limit` characters; if too few, see `cut`."""
    if len(text) <= limit:
        return text
    end = max((m.end() for m in _STOP.finditer(text, 0, limit)), default=0)
    return text[:end] if end > limit * 4 // 5 else cut(text, limit)


def handle(user_name: str) -> str:
    """Return a user name as one word, without the characters that end it in a prompt."""
    return _IN_A_NAME.sub("_", one_line(user_name, 40)).strip("_") or "_"


def called(name: str, user_name: str) -> str:
    """Return what a prompt calls a user: its name, which costs half the tokens of a handle.

    It is at most NAME_CHARS long and has no character that ends it. Two users may have the same
    name, as on real sites; replies refer to people by number.
    """
    plain = " ".join(_IN_A_NAME.sub(" ", one_line(name, 2 * NAME_CHARS)).split())
    return cut(plain, NAME_CHARS) if plain else cut(handle(user_name), NAME_CHARS)
