"""Slates and opinion changes as compressed Arrow blobs, and the hash of a run's content."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from hubbub.actions import OpinionChanges
from hubbub.world import Events, Slate


@dataclass(frozen=True, slots=True)
class Committed:
    """What one transaction added: a finished step, or what was done between two steps.

    `texts` are the new texts in the order of their ids; `exclusive` says whether reactions were
    exclusive. To rebuild the world: set its step and exclusive_reactions, intern the texts, fold
    the events, fold the slate if there is one.
    """

    step: int
    events: Events
    texts: list[str]
    slate: Slate | None
    finished: bool
    exclusive: bool


def pack(batch: pa.RecordBatch) -> bytes:
    """Return the batch as an Arrow stream, lightly compressed: this is on the hot path."""
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression=pa.Codec("zstd", compression_level=1))
    with pa.ipc.new_stream(sink, batch.schema, options=options) as writer:
        writer.write_batch(batch)
    return sink.getvalue().to_pybytes()  # type: ignore[no-any-return]


def unpack(data: bytes) -> pa.Table:
    """Return what `pack` wrote."""
    with pa.ipc.open_stream(data) as reader:
        return reader.read_all().combine_chunks()


def slate_blob(slate: Slate, *, complete: bool) -> bytes:
    """Return a slate as a blob: one row per agent with the list of items shown.

    Without `complete`, scores and sources are left out: a replay needs only the items.
    """
    values = [pa.array(slate.items)]
    names = ["item"]
    if complete:
        values += [pa.array(slate.scores), pa.array(slate.sources)]
        names += ["score", "source"]
    shown = pa.ListArray.from_arrays(
        pa.array(slate.offsets.astype(np.int32)), pa.StructArray.from_arrays(values, names)
    )
    return pack(pa.record_batch([pa.array(slate.agents), shown], ["agent", "shown"]))


def slate_of(data: bytes) -> Slate:
    """Return the slate of a blob; scores and sources that were not kept are 0."""
    table = unpack(data)
    if not table.num_rows:
        return Slate.empty(np.empty(0, np.int32))
    shown = table["shown"].chunk(0)
    values = shown.values
    items = values.field("item").to_numpy()
    kept = values.type.get_field_index("score") >= 0
    return Slate(
        table["agent"].to_numpy(),
        shown.offsets.to_numpy().astype(np.int64),
        items,
        values.field("score").to_numpy() if kept else np.zeros(len(items), np.float32),
        values.field("source").to_numpy() if kept else np.zeros(len(items), np.uint8),
    )


def opinions_blob(changes: OpinionChanges) -> bytes:
    """Return opinion changes as a blob."""
    columns = [pa.array(changes.agent), pa.array(changes.topic), pa.array(changes.value)]
    return pack(pa.record_batch(columns, ["agent", "topic", "value"]))


def opinions_of(data: bytes) -> OpinionChanges:
    """Return the opinion changes of a blob."""
    table = unpack(data)
    return OpinionChanges(*(table[n].to_numpy() for n in ("agent", "topic", "value")))


class Digest:
    """A running hash of content: of values, never of their compression or layout."""

    def __init__(self, previous: str = "") -> None:
        self._hash = blake2b(previous.encode(), digest_size=16)

    def values(self, *values: int) -> None:
        """Add integers."""
        self._hash.update(np.array(values, "<i8").tobytes())

    def column(self, values: NDArray[Any]) -> None:
        """Add a column: its length and its values in little-endian order."""
        self.values(len(values))
        self._hash.update(
            np.ascontiguousarray(values, values.dtype.newbyteorder("<")).view(np.uint8).data
        )

    def texts(self, texts: Sequence[str]) -> None:
        """Add texts: their lengths in bytes, then the bytes (UTF-8)."""
        encoded = [t.encode() for t in texts]
        self.column(np.array([len(e) for e in encoded], np.int64))
        self._hash.update(b"".join(encoded))

    def rows(self, rows: Iterable[Sequence[Any]]) -> None:
        """Add rows of plain values."""
        self._hash.update(json.dumps(list(rows), ensure_ascii=True).encode())

    def blob(self, name: str, data: bytes) -> None:
        """Add a blob; an Arrow stream or file counts by its values."""
        self.texts([name])
        table = _arrow(data)
        if table is None:
            self.column(np.frombuffer(data, np.uint8))
            return
        for column_name in table.column_names:
            self.texts([column_name])
            whole = table[column_name].combine_chunks()
            for array in whole.chunks if isinstance(whole, pa.ChunkedArray) else [whole]:
                self._array(array)

    def _array(self, array: pa.Array) -> None:
        kind = array.type
        if pa.types.is_dictionary(kind):
            self._array(array.dictionary_decode())
        elif pa.types.is_fixed_size_list(kind):
            self._array(array.flatten())
        elif pa.types.is_primitive(kind) and not array.null_count:
            self.column(array.to_numpy(zero_copy_only=False))
        elif (pa.types.is_string(kind) or pa.types.is_large_string(kind)) and not array.null_count:
            self._string_array(array.cast(pa.large_string()))
        else:
            self.texts([json.dumps(array.to_pylist(), default=str)])

    def _string_array(self, array: pa.LargeStringArray) -> None:
        """Add what `texts` would add, without making each text."""
        _, ends, data = array.buffers()
        at = np.frombuffer(ends, np.int64)[array.offset : array.offset + len(array) + 1]
        self.column(np.diff(at))
        if len(array):
            self._hash.update(memoryview(data)[at[0] : at[-1]])

    def part(self, part: Committed, items: Sequence[NDArray[Any]]) -> None:
        """Add one transaction. `items` are the fixed columns of its new items, int32 each.

        Scores are left out: their last bits may depend on a machine's logarithm. What was shown and
        why does not.
        """
        self.values(part.step, part.finished, part.exclusive)
        for name in Events.columns():
            self.column(getattr(part.events, name))
        self.texts(part.texts)
        for column in items:
            self.column(column)
        changes = part.events.opinions
        for column in (changes.agent, changes.topic, changes.value):
            self.column(column)
        if part.slate is not None:
            slate = part.slate
            for column in (slate.agents, slate.offsets, slate.items, slate.sources):
                self.column(column)

    def hexdigest(self) -> str:
        """Return the hash as text."""
        return self._hash.hexdigest()


def _arrow(data: bytes) -> pa.Table | None:
    if data[:6] == b"ARROW1":
        return pa.ipc.open_file(data).read_all()
    if data[:4] == b"\xff\xff\xff\xff":
        return pa.ipc.open_stream(data).read_all()
    return None
