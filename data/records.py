"""A CSV file as records with line numbers: its header, and where a bad cell stands.

pandas parses the file; it does not say on which line a row stands. Only once something is wrong
is the file read again, here, to name the line.
"""

from __future__ import annotations

import csv
import re
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING

from fedredis.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

#: Bytes above which a file is refused unread.
SIZE_CAP = 2**30

# A long text is no fault; a quote that is never closed is found by pandas.
csv.field_size_limit(SIZE_CAP)

#: What a column without a name is called, by pandas, too.
NAMELESS = re.compile(r"Unnamed(: [0-9.]+)?(_level_[0-9]+)?")


def check_file(path: Path, cap: int = SIZE_CAP) -> None:
    """Refuse a path that is no file, or too large a file to be read into memory.

    Raises
    ------
    DataError
        If there is no regular file, or it has more than `cap` bytes.
    """
    with readable(path):
        if not path.is_file():
            raise DataError("there is no such file", file=path)
        if (size := path.stat().st_size) > cap:
            raise DataError(f"the file has {size:,} bytes, the limit is {cap:,}", file=path)


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn what can go wrong with a file's bytes into a `DataError`."""
    try:
        yield
    except UnicodeDecodeError:
        raise DataError("the text is not UTF-8", file=path, row=_undecodable(path)) from None
    except OSError as error:
        raise DataError(f"the file can't be read: {error.strerror}", file=path) from error


def _undecodable(path: Path) -> int | None:
    """Return the number of the first line that is not UTF-8."""
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                line.decode()
            except UnicodeDecodeError:
                return number
    return None


def records(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield each record with the number of the line that it starts on, the first being 1.

    Blank lines hold no record, as in pandas.

    Raises
    ------
    DataError
        If Python's parser can't go on.
    """
    with path.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.reader(lines)
        start = 1
        try:
            for fields in reader:
                if fields and not (len(fields) == 1 and fields[0].isspace()):
                    yield start, fields
                start = reader.line_num + 1
        except csv.Error as error:
            raise DataError(f"not CSV: {error}", file=path, row=start) from None


def line_of(path: Path, index: int) -> int | None:
    """Return the number of the line that data row `index` (from 0) starts on."""
    with readable(path):
        return next((line for line, _ in islice(records(path), index + 1, None)), None)


def in_one_line(name: str) -> str:
    """Return a column's name without spaces around it, and with one for each break in it."""
    return " ".join(name.split())


def column_names(header: Sequence[str]) -> list[str]:
    """Return the names of columns, each on one line; one that has none is called by its place."""
    names = [in_one_line(name) or f"Unnamed: {i}" for i, name in enumerate(header)]
    return [
        f"Unnamed: {i}" if NAMELESS.fullmatch(name) and names.count(name) > 1 else name
        for i, name in enumerate(names)
    ]


def read_header(path: Path) -> list[str]:
    """Return the names of a file's columns, see `column_names`.

    Raises
    ------
    DataError
        If the file is empty, is not UTF-8 or names a column twice.
    """
    with readable(path):
        line, fields = next(records(path), (0, []))
    if not fields:
        raise DataError("the file is empty", file=path)
    header = column_names(fields)
    for name in header:
        if header.count(name) > 1:
            raise DataError("two columns have this name", file=path, row=line, column=name)
    return header


def ragged(path: Path, width: int, reason: str) -> DataError:
    """Say which record keeps the parser from reading a file of `width` columns.

    Parameters
    ----------
    reason
        The parser's own words, for what is not found here.
    """
    line: int | None = None
    with readable(path):
        for line, fields in records(path):
            if len(fields) > width:
                problem = f"the row has {len(fields)} fields, the header {width}"
                return DataError(problem, file=path, row=line)
    if "EOF inside string" in reason:  # and the last record is what it swallowed
        return DataError("a quote is opened and never closed", file=path, row=line)
    return DataError(f"not CSV: {' '.join(reason.split())}", file=path)
