"""Profiles from a table: any file, or records written into the scenario.

Our fields and what they hold, whatever the file calls them (`population.columns`):

user_name    required, unique; name (default: the user name); bio; persona
topics       (or interested_topics) names of topics of interest; default: those the bio is near to
following    whom the agent follows: row numbers counted from 0, or user names
posts        texts that the agent has posted before step 1
frequencies  24 hourly figures of activity
core         is the agent a core user? 1 or 0, true or false
country      a code or English name, for the agent's clock; utc_offset in minutes goes before it
Any other column is kept as a field of the profile.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from hubbub.config.scenario import PopulationConfig
from hubbub.embed import Encoder
from hubbub.errors import DataError, did_you_mean
from hubbub.population import oasis
from hubbub.population.countries import find_country
from hubbub.population.edges import FollowList, follows_of_lists
from hubbub.population.interests import TopicFinder
from hubbub.population.lists import EMPTY, lists, place, texts
from hubbub.population.people import People
from hubbub.population.table_files import kind_of_file, read_table, readable, table_of, typed

_WORDS = ("user_name", "name", "bio", "persona")
_SPENT = ("topics", "following", "posts", "frequencies")  # what they say is kept elsewhere
_PLAIN = {f: f for f in (*_WORDS, "following", "posts", "frequencies", "core")}
_YES, _NO = ("1", "1.0", "true", "yes"), ("0", "0.0", "false", "no")


@dataclass(frozen=True, slots=True)
class ProfileTable:
    """A table of profiles: where it is from, which column is which field, which texts are empty."""

    table: pa.Table
    where: str
    columns: dict[str, str]
    empty: tuple[str, ...]
    rows_in_all: int

    def field(self, name: str) -> pa.ChunkedArray | None:
        """Return the column with this field of hubbub's, None if there is none."""
        column = self.columns.get(name)
        return None if column is None else self.table.column(column)

    def text(self, name: str) -> pa.ChunkedArray:
        """Return a field as strings, null where it is empty or missing."""
        column = self.field(name)
        if column is None:
            return pa.chunked_array([pa.nulls(self.table.num_rows, pa.string())])
        return texts(column, self.empty)


def read_people(
    config: PopulationConfig, topics: list[str], encoder: Encoder, base: Path, *, own_graph: bool
) -> People:
    """Return the agents of `config.file` or `config.records`.

    With `own_graph`, the follow lists of the source are read (and must be right) as well.
    """
    source = _open(config, base)
    if not source.table.num_rows:
        raise DataError(f"{source.where}: there are no profiles in it")
    notes: list[str] = []
    user_names = _user_names(source, config.duplicate_names, notes)
    fields = {"user_name": user_names, **_names_and_bios(source, user_names, notes)}
    fields |= _other_fields(source, notes)
    interests = _topic_names(source)
    if interests is not None:
        fields["interested_topics"] = pa.array(["; ".join(words) for words in interests])
    vectors = encoder.encode(_descriptions(fields, interests))
    follows = None
    following = source.field("following")
    if own_graph and following is not None:
        column = source.columns["following"]
        listed = FollowList(following, source.where, column, source.rows_in_all)
        follows = follows_of_lists(listed, user_names, notes)
    return People(
        profiles=pa.table(fields),
        core=_core(source),
        topics=_topic_bits(interests, vectors, TopicFinder(topics, encoder), notes),
        interest=vectors,
        utc_offset=_utc_offsets(source, notes),
        frequencies=_frequencies(source, notes),
        follows=follows,
        posts=_posts(source),
        notes=notes,
    )


def _open(config: PopulationConfig, base: Path) -> ProfileTable:
    if config.file is None:
        where, kind = "population.records", "records"
        table = table_of(config.records or [], where)
    else:
        path, kind = base / config.file, config.format
        where = str(config.file)
        read_as = {"oasis-reddit": "json", "oasis-twitter": "csv"}.get(kind, kind)
        table = read_table(path, kind_of_file(path) if read_as == "auto" else read_as)
    names = table.column_names
    if kind in ("auto", "records") and "user_name" not in config.columns:
        kind = oasis.detect(names) or kind
    preset = {"oasis-reddit": oasis.REDDIT, "oasis-twitter": oasis.TWITTER}.get(kind, _PLAIN)
    if preset is _PLAIN:
        topics = "topics" if "topics" in names else "interested_topics"
        preset = {**_PLAIN, "topics": topics}
    columns = {f: c for f, c in preset.items() if c in names}
    for field, column in config.columns.items():
        if column not in names:
            raise DataError(
                f"{where}: population.columns says that {field} is in the column '{column}', but "
                f"there is none{did_you_mean(column, names)}; it has {', '.join(map(repr, names))}"
            )
        columns[field] = column
    if "user_name" not in columns and table.num_rows:
        wanted = preset["user_name"]
        raise DataError(
            f"{where}: the column '{wanted}' is missing{did_you_mean(wanted, names)}; it has "
            f"{', '.join(map(repr, names))}. Say which one holds the user names:  "
            "population.columns: {user_name: ...}"
        )
    empty = EMPTY if preset in (oasis.REDDIT, oasis.TWITTER) else ("",)
    return ProfileTable(table.slice(0, config.limit), where, columns, empty, table.num_rows)


def _user_names(source: ProfileTable, duplicates: str, notes: list[str]) -> pa.ChunkedArray:
    names = source.text("user_name")
    column = source.columns["user_name"]
    if names.null_count:
        row = pc.index(pc.is_null(names), pa.scalar(value=True)).as_py()
        raise DataError(
            f"{place(source.where, row)}, field '{column}': the user name is empty"
            f"{_and_more(names.null_count)}. Every agent needs one of its own"
        )
    if pc.count_distinct(names).as_py() == len(names):
        return names
    first: dict[str, int] = {}
    result = names.to_pylist()
    taken, renamed = set(result), 0
    for row, name in enumerate(result):
        if name not in first:
            first[name] = row
            continue
        if duplicates == "error":
            count = len(names) - pc.count_distinct(names).as_py()
            raise DataError(
                f"{place(source.where, row)}, field '{column}': the user name '{name}' is already "
                f"that of row {first[name] + 1} (agent {first[name]}){_and_more(count)}. Make them "
                "distinct, or put  duplicate_names: rename  under population"
            )
        number = 2
        while f"{name}_{number}" in taken:
            number += 1
        result[row] = f"{name}_{number}"
        taken.add(result[row])
        renamed += 1
    notes.append(f"{_count(renamed, 'agent')} had another one's user name and got a number added.")
    return pa.chunked_array([result])


def _names_and_bios(
    source: ProfileTable, user_names: pa.ChunkedArray, notes: list[str]
) -> dict[str, pa.ChunkedArray]:
    name, bio, persona = (source.text(f) for f in ("name", "bio", "persona"))
    if name.null_count:
        notes.append(f"{_count(name.null_count, 'agent')} without a name go by their user name.")
    if bio.null_count:
        notes.append(f"{_count(bio.null_count, 'agent')} with an empty bio.")
    fields = {"name": pc.coalesce(name, user_names), "bio": pc.coalesce(bio, "")}
    if source.field("persona") is not None:
        fields["persona"] = persona
    return fields


def _other_fields(source: ProfileTable, notes: list[str]) -> dict[str, pa.ChunkedArray]:
    """Return the columns that are not among hubbub's fields, with numbers as numbers."""
    used = {c for f, c in source.columns.items() if f in (*_WORDS, *_SPENT)}
    names = [c for c in source.table.column_names if c not in used]
    leftovers = [c for c in names if oasis.is_leftover(c)]
    if leftovers:
        notes.append(f"Left out {_count(len(leftovers), 'index column')} without meaning.")
    renamed = {c: f for f, c in source.columns.items() if f not in _PLAIN and f != "topics"}
    fields = {}
    for column in names:
        if column not in leftovers:
            values = source.table.column(column)
            if source.empty is EMPTY and pa.types.is_string(values.type):
                values = texts(values, EMPTY)
            fields[_free(renamed.get(column, column))] = typed(values)
    return fields


def _free(column: str) -> str:
    """Return the column's name, changed if hubbub has a field of that name with another meaning."""
    return f"file_{column}" if column in _WORDS else column


def _core(source: ProfileTable) -> NDArray[np.bool_]:
    words = pc.utf8_lower(source.text("core"))
    known = pc.or_(pc.is_null(words), pc.is_in(words, pa.array([*_YES, *_NO])))
    if not pc.all(known).as_py():
        row = pc.index(known, pa.scalar(value=False)).as_py()
        raise DataError(
            f"{place(source.where, row)}, field '{source.columns['core']}': {words[row].as_py()!r} "
            "must be 1 or 0"
        )
    result: NDArray[np.bool_] = pc.is_in(words, pa.array(_YES)).to_numpy()
    return result


def _topic_names(source: ProfileTable) -> list[list[str]] | None:
    column = source.field("topics")
    if column is None:
        return None
    found = lists(column, source.where, source.columns["topics"])
    return [[str(word) for word in words] for words in found]


def _descriptions(fields: dict[str, Any], interests: list[list[str]] | None) -> list[str]:
    """Return what an agent's vector is made from: its bio (or persona, or name) and topics."""
    text = fields["bio"]
    text = pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)
    if "persona" in fields:
        text = pc.coalesce(text, fields["persona"])
    result: list[str] = pc.coalesce(text, fields["name"]).to_pylist()
    if interests is None:
        return result
    return [". ".join([text, *words]) for text, words in zip(result, interests, strict=True)]


def _topic_bits(
    interests: list[list[str]] | None,
    vectors: NDArray[np.int8],
    finder: TopicFinder,
    notes: list[str],
) -> NDArray[np.uint64]:
    bits = np.zeros(len(vectors), np.uint64)
    if interests is not None:
        distinct = list(dict.fromkeys(w for words in interests for w in words))
        topic = finder.by_name(distinct)
        masks = [sum({1 << topic[w] for w in words if w in topic}) for words in interests]
        bits = np.array(masks, np.uint64)
        strange = [w for w in distinct if w not in topic]
        if strange:
            shown = ", ".join(repr(w) for w in strange[:5]) + (", ..." if strange[5:] else "")
            notes.append(f"Interests that are near to none of the scenario's topics: {shown}.")
    none = np.flatnonzero(bits == 0)
    bits[none] = finder.by_vector(vectors[none])
    still = int((bits == 0).sum())
    if still:
        notes.append(f"{_count(still, 'agent')} with none of the scenario's topics.")
    return bits


def _utc_offsets(source: ProfileTable, notes: list[str]) -> NDArray[np.int32]:
    """Return minutes east of UTC: the field utc_offset, else the country's most populous zone."""
    names = source.table.column_names
    own = source.columns.get("utc_offset", "utc_offset")
    if own in names:
        offsets = typed(texts(source.table.column(own)))
        if pa.types.is_integer(offsets.type) or pa.types.is_floating(offsets.type):
            minutes: NDArray[Any] = pc.fill_null(offsets, 0).to_numpy()
            if (np.abs(minutes) <= 24 * 60).all():
                return np.asarray(minutes, np.int32)
        raise DataError(f"{source.where}, field '{own}': it must hold minutes east of UTC")
    column = source.columns.get("country", "country")
    if column not in names:
        return np.zeros(source.table.num_rows, np.int32)
    zones, unknown = {}, []
    words = texts(source.table.column(column), EMPTY).to_pylist()
    for word in dict.fromkeys(words):
        country = find_country(word) if word else None
        zones[word] = max(country.zones, key=lambda z: z[1])[0] if country else 0
        unknown += [word] if word and country is None else []
    if unknown:
        shown = ", ".join(repr(w) for w in unknown[:5]) + (", ..." if unknown[5:] else "")
        notes.append(f"Countries whose clock is not known, so UTC: {shown}.")
    return np.array([zones[w] for w in words], np.int32)


def _frequencies(source: ProfileTable, notes: list[str]) -> NDArray[np.float32] | None:
    column = source.field("frequencies")
    if column is None:
        return None
    name = source.columns["frequencies"]
    rows = lists(column, source.where, name)
    # Most files repeat a few lists, and equal texts are one list object: check each once.
    _, first, which = np.unique([id(r) for r in rows], return_index=True, return_inverse=True)
    for row in sorted(first.tolist()):
        good = all(isinstance(x, (int, float)) and 0 <= x < float("inf") for x in rows[row])
        if len(rows[row]) not in (0, 24) or not good:
            raise DataError(
                f"{place(source.where, row)}, field '{name}': 24 hourly figures of at least 0 are "
                f"needed, not {len(rows[row])} values like {str(rows[row])[:40]}"
            )
    given = np.array([len(rows[row]) == 24 for row in first])[which]
    if not given.any():
        return None
    figures = np.array([rows[row] or [0.0] * 24 for row in first])[which]
    figures[~given] = figures[given].mean(axis=0)
    if not given.all():
        notes.append(f"{_count(int((~given).sum()), 'agent')} without hourly figures get the mean.")
    return figures.astype(np.float32)


def _posts(source: ProfileTable) -> list[tuple[int, str]]:
    column = source.field("posts")
    if column is None:
        return []
    rows = lists(column, source.where, source.columns["posts"])
    texts = ((i, readable(str(t)).strip()) for i, row in enumerate(rows) for t in row)
    return [(i, text) for i, text in texts if text]


def _and_more(count: int) -> str:
    return f" (and {count - 1} more such rows)" if count > 1 else ""


def _count(count: int, noun: str) -> str:
    return f"1 {noun}" if count == 1 else f"{count} {noun}s"
