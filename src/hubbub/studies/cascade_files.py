"""Real cascades: how to read them, and how to convert the public Twitter15/16 release.

A folder of cascades holds files NAME_edges.csv.gz (or .csv) and NAME_labels.csv:

- edges: cascade_id, parent_user, child_user, delay_min, parent_delay_min (minutes since the root's
  post), kind (rt: the child retweeted; re: it replied), in_tree (1 where the child joins by this
  edge; a user joins once);
- labels: cascade_id, label, root_user, start_utc (2014-05-01T13:45Z), and optionally oasis_topic,
  filled in for the cascades that OASIS simulated (arXiv 2411.11581), and text, the message.

The reader returns the tree of retweets. A user who retweeted a reply hangs on the nearest retweeter
above it.
"""

from __future__ import annotations

import csv
import gzip
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from hubbub.analysis.growth import Growth, growth, roots_and_depths, trees_of_edges, without
from hubbub.errors import DataError
from hubbub.population.table_files import read_table

#: The times at which cascades are compared, in minutes since the root's post: 50 steps of three.
STEP_MINUTES = 3.0
STEPS = 50
MINUTES: NDArray[np.float64] = STEP_MINUTES * np.arange(STEPS + 1.0)
MEASURES = ("scale", "depth", "max_breadth")

_EDGES = ("cascade_id", "parent_user", "child_user", "delay_min", "parent_delay_min", "kind",
          "in_tree")  # fmt: skip
_LABELS = ("cascade_id", "label", "root_user", "start_utc", "oasis_topic")
_FLOAT = pa.float64()
_NEEDED = (_EDGES[:4] + _EDGES[5:], _LABELS[:4])


@dataclass(frozen=True, slots=True)
class Ties:
    """What a simulation may know of a cascade: its users, who follows whom, and when it began.

    Row 0 of n is the root; the others are in the order of their user ids. `parent` int64[n] is the
    row that each one follows (-1: root), `depth` int64[n] the distance to the root. `text` is the
    message, where it is known.
    """

    name: str
    start: datetime
    parent: NDArray[np.int64]
    depth: NDArray[np.int64]
    text: str = ""

    def __len__(self) -> int:
        return len(self.parent)

    @property
    def children(self) -> NDArray[np.int64]:
        """How many follow each user, int64[n]."""
        return np.bincount(self.parent[1:], minlength=len(self))

    def growth(self, time: NDArray[np.float64], at: NDArray[np.float64]) -> Growth:
        """Return how this tree grows if its members join at these times, float64[n]."""
        return growth(self.parent, time, at)


@dataclass(frozen=True, slots=True)
class Cascade:
    """A real cascade: its ties, its label, and when each user joined, in minutes."""

    ties: Ties
    label: str
    minutes: NDArray[np.float64]

    def curves(self) -> NDArray[np.float64]:
        """Return scale, depth and maximum breadth at MINUTES, float64[3, 51]."""
        curves: NDArray[np.float64] = curves_of(self.ties.growth(self.minutes, MINUTES))[0]
        return curves

    def whole(self) -> NDArray[np.float64]:
        """Return the measures of the whole tree of ties, float64[3]."""
        everybody = self.ties.growth(np.zeros(len(self.ties)), np.zeros(1))
        whole: NDArray[np.float64] = curves_of(everybody)[0, :, 0]
        return whole


def curves_of(found: Growth) -> NDArray[np.float64]:
    """Return the three compared measures of c cascades at p times, float64[c, 3, p]."""
    return np.stack([getattr(found, name) for name in MEASURES], axis=1).astype(np.float64)


def read_cascades(folder: Path, *, only_oasis: bool = False) -> list[Cascade]:
    """Return the cascades of a folder, by name; with the flag, only those that OASIS simulated.

    Cascades without a retweet are left out: there is nothing to predict. DataError says what is
    missing or wrong.
    """
    found: list[Cascade] = []
    for edges, labels in _files(folder):
        rows = _labels(labels, only_oasis=only_oasis)
        found += _cascades(edges, rows)
    if not found:
        marked = " that OASIS simulated (column oasis_topic of the labels)" if only_oasis else ""
        raise DataError(f"{folder}: there are no cascades{marked} in it")
    return sorted(found, key=lambda c: c.ties.name)


def _files(folder: Path) -> list[tuple[Path, Path]]:
    """Return the pairs of edges and labels in a folder."""
    if not folder.is_dir():
        raise DataError(f"there is no folder {folder}")
    pairs = []
    for edges in sorted([*folder.glob("*_edges.csv.gz"), *folder.glob("*_edges.csv")]):
        labels = folder / f"{edges.name.split('_edges.csv')[0]}_labels.csv"
        if not labels.exists():
            raise DataError(f"{edges}: there is no {labels.name} beside it")
        pairs.append((edges, labels))
    if not pairs:
        raise DataError(
            f"{folder}: no *_edges.csv.gz in it. To convert the public release of Twitter15 or "
            "Twitter16 (label.txt and tree/*.txt):  hubbub data twitter1516 RELEASE --out DIR"
        )
    return pairs


def _columns(path: Path, names: Sequence[str]) -> pa.Table:
    table = read_table(path, "csv")
    missing = [name for name in names if name not in table.column_names]
    if missing:
        raise DataError(f"{path}: the column {' and '.join(map(repr, missing))} is missing")
    return table


def _labels(path: Path, *, only_oasis: bool) -> dict[str, Mapping[str, str]]:
    """Return the wanted rows of a file of labels by cascade."""
    rows = _columns(path, _NEEDED[1]).to_pylist()
    return {r["cascade_id"]: r for r in rows if not only_oasis or r.get("oasis_topic")}


def _cascades(path: Path, labels: Mapping[str, Mapping[str, str]]) -> Iterator[Cascade]:
    table = _columns(path, _NEEDED[0])
    table = table.filter(pc.is_in(table["cascade_id"], pa.array(list(labels), pa.string())))
    table = table.filter(pc.equal(table["in_tree"], "1"))
    child, parent = (_numbers(table, path, c, pa.int64()) for c in ("child_user", "parent_user"))
    names = np.asarray(table["cascade_id"].to_pylist())
    try:
        trees = trees_of_edges(names, child, parent, _numbers(table, path, "delay_min"))
        replied = np.zeros(len(trees.parent), np.bool_)
        replied[: len(child)] = pc.not_equal(table["kind"], "rt").to_numpy()
        trees = without(trees, replied)
        _, depth = roots_and_depths(trees.parent)
    except ValueError as error:
        raise DataError(f"{path}: {error}") from None
    order = np.lexsort((trees.member, depth > 0, trees.cascade))
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    bounds = [*np.flatnonzero(trees.parent[order] < 0), len(order)]
    for first, end in pairwise(bounds):
        members = order[first:end]
        if len(members) < 2:
            continue
        row = labels[str(trees.cascade[members[0]])]
        above = np.where(trees.parent[members] < 0, -1, place[trees.parent[members]] - first)
        ties = Ties(
            row["cascade_id"], _start(row, path), above, depth[members], row.get("text") or ""
        )
        yield Cascade(ties, row["label"], trees.time[members])


def _numbers(table: pa.Table, path: Path, column: str, kind: pa.DataType = _FLOAT) -> NDArray[Any]:
    try:
        numbers = np.asarray(pc.cast(table[column], kind).to_numpy())
    except pa.ArrowException:
        numbers = np.array([np.nan])
    if not np.isfinite(numbers).all():
        whole = "whole " if pa.types.is_integer(kind) else ""
        raise DataError(f"{path}: the column '{column}' must hold {whole}numbers only")
    return numbers


def _start(row: Mapping[str, str], path: Path) -> datetime:
    try:
        start = datetime.fromisoformat(row["start_utc"])
    except ValueError:
        raise DataError(
            f"{path}: the cascade {row['cascade_id']} starts at {row['start_utc']!r}, which is no "
            "time like 2014-05-01T13:45Z"
        ) from None
    return start if start.tzinfo is None else start.astimezone(UTC).replace(tzinfo=None)


# -- the public release ---------------------------------------------------------------------------

#: A line of a tree: ['uid', 'tweet', 'minutes']->['uid', 'tweet', 'minutes'].
_LINE = re.compile(r"\[\s*'([^']*)',\s*'([^']*)',\s*'([^']*)'\s*\]" * 2)
#: Milliseconds from 1970 to the epoch of tweet ids, whose upper 42 bits count milliseconds
#: (Twitter's Snowflake, in use since November 2010).
_SNOWFLAKE = 1_288_834_974_657


def convert(release: Path, out: Path, name: str = "cascades") -> int:
    """Convert Twitter15 or Twitter16 as published (Ma, Gao, Wong 2017, doi:10.18653/v1/P17-1066).

    `release` holds label.txt (label:tweet) and tree/TWEET.txt, a line per edge. A retweet has the
    id of the tweet at the root, a reply its own. A user joins by its earliest edge from somebody
    who is in the tree; the other edges are kept with in_tree 0. The release does not say which
    cascades OASIS simulated. Write NAME_edges.csv.gz and NAME_labels.csv into the folder `out`;
    return the number of cascades. DataError for a release that cannot be read.
    """
    labels = _release_labels(release / "label.txt")
    out.mkdir(parents=True, exist_ok=True)
    edges_file, labels_file = out / f"{name}_edges.csv.gz", out / f"{name}_labels.csv"
    with (
        gzip.open(edges_file, "wt", encoding="utf-8", newline="") as edges,
        labels_file.open("w", encoding="utf-8", newline="") as heads,
    ):
        edge_rows, head_rows = csv.writer(edges), csv.writer(heads)
        edge_rows.writerow(_EDGES)
        head_rows.writerow(_LABELS)
        for tweet, label in sorted(labels.items()):
            root, rows = _release_tree(release / "tree" / f"{tweet}.txt", tweet)
            edge_rows.writerows((f"t{tweet}", *row) for row in rows)
            head_rows.writerow((f"t{tweet}", label, root, _tweeted(tweet), ""))
    return len(labels)


def _release_labels(path: Path) -> dict[str, str]:
    labels = {}
    for number, line in enumerate(_lines(path), start=1):
        label, _, tweet = line.partition(":")
        if not tweet.strip().isdigit():
            raise DataError(f"{path}, line {number}: {line[:40]!r} is not 'label:tweet id'")
        labels[tweet.strip()] = label.strip()
    return labels


Edge = tuple[str, str, float, float, str, int]


def _release_tree(path: Path, tweet: str) -> tuple[str, list[Edge]]:
    """Return the root's user and the edges of a tree, as rows of _EDGES after the first column."""
    root, found = "", []
    for number, line in enumerate(_lines(path), start=1):
        match = _LINE.fullmatch(line.replace("->", ""))
        try:
            parent, _, before, child, what, delay = match.groups() if match else ()
            times = float(delay), float(before)
        except ValueError:
            raise DataError(f"{path}, line {number}: {line[:60]!r} is not an edge") from None
        if parent == "ROOT":
            root = child
        else:
            found.append((parent, child, *times, "rt" if what == tweet else "re"))
    if not root:
        raise DataError(f"{path}: no line begins with 'ROOT'")
    return root, _joined(root, found)


def _joined(root: str, edges: Iterable[tuple[str, str, float, float, str]]) -> list[Edge]:
    """Return the edges by time, with whether the child joins by each."""
    rows = sorted(edges, key=lambda edge: edge[2])
    there, by = {root}, set()
    more = True
    while more:  # an edge may stand before the one by which its parent joins
        before = len(there)
        for i, (parent, child, *_) in enumerate(rows):
            if parent in there and child not in there:
                there.add(child)
                by.add(i)
        more = len(there) > before
    return [(*row, int(i in by)) for i, row in enumerate(rows)]


def _tweeted(tweet: str) -> str:
    moment = datetime(1970, 1, 1) + timedelta(milliseconds=(int(tweet) >> 22) + _SNOWFLAKE)  # noqa: DTZ001 - written as UTC
    return moment.strftime("%Y-%m-%dT%H:%MZ")


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: cannot be read: {error}") from None
    return [line.strip() for line in text.splitlines() if line.strip()]
