"""Reading real cascades, and converting the public release."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from hubbub.errors import DataError
from hubbub.studies.cascade_files import MINUTES, convert, read_cascades

EDGES = """cascade_id,parent_user,child_user,delay_min,parent_delay_min,kind,in_tree
a,10,12,1.0,0.0,rt,1
a,10,11,4.0,0.0,rt,1
a,11,13,8.0,4.0,re,1
a,13,14,9.5,8.0,rt,1
a,12,14,20.0,1.0,rt,0
b,20,21,200.0,0.0,rt,1
c,30,31,5.0,0.0,re,1
"""
LABELS = """cascade_id,label,root_user,start_utc,oasis_topic
a,true,10,2014-05-01T13:45Z,True_Health_1
b,false,20,2014-05-01T23:59Z,
c,false,30,2014-05-02T00:00Z,
"""


def folder(tmp_path: Path, edges: str = EDGES, labels: str = LABELS) -> Path:
    (tmp_path / "x_edges.csv").write_text(edges)
    (tmp_path / "x_labels.csv").write_text(labels)
    return tmp_path


def test_trees_of_retweets_are_read(tmp_path: Path) -> None:
    a, b = read_cascades(folder(tmp_path))
    assert (a.ties.name, b.ties.name) == ("a", "b")  # nobody retweeted c
    assert a.ties.start == datetime(2014, 5, 1, 13, 45)
    assert a.label == "true"
    # 10 (root), 11, 12, 14: the last retweeted a reply, so it hangs on who was replied to
    assert a.ties.parent.tolist() == [-1, 0, 0, 1]
    assert a.ties.depth.tolist() == [0, 1, 1, 2]
    assert a.ties.children.tolist() == [2, 1, 0, 0]
    assert a.minutes.tolist() == [0.0, 4.0, 1.0, 9.5]


def test_curves_are_those_of_the_tree(tmp_path: Path) -> None:
    a, b = read_cascades(folder(tmp_path))
    scale, depth, breadth = a.curves()
    assert scale[:5].tolist() == [1, 2, 3, 3, 4]
    assert depth[:5].tolist() == [0, 1, 1, 1, 2]
    assert breadth[:5].tolist() == [0, 1, 2, 2, 2]
    assert len(MINUTES) == 51
    assert MINUTES[-1] == 150.0
    assert a.whole().tolist() == [4, 2, 2]
    assert b.curves()[0].tolist() == [1.0] * 51


def test_the_message_is_read_where_there_is_one(tmp_path: Path) -> None:
    labels = [f"{row},{text}" for row, text in
              zip(LABELS.splitlines(), ("text", "Breaking", "", ""), strict=True)]  # fmt: skip
    found = read_cascades(folder(tmp_path, labels="\n".join(labels) + "\n"))
    assert [c.ties.text for c in found] == ["Breaking", ""]


def test_only_those_of_oasis(tmp_path: Path) -> None:
    assert [c.ties.name for c in read_cascades(folder(tmp_path), only_oasis=True)] == ["a"]


@pytest.mark.parametrize(
    ("edges", "labels", "words"),
    [
        (EDGES.replace("delay_min", "delay", 1), LABELS, "the column 'delay_min' is missing"),
        (EDGES.replace("4.0,0.0", "soon,0.0"), LABELS, "'delay_min' must hold numbers only"),
        (EDGES.replace("4.0,0.0", "nan,0.0"), LABELS, "'delay_min' must hold numbers only"),
        (EDGES.replace("a,10,11", "a,10,x"), LABELS, "'child_user' must hold whole numbers only"),
        (EDGES.replace("a,10,11", "a,99,11"), LABELS, "the tree a has two roots"),
        (EDGES, LABELS.replace("2014-05-01T13:45Z", "noon"), "starts at 'noon'"),
        (EDGES + "a,10,11,9.0,0.0,rt,1\n", LABELS, "11 has two parents in a"),
        (EDGES, LABELS.split("\n")[0] + "\n", "there are no cascades"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, edges: str, labels: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        read_cascades(folder(tmp_path, edges, labels))


def test_a_folder_without_cascades(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no folder"):
        read_cascades(tmp_path / "elsewhere")
    with pytest.raises(DataError, match="hubbub data twitter1516"):
        read_cascades(tmp_path)
    (tmp_path / "x_edges.csv").write_text(EDGES)
    with pytest.raises(DataError, match=r"no x_labels\.csv beside it"):
        read_cascades(tmp_path)


ROOT = "489800427152879616"  # 2014-07-17T15:54Z by its Snowflake
TREE = f"""['ROOT', 'ROOT', '0.0']->['10', '{ROOT}', '0.0']
['10', '{ROOT}', '0.0']->['11', '{ROOT}', '4.0']
['12', '{ROOT}', '1.0']->['14', '{ROOT}', '9.5']
['10', '{ROOT}', '0.0']->['12', '{ROOT}', '1.0']
['11', '{ROOT}', '4.0']->['13', '489800427152879999', '8.0']
['11', '{ROOT}', '4.0']->['14', '{ROOT}', '12.0']
['14', '{ROOT}', '9.5']->['10', '{ROOT}', '13.0']
"""


def release(tmp_path: Path, tree: str = TREE, label: str = f"unverified:{ROOT}\n") -> Path:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / f"{ROOT}.txt").write_text(tree)
    (tmp_path / "label.txt").write_text(label)
    return tmp_path


def test_the_public_release_is_converted(tmp_path: Path) -> None:
    assert convert(release(tmp_path), tmp_path / "out", "twitter15") == 1
    (found,) = read_cascades(tmp_path / "out")
    assert found.ties.name == f"t{ROOT}"
    assert found.label == "unverified"
    assert found.ties.start == datetime(2014, 7, 17, 15, 54)
    # 13 replied; 14 joined through 12; nobody joins twice, the root never
    assert found.ties.parent.tolist() == [-1, 0, 0, 2]
    assert found.minutes.tolist() == [0.0, 4.0, 1.0, 9.5]


def test_an_edge_may_stand_before_its_parents(tmp_path: Path) -> None:
    tree = TREE.split("\n")[0] + (
        f"\n['11', '{ROOT}', '3.0']->['12', '{ROOT}', '3.0']"
        f"\n['10', '{ROOT}', '0.0']->['11', '{ROOT}', '3.0']\n"
    )
    convert(release(tmp_path, tree), tmp_path / "out")
    (found,) = read_cascades(tmp_path / "out")
    assert found.ties.parent.tolist() == [-1, 0, 1]


@pytest.mark.parametrize(
    ("tree", "label", "words"),
    [
        ("['1', '2']\n", f"true:{ROOT}", "line 1: .* is not an edge"),
        (TREE.split("\n", 1)[1], f"true:{ROOT}", "no line begins with 'ROOT'"),
        (TREE, "true\n", "is not 'label:tweet id'"),
        (TREE, "true:123\n", r"tree/123\.txt: cannot be read: No such file or directory$"),
    ],
)
def test_a_release_that_is_wrong(tmp_path: Path, tree: str, label: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        convert(release(tmp_path, tree, label), tmp_path / "out")


def test_the_order_of_rows_says_nothing_of_times(tmp_path: Path) -> None:
    lines = EDGES.splitlines()
    one = read_cascades(folder(tmp_path))
    other = read_cascades(folder(tmp_path, "\n".join([lines[0], *lines[:0:-1]]) + "\n"))
    for c, d in zip(one, other, strict=True):
        assert np.array_equal(c.ties.parent, d.ties.parent)
        assert np.array_equal(c.minutes, d.minutes)
