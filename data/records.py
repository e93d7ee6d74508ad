"""A CSV file as records with line numbers: its header, and where a bad cell stands.

pandas parses the file; it does not say on which line a row stands. Only once something is wrong
is the file read again, here, to name the line.
"""

from __future__ import annotations

import csv
import io
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING

from fedredis.data.dialect import Dialect
from fedredis.data.header import ROWS, column_names, completed
from fedredis.data.packed import SIZE_CAP, unpacked
from fedredis.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# A long text is no fault; a quote that is never closed is found by pandas.
csv.field_size_limit(SIZE_CAP)

#: How a file is written that is written as CSV mostly is.
PLAIN = Dialect()


@contextmanager
def decodable(path: Path, dialect: Dialect) -> Iterator[None]:
    """Turn bytes that are no text into a `DataError`."""
    try:
        yield
    except (UnicodeDecodeError, UnicodeError):
        raise DataError(
            f"the text is not {dialect.encoding.upper()}: `encoding` says what it is",
            file=path,
            row=_undecodable(path, dialect),
        ) from None


def _undecodable(path: Path, dialect: Dialect) -> int | None:
    """Return the number of the first line that can't be decoded."""
    with unpacked(path) as file:
        data = file.read()
    try:
        data.decode(dialect.encoding)
    except UnicodeDecodeError as error:
        return data[: error.start].decode(dialect.encoding, "replace").count("\n") + 1
    return None


def records(path: Path, dialect: Dialect = PLAIN) -> Iterator[tuple[int, list[str]]]:
    """Yield each record with the number of the line that it starts on, the first being 1.

    Blank lines hold no record, as in pandas.
    """
    encoding = "utf-8-sig" if dialect.encoding == "utf-8" else dialect.encoding
    with unpacked(path) as file, io.TextIOWrapper(file, encoding, newline="") as lines:
        for _ in range(dialect.skip):
            next(lines, "")
        reader = csv.reader(lines, delimiter=dialect.separator)
        start = dialect.skip + 1
        try:
            for fields in reader:
                if fields and not (len(fields) == 1 and fields[0].isspace()):
                    yield start, fields
                start = dialect.skip + reader.line_num + 1
        except csv.Error as error:
            raise DataError(f"not CSV: {error}", file=path, row=start) from None


def line_of(path: Path, index: int, dialect: Dialect = PLAIN) -> int | None:
    """Return the number of the line that data row `index` (from 0) starts on."""
    with decodable(path, dialect):
        found = islice(records(path, dialect), index + 1, None)
        return next((line for line, _ in found), None)


def read_header(path: Path, dialect: Dialect = PLAIN) -> list[str]:
    """Return the names of a file's columns, see `header.completed` and `header.column_names`."""
    with decodable(path, dialect):
        first = [*islice(records(path, dialect), 1 + ROWS)]
    if not first:
        raise DataError("the file is empty", file=path)
    (line, fields), *rows = first
    return column_names(completed(fields, [row for _, row in rows]), path, line)


def ragged(path: Path, width: int, reason: str, dialect: Dialect = PLAIN) -> DataError:
    """Say which record keeps the parser from reading a file of `width` columns.

    Parameters
    ----------
    reason
        The parser's own words, for what is not found here.
    """
    line: int | None = None
    with decodable(path, dialect):
        for line, fields in records(path, dialect):
            if len(fields) > width:
                problem = f"the row has {len(fields)} fields, the header {width}"
                return DataError(problem, file=path, row=line)
    if "EOF inside string" in reason:  # and the last record is what it swallowed
        return DataError("a quote is opened and never closed", file=path, row=line)
    return DataError(f"not CSV: {' '.join(reason.split())}", file=path)
