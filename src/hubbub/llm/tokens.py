"""The approximate number of tokens of a text: for budgets, which must agree on every machine."""

from __future__ import annotations

#: UTF-8 bytes per token. English prose has 4 to 4.5 with today's tokenizers, lines with names and
#: numbers about 3, other scripts 2 to 4.
BYTES_PER_TOKEN = 3.2


def estimate_tokens(text: str) -> int:
    """Return the approximate number of tokens of the text, rather too many than too few."""
    size = len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
    return int(size / BYTES_PER_TOKEN) + (size > 0)
