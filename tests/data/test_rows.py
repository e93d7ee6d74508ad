import numpy as np
import pandas as pd
import pytest

from fedredis.data.meaning import digest
from fedredis.data.reading import Reading
from fedredis.data.rows import to_cells
from fedredis.data.source import load
from fedredis.errors import DataError, UsageError
from fedredis.features.protocol import Column

COLUMNS = (Column("weight"), Column("coat", kind="category"))
SHORT, FOUR = digest("short"), digest("4")


@pytest.mark.parametrize(
    "rows",
    [
        [{"weight": 4.5, "coat": "short", "name": "Ada"}, {"coat": " short ", "weight": "5"}],
        pd.DataFrame({"name": ["a", "b"], "coat": ["short", "short"], "weight": [4.5, 5]}),
        pd.DataFrame({"coat": ["short"] * 2, "weight": [4.5, 5]}, index=[7, 7]),
        [[4.5, "short"], ["5", "short"]],
        np.array([[4.5, "short"], [5, "short"]], object),
        np.array([["4.5", "short"], ["5", "short"]]),
    ],
)
def test_rows_of_any_form(rows):
    assert to_cells(rows, COLUMNS, "error").tolist() == [[4.5, SHORT], [5, SHORT]]


@pytest.mark.parametrize(
    "coats",
    [[4, 4], [4.0, 4.0], ["4", "4"], pd.array([4, 4], "Int64"), pd.Categorical(["4", "4"])],
)
def test_a_number_is_a_category_by_its_text(coats):
    rows = pd.DataFrame({"weight": [1, 2], "coat": coats})
    assert to_cells(rows, COLUMNS, "error")[:, 1].tolist() == [FOUR, FOUR]


def test_the_same_cells_as_from_a_file(tmp_path):
    text = "weight,coat,code,flag,kind\n4.5,short,4,True,cat\n,long,4,False,dog\n1e3,,7,,cat\n"
    (tmp_path / "pets.csv").write_text(text)
    table = load(
        tmp_path / "pets.csv",
        Reading(
            label="kind",
            columns=["weight", "coat", "code", "flag"],
            categories=["coat", "code", "flag"],
            missing="mean",
        ),
    )
    rows = pd.read_csv(tmp_path / "pets.csv")
    for told in (rows, rows.to_dict("records")):
        assert np.array_equal(to_cells(told, table.columns, "mean"), table.X, equal_nan=True)


@pytest.mark.parametrize("gap", [None, np.nan, "", " "])
def test_gaps_are_left_to_be_filled_or_refused(gap):
    rows = [{"weight": 1, "coat": "short"}, {"weight": gap, "coat": gap}]
    assert np.isnan(to_cells(rows, COLUMNS, "mean")[1]).all()
    with pytest.raises(DataError, match="rows, row 1, column 'weight': the cell is empty"):
        to_cells(rows, COLUMNS, "error")
    with pytest.raises(DataError, match="rows, row 1, column 'coat': the cell is empty"):
        to_cells(rows, COLUMNS[1:], "error")


def test_a_column_may_be_left_out_where_gaps_are_filled():
    rows = pd.DataFrame({"coat": ["short"]})
    assert np.array_equal(to_cells(rows, COLUMNS, "mean"), [[np.nan, SHORT]], equal_nan=True)
    with pytest.raises(UsageError, match="the rows have no column weight"):
        to_cells(rows, COLUMNS, "error")
    assert "weight" not in rows


@pytest.mark.parametrize("rows", [np.zeros((0, 2)), pd.DataFrame({"weight": [], "coat": []})])
def test_no_rows(rows):
    assert to_cells(rows, COLUMNS, "error").shape == (0, 2)


@pytest.mark.parametrize("rows", [5, "short", [], [4.5, "short"], [[4.5]], [[4.5, "a"], [1]], {}])
def test_what_is_not_rows(rows):
    with pytest.raises(UsageError, match="a column each for weight, coat"):
        to_cells(rows, COLUMNS, "mean")


@pytest.mark.parametrize(
    ("weight", "problem"),
    [("heavy", "'heavy' is not a number"), (np.inf, "infinite"), ("-inf", "infinite")],
)
def test_cells_that_are_no_numbers(weight, problem):
    with pytest.raises(DataError, match=f"rows, row 0, column 'weight': .*{problem}"):
        to_cells([{"weight": weight, "coat": "x"}], COLUMNS, "mean")
