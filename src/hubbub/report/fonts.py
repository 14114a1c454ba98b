"""Letters of all scripts in figures: fonts that have them, escapes for letters without a font."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

#: The font of all figures; it ships with matplotlib.
OURS = "DejaVu Sans"
_BREAK = ord("\n")
_PLAIN = (400, "normal", "regular", "book")


def families(texts: Iterable[str]) -> list[str]:
    """Return the fonts for these texts: the default, then installed ones with the missing letters.

    Of several suitable fonts, the first by name is taken. Texts in letters of the default font
    (Latin, Greek, Cyrillic and more) look alike on all machines.
    """
    found = [OURS]
    missing = {ord(letter) for text in texts for letter in text} - _letters(OURS)
    for name in _installed() if missing else ():
        if missing & (letters := _letters(name)):
            found.append(name)
            missing -= letters
    return found


def written(text: str, fonts: Iterable[str]) -> str:
    r"""Return a text with escapes, such as \u4e2d, for letters that none of the fonts has."""
    known = set().union(*(_letters(name) for name in fonts))
    return "".join(c if ord(c) in known else c.encode("unicode_escape").decode() for c in text)


def _installed() -> list[str]:
    """Return the plain fonts of this machine, by name: upright, and of normal weight and width.

    Those that ship with matplotlib are left out: they are for formulas, or draw boxes.
    """
    from matplotlib import get_data_path
    from matplotlib.font_manager import fontManager

    ours = Path(get_data_path())
    return sorted(
        {
            f.name
            for f in fontManager.ttflist
            if (f.style, f.stretch) == ("normal", "normal")
            and f.weight in _PLAIN
            and ours not in Path(f.fname).parents
        }
    )


def _letters(family: str) -> set[int]:
    """Return the code points of the letters in a font."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    letters: Any = get_font(findfont(FontProperties(family=[family]))).get_charmap()
    return {_BREAK, *letters}
