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
from fedredis.data.numerals import Numerals
from fedredis.data.packed import SIZE_CAP, check_file, unpacked
from fedredis.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from fedredis.data.reading import Reading

#: What errors call a frame in a file's stead; how the names of workbooks and of JSON lines end.
FRAME = Path("frame")
WORKBOOKS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
LINES = (".jsonl", ".ndjson")


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

    Raises
    ------
    DataError
        If it can't be read.
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
        return _of_frame(path, _workbook(path, reading.sheet), reading, "a workbook", first=2)
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
    path: Path, frame: pd.DataFrame, reading: Reading, how: str, *, first: int
) -> Opened:
    header = records.column_names([str(name) for name in frame.columns])
    if twice := next((name for name in header if header.count(name) > 1), None):
        raise DataError("two columns have this name", file=path, column=twice)
    if frame.empty:
        raise DataError("the frame has no rows" if not first else "there are no rows", file=path)
    numerals = Numerals(reading.decimal or ".", reading.thousands or "")
    frame = numerals.rewritten(frame.set_axis(header, axis=1).reset_index(drop=True))
    cells = Cells(path, frame, line=lambda _path, index: index + first)
    cells = without(cells, reading.missing_codes(header))
    return Opened(path, header, lambda text: cells, how)


def _workbook(path: Path, sheet: str | None) -> pd.DataFrame:
    """Read a sheet of a workbook."""
    try:
        from python_calamine import CalamineError, CalamineWorkbook
    except ImportError:
        raise DataError(
            "to read workbooks, install python-calamine: pip install 'fedredis[excel]'", file=path
        ) from None
    try:
        book = CalamineWorkbook.from_path(str(path))
        names = [sheet] if sheet is not None else book.sheet_names
        if sheet is not None and sheet not in book.sheet_names:
            raise DataError(
                f"`sheet`: there is no '{sheet}'; there are {', '.join(book.sheet_names)}",
                file=path,
            )
        filled = {n: rows for n in names if (rows := book.get_sheet_by_name(n).to_python())}
    except (CalamineError, OSError, ValueError) as error:
        raise DataError(f"no workbook: {' '.join(str(error).split())}", file=path) from None
    if len(filled) != 1:
        problem = f"several sheets have cells: `sheet` says which ({', '.join(filled)})"
        raise DataError(problem if filled else "the workbook is empty", file=path)
    ((header, *rows),) = filled.values()
    frame = pd.DataFrame(rows, columns=[*map(_whole, header)], dtype=object)
    return frame.replace("", None).infer_objects()


def _whole(cell: object) -> str:
    """Return a header's cell as text: a year is 2021, not 2021.0."""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def _json_lines(path: Path, cap: int) -> pd.DataFrame:
    """Read one JSON object a line; what is nested is left out."""
    with unpacked(path, cap) as file:
        try:
            frame = pd.read_json(file, lines=True, dtype=False)
        except (ValueError, UnicodeError) as error:
            raise DataError(f"no JSON lines: {' '.join(str(error).split())}", file=path) from None
    nested = [
        name
        for name in frame.columns
        if frame[name].dtype == object and frame[name].map(type).isin([dict, list]).any()
    ]
    return frame.drop(columns=nested)
