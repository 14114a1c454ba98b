"""A generated population: people drawn from published marginals, a million in seconds."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from hubbub.config.scenario import SyntheticConfig
from hubbub.embed import Encoder
from hubbub.errors import ScenarioError, did_you_mean
from hubbub.population import marginals
from hubbub.population.countries import COUNTRIES
from hubbub.population.interests import draw_topics, mixed_vectors
from hubbub.population.names import NAMES
from hubbub.population.people import People
from hubbub.population.wording import in_a_sentence
from hubbub.rng import Streams

_BIOS = (
    "{job}. Mostly {topics}.",
    "{topics}, in that order. {job} by day.",
    "Here for {topics}. {job}. Opinions my own.",
    "{job} with time for {topics}.",
    "I read and write about {topics}. {job}.",
    "{topics} | {job}",
)

_POSTS = (
    "What changed in {topic} this week, and why it matters to all of us.",
    "An old idea about {topic} deserves a second look.",
    "I keep hearing the same thing about {topic}. The numbers say otherwise.",
    "If you read one piece about {topic} today, read the one by the people who do the work.",
    "Three questions about {topic} that nobody has answered for me yet.",
    "People ask what I think of {topic}. In short: we can do better.",
    "Good news about {topic} is rare, so here is some.",
    "The debate about {topic} is loud. What do you see where you live?",
    "Ten years of following {topic} taught me to distrust easy answers.",
    "We should talk about the cost of {topic}, and about who pays it.",
    "Something is about to change in {topic}. Watch this space.",
    "My notes on {topic}: what we know, what we guess, what we hope.",
)


def generate(
    config: SyntheticConfig, topics: Sequence[str], encoder: Encoder, streams: Streams
) -> People:
    """Return `config.agents` people; the first `config.core` are the core users.

    Core user i has topic i modulo the number of topics, in addition to those drawn as for everyone.
    """
    n, core = config.agents, min(config.core, config.agents)
    fewest, most = config.topics_per_agent
    if not 0 <= fewest <= most:
        raise ScenarioError(
            f"population.synthetic.topics_per_agent: {[fewest, most]} must be [fewest, most], "
            "with 0 <= fewest <= most"
        )
    bits = draw_topics(streams.at("population/topics"), n, len(topics), fewest, most)
    bits[:core] |= np.uint64(1) << (np.arange(core) % len(topics)).astype(np.uint64)
    fields, utc_offset = _attributes(config, streams)
    masks, of_mask = np.unique(bits, return_inverse=True)
    interests = [_chosen(int(m), topics) for m in masks]
    fields["interested_topics"] = _dictionary(["; ".join(i) for i in interests], of_mask)
    fields["bio"] = _bios(fields["profession"], interests, of_mask, streams)
    order = ["user_name", "name", "bio", *(k for k in fields if k not in ("name", "bio"))]
    fields["user_name"] = _user_names(fields["name"])
    notes = []
    if core < config.core:
        notes.append(f"All {n} agents are core users: fewer agents than population.synthetic.core.")
    return People(
        profiles=pa.table({k: fields[k] for k in order}),
        core=np.arange(n) < core,
        topics=bits,
        interest=mixed_vectors(
            streams.at("population/interest"), bits, encoder.encode(list(topics))
        ),
        utc_offset=utc_offset,
        posts=_posts(bits[:core], topics, config.posts_per_core, streams),
        notes=notes,
    )


def _attributes(
    config: SyntheticConfig, streams: Streams
) -> tuple[dict[str, Any], NDArray[np.int32]]:
    """Return the fields name, age, gender, country, ... and the UTC offsets in minutes."""
    n = config.agents
    female = streams.at("population/gender").uniform(n) < marginals.FEMALE_SHARE
    age = _ages(streams, n)
    place, utc_offset = _places(config.countries, streams, n)
    return {
        "name": _names(place, female, streams),
        "age": pa.array(age),
        "gender": _dictionary(["male", "female"], female),
        "country": _dictionary([c.code for c in COUNTRIES], place),
        "profession": _professions(age, streams),
        "mbti": _mbti(female, streams),
        "utc_offset": pa.array(utc_offset.astype(np.int16)),
    }, utc_offset


def _ages(streams: Streams, n: int) -> NDArray[np.int16]:
    low, high, weight = (np.array(c) for c in zip(*marginals.AGES, strict=True))
    stream = streams.at("population/age")
    band = stream.choice(weight.astype(np.float64), n)
    width = (high - low + 1)[band]
    age: NDArray[np.int16] = (low[band] + np.floor(stream.uniform(n) * width)).astype(np.int16)
    return age


def _places(
    shares: dict[str, float] | None, streams: Streams, n: int
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return rows of COUNTRIES and UTC offsets in minutes."""
    if shares is None:
        shares = {c.code: c.users for c in COUNTRIES}
    known = [c.code for c in COUNTRIES]
    for code, share in shares.items():
        where = f"population.synthetic.countries: '{code}'"
        if code not in known:
            raise ScenarioError(
                f"{where} is not a country hubbub knows{did_you_mean(code, known)}; "
                f"known ISO codes: {', '.join(sorted(known))}"
            )
        if not 0 <= share < float("inf"):
            raise ScenarioError(f"{where} has the share {share}; it must be at least 0")
    if not any(shares.values()):
        raise ScenarioError("population.synthetic.countries: at least one share must be above 0")
    rows = [
        (at, minutes, shares.get(country.code, 0.0) * part)
        for at, country in enumerate(COUNTRIES)
        for minutes, part in country.zones
    ]
    place, offset, weight = (np.array(c) for c in zip(*rows, strict=True))
    pick = streams.at("population/country").choice(weight, n)
    return place[pick], offset[pick].astype(np.int32)


def _professions(age: NDArray[np.int16], streams: Streams) -> pa.DictionaryArray:
    names, weights = zip(*marginals.PROFESSIONS, strict=True)
    pick = streams.at("population/profession").choice(np.array(weights), len(age))
    pick[age >= marginals.RETIREMENT_AGE] = len(names)
    return _dictionary([*names, marginals.RETIRED], pick)


def _mbti(female: NDArray[np.bool_], streams: Streams) -> pa.DictionaryArray:
    stream = streams.at("population/mbti")
    of_women = stream.choice(np.array(marginals.MBTI_FEMALE), len(female))
    of_men = stream.choice(np.array(marginals.MBTI_MALE), len(female))
    return _dictionary(marginals.MBTI_TYPES, np.where(female, of_women, of_men))


def _names(place: NDArray[np.int64], female: NDArray[np.bool_], streams: Streams) -> pa.StringArray:
    """Return full names that fit country and gender."""
    lists = list(NAMES.values())
    culture = np.array([list(NAMES).index(c.names) for c in COUNTRIES])[place]
    stream = streams.at("population/name")
    given = _words([part for women, men, _ in lists for part in (men, women)])
    family = _words([part for _, _, part in lists])
    first = _pick(given, 2 * culture + female, stream.uniform(len(place)))
    last = _pick(family, culture, stream.uniform(len(place)))
    return pc.binary_join_element_wise(first, last, " ")


def _words(lists: Sequence[str]) -> tuple[pa.StringArray, NDArray[np.int64], NDArray[np.int64]]:
    """Return all words of the lists, and where each list starts and how many words it has."""
    words = [text.split() for text in lists]
    sizes = [len(w) for w in words]
    starts = [0, *accumulate(sizes)][:-1]
    return pa.array([w for ws in words for w in ws]), np.array(starts), np.array(sizes)


def _pick(
    words: tuple[pa.StringArray, NDArray[np.int64], NDArray[np.int64]],
    which: NDArray[np.int64],
    uniform: NDArray[np.float64],
) -> pa.StringArray:
    """Return a word of list which[i] for each i."""
    all_words, starts, sizes = words
    return all_words.take(pa.array(starts[which] + (uniform * sizes[which]).astype(np.int64)))


def _user_names(names: pa.StringArray) -> pa.StringArray:
    """Return name and agent id as one word: unique, as no name contains a digit."""
    handle = pc.replace_substring(pc.utf8_lower(names), " ", "_")
    ids = pc.cast(pa.array(np.arange(len(names))), pa.string())
    return pc.binary_join_element_wise(handle, ids, "")


def _chosen(mask: int, topics: Sequence[str]) -> list[str]:
    return [t for j, t in enumerate(topics) if mask >> j & 1]


def _bios(
    profession: pa.DictionaryArray,
    interests: Sequence[Sequence[str]],
    of_mask: NDArray[np.int64],
    streams: Streams,
) -> pa.StringArray:
    """Return a sentence or two on job and interests; equal combinations are written once."""
    jobs = profession.dictionary.to_pylist()
    job = profession.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    template = streams.at("population/bio").integers(len(_BIOS), len(job))
    codes, inverse = np.unique(
        (of_mask * len(jobs) + job) * len(_BIOS) + template, return_inverse=True
    )
    texts = []
    for code in codes.tolist():
        rest, t = divmod(code, len(_BIOS))
        mask, j = divmod(rest, len(jobs))
        texts.append(_BIOS[t].format(job=jobs[j], topics=_listed(interests[mask])))
    return _dictionary(texts, inverse).dictionary_decode()


def _listed(words: Sequence[str]) -> str:
    """Return 'a, b and c'."""
    *others, last = words or ["this and that"]
    return f"{', '.join(others)} and {last}" if others else last


def _posts(
    core_bits: NDArray[np.uint64], topics: Sequence[str], each: int, streams: Streams
) -> list[tuple[int, str]]:
    """Return `each` posts per core user, on its topics in turn, no text twice in a row."""
    first = streams.at("population/posts").integers(len(_POSTS), len(core_bits)).tolist()
    posts = []
    for agent, mask in enumerate(core_bits.tolist()):
        mine = _chosen(mask, topics)
        for k in range(each):
            text = _POSTS[(first[agent] + k) % len(_POSTS)]
            posts.append((agent, text.format(topic=in_a_sentence(mine[k % len(mine)]))))
    return posts


def _dictionary(values: Sequence[str], rows: NDArray[Any]) -> pa.DictionaryArray:
    """Return values[rows] as a dictionary array with the smallest index type that fits."""
    for kind in (np.int8, np.int16, np.int32):
        if len(values) <= np.iinfo(kind).max:
            break
    indices = pa.array(rows.astype(kind))
    return pa.DictionaryArray.from_arrays(indices, pa.array(values, pa.string()))
