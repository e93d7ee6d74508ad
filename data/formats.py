"""The formats that tables come in: each is opened into a header, and cells to be read from it."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from fedredis.data import cells as csv
from fedredis.data import dialect, parquet, records
from fedredis.data.cells import Cells
from fedredis.data.doubts import Finding, warn
from fedredis.data.header import ROWS, check_first, column_names
from fedredis.data.meaning import text
from fedredis.data.numerals import Numerals, find
from fedredis.data.packed import SIZE_CAP, check_file, check_workbook, unpacked
from fedredis.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from fedredis.data.reading import Reading

#: What errors call a frame in a file's stead; how the names of workbooks and of JSON lines end.
FRAME = Path("frame")
WORKBOOKS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
LINES = (".jsonl", ".ndjson", ".json")

#: What is said of some formats alone.
HEADED = ("CSV", "a workbook")
SAID_OF = {"separator": ("CSV",), "encoding": ("CSV", "JSON lines"), "sheet": ("a workbook",)}

#: What cells are that hold several values.
SEVERAL = (dict, list, tuple, set, np.ndarray)

#: Bytes that tell the encoding of JSON, and whether it is a list.
BEGIN = 64


@dataclass(frozen=True)
class Opened:
    """A table of which the header has been read."""

    path: Path
    header: list[str]
    #: Reads the cells; those of some columns stay text, where they are text.
    cells: Callable[[Collection[str]], Cells]
    #: How it is written.
    how: str
    #: Columns whose cells are lists or objects, which are no part of the table.
    nested: Sequence[str] = ()


def opened(source: Path | pd.DataFrame | None, reading: Reading, cap: int = SIZE_CAP) -> Opened:
    """Open a file, by the end of its name; a frame; or, from None, a query's answer.

    In errors, the first row of a frame is row 0, as in Python; rows of CSV, JSON lines and
    workbooks are lines, and so the header is 1; those of Parquet and queries are counted from 1.
    What is said and says nothing of a format, such as the sheet of a CSV file, is warned of.

    Parameters
    ----------
    cap
        Bytes above which a file is refused unread.
    """
    found = _opened(source, reading, cap)
    kind = found.how.split(",")[0]
    for name in (*SAID_OF, "header"):
        if getattr(reading, name) is not None and kind not in SAID_OF.get(name, HEADED):
            warn([Finding(found.path, None, f"`{name}` says nothing of {kind}: it is not used")])
    return found


def _opened(source: Path | pd.DataFrame | None, reading: Reading, cap: int) -> Opened:
    if source is None:
        from fedredis.data import sql

        name = Path(sql.name_of(reading))
        return _of_frame(name, sql.answer(reading), reading, "a query's answer", first=1)
    if isinstance(source, pd.DataFrame):
        return _of_frame(FRAME, source, reading, "a frame", first=0)
    path = source
    check_file(path, cap)
    ends = [end.lower() for end in path.suffixes]
    end = ends[-1] if ends else ""
    if end in parquet.SUFFIXES:
        frame, nested = parquet.read(path)
        return _of_frame(path, frame, reading, "Parquet", first=1, nested=nested)
    if end in WORKBOOKS:
        frame, row = _workbook(path, reading)
        return _of_frame(path, frame, reading, "a workbook", first=row + 1, found=True)
    if {*LINES} & {*ends}:
        return _of_frame(path, _json(path, reading, cap), reading, "JSON lines", first=1)
    if reading.separator is None and ".tsv" in ends:
        reading = replace(reading, separator="\t")
    return _csv(path, reading, cap)


def without(cells: Cells, codes: dict[str, list[str]]) -> Cells:
    """Empty the cells that hold a code which stands for a missing cell."""
    emptied: dict[str, pd.Series] = {}
    for name, given in codes.items():
        if given:
            column = cells.frame[name]
            if cells.are_numbers(name):
                hit = column.isin(pd.to_numeric(pd.Series(given), errors="coerce").dropna())
            else:
                places, texts = cells.different(name)
                hit = pd.Series(np.isin(texts, given)[places], column.index)
            if hit.any():
                emptied[name] = column.mask(hit)
    return replace(cells, frame=cells.frame.assign(**emptied)) if emptied else cells


def _csv(path: Path, reading: Reading, cap: int) -> Opened:
    """Open a CSV file; where its start misled about its encoding, by all of it."""

    def read(text: Collection[str], whole: bool = False) -> Cells:
        how = first if not whole else dialect.find(path, reading, whole=True, cap=cap)
        try:
            codes = reading.missing_codes(header)
            found = csv.read_cells(path, header, text=text, dialect=how, codes=codes)
            return without(found, codes)  # those with spaces around them, which pandas leaves
        except DataError as error:
            if whole or reading.encoding or not isinstance(error.__context__, UnicodeError):
                raise
        return read(text, whole=True)

    first = dialect.find(path, reading, cap=cap)
    header = records.read_header(path, first)
    return Opened(path, header, read, f"CSV, {first}")


def _of_frame(
    path: Path,
    frame: pd.DataFrame,
    reading: Reading,
    how: str,
    *,
    first: int,
    found: bool = False,
    nested: Sequence[str] = (),
) -> Opened:
    """Open a frame, of which the first row has the number `first`.

    How text writes numbers is found, where it was not a program that wrote it.
    """
    header = column_names([str(name) for name in frame.columns], path)
    frame = frame.set_axis(header, axis=1).reset_index(drop=True)
    for name in header:
        if frame[name].dtype.kind == "c":
            raise DataError("it holds complex numbers", file=path, column=name)
        if frame[name].dtype.kind == "m":
            # In one unit, whatever the frame's is.
            frame[name] = frame[name].dt.total_seconds()
    nested = [*nested, *(name for name in header if _nested(frame[name]))]
    frame = frame.drop(columns=nested, errors="ignore")
    if nested and not len(frame.columns):
        problem = "it holds lists or objects, and no column a value a row"
        raise DataError(problem, file=path, column=nested[0])
    if frame.empty:
        raise DataError("the frame has no rows" if not first else "there are no rows", file=path)
    header = [*frame]
    numerals = Numerals(reading.decimal or ".", reading.thousands or "")
    if found:
        numerals = find(_texts(frame), "", path, reading.decimal, reading.thousands)
    cells = Cells(path, numerals.rewritten(frame), line=lambda _path, index: index + first)
    cells = without(cells, reading.missing_codes(header))
    how = ", ".join(filter(None, (how, str(numerals))))
    return Opened(path, header, lambda text: cells, how, nested)


def _nested(column: pd.Series) -> bool:
    """Say whether a column has cells that hold several values."""
    return column.dtype == object and bool(column.map(type).isin(SEVERAL).any())


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
        from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum
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
        seen = [
            each.name for each in book.sheets_metadata if each.visible == SheetVisibleEnum.Visible
        ]
        sheets = [book.get_sheet_by_name(n) for n in ([sheet] if sheet else seen)]
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


def _json(path: Path, reading: Reading, cap: int) -> pd.DataFrame:
    """Read JSON objects, one a line or in a list."""
    with unpacked(path, cap) as file:
        start = file.peek(BEGIN)[:BEGIN]
        encoding = reading.encoding or json.detect_encoding(start)
        listed = start.decode(encoding, "ignore").lstrip("\ufeff \t\r\n").startswith("[")
        try:
            return pd.read_json(file, lines=not listed, dtype=False, encoding=encoding)
        except (ValueError, UnicodeError) as error:
            why, row = " ".join(str(error).split()), None
    if not listed:
        row = _no_json(path, encoding)
    raise DataError(f"no JSON, one object a line: {why}", file=path, row=row)


def _no_json(path: Path, encoding: str) -> int | None:
    """Return the number of the first line that is no JSON."""
    with unpacked(path) as file, io.TextIOWrapper(file, encoding, errors="replace") as lines:
        for number, line in enumerate(lines, 1):
            try:
                json.loads(line.strip() or "0")
            except (ValueError, RecursionError):
                return number
    return None
