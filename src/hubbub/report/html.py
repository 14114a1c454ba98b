"""The report of a study: one self-contained HTML page, and the files it links to.

::

    report.html         the page, with its pictures
    figures/NAME.svg    a figure, also as NAME.png
    figures/NAME.csv    the data it shows
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib.resources import files as resources
from math import isnan
from pathlib import Path
from typing import Any
from urllib.parse import quote

from hubbub.errors import StoreError
from hubbub.report.figure_data import Figure
from hubbub.report.style import Picture, draw
from hubbub.report.tables import html_table, number, write_csv, write_file

#: A row of findings.csv by column.
Finding = Mapping[str, Any]
#: The page, and the folder of figures beside it.
PAGE, FIGURES = "report.html", "figures"
#: Verdicts in the order in which they are counted.
_VERDICTS = ("supported", "not found", "opposite", "not tested")
_SIGNS = dict(zip(_VERDICTS, "✓○✗–", strict=True))
#: A vector picture is in the page unless it has more bytes than this; then it is the PNG.
_LARGE = 1_000_000
#: The data of a figure is also in the page, as a table, if it has no more rows than this.
_ROWS = 40


def write_report(
    folder: Path,
    *,
    title: str,
    question: str,
    verdicts: Sequence[str],
    findings: Sequence[Finding],
    figures: Sequence[Figure],
    story: Sequence[str],
    files: Mapping[str, str],
    how: Mapping[str, str],
) -> Path:
    """Write the report of a study into its folder; return its page.

    `verdicts` state each finding (a row of findings.csv) in a sentence; `story` are paragraphs;
    `files` are descriptions of files by their path in the folder; `how` says how the results were
    made. The same arguments give the same bytes. MissingExtraError without matplotlib, before
    anything is written; StoreError if a file cannot be written.
    """
    parts = [
        f"<header>\n<h1>{escape(title)}</h1>\n<p>{escape(question)}</p>\n</header>",
        _section("What was found", _verdicts(verdicts, findings)),
        _section("Figures", _figures(folder / FIGURES, figures)),
        _section("What was done, and what is assumed", _paragraphs(story)),
        _section("All tests", _findings(findings)),
        _section("How it was made", html_table(("what", "value"), how.items())),
        _section("Files", _files(files)),
    ]
    body = "\n".join(part for part in parts if part)
    page = _PAGE.format(title=escape(title), css=_css(), body=body)
    path = folder / PAGE
    write_file(path, page.encode())
    return path


_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{css}</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""


def _css() -> str:
    return resources("hubbub.report").joinpath("report.css").read_text(encoding="utf-8")


def _section(heading: str, content: str) -> str:
    """Return a section, or nothing if it would be empty."""
    return f"<section>\n<h2>{heading}</h2>\n{content}\n</section>" if content else ""


def _verdicts(sentences: Sequence[str], findings: Sequence[Finding]) -> str:
    if not findings:
        return "<p>There were no predictions, so nothing was tested.</p>"
    kinds = [_kind(finding) for finding in findings]
    counts = Counter(kinds)
    some = ", ".join(f"{counts[kind]} {kind}" for kind in _VERDICTS if counts[kind])
    many = f"{len(kinds)} predictions" if len(kinds) > 1 else "1 prediction"
    entries = "\n".join(
        f'<li class="{kind.replace(" ", "-")}"><strong>{i}. {_SIGNS[kind]} {kind}</strong> '
        f"{escape(text)}</li>"
        for i, (kind, text) in enumerate(zip(kinds, sentences, strict=True), 1)
    )
    return f'<p class="count">{many}: {some}.</p>\n<ol class="verdicts">\n{entries}\n</ol>'


def _kind(finding: Finding) -> str:
    return "not tested" if isnan(finding["p"]) else str(finding["verdict"])


def _findings(findings: Sequence[Finding]) -> str:
    if not findings:
        return ""
    headers = (
        "no.", "measure", "arm", "against", "estimate", "95 % interval", "effect (g)", "p",
        "p, corrected", "n", "verdict", "estimate of", "test",
    )  # fmt: skip
    rows = [
        (i, f["measure"].replace("_", " "), f["arm"], f["against"], f["estimate"],
         _interval(f["low"], f["high"]), f["effect"], f["p"], f["corrected"],
         " and ".join(str(n) for n in (f["n_arm"], f["n_against"]) if n), _kind(f), f["what"],
         f["test"])
        for i, f in enumerate(findings, 1)
    ]  # fmt: skip
    note = (
        "Numbers are those of the predictions above. p is corrected for the number of tests by "
        "Holm's method; the intervals are not. The effect is Hedges' g, the difference in standard "
        "deviations, where it makes sense."
    )
    return f"{html_table(headers, rows)}\n<p>{note}</p>"


def _interval(low: float, high: float) -> str:
    return "–" if isnan(low) or isnan(high) else f"{number(low)} to {number(high)}"


def _figures(folder: Path, figures: Sequence[Figure]) -> str:
    """Draw the figures into the folder, replacing earlier ones, and return them in HTML."""
    pictures = [draw(figure) for figure in figures]
    try:
        folder.mkdir(exist_ok=True)
        for old in folder.iterdir():
            if old.suffix in {".svg", ".png", ".csv"}:
                old.unlink()
    except OSError as error:
        raise StoreError(f"{folder} cannot be written: {error.strerror}") from error
    names = _file_names(figure.name for figure in figures)
    return "\n".join(
        _figure(folder / name, place, figure, picture)
        for place, (name, figure, picture) in enumerate(
            zip(names, figures, pictures, strict=True), 1
        )
    )


def _figure(path: Path, place: int, figure: Figure, picture: Picture) -> str:
    """Write the files of a figure, which differ in what follows `path`; return it in HTML."""
    for ending, content in (("svg", picture.svg), ("png", picture.png)):
        write_file(path.with_name(f"{path.name}.{ending}"), content)
    write_csv(path.with_name(f"{path.name}.csv"), figure.data)
    small = len(picture.svg) <= _LARGE
    kind, content = ("svg+xml", picture.svg) if small else ("png", picture.png)
    links = " · ".join(
        f'<a href="{FIGURES}/{path.name}.{ending}">{ending.upper()}</a>'
        for ending in ("svg", "png", "csv")
    )
    return (
        f"<figure>\n<h3>{escape(figure.title)}</h3>\n"
        f'<img alt="{escape(f"{figure.title}. {figure.caption}")}" '
        f'src="data:image/{kind};base64,{b64encode(content).decode()}">\n'
        f"<figcaption><b>Figure {place}.</b> {escape(figure.caption)} "
        f"<small>{links}</small></figcaption>\n"
        f"{_data(figure)}</figure>"
    )


def _data(figure: Figure) -> str:
    if figure.data.num_rows > _ROWS:
        return ""
    rows = zip(*(column.to_pylist() for column in figure.data.columns), strict=True)
    table = html_table(figure.data.column_names, rows)
    return f"<details><summary>The numbers shown</summary>\n{table}\n</details>\n"


def _file_names(names: Iterable[str]) -> list[str]:
    """Return valid and distinct file names (in any case) that need no escapes in links."""
    taken: list[str] = []
    for name in names:
        plain = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-") or "figure"
        again, unique = 2, plain
        while unique.lower() in map(str.lower, taken):
            unique = f"{plain}-{again}"
            again += 1
        taken.append(unique)
    return taken


def _paragraphs(texts: Sequence[str]) -> str:
    return "\n".join(f"<p>{escape(text)}</p>" for text in texts)


def _files(files: Mapping[str, str]) -> str:
    entries = "\n".join(
        f'<li><a href="{escape(quote(path))}">{escape(path)}</a>: {escape(words)}</li>'
        for path, words in files.items()
    )
    return f"<ul>\n{entries}\n</ul>" if entries else ""
