"""Export of the follow graph, with the agents' fields, as GraphML (networkx, Gephi, igraph)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape, quoteattr

import pyarrow as pa

from hubbub.store.ledger import Ledger

if TYPE_CHECKING:
    from hubbub.store.run import RunStore

_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
"""
#: Characters that XML 1.0 can't carry.
_UNFIT = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_CHUNK = 50_000


def export_graphml(store: RunStore, out: Path) -> None:
    """Write a directed graph: an edge from follower to followee, with the `step` of the tie."""
    agents = store.agents().drop_columns(["extra"])
    with store.database.snapshot():
        follows = Ledger(store.database, ["follow"]).standing("follow")
    with out.open("w", encoding="utf-8", newline="\n") as file:
        file.write(_HEAD)
        for number, field in enumerate(agents.schema):
            name, kind = quoteattr(_clean(field.name)), _kind(field.type)
            file.write(f'<key id="d{number}" for="node" attr.name={name} attr.type="{kind}"/>\n')
        file.write('<key id="step" for="edge" attr.name="step" attr.type="long"/>\n')
        file.write('<graph id="follow" edgedefault="directed">\n')
        file.writelines(_nodes(agents))
        for at in range(0, len(follows.left), _CHUNK):
            rows = slice(at, at + _CHUNK)
            columns = (c[rows].tolist() for c in (follows.left, follows.right, follows.step))
            file.writelines(
                f'<edge source="{a}" target="{b}"><data key="step">{s}</data></edge>\n'
                for a, b, s in zip(*columns, strict=True)
            )
        file.write("</graph>\n</graphml>\n")


def _nodes(agents: pa.Table) -> Iterator[str]:
    for batch in agents.to_batches(max_chunksize=_CHUNK):
        columns = [_texts(column) for column in batch.columns]
        for agent, values in zip(batch["id"].to_pylist(), zip(*columns, strict=True), strict=True):
            data = "".join(
                f'<data key="d{n}">{v}</data>' for n, v in enumerate(values) if v is not None
            )
            yield f'<node id="{agent}">{data}</node>\n'


def _texts(column: pa.Array) -> list[str | None]:
    """Return the values as they stand in XML, None for missing ones."""
    values: list[Any] = column.to_pylist()
    if pa.types.is_boolean(column.type):
        return [None if v is None else str(v).lower() for v in values]
    return [None if v is None else escape(_clean(str(v))) for v in values]


def _clean(text: str) -> str:
    return _UNFIT.sub("\ufffd", text)


def _kind(kind: pa.DataType) -> str:
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_integer(kind):
        return "long"
    return "double" if pa.types.is_floating(kind) else "string"
