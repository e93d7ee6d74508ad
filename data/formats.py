"""The formats that tables come in: each is opened into a header, and cells to be read from it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from fedredis.data import cells as csv
from fedredis.data import dialect, parquet, records
from fedredis.data.cells import Cells
from fedredis.data.header import ROWS, check_first, column_names
from fedredis.data.meaning import text
from fedredis.data.numerals import Numerals, find
from fedredis.data.packed import SIZE_CAP, check_file, check_workbook, unpacked
from fedredis.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from fedredis.data.reading import Reading

#: What errors call a frame in a file's stead; how the names of workbooks and of JSON lines end.
FRAME = Path("frame")
WORKBOOKS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
LINES = (".jsonl", ".ndjson", ".json")


@dataclass(frozen=True)
class Opened:
    """A table of which the header has been read."""

    path: Path
    header: list[str]
    #: Reads the cells; those of some columns stay text, where they are text.
    cells: Callable[[Collection[str]], Cells]
    #: How it is written.
    how: str


def opened(source: Path | pd.DataFrame | None, reading: Reading, cap: int = SIZE_CAP) -> Opened:
    """Open a file, by the end of its name; a frame; or, from None, a query's answer.

    In errors, the first row of a frame is row 0, as in Python; rows of CSV, JSON lines and
    workbooks are lines, and so the header is 1; those of Parquet and queries are counted from 1.

    Parameters
    ----------
    cap
        Bytes above which a file is refused unread.
    """
    if source is None:
        from fedredis.data import sql

        name = Path(sql.name_of(reading))
        return _of_frame(name, sql.answer(reading), reading, "a query's answer", first=1)
    if isinstance(source, pd.DataFrame):
        return _of_frame(FRAME, source, reading, "in memory", first=0)
    path = source
    check_file(path, cap)
    ends = [end.lower() for end in path.suffixes]
    end = ends[-1] if ends else ""
    if end in parquet.SUFFIXES:
        return _of_frame(path, parquet.read(path), reading, "Parquet", first=1)
    if end in WORKBOOKS:
        frame, row = _workbook(path, reading)
        return _of_frame(path, frame, reading, "a workbook", first=row + 1, found=True)
    if {*LINES} & {*ends}:
        return _of_frame(path, _json_lines(path, cap), reading, "JSON lines", first=1)
    if reading.sheet is not None:
        raise DataError(f"`sheet`: it is no workbook ({', '.join(WORKBOOKS)})", file=path)
    if reading.separator is None and ".tsv" in ends:
        reading = replace(reading.reading, separator="\t")
    return _csv(path, reading, cap)


def without(cells: Cells, codes: dict[str, list[str]]) -> Cells:
    """Empty the cells that hold a code which stands for a missing cell."""
    frame = cells.frame
    for name, given in codes.items():
        if given:
            if cells.are_numbers(name):
                hit = frame[name].isin(pd.to_numeric(pd.Series(given), errors="coerce").dropna())
            else:
                places, texts = cells.different(name)
                hit = pd.Series(np.array([text in given for text in texts])[places], frame.index)
            frame = frame.assign(**{name: frame[name].mask(hit)})
    return replace(cells, frame=frame)


def _csv(path: Path, reading: Reading, cap: int) -> Opened:
    """Open a CSV file; where its start misled about its encoding, by all of it."""

    def read(text: Collection[str], whole: bool = False) -> Cells:
        how = found if not whole else dialect.find(path, reading, whole=True, cap=cap)
        try:
            return csv.read_cells(
                path, header, text=text, dialect=how, codes=reading.missing_codes(header)
            )
        except DataError as error:
            if whole or reading.encoding or not isinstance(error.__context__, UnicodeError):
                raise
        return read(text, whole=True)

    found = dialect.find(path, reading, cap=cap)
    header = records.read_header(path, found)
    return Opened(path, header, read, f"CSV, {found}")


def _of_frame(
    path: Path, frame: pd.DataFrame, reading: Reading, how: str, *, first: int, found: bool = False
) -> Opened:
    """Open a frame, of which the first row has the number `first`.

    How text writes numbers is found, where it was not a program that wrote it.
    """
    header = column_names([str(name) for name in frame.columns], path)
    if frame.empty:
        raise DataError("the frame has no rows" if not first else "there are no rows", file=path)
    frame = frame.set_axis(header, axis=1).reset_index(drop=True)
    numerals = Numerals(reading.decimal or ".", reading.thousands or "")
    if found:
        numerals = find(_texts(frame), "", path, reading.decimal, reading.thousands)
    cells = Cells(path, numerals.rewritten(frame), line=lambda _path, index: index + first)
    cells = without(cells, reading.missing_codes(header))
    return Opened(path, header, lambda text: cells, ", ".join(filter(None, (how, str(numerals)))))


def _texts(frame: pd.DataFrame) -> Iterator[tuple[str, list[str]]]:
    """Return some filled cells of each column that has text."""
    for name in frame:
        if frame[name].dtype in (object, "str"):
            some = frame[name].dropna().head(dialect.RECORDS)
            yield str(name), [text(cell) for cell in some if isinstance(cell, str) and text(cell)]


def _workbook(path: Path, reading: Reading) -> tuple[pd.DataFrame, int]:
    """Read a sheet of a workbook, and say in which row it has the names of columns.

    What is merged over several rows stands in each of them; blank rows at the end are none.
    """
    try:
        from python_calamine import CalamineError, CalamineWorkbook
    except ImportError:
        raise DataError(
            "to read workbooks, install python-calamine: pip install 'fedredis[excel]'", file=path
        ) from None
    check_workbook(path)
    try:
        book, sheet = CalamineWorkbook.from_path(str(path)), reading.sheet
        if sheet is not None and sheet not in book.sheet_names:
            problem = f"`sheet`: there is no '{sheet}'; there are {', '.join(book.sheet_names)}"
            raise DataError(problem, file=path)
        sheets = [book.get_sheet_by_name(n) for n in ([sheet] if sheet else book.sheet_names)]
        filled = {each.name: each for each in sheets if each.to_python()}
        if len(filled) != 1:
            problem = f"several sheets have cells: `sheet` says which ({', '.join(filled)})"
            raise DataError(problem if filled else "the workbook is empty", file=path)
        (one,) = filled.values()
        rows = one.to_python(skip_empty_area=False)
        merged = one.merged_cell_ranges or ()
    except (CalamineError, OSError, ValueError) as error:
        raise DataError(f"no workbook: {' '.join(str(error).split())}", file=path) from None
    for (top, first), (bottom, last) in merged:
        for row in rows[top + 1 : bottom + 1]:
            row[first : last + 1] = rows[top][first : last + 1]
    while rows and not any(map(_written, rows[-1])):
        rows.pop()
    _, left = one.start or (0, 0)  # the table may begin anywhere
    rows = [row[left:] for row in rows]
    place = (reading.header or 1) - 1
    if reading.header is None:
        place = next((n for n, row in enumerate(rows) if any(map(_written, row))), 0)
        check_first(enumerate(rows[place : place + ROWS], place + 1), path)
    if place >= len(rows):
        raise DataError(f"there is nothing in row {place + 1} and below", file=path)
    header, *rows = rows[place:]
    frame = pd.DataFrame(rows, columns=[*map(_whole, header)], dtype=object)
    return frame.replace("", None).infer_objects(), place + 1


def _written(cell: object) -> bool:
    return str(cell).strip() != ""


def _whole(cell: object) -> str:
    """Return a header's cell as text: a year is 2021, not 2021.0."""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def _json_lines(path: Path, cap: int) -> pd.DataFrame:
    """Read JSON objects, one a line or in a list; what is nested is left out."""
    with unpacked(path, cap) as file:
        listed = file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[")
        file.seek(0)
        try:
            frame = pd.read_json(file, lines=not listed, dtype=False)
        except (ValueError, UnicodeError) as error:
            raise DataError(
                f"no JSON, one object a line: {' '.join(str(error).split())}", file=path
            ) from None
    nested = [
        name
        for name in frame.columns
        if frame[name].dtype == object and frame[name].map(type).isin([dict, list]).any()
    ]
    return frame.drop(columns=nested)
