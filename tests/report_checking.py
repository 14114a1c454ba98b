"""Checking a report: the numbers in its text are those in the files beside it."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from decimal import Decimal
from html.parser import HTMLParser
from math import isfinite
from pathlib import Path

_DECIMAL = re.compile(r"(?<![\w.])-?\d+(?:\.\d+(?:e[+-]\d+)?|e[+-]\d+)(?![\w.]*\d)")
#: Parts of a page that hold no results.
_SKIPPED = {"style", "title", "header"}
#: How far a rounded number may be from the whole one, in units of its last digit.
_HALF = 0.5 + 1e-6


def report_numbers(page: str) -> list[str]:
    """Return the decimal numbers in the text of a report (HTML), as they are written there.

    Whole numbers are left out: they are counts, years and percentages of intervals.
    """
    reader = _Text()
    reader.feed(page)
    return _DECIMAL.findall(" ".join(reader.texts))


def unfounded(page: str, folder: Path) -> list[str]:
    """Return the numbers of a report that are, rounded alike, in none of the folder's CSV files.

    Signs are not compared, as the text may say how large a difference is.
    """
    known = [abs(value) for path in sorted(folder.rglob("*.csv")) for value in _values(path)]
    return [text for text in report_numbers(page) if not _among(text, known)]


def _among(text: str, known: list[float]) -> bool:
    number = Decimal(text)
    exponent = number.as_tuple().exponent
    allowed = _HALF * 10.0 ** int(exponent)
    return any(abs(value - abs(float(number))) <= allowed for value in known)


def _values(path: Path) -> Iterator[float]:
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.reader(file):
            for cell in row:
                try:
                    value = float(cell)
                except ValueError:
                    continue
                if isfinite(value):
                    yield value


class _Text(HTMLParser):
    """Collects the text of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._skipped = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._skipped += tag in _SKIPPED

    def handle_endtag(self, tag: str) -> None:
        self._skipped -= tag in _SKIPPED

    def handle_data(self, data: str) -> None:
        if not self._skipped:
            self.texts.append(data)
