# ruff: noqa: RUF001 - signs of other countries are what this is about.
"""One small table, as programs in several countries export it; `ROWS` is what it says."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import sqlite3
import zipfile
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pandas as pd
import zstandard
from openpyxl import Workbook

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

#: Columns: an id with zeros in front, numbers, a date, a ward, a note and the label.
HEADER = ("patient", "Größe", "cost", "admitted", "ward", "note", "outcome")
WARDS = ("Süd", "Köln, Ost", None)
ROWS = [
    (
        f"{i:05}",
        None if i == 7 else 150 + i * 1.25,
        1234.5 * (i + 1),
        date(2021, 1, 5) + timedelta(17 * i),
        WARDS[i % 3],
        f"seen {i} times; then „home“",
        ("ill", "well")[i // 2 % 2],
    )
    for i in range(60)
]


def text(
    separator: str = ",",
    decimal: str = ".",
    group: str = "",
    gap: str = "",
    day: str = "%Y-%m-%d",
    end: str = "\n",
    behind: str = "",
    above: str = "",
) -> str:
    """Write the table as a program would."""

    def cell(value: object) -> str:
        if isinstance(value, date):
            return value.strftime(day)
        if isinstance(value, float):
            written = f"{value:,.2f}".replace(",", "\0").replace(".", decimal)
            return cell(written.replace("\0", group))
        written = gap if value is None else str(value)
        quoted = separator in written or ";" in written or '"' in written
        return f'"{written}"' if quoted else written

    lines = [separator.join(HEADER) + behind]
    lines += [separator.join(map(cell, row)) + behind for row in ROWS]
    return above + "".join(line + end for line in lines)


TITLE = "Outcomes of ward 5\nprinted by SAS\n\n"
GERMAN = text(";", ",", ".", day="%d.%m.%Y", end="\r\n", behind=";;")
FRENCH = text(";", ",", "\u202f", gap="NA", day="%d/%m/%Y")
SAS = text(gap=".", day="%d%b%Y")

#: What each dialect's file is called, how it is written, and what has to be said of it.
EXPORTS: dict[str, tuple[Callable[[Path], object], dict[str, object]]] = {
    "plain.csv": (lambda to: to.write_text(text(), "utf-8"), {}),
    "excel-de.csv": (lambda to: to.write_bytes(GERMAN.encode("cp1252")), {}),
    "excel-sep.csv": (lambda to: to.write_bytes(("sep=;\r\n" + GERMAN).encode("utf-8-sig")), {}),
    "excel-en.csv": (
        lambda to: to.write_text(text(group=",", day="%m/%d/%Y", end="\r\n"), "utf-8-sig"),
        {},
    ),
    "excel-unicode.txt": (
        lambda to: to.write_text(text("\t", ",", day="%d.%m.%Y", end="\r\n"), "utf-16"),
        {},
    ),
    "excel-swiss.csv": (
        lambda to: to.write_text(text(";", ".", "'", day="%d.%m.%Y"), "utf-8"),
        {},
    ),
    "spss.dat": (lambda to: to.write_text(text("\t", ",", gap=" "), "utf-8-sig"), {}),
    "spss-be.txt": (lambda to: to.write_bytes(text("\t").encode("utf-16-be")), {}),
    "sas.csv": (lambda to: to.write_text(SAS, "utf-8"), {"na": ["."]}),
    "sas-999.csv": (
        lambda to: to.write_text(text("|", gap="-999"), "utf-8"),
        {"na": ["Größe=-999", "ward=-999"]},
    ),
    "swiss-1252.csv": (
        lambda to: to.write_bytes(text(";", ".", "’", day="%d.%m.%Y").encode("cp1252")),
        {},
    ),
    "titled.csv": (lambda to: to.write_text(TITLE + text()), {"header": 4}),
    "titled-excel.csv": (
        lambda to: to.write_bytes(("Süd;;;;;;\r\n" + GERMAN).encode("cp1252")),
        {"header": 2},
    ),
    "titled.xlsx": (lambda to: _titled(to), {"header": 3}),
    "french.csv": (lambda to: to.write_text(FRENCH, "utf-8"), {}),
    "french.csv.gz": (lambda to: to.write_bytes(gzip.compress(FRENCH.encode())), {}),
    "named-wrong.csv": (lambda to: to.write_bytes(gzip.compress(text().encode())), {}),
    "german.csv.bz2": (lambda to: to.write_bytes(bz2.compress(GERMAN.encode("cp1252"))), {}),
    "german.csv.xz": (lambda to: to.write_bytes(lzma.compress(GERMAN.encode("cp1252"))), {}),
    "sas.csv.zst": (lambda to: to.write_bytes(zstandard.compress(SAS.encode())), {"na": ["."]}),
    "german.zip": (lambda to: _zip(to, {"a/table.csv": GERMAN}), {}),
    "table.tsv": (lambda to: to.write_text(text("\t"), "utf-8"), {}),
    "table.xlsx": (lambda to: _frame().to_excel(str(to), index=False), {}),
    "table.ods": (lambda to: _frame().to_excel(str(to), index=False), {}),
    "table.jsonl": (
        lambda to: to.write_text(
            "".join(json.dumps(dict(zip(HEADER, row, strict=True)), default=str) + "\n"
                    for row in ROWS)
        ),
        {},
    ),
    "table.json": (
        lambda to: to.write_text(
            json.dumps([dict(zip(HEADER, r, strict=True)) for r in ROWS], default=str, indent=1)
        ),
        {},
    ),
    "table.parquet": (lambda to: _frame().to_parquet(to), {}),
    "table.sqlite": (
        lambda to: _database(to),
        {"query": 'SELECT * FROM "visits"', "sql": "sqlite:///{}"},
    ),
}  # fmt: skip


def _frame() -> pd.DataFrame:
    return pd.DataFrame(ROWS, columns=HEADER)


def _titled(to: Path) -> None:
    """Write a sheet with a title, wards in merged cells, and blank rows below."""
    book = Workbook()
    sheet = book.active
    for row in (["Outcomes"], [], HEADER, *ROWS):
        sheet.append([*row])
    sheet.merge_cells("A1:C1")
    sheet["H90"] = " "
    book.save(to)


def _zip(to: Path, files: dict[str, str]) -> None:
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, written in files.items():
            archive.writestr(name, written.encode("cp1252"))


def _database(to: Path) -> None:
    with sqlite3.connect(to) as connection:
        _frame().assign(admitted=[str(row[3]) for row in ROWS]).to_sql(
            "visits", connection, index=False
        )
    connection.close()
