# ruff: noqa: RUF001 - letters of other alphabets are what this is about.
"""Files as programs export them: every cell comes out as it is meant."""

from __future__ import annotations

import gzip
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pytest
from openpyxl import Workbook

from fedredis.data.meaning import digest
from fedredis.data.reading import Reading
from fedredis.data.source import load
from fedredis.errors import DataError, FedredisError
from tests.data.exports import EXPORTS, ROWS, text

if TYPE_CHECKING:
    from pathlib import Path

    from fedredis.data.table import Table


def read(path: Path, **how: object) -> Table:
    said = {"label": "outcome", "missing": "mean", "dates": ["admitted"], "ignore": ["patient"]}
    how = {**said, **how}
    if "sql" in how:
        how["sql"] = str(how["sql"]).format(path)
    return load(None if "sql" in how else path, Reading(**how))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", EXPORTS)
def test_every_cell_is_what_was_meant(tmp_path, name):
    write, said = EXPORTS[name]
    write(tmp_path / name)
    table = read(tmp_path / name, **said)
    names = [*("Größe", "cost"), *(f"admitted.{p}" for p in ("year", "month", "weekday", "days"))]
    assert [column.name for column in table.columns] == [*names, "ward"]
    expected = [
        [
            np.nan if size is None else size,
            cost,
            *(day.year, day.month, day.weekday(), (day - date(2000, 1, 1)).days),
            np.nan if ward is None else digest(ward),
        ]
        for _, size, cost, day, ward, _, _ in ROWS
    ]
    np.testing.assert_array_equal(table.X, expected)
    assert [table.classes[place] for place in table.y] == [row[-1] for row in ROWS]
    assert table.account is not None
    assert table.account.left == {
        "patient": "ignored",
        "note": "text",
        **{name: "no name" for name in table.account.left if name.startswith("Unnamed")},
    }
    assert len(table.account.lines()) <= 5


REFUSED = {
    "utf-16 is said": (text().encode(), {"encoding": "utf-16"}, "the text is not UTF-16"),
    "a code page of elsewhere": (
        "имя;исход\nИван;a\nОльга;b\n".encode("cp1251"),
        {},
        r"row 1: the text is not UTF-8, and not clearly .*: `encoding` says which .*'имя' in cp1",
    ),
    "comma or group": (b"x;y\n1,234;a\n5,678;b\n", {}, "'1,234' may be 1234 or 1.234: `decimal`"),
    "point or group": (b"x;y\n1.234;a\n5.678;b\n", {}, "'1.234' may be 1234 or 1.234: `decimal`"),
    "two signs": (b"x;y;z\n1,5;2.5;a\n3,5;4.5;b\n", {}, "both '1,5' and '2.5' .* `decimal` says"),
    "a code": (b"x,y\n1,a\n?,b\n3,a\n", {}, r"row 3, column 'x': '\?' is not a number: .* `na`"),
    "no column of a code": (b"x,y\n1,a\n2,b\n", {"na": ["z=?"]}, "`na` there is no column 'z'"),
    "Excel": (b"\xd0\xcf\x11\xe0" + bytes(99), {}, r"no CSV file but an Excel workbook: .*\.xls"),
    "a workbook": (b"PK\x03\x04" + bytes(99), {}, "the packed file can't be read"),
    "Parquet": (b"PAR1" + bytes(99), {}, r"but Parquet: let its name end in \.parquet"),
    "a title": (
        b"Ward 5\n\nx;y;z;w\n" + b"1;2;3;a\n" * 9,
        {},
        r"row 1: it names 1 of 4 columns, as a title does: `header=3` says that row 3 names them",
    ),
    "a title as wide as the table": (
        b"Ward 5;;;\nx;y;z;w\n" + b"1;2;3;a\n" * 9,
        {},
        r"row 1: .*: `header=2` says that row 2 names them",
    ),
    "one name twice": (
        b"x,x,y\n1,2,a\n",
        {},
        r"row 1, column 'x': two columns have this name: rename one, or say with `header`",
    ),
    "no such line": (b"x,y\n1,a\n", {"header": 9}, "there is nothing in line 9 and below"),
    "gzip in gzip": (
        gzip.compress(gzip.compress(b"x,y\n1,a\n")),
        {},
        r"what is packed in it is packed again \(gzip\): unpack it once",
    ),
    "half a gzip": (
        b"\x1f\x8b\x08\0\0\0\0\0\0\0" + b"K\xd4\xa9",
        {},
        "the packed file is damaged",
    ),
    "bytes": (b"x,y\n\0\0\0,1\n", {}, "row 2: the file holds no text: it has bytes that are zero"),
    "one line of another encoding": (
        "x,y\n1,Süd\n2,Köln\n".encode() + b"3,K\xf6ln\n",
        {},
        "row 4: this line is not UTF-8, and most are: write the file anew, or correct it",
    ),
    "no sheets": (b"x,y\n1,a\n", {"sheet": "A"}, "`sheet`: it is no workbook"),
    "dates of two orders": (
        b"d,x,y\n01/02/2021,1,a\n03/04/2021,2,b\n",
        {"dates": ["d"]},
        r"column 'd': '01/02/2021' may be %d/%m/%Y or %m/%d/%Y: `dates=d=FORMAT` says which",
    ),
    "no date": (
        b"d,x,y\n01.02.2021,1,a\nsoon,2,b\n",
        {"dates": ["d"]},
        r"row 3, column 'd': 'soon' is no date",
    ),
    "no date as said": (
        b"d,x,y\n01.02.2021,1,a\n",
        {"dates": ["d=%Y-%m-%d"]},
        r"'01.02.2021' is no date as %Y-%m-%d says",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_unsure_is_refused_with_the_option_that_mends_it(tmp_path, case):
    content, how, problem = REFUSED[case]
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    with pytest.raises(FedredisError, match=problem) as refused:
        read(path, label="y", **{"dates": (), "ignore": (), **how})
    assert "\n" not in str(refused.value)


def test_what_was_refused_is_read_once_it_is_said(tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes(b"d;x;y\n01/02/2021;1,234;a\n03/04/2021;5,678;b\n")
    how = {"label": "y", "ignore": (), "dates": ["d=%d/%m/%Y"]}
    assert read(path, **how, decimal=",").X[0].tolist() == [2021, 2, 0, 7702, 1.234]
    assert read(path, **how, thousands=",").X[:, -1].tolist() == [1234, 5678]


def test_a_small_file_may_not_hold_a_large_one(tmp_path):
    from fedredis.data.file import read

    path = tmp_path / "table.csv.gz"
    path.write_bytes(gzip.compress(b"x,y\n" + b"1,a\n" * 100_000))
    with pytest.raises(DataError, match="more bytes than the limit of 99,999"):
        read(path, Reading(label="y"), cap=99_999)


def test_letters_that_come_late(tmp_path):
    """The start of a file, all that is looked at first, is ASCII."""
    path = tmp_path / "table.csv"
    path.write_bytes(b"x,y\n" + b"1,a\n2,a\n2,b\n" * 100_000 + "3,Süd\n".encode("cp1252") * 9_000)
    assert read(path, label="y", dates=(), ignore=()).classes == ("Süd", "a", "b")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"<html><table><tr><td>x</td></tr></table>", "no workbook but a web page, or XML: save"),
        (b"x\ty\n1\ta\n", r"no workbook but text: let its name end in \.csv"),
    ],
)
def test_what_is_called_a_workbook_and_is_none(tmp_path, content, problem):
    path = tmp_path / "table.xls"
    path.write_bytes(content)
    with pytest.raises(DataError, match=problem):
        read(path, label="y")


def test_what_is_merged_stands_in_each_of_its_rows(tmp_path):
    book = Workbook()
    sheet = book.active
    for row in (
        ["ward", "age", "y"],
        *([ward, age, "ab"[age % 2]] for ward in "NS" for age in range(9)),
    ):
        sheet.append(row)
    sheet.merge_cells("A2:A10")
    sheet.merge_cells("A11:A19")
    book.save(tmp_path / "table.xlsx")
    table = load(tmp_path / "table.xlsx", Reading(label="y"))
    assert table.X[:, 0].tolist() == [digest("N")] * 9 + [digest("S")] * 9


def test_a_sheet_of_blanks_is_empty(tmp_path):
    book = Workbook()
    book.active["C3"] = " "
    book.save(tmp_path / "table.xlsx")
    with pytest.raises(DataError, match="there is nothing in row 1 and below"):
        load(tmp_path / "table.xlsx", Reading(label="y"))
