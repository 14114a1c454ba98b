"""How things look in a terminal, and in a log without one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from rich import box
from rich.cells import cell_len, set_cell_size
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

#: Columns of numbers that are names, not amounts.
_IDS = ("agent", "post", "item", "id", "step")
_BARS, _PLAIN_BARS = " ▁▂▃▄▅▆▇█", " .:-=+*#@"
_RULE = box.Box("    \n    \n -- \n    \n    \n    \n    \n    \n", ascii=True)
#: Spaces between two columns, and the least room for the last.
_GAP, _LEAST = 2, 20


def console(*, error: bool = False) -> Console:
    """Return a console that takes all text as it is: posts may contain anything."""
    return Console(stderr=error, markup=False, emoji=False, highlight=False)


def clean(text: object) -> str:
    """Return a text in one line, without characters that would steer a terminal."""
    return "".join(c if c.isprintable() else " " for c in str(text))


def cut(text: object, width: int) -> str:
    """Return a text in one line of at most `width` columns, cut with ... if it is longer."""
    line = clean(text)
    return line if cell_len(line) <= width else set_cell_size(line, width - 3).rstrip() + "..."


def amount(money: float) -> str:
    """Return an amount of money: with two decimals, or if it is small, with two digits."""
    return f"{money:,.2f}" if money >= 1 or not money else f"{money:.2g}"


def show(screen: Console, what: RenderableType) -> None:
    """Print something laid out in columns, outside a terminal without spaces at line ends."""
    if screen.is_terminal:
        screen.print(what)
        return
    with screen.capture() as captured:
        screen.print(what)
    for line in captured.get().rstrip("\n").split("\n"):
        screen.print(line.rstrip(), soft_wrap=True)


def heading(screen: Console, title: str) -> None:
    """Print a title after a blank line."""
    screen.print()
    screen.print(Text(title, style="bold"))


def table(
    screen: Console, title: str, headers: Sequence[str], rows: Iterable[Sequence[object]]
) -> None:
    """Print a title and a table; a last column named `text` is cut to what fits in one line.

    Columns of numbers stand to the right.
    """
    values = [list(row) for row in rows]
    cells = [[_cell(h, v) for h, v in zip(headers, row, strict=True)] for row in values]
    if headers[-1] == "text":
        room = max(_LEAST, screen.width - _taken(headers[:-1], cells))
        for row in cells:
            row[-1] = cut(row[-1], room)
    result = Table(
        box=_RULE if screen.options.ascii_only else box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        collapse_padding=True,
    )
    for i, header in enumerate(headers):
        numbers = bool(values) and all(isinstance(r[i], int | float) or r[i] == "" for r in values)
        result.add_column(
            header, justify="right" if numbers else "left", overflow="fold", no_wrap=i == 0
        )
    for row in cells:
        result.add_row(*map(Text, row))
    heading(screen, title)
    show(screen, result)


def _taken(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """Return the columns that all but the last column need."""
    widths = [max(cell_len(r[i]) for r in [headers, *rows]) for i in range(len(headers))]
    return sum(widths) + _GAP * len(widths)


def _cell(header: str, value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return str(value) if header in _IDS else f"{value:,}"
    return f"{value:,.2f}" if isinstance(value, float) else clean(value)


def bars(screen: Console, values: Sequence[float]) -> None:
    """Print a line of bars for the values, averaged down to as many as fit."""
    if not len(values):
        return
    n = min(screen.width - 2, 76, len(values))
    edges = [round(i * len(values) / n) for i in range(n + 1)]
    means = [sum(values[a:b]) / (b - a) for a, b in pairwise(edges)]
    top = max(means) or 1.0
    signs = _PLAIN_BARS if screen.options.ascii_only else _BARS
    line = "".join(signs[max(1, round(m / top * 8)) if m > 0 else 0] for m in means)
    screen.print(line.rstrip(), soft_wrap=True)
