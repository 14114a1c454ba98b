"""A population as named blobs and back, bit for bit: what a run folder keeps for `resume`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import ipc

from hubbub.world import Population

_COLUMNS = ("core", "topics", "curve", "rate", "sharing", "verbosity", "contrary")
_MATRICES = ("interest", "opinions", "curves")
#: Bytes per blob before compression, so that no blob comes near SQLite's limit of 1 GB.
_PART = 1 << 27
_ROWS = 1 << 17  # rows per compressed batch inside a blob


def to_blobs(population: Population) -> dict[str, bytes]:
    """Return the population as Arrow IPC streams compressed with zstd, each below 256 MB.

    Names are like profiles/0000: profiles, columns, interest, opinions, curves, posts, notes and
    follows, each in as many parts as it needs.
    """
    columns = {name: pa.array(getattr(population, name)) for name in _COLUMNS}
    authors = pa.array([a for a, _ in population.posts], pa.int32())
    texts = pa.array([t for _, t in population.posts], pa.string())
    tables = {
        "profiles": population.profiles,
        "columns": pa.table(columns),
        **{name: _matrix_table(getattr(population, name)) for name in _MATRICES},
        "posts": pa.table({"author": authors, "text": texts}),
        "notes": pa.table({"note": pa.array(population.notes, pa.string())}),
    }
    blobs = {}
    for name, table in tables.items():
        for i, part in enumerate(_parts(table)):
            blobs[f"{name}/{i:04d}"] = _written(part)
    edges = _PART // population.follows.itemsize
    for i, first in enumerate(range(0, max(len(population.follows), 1), edges)):
        keys = population.follows[first : first + edges]
        blobs[f"follows/{i:04d}"] = _written(_edge_table(keys))
    return blobs


def from_blobs(blobs: dict[str, bytes]) -> Population:
    """Return the population that `to_blobs` was given. All its arrays are writable."""
    columns = _table(blobs, "columns")
    posts = _table(blobs, "posts").to_pydict()
    follows = [_keys(_read(blobs[name])) for name in _names(blobs, "follows")]
    return Population(
        profiles=_table(blobs, "profiles"),
        **{name: np.array(columns.column(name).to_numpy()) for name in _COLUMNS},
        **{name: _matrix(_table(blobs, name)) for name in _MATRICES},
        follows=np.concatenate(follows),
        posts=list(zip(posts["author"], posts["text"], strict=True)),
        notes=_table(blobs, "notes").column("note").to_pylist(),
    )


def _parts(table: pa.Table) -> Iterator[pa.Table]:
    """Yield the table in slices of at most about _PART bytes; at least one."""
    count = max(1, -(-table.nbytes // _PART))
    rows = max(1, -(-table.num_rows // count))
    for first in range(0, max(table.num_rows, 1), rows):
        yield table.slice(first, rows)


def _written(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    options = ipc.IpcWriteOptions(
        compression=pa.Codec("zstd", compression_level=1), unify_dictionaries=True
    )
    with ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=_ROWS)
    result: bytes = sink.getvalue().to_pybytes()
    return result


def _names(blobs: dict[str, bytes], name: str) -> list[str]:
    return sorted(n for n in blobs if n.startswith(f"{name}/"))


def _table(blobs: dict[str, bytes], name: str) -> pa.Table:
    parts = pa.concat_tables([_read(blobs[n]) for n in _names(blobs, name)])
    return parts.unify_dictionaries()


def _read(blob: bytes) -> pa.Table:
    with ipc.open_stream(pa.BufferReader(blob)) as reader:
        return reader.read_all()


def _matrix_table(matrix: NDArray[Any]) -> pa.Table:
    """Return a matrix as a table of fixed-size lists."""
    flat = pa.array(matrix.reshape(-1))
    return pa.table({"row": pa.FixedSizeListArray.from_arrays(flat, matrix.shape[1])})


def _matrix(table: pa.Table) -> NDArray[Any]:
    kind = table.column("row").type
    dtype = kind.value_type.to_pandas_dtype()
    parts = [chunk.flatten().to_numpy() for chunk in table.column("row").chunks]
    return np.concatenate([np.empty(0, dtype), *parts]).reshape(-1, kind.list_size)


def _edge_table(keys: NDArray[np.int64]) -> pa.Table:
    """Return sorted keys as (increment of the follower's id, followee): smaller and fast."""
    follower = (keys >> np.int64(32)).astype(np.int32)
    step = np.diff(follower, prepend=np.int32(0))
    followee = (keys & np.int64(0xFFFFFFFF)).astype(np.int32)
    return pa.table({"step": step, "followee": followee})


def _keys(table: pa.Table) -> NDArray[np.int64]:
    keys = np.cumsum(table.column("step").to_numpy(), dtype=np.int64)
    keys <<= np.int64(32)
    keys |= table.column("followee").to_numpy()
    return keys
