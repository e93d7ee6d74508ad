import datetime
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fedredis.data import parquet
from fedredis.data.file import read
from fedredis.data.meaning import digest
from fedredis.data.reading import Reading
from fedredis.data.source import load
from fedredis.errors import DataError, DataWarning

CSV = (
    "size,colour,open,code,uri,name,kind\n"
    "1.5,red,True,1,a,A,cat\n2,blue,False,2,b,B,dog\n,red,,1,c,C,cat\n"
    "4,,True,2,d,D,dog\n5.25,red,True,3,a,E,cat\n6,blue,False,,f,F,\n7,red,True,3,g,G,dog\n"
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "pets.parquet"


def write(path: Path, **columns: Any) -> None:
    pq.write_table(pa.table(columns), path)


@pytest.mark.parametrize("name", ["pets.parquet", "PETS.PQ"])
@pytest.mark.parametrize("categories", [None, ["code"]])
@pytest.mark.parametrize("missing", ["drop", "mean"])
def test_the_same_table_as_from_csv(tmp_path, name, categories, missing):
    (tmp_path / "pets.csv").write_text(CSV)
    frame = pd.read_csv(tmp_path / "pets.csv").astype({"code": "Int64"})
    frame.to_parquet(tmp_path / name)
    one, other = (
        load(
            tmp_path / n,
            Reading(label="kind", categories=categories, missing=missing),
            by="colour",
        )
        for n in ("pets.csv", name)
    )
    assert one.columns == other.columns
    assert len(one.columns) == 4
    assert one.X.tobytes() == other.X.tobytes()
    assert one.y.tolist() == other.y.tolist()
    assert (one.classes, one.names, one.groups) == (other.classes, other.names, other.groups)
    assert other.source == name


def test_types_that_a_csv_file_has_not(path):
    day = datetime.datetime(2026, 1, 1)
    write(
        path,
        small=pa.array([1, 2, 3, 4, 5], pa.int8()),
        exact=[Decimal("1.50")] * 4 + [None],
        half=pa.array(np.full(5, 0.5, np.float16)),
        word=pa.array(["a", "b", "a", "b", "a"]).dictionary_encode(),
        day=[day] * 5,
        flag=[True, None, True, False, True],
        nested=[[1]] * 5,
        void=pa.nulls(5),
        __index_level_0__=[0, 1, 2, 3, 4],
        kind=["c", "d", "c", "d", "c"],
    )
    with pytest.warns(DataWarning, match="column 'day': it holds dates"):
        table = read(path, Reading(label="kind", missing="mean"))
    assert {column.name: column.kind for column in table.columns} == {
        "small": "number",
        "exact": "number",
        "half": "number",
        "word": "category",
        "day": "category",
        "flag": "category",
    }
    assert table.X[0, :4].tolist() == [1, 1.5, 0.5, digest("a")]
    assert np.isnan(table.X[[4, 1], [1, 5]]).all()
    assert table.X[0, 5] == digest("True")


def test_a_label_is_a_number(path):
    write(path, size=[1, 2, 3], rent=[0.1, 1e-7, None])
    table = read(path, Reading(label="rent", missing="drop"))
    assert table.y.tolist() == [0.1, 1e-7]


def test_not_a_number_has_the_same_bytes_whatever_it_was(path):
    odd = np.array([0x7FF80000DEADBEEF, 0xFFF8000000000001, 0], np.uint64).view(np.float64)
    write(path, size=pa.array(odd, from_pandas=False), kind=["a", "b", "b"])
    table = read(path, Reading(label="kind", missing="mean"))
    assert table.X[:2].tobytes() == np.full((2, 1), np.nan).tobytes()


def test_not_a_number_is_a_missing_label_and_category(path):
    gap = pa.array([np.nan, 1, 2, 1], from_pandas=False)
    write(path, size=[1, 2, 3, 4], code=gap, kind=pa.array([1, 0, np.nan, 1], from_pandas=False))
    table = read(path, Reading(label="kind", categories=["code"], missing="mean"))
    assert (table.classes, table.y.tolist()) == (("0", "1"), [1, 0, 1])
    np.testing.assert_array_equal(table.X[:, 1], [np.nan, digest("1"), digest("1")])


@pytest.mark.parametrize(
    ("columns", "row", "column", "problem"),
    [
        ({"size": [1.0, None], "kind": ["a", "b"]}, 2, "size", "the cell is empty"),
        ({"size": [1.0, np.inf], "kind": ["a", "b"]}, 2, "size", "is infinite"),
        ({"size": ["1", "2", "x"], "kind": ["a", "b", "b"]}, 3, "size", "'x' is not a number"),
        ({"size": [[1], [2]], "kind": ["a", "b"]}, None, None, "no column holds numbers"),
        ({"size": [1, 2], "sort": ["a", "b"]}, None, "kind", "there are size, sort"),
        ({"size": pa.array([], pa.int64()), "kind": pa.nulls(0)}, None, None, "no rows"),
        ({"kind": [b"\xff", b"a"], "size": [1, 2]}, None, None, "not Parquet: "),
    ],
)
def test_bad_contents(path, columns, row, column, problem):
    write(path, **columns)
    with pytest.raises(DataError) as refused:
        read(path, Reading(label="kind"))
    error = refused.value
    assert (error.file, error.row, error.column) == (path, row, column)
    assert problem in str(error)
    assert "\n" not in str(error)


def test_a_name_stands_on_one_line(path):
    write(path, **{"the\nsize": [1.0, 2.0], "kind": ["a", "b"]})
    assert read(path, Reading(label="kind", columns=["the size"])).X.tolist() == [[1], [2]]


def test_a_name_that_stands_twice_is_refused(path):
    column = pa.array([1, 2])
    pq.write_table(pa.Table.from_arrays([column, column], ["size", "size"]), path)
    with pytest.raises(DataError, match="column 'size': two columns have this name"):
        read(path, Reading(label="size"))


@pytest.mark.parametrize("contents", [b"", b"size,kind\n1,a\n", b"PAR1\0\0\0\0PAR1", None])
def test_what_is_no_parquet_file(path, contents):
    if contents is None:
        write(path, size=list(range(1000)), kind=["a", "b"] * 500)
        whole = path.read_bytes()
        contents = whole[:20] + bytes(byte ^ 255 for byte in whole[20:80]) + whole[80:]
    path.write_bytes(contents)
    with pytest.raises(DataError, match=r"pets\.parquet: not Parquet: ") as refused:
        read(path, Reading(label="kind"))
    assert "\n" not in str(refused.value)


def test_a_file_that_claims_too_many_cells(path, monkeypatch):
    write(path, size=[0] * 1000, kind=["a"] * 1000)
    monkeypatch.setattr(parquet, "MOST_CELLS", 1_999)
    with pytest.raises(DataError, match="the file has 2,000 cells, the limit is 1,999"):
        read(path, Reading(label="kind"))


def test_pyarrow_is_not_needed_for_anything_else(path, monkeypatch):
    write(path, size=[1, 2], kind=["a", "b"])
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(DataError) as refused:
        read(path, Reading(label="kind"))
    assert str(refused.value) == (
        f"{path}: to read Parquet, install pyarrow: pip install 'fedredis[parquet]'"
    )
    path.with_suffix(".csv").write_text(CSV)
    assert len(read(path.with_suffix(".csv"), Reading(label="kind", missing="drop")).X) == 3
