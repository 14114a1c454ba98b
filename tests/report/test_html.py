"""The page of a report: complete in itself, escaped, and true to its files."""

from __future__ import annotations

import csv
import sys
from html.parser import HTMLParser
from math import nan
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from hubbub.errors import MissingExtraError, StoreError
from hubbub.report.figure_data import Figure
from hubbub.report.html import write_report
from hubbub.report.tables import html_table, number
from report_checking import report_numbers, unfounded

pytest.importorskip("matplotlib")

HOSTILE = '<script src="https://bad.example/x.js">alert("1")</script> & \'more\''
FOUND = {
    "hypothesis": "Ease spreads posts", "measure": "reposts_made", "arm": "easy",
    "against": "hard", "what": "difference of means", "estimate": 12.3456, "low": 10.01,
    "high": 14.678, "effect": 1.2345, "test": "sign-flip test", "p": 0.000123,
    "corrected": 0.000246, "n_arm": 6, "n_against": 6, "verdict": "supported",
}  # fmt: skip
UNTESTED = {**FOUND, "p": nan, "corrected": nan, "low": nan, "effect": None,
            "verdict": "not found", "hypothesis": HOSTILE}  # fmt: skip


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "img"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def having(self, name: str) -> list[str]:
        return [str(attrs[name]) for _, attrs in self.tags if name in attrs]


def figure(name: str = "growth", rows: int = 2) -> Figure:
    data = pa.table({"x": list(range(rows)), "y": [i / 7 for i in range(rows)]})
    return Figure(name, f"Growth {HOSTILE}", "It grows.", lambda axes: axes.plot([1, 2]), data)


def write(folder: Path, **changes: Any) -> Path:
    (folder / "findings.csv").write_text(
        ",".join(FOUND) + "\n" + ",".join(map(str, FOUND.values())) + "\n"
    )
    given: dict[str, Any] = {
        "title": f"Sharing {HOSTILE}",
        "question": HOSTILE,
        "verdicts": ["Supported: difference 12.3 (p = 0.00025).", HOSTILE],
        "findings": [FOUND, UNTESTED],
        "figures": [figure()],
        "story": ["It was done.", HOSTILE],
        "files": {"tables/a b.csv": HOSTILE},
        "how": {"command": HOSTILE, "hubbub": "0.1.0"},
    }
    return write_report(folder, **{**given, **changes})


def test_the_page_needs_nothing_else(tmp_path: Path) -> None:
    text = write(tmp_path).read_text(encoding="utf-8")
    page = Page(text)
    assert {tag for tag, _ in page.tags} & {"script", "link", "iframe", "object"} == set()
    assert [src[:15] for src in page.having("src")] == ["data:image/svg+"]
    assert all("://" not in link for link in page.having("href"))
    assert set(page.having("href")) == {
        "figures/growth.svg", "figures/growth.png", "figures/growth.csv", "tables/a%20b.csv",
    }  # fmt: skip
    assert "url(" not in text
    assert "@import" not in text


def test_all_texts_are_escaped(tmp_path: Path) -> None:
    text = write(tmp_path).read_text(encoding="utf-8")
    assert "<script" not in text
    assert text.count("&lt;script") >= 8
    assert html_table(["<b>"], [["<i>"]]).count("&lt;") == 2


def test_headers_stand_where_their_columns_do() -> None:
    table = html_table(["name", "n", "p"], [["a", 1, None], ["b", 2.5, float("nan")]])
    assert '<th scope="col">name</th>' in table
    assert '<th scope="col" class="number">n</th><th scope="col" class="number">p</th>' in table
    assert '<td>b</td><td class="number">2.5</td><td class="number">–</td>' in table
    assert "number" not in html_table(["n"], [])


def test_what_was_not_found_is_as_plain_as_what_was(tmp_path: Path) -> None:
    text = write(tmp_path, findings=[FOUND, {**FOUND, "verdict": "not found"}]).read_text()
    assert "2 predictions: 1 supported, 1 not found." in text
    assert '<li class="supported"><strong>1. ✓ supported</strong>' in text
    assert '<li class="not-found"><strong>2. ○ not found</strong>' in text
    assert "1 supported, 1 not tested." in write(tmp_path).read_text()
    assert "nothing was tested" in write(tmp_path, findings=[], verdicts=[]).read_text()


def test_numbers_of_the_page_are_in_the_files(tmp_path: Path) -> None:
    text = write(tmp_path).read_text(encoding="utf-8")
    numbers = report_numbers(text)
    assert {"12.3", "0.00025", "14.7", "1.23", "0.000123", "0.143"} <= set(numbers)
    assert unfounded(text, tmp_path) == []
    wrong = text.replace("12.3", "12.4").replace("1.23", "-1.23")
    assert set(unfounded(wrong, tmp_path)) == {"12.4"}


def test_files_beside_the_page(tmp_path: Path) -> None:
    many = [figure("a/b"), figure("A b"), figure("../c", rows=100)]
    write(tmp_path, figures=[*many, figure("old")])
    text = write(tmp_path, figures=many).read_text(encoding="utf-8")
    names = {path.name for path in (tmp_path / "figures").iterdir()}
    assert names == {f"{n}.{e}" for n in ("a-b", "A-b-2", "c") for e in ("svg", "png", "csv")}
    with (tmp_path / "figures" / "c.csv").open() as file:
        rows = list(csv.reader(file))
    assert [float(y) for _, y in rows[1:]] == [i / 7 for i in range(100)]
    assert text.count("<details>") == 2  # the third has too many rows


def test_the_same_study_gives_the_same_bytes(tmp_path: Path) -> None:
    first = write(tmp_path).read_bytes()
    assert write(tmp_path).read_bytes() == first


def test_without_matplotlib_the_last_report_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.*")}
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match="matplotlib"):
        write(tmp_path, title="Another")
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.*")} == before


def test_a_folder_that_cannot_be_written_is_one_message(tmp_path: Path) -> None:
    (tmp_path / "figures").touch()
    with pytest.raises(StoreError, match="cannot be written"):
        write(tmp_path)


@pytest.mark.parametrize(
    ("value", "shown"),
    [(1234567, "1,234,567"), (1234.56, "1235"), (0.07796, "0.078"), (0.0, "0"), (-2e-7, "-2e-07")],
)
def test_numbers_are_rounded_to_three_digits(value: float, shown: str) -> None:
    assert number(value) == shown
