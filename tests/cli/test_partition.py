"""``fedredis partition``: how rows are cut, and what is said and drawn of it."""

import json
import sys

import numpy as np
import pytest
from matplotlib.image import imread

from fedredis.data.manifest import read_manifest

PETS = "size,kind,owner\n" + "".join(
    f"{number},{'cat' if number % 3 else 'dog'},owner {number % 7}\n" for number in range(210)
)


@pytest.fixture
def cut(call, tmp_path):
    """Return a function that cuts pets among slaves, and gives what was answered."""
    (tmp_path / "pets.csv").write_text(PETS)

    def cut(*args):
        answer = call("partition", "pets.csv", "--label", "kind", "--out", "parts", *args)
        assert answer.code == 0, answer.err
        return answer

    return cut


def test_the_cut_is_in_the_manifest(cut, tmp_path):
    cut("--slaves", 3, "--by", "dirichlet:0.50")
    assert read_manifest(tmp_path / "parts").cut == "dirichlet:0.5"


def test_rows_are_dealt_at_random_unless_asked_otherwise(cut, tmp_path):
    cut("--slaves", 3)
    assert read_manifest(tmp_path / "parts").cut == "iid"


def test_the_table(cut):
    answer = cut("--slaves", 3)
    assert "210 rows in 3 partitions in parts: data set pets-3-" in answer.err
    title, *_, last = answer.out.splitlines()
    assert title.strip() == "rows by kind, cut iid"
    assert last.startswith("the largest slave has 1.0 times the rows of the smallest; mixes of")
    cells = [line.strip("│ ").split("│") for line in answer.out.splitlines() if "│" in line]
    slaves = [[cell.strip() for cell in row] for row in cells]
    assert [row[0] for row in slaves] == ["0", "1", "2"]
    assert sum(int(row[1]) for row in slaves) == 140
    assert sum(int(row[2]) for row in slaves) == 70
    assert all(row[3:] == ["70", "20%"] for row in slaves)


def test_a_long_table_is_cut_short(cut):
    answer = cut("--slaves", 50)
    assert "and 30 more" in answer.out
    assert "│    19 │" in answer.out
    assert "│    20 │" not in answer.out


def test_classes_that_look_like_markup(call, tmp_path):
    (tmp_path / "x.csv").write_text("size,decade\n1,[bold]\n2,[/]\n3,[/]\n")
    answer = call("partition", "x.csv", "--slaves", 2, "--out", "parts")
    assert answer.code == 0, answer.err
    assert "[bold]" in answer.out
    assert "[/]" in answer.out


def test_json(cut):
    report = json.loads(cut("--slaves", 7, "--by", "column:owner", "--json").out)
    assert report["dataset"].startswith("pets-7-")
    assert (report["cut"], report["rows"]) == ("column:owner", 210)
    assert report["labels"] == ["cat", "dog"]
    assert report["slaves"] == [
        {"slave": slave, "rows": 30, "held_out": 6, "counts": [20, 10]} for slave in range(7)
    ]
    assert (report["size_ratio"], report["label_distance"]) == (1, 0)


def test_a_picture(cut, tmp_path):
    cut("--slaves", 3, "--by", "shards", "--report", "cut.png")
    picture = imread(tmp_path / "cut.png")
    assert picture.shape == (810, 1500, 4)
    colours = {tuple(colour) for colour in np.rint(picture[..., :3] * 255).reshape(-1, 3).tolist()}
    assert {(0x00, 0x72, 0xB2), (0xE6, 0x9F, 0x00)} <= colours
    assert {path.name for path in tmp_path.iterdir()} == {"pets.csv", "parts", "cut.png"}


@pytest.mark.parametrize(("slaves", "apart"), [(1, True), (70, True), (1000, False)])
def test_a_picture_of_many_labels_with_any_name(call, tmp_path, slaves, apart):
    strange = ["$\\no$", "$", "_b", "c" * 99, "北"]
    names = [*strange, *strange, *"defgh"]  # the rarest are merged
    rows = "".join(f"{number},{names[number % 15]}\n" for number in range(1200))
    (tmp_path / "x.csv").write_text("size,kind\n" + rows, encoding="utf-8")
    answer = call(
        *("partition", "x.csv", "--label", "kind", "--slaves", slaves),
        *("--out", "parts", "--report", "cut.png"),
    )
    assert answer.code == 0, answer.err
    bars = imread(tmp_path / "cut.png")[500, 140:1150, :3]
    assert ((bars == 1).all(axis=1).mean() > 0.1) == apart


def test_a_picture_that_can_not_be_written(cut, call, tmp_path):
    answer = call("partition", "--slaves", 3, "--out", "parts", "--report", "pets.csv/cut.png")
    assert (answer.code, answer.out) == (2, "")
    assert "cut.png: there is no directory pets.csv" in answer.err
    assert (tmp_path / "pets.csv").read_text() == PETS


def test_without_matplotlib(refused, monkeypatch):
    """Nothing is cut that could not be drawn."""
    monkeypatch.delitem(sys.modules, "fedredis.cli.cut_picture", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    line = refused("partition", "--slaves", 3, "--out", "parts", "--report", "cut.png")
    assert "pip install 'fedredis[plot]'" in line


def test_matplotlib_is_not_imported_unless_asked_for(call, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert call("partition", "--slaves", 3, "--out", "parts").code == 0


@pytest.mark.parametrize(
    ("args", "complaint"),
    [
        (("--by", "even"), "there is no cut 'even'; there are: iid, dirichlet:ALPHA, shards[:"),
        (("--by", "dirichlet"), "the cut 'dirichlet' must be written dirichlet:ALPHA"),
        (("--by", "column:artist"), "by the column 'decade' only, not 'artist'"),
        (("--by", "column:decade", "--slaves", 7), "7 slaves can't share 6 values of the column"),
        (("--by", "shards:20000"), "40560 rows don't make 60000 shards"),
        (("--report", "cut.jpg"), "--report cut.jpg: the picture is a PNG"),
        (("--report", "."), "is a directory"),
    ],
)
def test_wrong_calls(refused, args, complaint):
    assert complaint in refused("partition", "--slaves", 3, "--out", "parts", *args)


@pytest.mark.parametrize(("by", "slaves"), [("decade", 6), ("artist", 9)])
def test_the_real_songs_by_column(call, songs, by, slaves):
    args = ("partition", songs, "--slaves", slaves, "--by", f"column:{by}", "--out", "parts")
    report = json.loads(call(*args, "--json").out)
    assert report["rows"] == 40_560
    sizes = [slave["rows"] for slave in report["slaves"]]
    if by == "decade":
        assert [np.count_nonzero(slave["counts"]) for slave in report["slaves"]] == [1] * 6
        assert max(sizes) > 1.2 * min(sizes)
    else:
        assert max(sizes) - min(sizes) <= 1
