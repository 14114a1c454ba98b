"""Random streams: the numbers of an address never change."""

from __future__ import annotations

import numpy as np
import pytest

from hubbub.rng import Stream, Streams


def feed() -> Stream:
    return Streams(7).at("feed", 3)


def test_golden_numbers() -> None:
    """Runs are compared across years and machines: whoever breaks this breaks every seed."""
    assert feed().words(4).tolist() == [
        0xAD499F1F1A9FAE64,
        0xACDE8EFEAD5EA50E,
        0x381EA1DADBE9D26F,
        0x69D95E47898BBC92,
    ]
    assert feed().uniform(3).tolist() == [
        float.fromhex("0x1.5a933e3e353f5p-1"),
        float.fromhex("0x1.59bd1dfd5abd4p-1"),
        float.fromhex("0x1.c0f50ed6df4e8p-3"),
    ]
    assert feed().integers(100, 6).tolist() == [67, 67, 21, 41, 66, 28]
    assert feed().permutation(8).tolist() == [6, 2, 5, 3, 7, 4, 1, 0]
    assert feed().choice(np.array([1.0, 0.0, 3.0]), 8).tolist() == [2, 2, 0, 2, 2, 2, 0, 2]
    assert feed().scramble(np.array([0, 1, 2, -1], np.int32)).tolist() == [
        0x4959801049C8AC23,
        0x28C3073A27DBA285,
        0x417B37DC4AFC45DC,
        0x339F5D1E4516D52C,
    ]
    assert feed().normal(3).tolist() == [-1.286468, -0.743859, -0.143692]


def test_draws_advance_a_stream() -> None:
    stream, again = feed(), feed()
    parts = [stream.words(1), stream.words(0), stream.words(5), stream.words(94)]
    assert np.concatenate(parts).tolist() == again.words(100).tolist()


@pytest.mark.parametrize("chance", [0.0, 2.0**-53, 0.1, 0.2, 1 / 3, 0.5, 1 - 2.0**-53, 1.0])
def test_chances_are_those_of_the_floats(chance: float) -> None:
    stream, again = feed(), feed()
    assert stream.below(chance, 5000).tolist() == (again.uniform(5000) < chance).tolist()
    assert stream.words(1) == again.words(1)


def test_every_part_of_an_address_counts() -> None:
    addresses = [(7, "feed", 3, 0), (8, "feed", 3, 0), (7, "time", 3, 0), (7, "feed", 4, 0)]
    addresses += [(7, "feed", 3, 1), (7, "feed", 0, 3), (7, "", 0, 0), (2**63 - 1, "feed", 3, 0)]
    first = {
        Streams(s).at(name, step, shard).words(2).tobytes() for s, name, step, shard in addresses
    }
    assert len(first) == len(addresses)


def test_streams_of_neighbouring_addresses_are_independent() -> None:
    n = 20_000
    base = feed().uniform(n) - 0.5
    for other in (Streams(8).at("feed", 3), Streams(7).at("feed", 4), Streams(7).at("feed", 3, 1)):
        assert abs(np.corrcoef(base, other.uniform(n) - 0.5)[0, 1]) < 4 / np.sqrt(n)


def test_first_numbers_over_the_steps_are_even() -> None:
    firsts = np.array([Streams(1).at("activation", step).uniform(1)[0] for step in range(2000)])
    assert abs(firsts.mean() - 0.5) < 4 * np.sqrt(1 / 12 / 2000)
    assert np.histogram(firsts, 10, (0, 1))[0].min() > 140


def test_uniform() -> None:
    values = feed().uniform(50_000)
    assert (values.min() >= 0, values.max() < 1) == (True, True)
    counts = np.histogram(values, 50, (0, 1))[0]
    assert ((counts - 1000) ** 2 / 1000).sum() < 90  # chi-squared, 49 degrees of freedom
    assert feed().uniform(2, 3).shape == (2, 3)
    assert feed().uniform(2, 3).ravel().tolist() == feed().uniform(6).tolist()
    assert feed().uniform(0).shape == (0,)


def test_integers() -> None:
    values = feed().integers(6, 60_000)
    counts = np.bincount(values)
    assert len(counts) == 6
    assert ((counts - 10_000) ** 2 / 10_000).sum() < 21  # 5 degrees of freedom
    assert set(feed().integers(1, 5).tolist()) == {0}
    with pytest.raises(ValueError, match="at least 1"):
        feed().integers(0, 5)


def test_normal() -> None:
    values = feed().normal(100_000)
    assert abs(values.mean()) < 0.015
    assert abs(values.std() - 1) < 0.01
    assert abs((values**4).mean() - 3) < 0.12
    assert np.isfinite(values).all()


def test_permutation() -> None:
    assert sorted(feed().permutation(1000).tolist()) == list(range(1000))
    assert feed().permutation(0).tolist() == []
    stream = feed()
    firsts = np.bincount([stream.permutation(5)[0] for _ in range(5000)])
    assert ((firsts - 1000) ** 2 / 1000).sum() < 19  # 4 degrees of freedom


def test_choice_follows_the_weights() -> None:
    weights = np.array([0.0, 1.0, 0.0, 3.0, 6.0, 0.0])
    counts = np.bincount(feed().choice(weights, 10_000), minlength=6) / 10_000
    assert counts.tolist() == pytest.approx([0, 0.1, 0, 0.3, 0.6, 0], abs=0.02)
    assert (counts[[0, 2, 5]] == 0).all()


def test_scramble_depends_on_the_id_alone() -> None:
    ids = np.arange(1000)
    whole = feed().scramble(ids)
    assert feed().scramble(ids[::-1]).tolist() == whole[::-1].tolist()
    assert feed().scramble(ids[500:501]).tolist() == whole[500:501].tolist()
    assert feed().scramble(ids.astype(np.int32)).tolist() == whole.tolist()
    assert len(np.unique(whole)) == 1000
    assert feed().scramble(ids[:0]).tolist() == []


def test_scramble_favours_nobody() -> None:
    """Over the steps every agent is as often before its neighbour as behind it."""
    ids = np.arange(40)
    before = np.zeros(39)
    for step in range(1000):
        keys = Streams(3).at("order", step).scramble(ids)
        before += keys[:-1] < keys[1:]
    assert np.abs(before - 500).max() < 4 * np.sqrt(250)
