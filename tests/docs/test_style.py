"""The form of the documents: short lines, and words that a reader knows."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/*.md", "examples/**/*.md")
    for path in ROOT.glob(pattern)
    if not path.name.startswith(".")
)
TEXTS = [*(p for p in PAGES if p.name != "CHANGELOG.md"), *sorted((ROOT / "src").rglob("*.py"))]
LONGEST = 100

#: Phrases that a reader stumbles over, and what to write in their place.
AVOIDED = {
    r"what (came|comes|became|becomes) of": "the result",
    r"\bso many\b(?! )": "the number",
    r"\b(is|are) had (from|by)\b": "comes from",
    r"\bbears? with\b|\bborne with\b": "hubbub retries",
    r"\blets? go of\b": "closes, drops",
    r"\bby lot\b": "at random",
    r"\bof one's own\b": "of your own, custom",
    r"\bdeeds?\b": "action",
    r"\brehears": "dry run",
    r"the head's|the \*head\*": "the driver",
    r"\bof late\b": "recent",
    r"\bbesides\b": "also, in addition to",
}


def prose(path: Path) -> list[tuple[int, str]]:
    """Return a page's lines with their numbers, without blocks of code and figures' links."""
    lines, code = [], False
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if re.match(r"\s*(```|~~~)", line):
            code = not code
        elif not code and not line.startswith(("    ", "![")):
            lines.append((number, line))
    return lines


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_lines_of_a_page_are_short(path: Path) -> None:
    assert [n for n, line in prose(path) if len(line) > LONGEST] == []


@pytest.mark.parametrize(("phrase", "instead"), AVOIDED.items())
def test_phrases_that_stop_a_reader_are_avoided(phrase: str, instead: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}: {match[0]!r}, better: {instead}"
        for path in TEXTS
        for match in re.finditer(phrase, " ".join(path.read_text(encoding="utf-8").split()))
    ]
    assert found == []
