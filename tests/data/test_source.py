import pytest

from fedredis.data.reading import Reading
from fedredis.data.source import load
from fedredis.errors import DataError, UsageError


def test_a_file(tmp_path):
    path = tmp_path / "pets.csv"
    path.write_text("size,kind,age\n1,cat,2\n2,dog,3\n")
    table = load(path, Reading(label="kind", columns=["age"]))
    assert (table.source, table.X.tolist()) == ("pets.csv", [[2], [3]])


@pytest.mark.parametrize(
    ("by", "groups"),
    [
        ("kind", ["cat", "dog", "dog"]),  # the label
        ("size", ["1", "2", "3"]),  # learnt from
        ("owner", ["Ann", "", "Ann"]),  # not learnt from
        ("house", ["7", "", "8"]),  # nor this, of which pandas makes 7.0 and 8.0
    ],
)
def test_any_column_of_a_file_groups_its_rows(tmp_path, by, groups):
    path = tmp_path / "pets.csv"
    path.write_text("size,kind,owner,house\n1,cat,Ann,7\n2,dog,,\n3,dog, Ann,8\n")
    table = load(path, Reading(label="kind", columns=["size"]), by=by)
    assert table.groups == groups
    assert table.X.tolist() == [[1], [2], [3]]
    assert load(path, Reading(label="kind", columns=["size"])).groups is None


def test_the_groups_are_those_of_the_rows_that_count(tmp_path):
    path = tmp_path / "pets.csv"
    path.write_text("size,kind,uri\n1,cat,a\n2,dog,a\n3,dog,b\n")
    assert load(path, Reading(label="kind"), by="uri").groups == ["a", "b"]


def test_a_column_that_a_file_lacks(tmp_path):
    path = tmp_path / "pets.csv"
    path.write_text("size,kind\n1,cat\n2,dog\n")
    with pytest.raises(DataError, match="column 'owner': there is no such column; there are size"):
        load(path, Reading(label="kind"), by="owner")


def test_a_folder_must_hold_the_decades(tmp_path):
    with pytest.raises(DataError, match=r"dataset-of-60s\.csv: there is no such file"):
        load(tmp_path)


def test_neither_file_nor_folder(tmp_path):
    with pytest.raises(DataError, match="there is no such file"):
        load(tmp_path / "missing")


def test_nothing_gives_generated_songs():
    one, other = load(None, seed=1), load(None, seed=2)
    assert one.source == "synthetic"
    assert one.X.shape == other.X.shape
    assert (one.groups, load(None, by="decade").groups is None) == (None, False)
    assert (one.X != other.X).any()


@pytest.mark.parametrize("folder", [True, False])
@pytest.mark.parametrize(
    "choice",
    [
        {"label": "kind"},
        {"columns": ["tempo"]},
        {"categories": ["key"]},
        {"missing": "drop"},
        {"task": "regress"},
    ],
)
def test_only_a_file_leaves_a_choice(tmp_path, folder, choice):
    with pytest.raises(UsageError, match="says how to read a file, a database or a frame"):
        load(tmp_path if folder else None, Reading(**choice))
