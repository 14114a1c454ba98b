"""What was committed comes back exactly, and its fold is the world."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from store_society import Society, make_world, play, refold, scenario

from hubbub.store import RunStore
from hubbub.world import Events, World


def assert_same_world(a: World, b: World) -> None:
    for name in ("agents", "items", "groups", "products", "notes"):
        x, y = getattr(a, name), getattr(b, name)
        assert len(x) == len(y)
        for column in x.names:
            np.testing.assert_array_equal(x[column], y[column], err_msg=f"{name}.{column}")
    assert {n: s.keys().tolist() for n, s in a.sets.items()} == {
        n: s.keys().tolist() for n, s in b.sets.items()
    }
    assert a.texts.since(0) == b.texts.since(0)
    np.testing.assert_array_equal(a.texts.vectors, b.texts.vectors)
    assert a.profiles.table().to_pylist() == b.profiles.table().to_pylist()
    assert a.settings == b.settings
    assert a.step == b.step


@pytest.mark.parametrize("exclusive", [False, True])
@pytest.mark.parametrize("slates", [False, True])
def test_the_fold_of_the_log_is_the_world(tmp_path: Path, exclusive: bool, slates: bool) -> None:
    store, world = play(tmp_path / "run", 6, n=60, exclusive=exclusive, store={"slates": slates})
    store.close()
    with RunStore.open(tmp_path / "run") as again:
        assert len(world.items) > 60
        assert_same_world(refold(again, make_world(60)), world)


def test_replay_gives_every_commit_as_it_was() -> None:
    committed: list[Any] = []
    original = RunStore.commit

    def spy(self: Any, world: Any, step: int, events: Any, slate: Any, *, finished: bool) -> None:
        committed.append((step, events, slate, finished))
        original(self, world, step, events, slate, finished=finished)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RunStore, "commit", spy)
        store, _ = play(steps=3)
    read = list(store.replay())
    assert [(p.step, p.finished) for p in read] == [(c[0], c[3]) for c in committed]
    assert [(p.step, p.finished) for p in read] == [
        (0, True), (1, True), (1, False), (2, True), (2, False), (3, True), (3, False),
    ]  # fmt: skip
    for part, (_, events, slate, _) in zip(read, committed, strict=True):
        for name, dtype in Events.columns().items():
            column = getattr(part.events, name)
            np.testing.assert_array_equal(column, getattr(events, name))
            assert column.dtype == dtype
        for name in ("agent", "topic", "value"):
            np.testing.assert_array_equal(
                getattr(part.events.opinions, name), getattr(events.opinions, name)
            )
        assert (part.slate is None) == (slate is None)
        if slate is not None:
            for name in ("agents", "offsets", "items", "scores", "sources"):
                column = getattr(part.slate, name)
                np.testing.assert_array_equal(column, getattr(slate, name))
                assert column.dtype == getattr(slate, name).dtype
    assert [p.step for p in store.replay(5)] == [3, 3]
    assert store.steps == 3


def test_extra_events_take_the_next_places_of_their_step() -> None:
    store, _ = play(steps=2)
    table = store.events().to_pydict()
    for step in (0, 1, 2):
        seq = [q for s, q in zip(table["step"], table["seq"], strict=True) if s == step]
        assert seq == list(range(len(seq)))


def test_a_run_goes_on_after_it_was_closed(tmp_path: Path) -> None:
    with play(tmp_path / "whole", 4, acts=False)[0] as store:
        whole, events_of_whole = store.digest(), store.events()
    half, _ = play(tmp_path / "half", 2, acts=False)
    half.close()
    with RunStore.open(tmp_path / "half", mode="write") as store:
        assert store.steps == 2
        world = refold(store, make_world())
        society = Society(world)
        for t in (3, 4):
            events, slate = society.step(t)
            store.commit(world, t, events, slate, finished=True)
        assert store.digest() == whole
        assert store.events() == events_of_whole


def test_slates_without_scores_are_smaller_and_say_so() -> None:
    store, _ = play(store={"slates": False})
    full, _ = play()
    table = store.slates()
    assert table["score"].null_count == table["source"].null_count == table.num_rows > 0
    assert table["item"] == full.slates()["item"]
    assert full.slates()["score"].null_count == 0


def test_odd_texts_are_kept() -> None:
    world = make_world()
    society = Society(world)
    with RunStore.create(None, scenario(), {}, world) as store:
        for text in ("half \ud83d a pair", "null \x00 byte", "\U0001f600 whole"):
            store.commit(
                world, 0, society.act(0, [0], "create_post", text=text), None, finished=True
            )
        assert store.posts()["content"].to_pylist() == [
            "half \ufffd a pair", "null \x00 byte", "\U0001f600 whole",
        ]  # fmt: skip
        assert_same_world(refold(store, make_world()), world)
