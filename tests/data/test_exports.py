# ruff: noqa: RUF001 - letters of other alphabets are what this is about.
"""Files as programs export them: every cell comes out as it is meant."""

from __future__ import annotations

import gzip
import json
import warnings
import zipfile
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from openpyxl import Workbook

from fedredis.data.meaning import digest
from fedredis.data.reading import Reading
from fedredis.data.source import load
from fedredis.errors import DataError, DataWarning, FedredisError
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
    "a title above two columns": (
        b"Ward 5\nof 2024\n\nx,w\n" + b"".join(b"%d.5,%c\n" % (i, 97 + i % 2) for i in range(9)),
        {},
        r"row 1: it names 1 of 2 columns, as a title does: `header=4` says that row 4 names them",
    ),
    "a title behind a blank line": (
        b"\nWard 5, 2024\nx;w\n" + b"1,5;a\n2,5;b\n" * 9,
        {},
        r"row 2: it names 1 of 2 columns, as a title does: `header=3` says that row 3 names them",
    ),
    "no title, but words with commas": (
        b"w\n" + b"yes, sure\nno, never\n" * 9,
        {},
        "what separates its cells is not clear",
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
    "another codec": (b"x,y\n1,a\n", {"encoding": "base64"}, "`encoding` 'base64' is none"),
    "JSON": (b'[{"x": 1, "y": "a"}]', {}, r"no CSV file but JSON: let its name end in \.json"),
    "a web page": (b"<html><table><tr>", {}, "no CSV file but a web page"),
    "an empty archive": (b"PK\x05\x06" + bytes(18), {}, "the archive has 0 files, not one"),
    "Stata's old files": (b"r\x02\x01" + b"\0" * 99 + b"x", {}, "row 1: the file holds no text"),
    "UTF-16 of no Latin": (
        "数値;都市\n東京;大阪\n".encode("utf-16-be"),
        {},
        "it has bytes that are zero; `encoding` says if it is utf-16-le or utf-16-be",
    ),
    "two files in one": (
        b"x,y\n1,a\n2,b\n\xef\xbb\xbfx,y\n3,a\n",
        {},
        "row 4, column 'x': 'x' is not a number: the names of columns stand here again",
    ),
    "decimal commas between commas": (
        b"x,y\n1,5,a\n3,5,b\n",
        {},
        "row 2: the row has 3 fields, the header 2",
    ),
    "a measured label with a code": (
        b"x,y\n" + b"".join(b"%d,%d.5\n" % (i, i) for i in range(30)) + b"31,?\n",
        {},
        r"column 'y': most labels are numbers that are measured, and '\?' is none: `na` says",
    ),
    "no year of these": (
        b"d,x,y\n2021-01-05,1,a\n9999-12-31,2,b\n",
        {"dates": ["d"]},
        "row 3, column 'd': '9999-12-31' is no date, .*; `na`, if it stands for none",
    ),
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


#: What else programs write that is to be read without a hint: a file's name, its bytes, and the
#: column x that must come out of it.
HABITS = {
    "excel-quoted.csv": (b'"SEP=;"\r\nx;y\r\n1,5;a\r\n2,5;b\r\n', [1.5, 2.5]),
    "r-names.csv": (b'"x","y"\n"1",1.5,"a"\n"2",NA,"b"\n', [1.5, np.nan]),
    "r-words.txt": (b'"x"\t"y"\n"Mazda"\t1.5\t"a"\n"Fiat"\t2.5\t"b"\n', [1.5, 2.5]),
    "r-csv2.csv": (b'"x";"y"\n"1";1,5;"a"\n"2";2,5;"b"\n', [1.5, 2.5]),
    "mysql.txt": (b"x\ty\n1.5\ta\n\\N\tb\n", [1.5, np.nan]),
    "joined.csv": (b"\xef\xbb\xbf\xef\xbb\xbfx,y\n1,a\n\xef\xbb\xbf2,b\n", [1, 2]),
    "packed.json.gz": (gzip.compress(b'[{"x": 1, "y": "a"}, {"x": 2, "y": "b"}]'), [1, 2]),
    "marked.jsonl": (b'\xef\xbb\xbf{"x": 1, "y": "a"}\n{"x": 2, "y": "b"}\n', [1, 2]),
    "wide.jsonl": ('{"x": 1, "y": "ä"}\n{"x": 2, "y": "b"}\n'.encode("utf-16"), [1, 2]),
}


@pytest.mark.filterwarnings("ignore:.* column 1 has no name")
@pytest.mark.parametrize("name", HABITS)
def test_habits_of_programs(tmp_path: Path, name: str) -> None:
    content, x = HABITS[name]
    (tmp_path / name).write_bytes(content)
    table = load(tmp_path / name, Reading(label="y", missing="mean"))
    assert [column.name for column in table.columns] == ["x"]
    np.testing.assert_array_equal(table.X[:, 0], x)


def test_an_archive_from_a_mac_has_one_file(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "table.zip", "w") as archive:
        for name in ("__MACOSX/._table.csv", ".DS_Store", "table.csv"):
            archive.writestr(name, "x,y\n1,a\n2,b\n")
    assert load(tmp_path / "table.zip", Reading(label="y")).X[:, 0].tolist() == [1, 2]


def test_a_hidden_sheet_is_not_asked_after(tmp_path: Path) -> None:
    book = Workbook()
    for row in (["x", "y"], [1, "a"], [2, "b"]):
        book.active.append(row)
    hidden = book.create_sheet("codes")
    hidden.sheet_state = "hidden"
    hidden.append(["code"])
    book.save(tmp_path / "table.xlsx")
    assert load(tmp_path / "table.xlsx", Reading(label="y")).X[:, 0].tolist() == [1, 2]


def test_codes_with_spaces_around_them(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(b"w,x,y\n" + b" ? , -9 ,a\nu,1,b\nv, ?,a\n" * 4)
    table = read(path, label="y", dates=(), ignore=(), na=["?", "x=-9"])
    w, x = table.X.T.tolist()
    np.testing.assert_array_equal(w, [np.nan, digest("u"), digest("v")] * 4)
    np.testing.assert_array_equal(x, [np.nan, 1, np.nan] * 4)


def test_what_is_nested_is_named(tmp_path: Path) -> None:
    lines = [{"x": i, "y": "ab"[i % 2], "z": {"a": i}, "w": [i]} for i in range(4)]
    (tmp_path / "table.jsonl").write_text("\n".join(map(json.dumps, lines)))
    pd.DataFrame(lines).to_parquet(tmp_path / "table.parquet")
    for name in ("table.jsonl", "table.parquet"):
        account = load(tmp_path / name, Reading(label="y")).account
        assert account is not None
        assert account.left == {"z": "lists or objects", "w": "lists or objects"}
    (tmp_path / "one.json").write_text(json.dumps({"data": lines}))
    with pytest.raises(DataError, match="column 'data': it holds lists or objects, and no column"):
        load(tmp_path / "one.json", Reading(label="data"))


def test_the_line_that_is_no_json_is_named(tmp_path: Path) -> None:
    (tmp_path / "table.jsonl").write_text('{"x": 1, "y": "a"}\n\n{"x": 2,\n')
    with pytest.raises(DataError, match=r"table\.jsonl, row 3: no JSON, one object a line"):
        load(tmp_path / "table.jsonl", Reading(label="y"))


@pytest.mark.parametrize("said", [{"header": 3}, {"separator": ";"}, {"encoding": "cp1252"}])
def test_what_says_nothing_of_a_format_is_told(tmp_path: Path, said: dict[str, object]) -> None:
    path = tmp_path / "table.parquet"
    pd.DataFrame({"x": [1, 2], "y": ["a", "b"]}).to_parquet(path)
    (name,) = said
    with pytest.warns(DataWarning, match=f"table.parquet: `{name}` says nothing of Parquet: it"):
        load(path, Reading(label="y", **said))  # type: ignore[arg-type]


def test_accents_within_their_letters_or_behind_them_are_one_thing(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("Gro\u0308ße,ort,y\n" + "1,Ko\u0308ln,a\n2,K\u00f6ln,b\n3,Ulm,b\n" * 3)
    table = load(path, Reading(label="y"))
    assert [column.name for column in table.columns] == ["Gr\u00f6ße", "ort"]
    assert len({*table.X[:, 1].tolist()}) == 2


@pytest.mark.parametrize(
    ("written", "year"),
    [
        ("15.01.21", 2021),
        ("15/01/21", 2021),
        ("01/15/21", 2021),
        ("15Jan21", 2021),
        ("15-Jan-50", 2050),
        ("15 January 1950", 1950),
        ("January 15, 1950", 1950),
        ("15. January 1950", 1950),
    ],
)
def test_dates_in_other_forms(tmp_path: Path, written: str, year: int) -> None:
    path = tmp_path / "table.csv"
    path.write_text("d;x;y\n" + f"{written};1;a\n{written};1;b\n" * 20)
    with pytest.warns(DataWarning, match="column 'd': it holds dates"):
        load(path, Reading(label="y"))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        table = load(path, Reading(label="y", dates=["d"]))
    assert table.X[0, :3].tolist() == [year, 1, date(year, 1, 15).weekday()]
    told = any(f"are read as {year} to {year}:" in str(each.message) for each in said)
    assert told is (f"{year}" not in written)


def test_days_as_numbers_are_told(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("d,y\n" + "".join(f"202101{i:02},{'ab'[i % 2]}\n" for i in range(1, 25)))
    with pytest.warns(DataWarning, match=r"'d': its numbers look like dates \('20210101'\)"):
        load(path, Reading(label="y"))


def test_why_no_column_can_be_learnt_from_is_told(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("x;y\n" + "".join(f"{i},23,456.5;{'ab'[i % 2]}\n" for i in range(1, 31)))
    with (
        pytest.warns(DataWarning, match="column 'x': it holds numbers with commas"),
        pytest.raises(DataError, match="no column holds numbers or categories"),
    ):
        load(path, Reading(label="y"))
