"""Calls of language models as rows: written with a step, found again by a replay."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import pyarrow as pa

from hubbub.llm.chat import ChatRequest, Completion
from hubbub.store.database import Database

#: Characters of a reply that are kept.
REPLY_CHARS = 65_536
_CUT: Final = " [cut]"
_NOT_TEXT = re.compile("[\ud800-\udfff\x00]")
_ADDRESS = ("step", "agent", "purpose", "number")
_REQUEST = ("model", "request", "system", "shape", "max_tokens", "seed")
#: Fields of a Completion that are columns of the same name.
_OUTCOME = ("failure", "prompt_tokens", "cached_tokens", "completion_tokens", "latency", "waited",
            "attempts", "endpoint", "mode", "finish")  # fmt: skip
COLUMNS = (*_ADDRESS, *_REQUEST, *_OUTCOME, "cost", "recorded", "prompt", "reply")
#: A row that comes from a replay does not replace the call that was made and paid for.
_KEPT = (
    f"ON CONFLICT ({', '.join(_ADDRESS)}) DO UPDATE SET "
    + ", ".join(f'"{c}" = excluded."{c}"' for c in COLUMNS[len(_ADDRESS) :])
    + " WHERE excluded.recorded = 0 OR recorded = 1 OR excluded.request <> request"
)


@dataclass(frozen=True, slots=True)
class CompletionRow:
    """One call and its result.

    Step, agent, purpose and number are its address: `purpose` is ``turn``, or the name of a survey
    after a ``?``; `number` counts the calls of one turn from 0. `cost` is in the currency of the
    prices.
    """

    step: int
    agent: int
    purpose: str
    number: int
    request: ChatRequest
    completion: Completion
    cost: float = 0.0


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """A call as it was made: `request` is its digest, `shape` the JSON text of the schema."""

    request: str
    model: str
    system: str
    prompt: str
    shape: str | None
    max_tokens: int
    seed: int
    completion: Completion


def kept_text(text: str) -> str:
    """Return a text as a run keeps it.

    Longer texts are cut, with a mark; NUL and half surrogate pairs, which a file cannot hold,
    become U+FFFD. Act on this text, not on the reply itself, so that a replay does the same.
    """
    if len(text) > REPLY_CHARS:
        text = text[: REPLY_CHARS - len(_CUT)] + _CUT
    return clean(text)


def as_kept(completion: Completion) -> Completion:
    """Return a completion with its text as a run keeps it."""
    text = completion.text
    if text is None or (len(text) <= REPLY_CHARS and text == clean(text)):
        return completion
    return replace(completion, text=kept_text(text))


def clean(text: str) -> str:
    """Return the text with U+FFFD for what a file cannot hold."""
    if "\x00" not in text:
        try:
            text.encode()  # three times as fast as looking for what it can't encode
        except UnicodeEncodeError:
            pass
        else:
            return text
    return _NOT_TEXT.sub("\ufffd", text)


def write_completions(db: Database, rows: Sequence[CompletionRow]) -> None:
    """Write calls, inside the current transaction; a later one of the same address replaces it."""
    if not rows:
        return
    heads = {row.request.system for row in rows}
    shapes = {row.request.shape.raw for row in rows if row.request.shape is not None}
    head_id, shape_id = intern(db, heads), _intern_shapes(db, shapes)
    db.insert("completion", COLUMNS, (_values(r, head_id, shape_id) for r in rows), rest=_KEPT)


def intern(db: Database, texts: Iterable[str]) -> dict[str, int]:
    """Return the ids of shared texts in the table prompt, inside the current transaction."""
    known = {}
    for text in sorted(texts):  # not in the order of a set, which differs from run to run
        content = clean(text)
        db.insert("prompt", ("content",), [(content,)], rest="ON CONFLICT DO NOTHING")
        ((known[text],),) = db.rows("SELECT id FROM prompt WHERE content = ?", content)
    return known


def _intern_shapes(db: Database, shapes: set[bytes]) -> dict[bytes, int]:
    ids = intern(db, [raw.decode() for raw in shapes])
    return {raw: ids[raw.decode()] for raw in shapes}


def _values(
    row: CompletionRow, head_id: dict[str, int], shape_id: dict[bytes, int]
) -> tuple[Any, ...]:
    request, done = row.request, row.completion
    return (
        row.step,
        row.agent,
        row.purpose,
        row.number,
        request.model,
        request.digest(),
        head_id[request.system],
        None if request.shape is None else shape_id[request.shape.raw],
        request.max_tokens,
        request.seed,
        done.failure,
        done.prompt_tokens,
        done.cached_tokens,
        done.completion_tokens,
        done.latency,
        done.waited,
        done.attempts,
        clean(done.endpoint),
        done.mode,
        clean(done.finish),
        row.cost,
        int(done.recorded),
        clean(request.user),
        None if done.text is None else kept_text(done.text),
    )


class Record:
    """The calls of a run, for look-up. It reads one row at a time."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._by_digest: dict[str, int] | None = None

    def find(self, step: int, agent: int, purpose: str, number: int) -> RecordedCall | None:
        """Return the call of this address, None if there was none."""
        address = "step = ? AND agent = ? AND purpose = ? AND number = ?"
        rows = self._db.rows(f"{_CALL} WHERE {address}", step, agent, purpose, number)
        return _call(rows[0]) if rows else None

    def by_digest(self, digest: str) -> Completion | None:
        """Return the completion of a request (ChatRequest.digest()), if possible with a reply.

        Knows the calls that there were when this was first asked.
        """
        if self._by_digest is None:
            self._by_digest = self._digests()
        if digest not in self._by_digest:
            return None
        return _call(
            self._db.rows(f"{_CALL} WHERE c.id = ?", self._by_digest[digest])[0]
        ).completion

    def _digests(self) -> dict[str, int]:
        ids: dict[str, int] = {}
        for rows in self._db.chunks("SELECT request, id, failure FROM completion"):
            for request, number, failure in rows:
                if not failure or request not in ids:
                    ids[request] = number
        return ids


class KeptCalls:
    """The calls of a run that were kept from an interrupted step or survey.

    Which calls these are is known from the start. So for the turns that have none, which are nearly
    all, the answer needs no look at the file, which may be in use by a commit.
    """

    def __init__(self, settled: Callable[[], Database]) -> None:
        """Take a function that returns the database once nothing is being written."""
        self._settled = settled
        (last,) = settled().rows("SELECT coalesce(max(step), -1) FROM part WHERE finished = 1")[0]
        sql = f"SELECT {', '.join(_ADDRESS)} FROM completion WHERE step >= ?"
        rows = settled().rows(f"{sql} AND (step > ? OR purpose LIKE '?%')", last, last)
        self._addresses = frozenset(rows)

    def find(self, step: int, agent: int, purpose: str, number: int) -> RecordedCall | None:
        """Return the call of this address, None if none was kept."""
        address = (step, agent, purpose, number)
        return Record(self._settled()).find(*address) if address in self._addresses else None


_CALL = (
    "SELECT c.request, c.model, s.content, c.prompt, h.content, c.max_tokens, c.seed, c.reply, "
    f"{', '.join(f'c.{n}' for n in _OUTCOME)} FROM completion c "
    "JOIN prompt s ON s.id = c.system LEFT JOIN prompt h ON h.id = c.shape"
)


def _call(row: Sequence[Any]) -> RecordedCall:
    request, model, system, prompt, shape, max_tokens, seed, reply, *outcome = row
    found = dict(zip(_OUTCOME, outcome, strict=True))
    completion = Completion(reply, **found, recorded=True)
    return RecordedCall(request, model, system, prompt, shape, max_tokens, seed, completion)


_WORD = pa.dictionary(pa.int32(), pa.string())  # of which there are few
_COUNT, _SECONDS = pa.int32(), pa.float64()
SCHEMA = pa.schema(
    {
        "step": _COUNT,
        "agent": _COUNT,
        "user_name": pa.string(),
        "purpose": _WORD,
        "number": _COUNT,
        "model": _WORD,
        "reply": pa.large_string(),
        "failure": _WORD,
        "prompt": pa.large_string(),
        "system": _WORD,
        "shape": _WORD,
        "max_tokens": _COUNT,
        "seed": pa.int64(),
        "request": pa.string(),
        "prompt_tokens": _COUNT,
        "cached_tokens": _COUNT,
        "completion_tokens": _COUNT,
        "latency": _SECONDS,
        "waited": _SECONDS,
        "attempts": _COUNT,
        "endpoint": _WORD,
        "mode": _WORD,
        "finish": _WORD,
        "cost": pa.float64(),
        "recorded": pa.bool_(),
        "early": pa.bool_(),
    }
)
#: Rows per chunk of the table: a prompt takes some kB.
_AT_ONCE = 8_192


def completion_tables(db: Database) -> Iterator[pa.Table]:
    """Yield the calls in the order of their addresses, in chunks."""
    ordered = f"completion_named ORDER BY {', '.join(_ADDRESS)}"
    return named_tables(db, ordered, SCHEMA, size=_AT_ONCE)


def named_tables(
    db: Database, source: str, schema: pa.Schema, *, size: int = 65_536
) -> Iterator[pa.Table]:
    """Yield the rows of a view with these columns, in chunks; the first is empty.

    `source` is the view's name, and possibly an order.
    """
    yield schema.empty_table()
    names = ", ".join(f'"{n}"' for n in schema.names)
    for rows in db.chunks(f"SELECT {names} FROM {source}", size=size):
        columns = [
            pa.array(column, pa.int8()).cast(pa.bool_())
            if kind == pa.bool_()
            else pa.array(column, kind)
            for column, kind in zip(zip(*rows, strict=True), schema.types, strict=True)
        ]
        yield pa.table(columns, schema=schema)
