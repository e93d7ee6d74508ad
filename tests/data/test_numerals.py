# ruff: noqa: RUF001 - signs of other countries are what this is about.
"""How numbers are written: every cell becomes the number that is meant, or is left alone."""

import numpy as np
import pytest

from fedredis.data.reading import Reading
from fedredis.data.source import load
from fedredis.errors import DataError


@pytest.mark.parametrize(
    ("cells", "meant"),
    [
        (["45 %", "5%", "0,5 %"], [45, 5, 0.5]),
        (["€ 7.705,64", "-€ 5,00", "€12,50"], [7705.64, -5, 12.5]),
        (["12,50 €", "1 250,00 €", "3 €"], [12.5, 1250, 3]),
        (["CHF 4'390.50", "CHF 12.05", "CHF 1"], [4390.5, 12.05, 1]),
        (["$4,390.50", "$-12.25", "$1"], [4390.5, -12.25, 1]),
        (["1.234,50-", "5,25", "0,75-"], [-1234.5, 5.25, -0.75]),
        (["−1.5", "2.5", "−3"], [-1.5, 2.5, -3]),
        (["4’390", "12’000", "1.5"], [4390, 12000, 1.5]),
        (["1.50E+03", "2.5e-1", "3"], [1500, 0.25, 3]),
    ],
)
def test_numbers_are_what_is_meant(tmp_path, cells, meant):
    path = tmp_path / "a.csv"
    path.write_text("x;y\n" + "".join(f"{cell};{'ab'[i % 2]}\n" for i, cell in enumerate(cells)))
    np.testing.assert_array_equal(load(path, Reading(label="y")).X[:, 0], meant)


def test_a_code_beside_amounts_is_one_for_a_missing_cell(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("x,y\n45 %,a\n?,b\n7 %,b\n")
    with pytest.raises(DataError, match=r"row 3, column 'x': '\?' is not a number"):
        load(path, Reading(label="y"))
    table = load(path, Reading(label="y", na=["?"], missing="mean"))
    np.testing.assert_array_equal(table.X[:, 0], [45, np.nan, 7])


@pytest.mark.filterwarnings("ignore::fedredis.errors.DataWarning")
@pytest.mark.parametrize(
    "cells", [["45 %", "5"], ["€ 5", "$ 5"], ["2-", "3+"], ["10.5-12.5", "1-2"], ["5 mg", "7 mg"]]
)
def test_what_may_mean_two_things_stays_text(tmp_path, cells):
    path = tmp_path / "a.csv"
    rows = "".join(f"{cell},{'ab'[i % 2]}\n" for i, cell in enumerate(cells * 3))
    path.write_text("x,y\n" + rows)
    table = load(path, Reading(label="y", columns=["x"], categories=["x"]))
    assert {*table.texts["x"].values()} == {*cells}


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        (
            ["1,5;0,25;1,5", "2.5;13.2;2", "3;2.1;3"],
            r"column 'x': both '1,5' and '2\.5' are numbers with decimals, as there are in 'z': ",
        ),
        (
            ["1,5;2.5;1", "3,5;4.5;2"],
            r"column 'x': both '1,5' and '2\.5' in column 'z' are numbers with decimals: ",
        ),
    ],
)
def test_columns_with_both_decimal_signs_are_named(tmp_path, rows, line):
    path = tmp_path / "a.csv"
    path.write_text("x;z;w;y\n" + "".join(f"{row};{'ab'[i % 2]}\n" for i, row in enumerate(rows)))
    with pytest.raises(DataError, match=f"{line}`decimal` says which sign it is"):
        load(path, Reading(label="y"))
