from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fedredis.data.file import read
from fedredis.data.meaning import digest
from fedredis.data.reading import Reading
from fedredis.data.songs import ERAS, FEATURE_NAMES, FEATURES
from fedredis.errors import DataError
from fedredis.features.protocol import Column

GOOD = "size,kind,weight\n1,cat,2.5\n2,dog,-3e2\n3,cat,0\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "pets.csv"


def test_a_table_of_numbers_and_labels(path):
    path.write_text(GOOD)
    table = read(path, Reading(label="kind"))
    assert table.X.tolist() == [[1, 2.5], [2, -300], [3, 0]]
    assert (table.X.dtype, table.y.dtype) == (np.float64, np.int64)
    assert table.y.tolist() == [0, 1, 0]
    assert table.columns == (Column("size"), Column("weight"))
    assert (table.classes, table.reading.label) == (("cat", "dog"), "kind")
    assert (table.source, table.names) == ("pets.csv", None)


def test_columns_can_be_chosen_and_ordered(path):
    path.write_text(GOOD)
    assert read(path, Reading(label="kind", columns=["weight", "size"])).X[1].tolist() == [
        -300,
        2,
    ]


def test_columns_of_text_and_columns_without_a_name_are_left_out(path):
    path.write_text(
        ",size,colour,uri,void,open,kind\n"
        "0,1,red,1,,True,cat\n1,2,7,2,,False,dog\n2,3,blue,3,,True,cat\n"
    )
    assert read(path, Reading(label="kind")).columns == (Column("size"),)


def test_numbers_make_labels_as_text(path):
    path.write_text("size,kind\n1,1\n2,0\n3, 1\n")
    table = read(path, Reading(label="kind"))
    assert (table.classes, table.y.tolist()) == (("0", "1"), [1, 0, 1])


def test_integers_of_any_length_are_numbers(path):
    path.write_text(f"size,kind\n1{'0' * 30},cat\n-1,dog\n18446744073709551615,dog\n")
    assert read(path, Reading(label="kind")).X[:, 0].tolist() == [1e30, -1, 2.0**64]


def test_a_song_that_is_repeated_counts_once(path):
    path.write_text("size,kind,uri,name\n1,cat,u,A\n2,dog,v,B\n3,dog,u,C\n4,dog,,D\n5,cat,,\n")
    table = read(path, Reading(label="kind"))
    assert table.X[:, 0].tolist() == [1, 2, 4, 5]
    assert table.y.tolist() == [0, 1, 1, 0]
    assert table.names == ["A", "B", "D", ""]


def song(era: str, **features: object) -> str:
    cells = dict.fromkeys(FEATURE_NAMES, 0) | features
    return ",".join(["A Song", era, *map(str, cells.values())]) + "\n"


HEADER = ",".join(["track_name", "decade", *FEATURE_NAMES]) + "\n"


def test_songs_need_no_option_and_have_all_eras(path):
    path.write_text(HEADER + song("Z-Generation") + song("Z-Generation", tempo=999))
    table = read(path)
    assert (table.columns, table.classes, table.reading.label) == (FEATURES, ERAS, "decade")
    assert table.y.tolist() == [2, 2]
    assert table.X[1, -1] == 999  # a range bounds histograms, it refuses nothing
    assert table.names == ["A Song", "A Song"]


def test_a_song_feature_can_be_the_label(path):
    path.write_text(HEADER + song("X-Generation", mode=1) + song("X-Generation"))
    table = read(path, Reading(label="mode"))
    assert table.columns == tuple(column for column in FEATURES if column.name != "mode")
    assert table.classes == ("0", "1")


def test_an_era_that_is_none(path):
    path.write_text(HEADER + song("X-Generation") + song("W-Generation"))
    with pytest.raises(DataError) as refused:
        read(path)
    assert str(refused.value) == (
        f"{path}, row 3, column 'decade': "
        "'W-Generation' is none of X-Generation, Y-Generation, Z-Generation"
    )


@pytest.mark.parametrize(
    ("text", "row", "column", "problem"),
    [
        pytest.param("", None, None, "the file is empty", id="empty"),
        pytest.param("size,kind\n", None, None, "a header and no rows", id="header only"),
        pytest.param("size,kind", None, None, "a header and no rows", id="unended header"),
        pytest.param("size,size\n1,2\n", 1, "size", "two columns", id="header twice"),
        pytest.param("size,sort\n1,a\n", None, "kind", "there are size, sort", id="no label"),
        pytest.param("kind\ncat\ndog\n", None, None, "no column holds numbers", id="no number"),
        pytest.param("size,kind\n1,a\n,b\n", 3, "size", "the cell is empty", id="empty cell"),
        pytest.param("size,kind\n1,a\nNA,b\n", 3, "size", "the cell is empty", id="NA"),
        pytest.param("size,kind\n1,a\nnan,b\n", 3, "size", "the cell is empty", id="nan"),
        pytest.param("kind,size\na,1\nb\n", 3, "size", "the cell is empty", id="short row"),
        pytest.param("size,kind\n1,a\n-inf,b\n", 3, "size", "is infinite", id="inf"),
        pytest.param("size,kind\n1,a\n1e999,b\n", 3, "size", "number", id="overflow"),
        pytest.param("size,kind\n1,a\n2,b\nx,b\n", 4, "size", "'x' is not a number", id="text"),
        pytest.param("size,kind\n1,a\n2,\n", 3, "kind", "the cell is empty", id="no class"),
        pytest.param("size,kind\n1,a\n2,' '\n3,  \n", 4, "kind", "is empty", id="blank class"),
        pytest.param("size,kind\n1,a\n2,a\n", None, "kind", "has the label 'a'", id="one class"),
        pytest.param("size,kind\n1,a\n2,b,3\n", 3, None, "3 fields, the header 2", id="long row"),
        pytest.param(
            "size,kind\n1,a,5\n2,b\n", 2, None, "3 fields, the header 2", id="long first"
        ),
        pytest.param('size,kind\n1,a\n2,"b\n3,a\n', 3, None, "never closed", id="open quote"),
        pytest.param('size,kind\n1,"a\nb"\n\n,c\n', 5, "size", "is empty", id="line in a field"),
        pytest.param('size,kind\n1,"a\nb"\n2,c,3\n', 4, None, "3 fields", id="long after that"),
    ],
)
def test_bad_files(path, text, row, column, problem):
    path.write_text(text)
    with pytest.raises(DataError) as refused:
        read(path, Reading(label="kind"))
    error = refused.value
    assert (error.file, error.row, error.column) == (path, row, column)
    assert problem in str(error)
    assert str(path) in str(error)
    assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("text", "row"), [(b"size,kind\n1,a\n2,\xff\n", 3), (b"size,k\xffnd\n1,a\n", 1)]
)
def test_bytes_that_are_not_utf_8(path, text, row):
    path.write_bytes(text)
    with pytest.raises(DataError) as refused:
        read(path, Reading(label="size"))
    assert str(refused.value).startswith(f"{path}, row {row}: the text is not UTF-8, and not")
    assert "`encoding` says which" in str(refused.value)


def test_a_file_beyond_the_limit(path):
    path.write_text(GOOD)
    with pytest.raises(DataError, match=r"pets\.csv: the file has 46 bytes, the limit is 45"):
        read(path, Reading(label="kind"), cap=45)


def test_a_missing_file(path):
    with pytest.raises(DataError, match=r"pets\.csv: there is no such file"):
        read(path)


def test_a_label_must_be_named(path):
    path.write_text(GOOD)
    with pytest.raises(DataError, match=r"pets\.csv: no column 'decade': .* `label`"):
        read(path)


@pytest.mark.parametrize(
    ("columns", "column", "problem"),
    [
        (["size", "age"], "age", "there are size, kind, weight"),
        (["size", "kind"], "kind", "can't be learned from"),
        (["size", "size"], None, "named twice"),
        ([], None, "no column"),
    ],
)
def test_columns_that_can_not_be_chosen(path, columns, column, problem):
    path.write_text(GOOD)
    with pytest.raises(DataError, match=problem) as refused:
        read(path, Reading(label="kind", columns=columns))
    assert refused.value.column == column


GAPS = (
    "size,colour,kind,uri,name\n"
    "1,red,cat,a,A\n,red,dog,b,B\n3, ,cat,b,C\n4,blue,,d,D\n5,blue,dog,a,E\n6,red,cat,c,F\n"
)


@pytest.mark.parametrize(
    ("columns", "row", "column"),
    [(["colour"], 4, "colour"), (["size"], 3, "size"), (["size", "colour"], 3, "size")],
)
def test_a_missing_cell_says_what_to_do(path, columns, row, column):
    path.write_text(GAPS)
    with pytest.raises(DataError) as refused:
        read(path, Reading(label="kind", columns=columns))
    assert str(refused.value) == (
        f"{path}, row {row}, column '{column}': the cell is empty: "
        "`missing=drop` leaves such rows out, `missing=mean` fills cells"
    )


def test_rows_with_missing_cells_are_dropped_before_repeated_ones(path):
    path.write_text(GAPS)
    table = read(path, Reading(label="kind", columns=["size"], missing="drop"), by="colour")
    assert table.X.tolist() == [[1], [3], [6]]
    assert (table.names, table.groups) == (["A", "C", "F"], ["red", "", "red"])
    assert (table.classes, table.reading.missing) == (("cat", "dog"), "error")
    table = read(path, Reading(label="kind", columns=["size", "colour"], missing="drop"))
    assert table.X[:, 0].tolist() == [1, 6]
    assert table.X[:, 1].tolist() == [digest("red")] * 2


def test_missing_cells_to_be_filled_are_nan(path):
    path.write_text(GAPS)
    table = read(path, Reading(label="kind", columns=["size", "colour"], missing="mean"))
    np.testing.assert_array_equal(table.X[:, 0], [1, np.nan, 6])
    np.testing.assert_array_equal(table.X[:, 1], [digest("red")] * 3)
    assert table.reading.missing == "mean"
    assert (
        read(path, Reading(label="kind", columns=["uri"], missing="mean")).reading.missing
        == "mean"
    )


WEIGHED = "size,kind,w\n1,cat,2\n2,dog,0.5\n,dog,3\n4,cat,\n"


def test_weights_are_no_column_to_learn_from(path):
    path.write_text(WEIGHED)
    table = read(path, Reading(label="kind", weights="w", missing="drop"))
    assert (table.X.tolist(), table.reading.weights) == ([[1], [2]], "w")
    assert table.w is not None
    assert table.w.tolist() == [2, 0.5]
    assert table.account is not None
    assert table.account.lines()[2:] == [
        "from 1 columns: size",
        "leaves out w (weighs rows)",
        "drops rows: 1 (no label or weight), 1 (a missing cell)",
    ]
    assert read(path, Reading(label="kind", weights="w", missing="mean")).y.tolist() == [
        0,
        1,
        1,
    ]
    with pytest.raises(DataError, match="row 5, column 'w': the cell is empty"):
        read(path, Reading(label="kind", weights="w"))
    with pytest.raises(DataError, match="column 'w': a column of weights can't be learned from"):
        read(path, Reading(label="kind", weights="w", columns=["w"], missing="drop"))
    path.write_text(WEIGHED.replace("0.5", "-0.5"))
    with pytest.raises(DataError, match="row 3, column 'w': a weight is below 0"):
        read(path, Reading(label="kind", weights="w", missing="drop"))


def test_a_blank_number_is_missing(path):
    path.write_text("size,kind\n1,a\n  ,b\n3,b\n")
    with pytest.raises(DataError, match="row 3, column 'size': the cell is empty"):
        read(path, Reading(label="kind"))
    assert read(path, Reading(label="kind", missing="drop")).X.tolist() == [[1], [3]]


def test_rows_and_labels_go_by_their_place_in_the_file(path):
    rows = "".join(f",{c},X-Generation\n" for c in "ab") + "1,c,X-Generation\n2,d,W-Generation\n"
    path.write_text("size,kind,era\n" + rows)
    with pytest.raises(DataError, match="row 5, column 'era': 'W-Generation' is none of"):
        read(path, Reading(label="era", columns=["size"], missing="drop"))


@pytest.mark.parametrize("missing", ["drop", "mean"])
def test_no_row_is_left(path, missing):
    path.write_text("size,kind\n,\n1,\n,\n")
    with pytest.raises(DataError, match=r"pets\.csv: every row has a missing cell"):
        read(path, Reading(label="kind", missing=missing))


def test_one_thing_is_one_class_and_one_category(path):
    path.write_text("code,open,kind\n1,TRUE,1.0\n1.0,true,1\n1,1,0\n,False,0.0\n2,0,True\n")
    table = read(path, Reading(label="kind", categories=["code", "open"], missing="mean"))
    assert (table.classes, table.y.tolist()) == (("0", "True"), [1, 1, 0, 0, 1])
    np.testing.assert_array_equal(
        table.X,
        [[digest(1), digest(1)]] * 3 + [[np.nan, digest(0)], [digest(2), digest(0)]],
    )


def test_a_frame_is_read_as_its_file_is(path):
    path.write_text(GAPS)
    said = Reading(label="kind", columns=["size", "colour"], missing="mean")
    one, other = read(path, said, by="name"), read(pd.read_csv(path), said, by="name")
    np.testing.assert_array_equal(one.X, other.X)
    assert (one.y.tolist(), one.classes, one.columns, one.names, one.groups) == (
        *(other.y.tolist(), other.classes, other.columns, other.names, other.groups),
    )
    assert other.source == "frame"


def test_categories_of_a_frame_stay_such():
    frame = pd.DataFrame({"w": pd.Categorical([1, 2] * 4), "y": [True, False] * 4})
    table = read(frame, Reading(label="y"))
    assert (table.columns, table.classes) == ((Column("w", kind="category"),), ("False", "True"))
    assert table.X[:2, 0].tolist() == [digest("1"), digest("2.0")]


def test_dates_may_be_missing_however_they_are_written(path):
    days = pd.Series(pd.to_datetime(["2021-03-01", None] * 4))
    frame = pd.DataFrame({"d": days, "x": range(8), "y": [*"ab"] * 4})
    said = Reading(label="y", dates=["d"], missing="mean")
    found = [read(frame, said).X]
    for written in (frame, frame.assign(d=days.dt.strftime("%d.%m.%Y"))):
        written.to_csv(path, index=False)
        written.to_parquet(path.with_suffix(".parquet"))
        sources = (path, path.with_suffix(".parquet"), written)
        found += [read(source, said).X for source in sources]
    for X in found:
        np.testing.assert_array_equal(X[:2], [[2021, 3, 0, 7730, 0], [*[np.nan] * 4, 1]])


def test_times_that_have_passed_are_seconds(path):
    passed = pd.Series(pd.to_timedelta([1500, None, 2] * 4, unit="ms"))
    frame = pd.DataFrame({"d": passed, "y": [*"aba"] * 4})
    said = Reading(label="y", missing="mean")
    np.testing.assert_array_equal(read(frame, said).X[:, 0], [1.5, np.nan, 0.002] * 4)
    for unit in ("s", "ms", "us", "ns"):
        whole = passed.dt.floor("s") if unit == "s" else passed
        file = path.with_suffix(".parquet")
        frame.assign(d=whole.astype(f"timedelta64[{unit}]")).to_parquet(file)
        seconds = [1, np.nan, 0] if unit == "s" else [1.5, np.nan, 0.002]
        np.testing.assert_array_equal(read(file, said).X[:, 0], seconds * 4)
    assert frame["d"].dtype.kind == "m"


@pytest.mark.parametrize(
    ("frame", "problem"),
    [
        (pd.DataFrame({"x": [], "y": []}), "the frame has no rows"),
        (pd.DataFrame([[1, 2, 3]], columns=["x", "x", "y"]), "'x': two columns have this name"),
        (pd.DataFrame({"x": [1, None], "y": [0, 1]}), "frame, row 1, column 'x': the cell is emp"),
        (pd.DataFrame({"x": [1, 2]}), "column 'y': there is no such column"),
        (pd.DataFrame({"x": [1, 2j], "y": [0, 1]}), "column 'x': it holds complex numbers"),
    ],
)
def test_frames_that_can_not_be_used(frame, problem):
    with pytest.raises(DataError, match=problem):
        read(frame, Reading(label="y"))


def test_the_empty_cell_is_to_blame_and_not_the_long_one(path):
    path.write_text("note,x,y\n" + "z" * 200_000 + ",1,a\nw,2,b\nw,,b\n")
    with pytest.raises(DataError, match="row 4, column 'x': the cell is empty"):
        read(path, Reading(label="y", columns=["x"]))
