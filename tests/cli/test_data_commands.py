"""`hubbub data` and `hubbub calibrate`."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hubbub.studies.propagation.example_cascades import made_cascades
from hubbub.studies.propagation.pace import Pace
from hubbub.studies.propagation.study import read_pace

if TYPE_CHECKING:
    from .conftest import Command

EDGES = ("cascade_id", "parent_user", "child_user", "delay_min", "parent_delay_min", "kind")
ROOT = "489800427152879616"


def test_a_release_is_converted(tmp_path: Path, hubbub: Command) -> None:
    release = tmp_path / "twitter15"
    (release / "tree").mkdir(parents=True)
    (release / "label.txt").write_text(f"true:{ROOT}\n")
    (release / "tree" / f"{ROOT}.txt").write_text(
        f"['ROOT', 'ROOT', '0.0']->['1', '{ROOT}', '0.0']\n"
        f"['1', '{ROOT}', '0.0']->['2', '{ROOT}', '2.5']\n"
    )
    done = hubbub("data", "twitter1516", str(release), "--out", str(tmp_path / "out"))
    assert done.code == 0
    assert "1 cascades" in done.out
    names = {p.name for p in (tmp_path / "out").iterdir()}
    assert names == {"twitter15_edges.csv.gz", "twitter15_labels.csv"}


def test_no_release(tmp_path: Path, hubbub: Command) -> None:
    done = hubbub("data", "twitter1516", str(tmp_path), "--out", str(tmp_path / "out"))
    assert done.code == 1
    assert "label.txt" in done.err


def written(folder: Path, count: int) -> Path:
    """Write the first of the made-up cascades as files."""
    folder.mkdir()
    cascades = made_cascades()[:count]
    with (folder / "made_edges.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow([*EDGES, "in_tree"])
        for c in cascades:
            for i, parent in enumerate(c.ties.parent.tolist()[1:], start=1):
                times = c.minutes[i], c.minutes[parent]
                rows.writerow([c.ties.name, parent, i, *map(float, times), "rt", 1])
    with (folder / "made_labels.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["cascade_id", "label", "root_user", "start_utc"])
        rows.writerows(
            [c.ties.name, c.label, 0, f"{c.ties.start:%Y-%m-%dT%H:%M}Z"] for c in cascades
        )
    return folder


@pytest.mark.slow
def test_parameters_are_fitted_and_taken(tmp_path: Path, hubbub: Command) -> None:
    folder, file = written(tmp_path / "made", 12), tmp_path / "pace.yaml"
    options = ("--cascades", str(folder), "--out", str(file), "--processes", "1")
    done = hubbub("calibrate", "propagation", *options)
    assert done.code == 0, done.err
    assert "mean error" in done.out
    assert "where each was predicted from the others" in file.read_text()
    fitted = read_pace(file)
    assert fitted.shape == pytest.approx(Pace().shape, rel=0.5)
    first = file.read_text()
    again = hubbub("calibrate", "propagation", *options)  # all trials are kept
    assert again.code == 0
    assert file.read_text() == first


def test_too_few_cascades(tmp_path: Path, hubbub: Command) -> None:
    folder = written(tmp_path / "made", 3)
    done = hubbub(
        "calibrate", "propagation", "--cascades", str(folder), "--out", str(tmp_path / "p.yaml")
    )
    assert done.code == 1
    assert "too few" in done.err
