"""Plain tables in any format, and every way in which they can be wrong."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hubbub.errors import DataError, HubbubError, ScenarioError

RECORDS = [
    {
        "user_name": "ann",
        "name": "Ann",
        "bio": "All about Sports",
        "age": 30,
        "following": ["bob", 2],
        "core": True,
        "country": "Japan",
    },
    {"user_name": "bob", "bio": "", "age": 41, "topics": ["politics", "HEALTH"], "core": False},
    {"user_name": "cyd", "name": "Cyd", "age": 52, "following": [0], "country": "Atlantis"},
]
CSV = (
    "handle,full name,age,zip,follows,likes\n"
    'ann,Ann,30,0123,"bob; cyd",Sports\n'
    "bob,,41,0456,,Politics|Health\n"
    '"cyd","C, ""y"" d",52,0789,[0],\n'
)
COLUMNS = {"user_name": "handle", "name": "full name", "following": "follows", "topics": "likes"}


def test_records(build):
    made = build(records=RECORDS)
    assert made.profiles["user_name"].to_pylist() == ["ann", "bob", "cyd"]
    assert made.profiles["name"].to_pylist() == ["Ann", "bob", "Cyd"]
    assert made.profiles["bio"].to_pylist() == ["All about Sports", "", ""]
    assert made.profiles["age"].to_pylist() == [30, 41, 52]
    assert made.follows.tolist() == [1, 2, 2 << 32]
    assert made.core.tolist() == [True, False, False]
    assert made.topics.tolist() == [1 << 6, 1 | 1 << 4, 0]
    assert "'Atlantis'" in " ".join(made.notes)
    assert made.interest.any(axis=1).all()


def test_records_need_only_user_names(build):
    made = build(records=[{"user_name": "ann"}, {"user_name": "bob"}])
    assert made.profiles.to_pylist()[0] == {"user_name": "ann", "name": "ann", "bio": ""}
    assert not len(made.follows)


def test_values_of_several_kinds_become_texts(build, tmp_path):
    rows = [
        {"user_name": 7, "odd": 1, "bio": "cut \ud83d", "posts": ["half \ud83d"]},
        {"user_name": "b", "odd": "x", "bio": None},
        {"user_name": "c", "odd": [2]},
    ]
    (tmp_path / "u.json").write_text(json.dumps(rows))
    made = build(file="u.json")
    assert made.profiles["user_name"].to_pylist() == ["7", "b", "c"]
    assert made.profiles["odd"].to_pylist() == ["1", "x", "[2]"]
    assert made.profiles["bio"].to_pylist() == ["cut ?", "", ""]
    assert made.posts == [(0, "half ?")]


def write_csv(folder):
    (folder / "u.csv").write_text(CSV)
    return "u.csv"


def write_bom(folder):
    (folder / "bom.csv").write_bytes(b"\xef\xbb\xbf" + CSV.replace("\n", "\r\n").encode())
    return "bom.csv"


def write_gz(folder):
    (folder / "u.csv.gz").write_bytes(gzip.compress(CSV.encode()))
    return "u.csv.gz"


ROWS = [
    {
        "handle": "ann",
        "full name": "Ann",
        "age": 30,
        "follows": ["bob", "cyd"],
        "likes": ["Sports"],
    },
    {"handle": "bob", "age": 41, "likes": ["Politics", "Health"]},
    {"handle": "cyd", "full name": 'C, "y" d', "age": 52, "follows": [0]},
]


def write_json(folder):
    (folder / "u.json").write_text(json.dumps(ROWS))
    return "u.json"


def write_lines(folder):
    (folder / "u.jsonl").write_text("\n\n".join(json.dumps(r) for r in ROWS))
    return "u.jsonl"


def write_parquet(folder):
    rows = [{**r, "follows": [str(f) for f in r.get("follows", [])]} for r in ROWS]
    pq.write_table(pa.Table.from_pylist(rows), folder / "u.parquet")
    return "u.parquet"


@pytest.mark.parametrize(
    "write", [write_csv, write_bom, write_gz, write_json, write_lines, write_parquet]
)
def test_formats_agree(build, tmp_path, write):
    made = build(file=write(tmp_path), columns=COLUMNS)
    assert made.profiles["user_name"].to_pylist() == ["ann", "bob", "cyd"]
    assert made.profiles["name"].to_pylist() == ["Ann", "bob", 'C, "y" d']
    assert made.profiles["age"].to_pylist() == [30, 41, 52]
    assert made.follows.tolist() == [1, 2, 2 << 32]
    assert made.topics.tolist()[:2] == [1 << 6, 1 | 1 << 4]
    assert made.profiles["interested_topics"].to_pylist() == ["Sports", "Politics; Health", ""]


def test_texts_that_look_like_numbers_stay(build, tmp_path):
    made = build(file=write_csv(tmp_path), columns=COLUMNS)
    assert made.profiles["zip"].to_pylist() == ["0123", "0456", "0789"]


def test_clock_of_country(build):
    rows = [{"user_name": "a", "country": "Japan"}, {"user_name": "b", "country": "UK"}]
    made = build(records=rows, activity={"kind": "chronotype"})
    curves = made.curves[made.curve]
    assert not np.allclose(curves[0], curves[1])
    rows[0] = {"user_name": "a", "utc_offset": 0}
    rows[1] = {"user_name": "b", "utc_offset": "x"}
    with pytest.raises(DataError, match="minutes east of UTC"):
        build(records=rows)


def test_limit(build):
    made = build(records=RECORDS, limit=2)
    assert len(made) == 2
    assert made.follows.tolist() == [1]
    assert "Left out 1 follow" in " ".join(made.notes)


WRONG = {
    "no file": ("nothing.csv", None, "there is no file .*nothing.csv"),
    "unknown ending": ("users.txt", b"x", "cannot tell the format"),
    "empty file": ("users.csv", b"", "the file is empty"),
    "no rows": ("users.csv", b"user_name,bio\n", "no profiles"),
    "no user names": (
        "users.csv",
        b"username_,bio\na,b\n",
        r"'user_name' is missing.*did you mean",
    ),
    "empty user name": ("users.csv", b"user_name,bio\na,b\n,c\n", r"row 2 \(agent 1\).*is empty"),
    "same name twice": (
        "users.csv",
        b"user_name,bio\na,b\nc,d\na,e\n",
        r"row 3 \(agent 2\), field 'user_name': the user name 'a' .*row 1 \(agent 0\)",
    ),
    "column twice": ("users.csv", b"user_name,bio,bio\na,b,c\n", "two columns are called 'bio'"),
    "too many fields": ("users.csv", b"user_name,bio\na,b\na,b,c\n", "row 2: it has 3 fields"),
    "not UTF-8": (
        "users.csv",
        b'user_name,bio\na,b\nc,"two\nlines"\nd,caf\xe9\n',
        r"row 3, field 'bio': byte 0xe9 at offset 37",
    ),
    "header not UTF-8": ("users.csv", b"user_name,b\xe9\na,b\n", "the header: byte 0xe9"),
    "JSON not UTF-8": ("u.json", b'[{"user_name":\n"\xe9"}]', "line 2: byte 0xe9"),
    "broken JSON": ("u.json", b'[{"user_name": "a"},\n {"user_name" "b"}]', "line 2, column 15"),
    "JSON object": ("u.json", b'{"user_name": "a"}', "must be a list"),
    "not objects": ("u.json", b'[{"user_name": "a"}, 5]', "row 2: a profile must be an object"),
    "broken line": ("u.jsonl", b'{"user_name": "a"}\n{"user_name"}', "line 2, column 13"),
    "no Parquet": ("u.parquet", b"PAR1 no", "Parquet file cannot be read"),
    "damaged gzip": ("u.csv.gz", gzip.compress(b"user_name\na\n" * 99)[:-9], "damaged or cut"),
    "no core": ("users.csv", b"user_name,core\na,1\nb,maybe\n", r"row 2 .*'maybe' must be 1 or 0"),
    "unknown followee": (
        "users.csv",
        b"user_name,following\nanna,bert\nbertha,anna\n",
        r"row 1 .*'bert' is neither an agent id nor a user name \(did you mean 'bertha'",
    ),
    "negative id": ("users.csv", b"user_name,following\na,[-1]\nb,[]\n", "id -1 is out of range"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_files(build, tmp_path, case):
    name, content, words = WRONG[case]
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=words):
        build(file=name)


def test_wrong_mapping(build, tmp_path):
    with pytest.raises(DataError, match=r"in the column 'handel'.*did you mean 'handle'"):
        build(file=write_csv(tmp_path), columns={"user_name": "handel"})


def test_graph_without_follow_lists(build):
    with pytest.raises(ScenarioError, match="kind file needs follow lists"):
        build(records=[{"user_name": "a"}], graph={"kind": "file"})


def test_renaming_is_on_request_and_keeps_everyone(build):
    rows = [{"user_name": n} for n in ("a", "a", "a_2", "a", "b")]
    made = build(records=rows, duplicate_names="rename")
    assert made.profiles["user_name"].to_pylist() == ["a", "a_3", "a_2", "a_4", "b"]
    assert "2 agents had another one's user name" in " ".join(made.notes)


def edge_file(folder, text):
    (folder / "edges.csv").write_text(text)
    return {"kind": "edges", "path": "edges.csv"}


def test_edge_lists(build, tmp_path):
    rows = [{"user_name": n} for n in ("ann", "bob", "cyd")]
    by_id = build(records=rows, graph=edge_file(tmp_path, "src,dst\n0,1\n2,0\n2,2\n0,1\n"))
    assert by_id.follows.tolist() == [1, 2 << 32]
    assert "of oneself" in by_id.notes[-2]
    assert "given twice" in by_id.notes[-1]
    by_name = build(records=rows, graph=edge_file(tmp_path, "src,dst\nann,bob\ncyd,ann\n"))
    assert (by_name.follows == by_id.follows).all()
    mixed = build(records=rows, graph=edge_file(tmp_path, "src,dst\nann,1\n2,ann\n"))
    assert (mixed.follows == by_id.follows).all()
    table = pa.table({"src": pa.array([0, 2], pa.int32()), "dst": [1, 0]})
    pq.write_table(table, tmp_path / "e.parquet")
    stored = build(records=rows, graph={"kind": "edges", "path": "e.parquet"})
    assert (stored.follows == by_id.follows).all()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("src,dts\n0,1\n", "'dst' is missing .did you mean 'dts'"),
        ("src,dst\n0,1\n1,3\n", "edges.csv, row 2, field 'dst': id 3 is out of range"),
        ("src,dst\n0,1\n,1\n", "row 2, field 'src': it is empty"),
        ("src,dst\nann,bbo\n", "row 1, field 'dst': 'bbo' is neither an agent id nor a user name"),
        ("src,dst\n0.5,1\n", "row 1, field 'src': '0.5' is neither an agent id"),
    ],
)
def test_wrong_edge_lists(build, tmp_path, text, words):
    rows = [{"user_name": n} for n in ("ann", "bob", "cyd")]
    with pytest.raises(DataError, match=words):
        build(records=rows, graph=edge_file(tmp_path, text))


def test_edges_need_a_path(build):
    with pytest.raises(HubbubError, match="needs a path"):
        build(records=[{"user_name": "a"}], graph={"kind": "edges"})


def test_topic_graph_for_a_file(build):
    rows = [{"user_name": f"u{i}", "core": int(i < 2), "topics": ["Sports"]} for i in range(200)]
    made = build(records=rows, graph={"kind": "topic", "mean_following": 0, "core_follow": 1.0})
    assert len(made.follows) == 198 * 2
